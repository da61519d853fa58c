import { type Listing, tagSet } from './describe-list.ts';
import type { Element } from './envelope.ts';
import type { FilterField } from './filters.ts';
import type { SimulatedRoute, SimulatedRouteTable } from './network.ts';

interface Association {
  routeTableAssociationId: string;
  subnetId?: string;
  main: boolean;
}

/** `DescribeRouteTables` in an account. */
export function describeRouteTables(accountId: string): Listing<SimulatedRouteTable> {
  return {
    set: 'routeTableSet',
    idOf: ({ routeTableId }) => routeTableId,
    notFound: 'InvalidRouteTableID.NotFound',
    pages: {
      kind: 'route-tables',
      idParameter: 'RouteTableId',
      smallest: 5,
      largest: 100,
      byDefault: Infinity,
    },
    fields: new Map<string, FilterField<SimulatedRouteTable>>([
      ['association.main', (table) => associationsOf(table).map(({ main }) => `${main}`)],
      ['association.route-table-association-id', associationIds],
      ['association.route-table-id', ({ routeTableId }) => [routeTableId]],
      ['association.subnet-id', ({ subnetIds = [] }) => subnetIds],
      ['owner-id', () => [accountId]],
      ['route-table-id', ({ routeTableId }) => [routeTableId]],
      ['route.destination-cidr-block', ({ routes }) => routes.map((route) => route.destinationCidrBlock)],
      [
        'route.destination-prefix-list-id',
        ({ routes }) => routes.map((route) => route.destinationPrefixListId),
      ],
      ['route.gateway-id', ({ routes }) => routes.map(({ gatewayId }) => gatewayId)],
      ['route.nat-gateway-id', ({ routes }) => routes.map(({ natGatewayId }) => natGatewayId)],
      ['route.state', ({ routes }) => routes.map(stateOf)],
      ['route.transit-gateway-id', ({ routes }) => routes.map(({ transitGatewayId }) => transitGatewayId)],
      ['vpc-id', ({ vpcId }) => [vpcId]],
    ]),
    element: (table) => ({
      associationSet: {
        item: associationsOf(table).map((association) => ({
          ...association,
          routeTableId: table.routeTableId,
          associationState: { state: 'associated' },
        })),
      },
      propagatingVgwSet: {},
      routeTableId: table.routeTableId,
      routeSet: { item: table.routes.map(routeElement) },
      tagSet: tagSet(table.tags),
      vpcId: table.vpcId,
      ownerId: accountId,
    }),
  };
}

function associationsOf({
  routeTableId,
  isMain = false,
  subnetIds = [],
}: SimulatedRouteTable): Association[] {
  const main: Association[] = isMain
    ? [{ main: true, routeTableAssociationId: routeTableId.replace('rtb-', 'rtbassoc-') }]
    : [];
  const explicit = subnetIds.map((subnetId) => ({
    main: false,
    routeTableAssociationId: subnetId.replace('subnet-', 'rtbassoc-'),
    subnetId,
  }));
  return [...main, ...explicit];
}

function associationIds(table: SimulatedRouteTable): string[] {
  return associationsOf(table).map(({ routeTableAssociationId }) => routeTableAssociationId);
}

function routeElement(route: SimulatedRoute): Element {
  return {
    destinationCidrBlock: route.destinationCidrBlock,
    destinationPrefixListId: route.destinationPrefixListId,
    gatewayId: route.gatewayId,
    natGatewayId: route.natGatewayId,
    transitGatewayId: route.transitGatewayId,
    state: stateOf(route),
    origin: route.gatewayId === 'local' ? 'CreateRouteTable' : 'CreateRoute',
  };
}

function stateOf({ state = 'active' }: SimulatedRoute): string {
  return state;
}
