import { DescribeRouteTablesCommand, DescribeSubnetsCommand, type RouteTable } from '@aws-sdk/client-ec2';
import type { Routes } from '../../nat-gateway/evidence.ts';
import { FILTER_VALUES } from '../../nat-gateway/filters.ts';
import { boundedText } from '../../vocabulary/text.ts';
import { type EvidenceQuestion, type Gap, type LookUp, outcome, TOO_MUCH, unusable } from './look-up.ts';

/** EC2's largest pages. */
const PAGE = { routeTables: 100, subnets: 1000 };

/** The longest id that is believed, in characters; AWS's are shorter. */
const ID_LIMIT = 256;

/** A route table that routes to a gateway. */
interface Table {
  id: string;
  gatewayIds: Set<string>;
  subnetIds: string[];
  /** The VPC whose subnets without an association use this table; absent where it is not the main table. */
  mainOf: string | undefined;
}

/**
 * The route tables with a route to each gateway, and their subnets. EC2 does not list the subnets that use a main table
 * for want of an association, so that these take a second round trip.
 */
export async function readRoutes(
  lookUp: LookUp,
  gateways: readonly EvidenceQuestion[],
): Promise<Map<string, Routes>> {
  const asked = new Set(gateways.map(({ natGatewayId }) => natGatewayId));
  const tables = new Map<string, Table>();
  const { vpcIds } = lookUp.followed;
  const followed = readImplicitSubnets(lookUp, vpcIds);
  const gap = await readRouteTables(lookUp, 'route.nat-gateway-id', [...asked], (table) => {
    // A blackhole counts: it serves again as soon as the gateway does. Endpoints exist that ignore filters.
    const routes = (table.Routes ?? []).flatMap(({ NatGatewayId: id }) =>
      id !== undefined && asked.has(id) ? id : [],
    );
    if (table.RouteTableId === undefined || routes.length === 0) return;
    const id = boundedText(table.RouteTableId, ID_LIMIT);
    tables.set(id, tableOf(id, table, routes));
  });
  const mains = [...tables.values()].flatMap(({ mainOf }) => mainOf ?? []);
  const vpcs = [...new Set(mains)].slice(0, FILTER_VALUES);
  const isFollowed = vpcs.every((vpc) => vpcIds.includes(vpc));
  const implicit = isFollowed ? await followed : await readImplicitSubnets(lookUp, vpcs);
  lookUp.followed.vpcIds = vpcs;
  return new Map([...asked].map((id) => [id, routesTo(id, tables, implicit, gap)]));
}

function tableOf(id: string, table: RouteTable, routes: readonly string[]): Table {
  const isMain = table.Associations?.some((each) => each.Main === true && isAssociated(each)) === true;
  return {
    id,
    gatewayIds: new Set(routes),
    subnetIds: explicitSubnets(table),
    mainOf: isMain ? (table.VpcId ?? '') : undefined,
  };
}

function explicitSubnets({ Associations = [] }: RouteTable): string[] {
  return Associations.filter(isAssociated).flatMap(({ SubnetId }) =>
    SubnetId === undefined ? [] : boundedText(SubnetId, ID_LIMIT),
  );
}

/** Not `associating`, `disassociated` and the like. What has no state is associated: not every emulator sends one. */
function isAssociated({
  AssociationState,
}: {
  AssociationState?: { State?: string | undefined } | undefined;
}) {
  return (AssociationState?.State ?? 'associated') === 'associated';
}

function routesTo(
  natGatewayId: string,
  tables: ReadonlyMap<string, Table>,
  implicit: ImplicitSubnets,
  gap: Gap | undefined,
): Routes {
  const found = [...tables.values()].filter(({ gatewayIds }) => gatewayIds.has(natGatewayId));
  const mains = found.flatMap(({ mainOf }) => mainOf ?? []);
  const unread = gap ?? (mains.some((vpc) => !implicit.complete.has(vpc)) ? TOO_MUCH : undefined);
  if (found.length === 0) return outcome(false, unread);
  const subnets = [
    ...found.flatMap(({ subnetIds }) => subnetIds),
    ...mains.flatMap((vpc) => implicit.subnets.get(vpc) ?? []),
  ];
  return {
    ...outcome(true, unread),
    route_table_ids: found.map(({ id }) => id),
    subnet_ids: [...new Set(subnets)],
  };
}

/** By VPC, the subnets that have no association of their own, and the VPCs of which all are known. */
interface ImplicitSubnets {
  subnets: Map<string, string[]>;
  complete: Set<string>;
}

async function readImplicitSubnets(lookUp: LookUp, vpcs: readonly string[]): Promise<ImplicitSubnets> {
  const known = vpcs.filter((vpc) => vpc !== '');
  const subnets = new Map<string, string[]>(known.map((vpc) => [vpc, []]));
  if (known.length === 0) return { subnets, complete: new Set() };
  const explicit = new Set<string>();
  const [gapInTables, gapInSubnets] = await Promise.all([
    readRouteTables(lookUp, 'vpc-id', known, (table) => {
      for (const id of explicitSubnets(table)) explicit.add(id);
    }),
    readSubnets(lookUp, known, (vpc, id) => subnets.get(vpc)?.push(id)),
  ]);
  // Without all associations, a subnet may have one of its own.
  if (gapInTables !== undefined) return { subnets: new Map(), complete: new Set() };
  for (const [vpc, ids] of subnets) {
    subnets.set(
      vpc,
      ids.filter((id) => !explicit.has(id)),
    );
  }
  return { subnets, complete: new Set(gapInSubnets === undefined ? known : []) };
}

function readRouteTables(
  lookUp: LookUp,
  Name: string,
  Values: string[],
  take: (table: RouteTable) => void,
): Promise<Gap | undefined> {
  return lookUp.pages(
    'ec2:DescribeRouteTables',
    async (NextToken) => {
      const Filters = [{ Name, Values }];
      const command = new DescribeRouteTablesCommand({ Filters, MaxResults: PAGE.routeTables, NextToken });
      return (await lookUp.ec2()).send(command, { abortSignal: lookUp.signal });
    },
    ({ RouteTables }) => {
      if (RouteTables === undefined) throw unusable();
      for (const table of RouteTables) take(table);
    },
  );
}

function readSubnets(
  lookUp: LookUp,
  vpcs: string[],
  take: (vpc: string, id: string) => void,
): Promise<Gap | undefined> {
  return lookUp.pages(
    'ec2:DescribeSubnets',
    async (NextToken) => {
      const Filters = [{ Name: 'vpc-id', Values: vpcs }];
      const command = new DescribeSubnetsCommand({ Filters, MaxResults: PAGE.subnets, NextToken });
      return (await lookUp.ec2()).send(command, { abortSignal: lookUp.signal });
    },
    ({ Subnets }) => {
      if (Subnets === undefined) throw unusable();
      for (const { VpcId, SubnetId } of Subnets) {
        if (VpcId !== undefined && SubnetId !== undefined) take(VpcId, boundedText(SubnetId, ID_LIMIT));
      }
    },
  );
}
