import type { Action, NatGateways } from './action.ts';
import { natGatewayElement } from './elements.ts';
import { natGatewayNotFound } from './errors.ts';
import { type FilterFields, filterOf } from './filters.ts';
import type { SimulatedNatGateway } from './nat-gateway.ts';
import { checkNatGatewayId } from './nat-gateway-id.ts';
import { maxResultsOf, type PageRules, pageStartOf, tokenFor } from './pages.ts';
import { listParameter, type QueryParameters } from './query.ts';
import type { ReadDeviation, ReadOptions } from './reads.ts';

const FIELDS: FilterFields<SimulatedNatGateway> = new Map([
  ['nat-gateway-id', (gateway) => [gateway.natGatewayId]],
  ['state', (gateway) => [gateway.state]],
  ['subnet-id', (gateway) => [gateway.subnetId]],
  ['vpc-id', (gateway) => [gateway.vpcId]],
]);

const PAGES: PageRules = {
  kind: 'nat-gateways',
  idParameter: 'NatGatewayId',
  smallest: 5,
  largest: 1000,
  byDefault: 1000,
  cutsLarger: true,
};

/** `DescribeNatGateways`. Gateways come in the order of the inventory. */
export const describeNatGateways = (options: ReadOptions): Action => ({
  accepts:
    /^(DryRun|MaxResults|NextToken|NatGatewayId\.[1-9]\d{0,5}|Filter\.[1-9]\d{0,5}\.(Name|Value\.[1-9]\d{0,5}))$/,
  changes: false,

  check(parameters) {
    for (const id of requestedIds(parameters)) checkNatGatewayId(id);
  },

  run(parameters, gateways, now) {
    const { readLagSeconds = 0, reads, pages, ignoresFilters = false } = options;
    const maxResults = maxResultsOf(parameters, PAGES);
    const { index, offset } = pageStartOf(parameters, PAGES, gateways.size);
    const matching = [...gateways.values()]
      .slice(offset)
      .filter(idFilter(parameters, gateways))
      .filter(ignoresFilters ? () => true : filterOf(parameters, FIELDS));
    const natGatewayIds = matching.map(({ natGatewayId }) => natGatewayId);
    const deviation = reads?.({ natGatewayIds, at: now }) ?? {};
    const shown = shownGateways(parameters, matching, deviation);

    const size = Math.min(maxResults, pages?.(index) ?? maxResults);
    const page = shown.slice(0, size);
    const next = shown[size];
    const isLast = next === undefined && (pages === undefined || page.length < size || size === 0);
    const nextOffset = next === undefined ? gateways.size : [...gateways.values()].indexOf(next);
    const readAt = now - (deviation.lagSeconds ?? readLagSeconds) * 1000;
    return {
      natGatewaySet: {
        item: page.map((gateway) => natGatewayElement(gateway, readAt, deviation.omitAddress)),
      },
      nextToken: isLast ? undefined : tokenFor(PAGES, { index: index + 1, offset: nextOffset }),
    };
  },
});

function requestedIds(parameters: QueryParameters): string[] {
  return listParameter(parameters, 'NatGatewayId');
}

/**
 * Returns the predicate of `NatGatewayId.N`: without ids, every gateway passes.
 *
 * @throws Ec2Error `NatGatewayNotFound`
 */
function idFilter(
  parameters: QueryParameters,
  gateways: NatGateways,
): (gateway: SimulatedNatGateway) => boolean {
  const ids = requestedIds(parameters);
  for (const id of ids) if (!gateways.has(id)) throw natGatewayNotFound(id);
  return ({ natGatewayId }) => ids.length === 0 || ids.includes(natGatewayId);
}

/** @throws Ec2Error `NatGatewayNotFound` if a gateway is left out that was requested by id */
function shownGateways(
  parameters: QueryParameters,
  matching: readonly SimulatedNatGateway[],
  { omitGateway = () => false }: ReadDeviation,
): SimulatedNatGateway[] {
  const byId = requestedIds(parameters).length > 0;
  return matching.filter(({ natGatewayId }) => {
    const omitted = omitGateway(natGatewayId);
    if (omitted && byId) throw natGatewayNotFound(natGatewayId);
    return !omitted;
  });
}
