import type { Action, NatGateways } from './actions.ts';
import { natGatewayElement } from './elements.ts';
import { assumed, Ec2Error, invalidParameterValue, natGatewayNotFound } from './errors.ts';
import { natGatewayFilter } from './filters.ts';
import { checkNatGatewayId } from './nat-gateway-id.ts';
import { integerParameter, listParameter, type QueryParameters } from './query.ts';
import type { ReadOptions } from './reads.ts';

/** Largest page, and page size without `MaxResults`. */
const LARGEST_PAGE = 1000;
const SMALLEST_PAGE = 5;

/**
 * `DescribeNatGateways`. Gateways come in the order of the inventory. A token names the gateway to go on with, so that
 * it stays valid while gateways change.
 */
export const describeNatGateways = ({
  readLagSeconds = 0,
  reads = () => undefined,
}: ReadOptions): Action => ({
  accepts:
    /^(DryRun|MaxResults|NextToken|NatGatewayId\.[1-9]\d{0,5}|Filter\.[1-9]\d{0,5}\.(Name|Value\.[1-9]\d{0,5}))$/,
  changes: false,

  check(parameters) {
    for (const id of listParameter(parameters, 'NatGatewayId')) checkNatGatewayId(id);
  },

  run(parameters, gateways, now) {
    const ids = listParameter(parameters, 'NatGatewayId');
    const pageSize = pageSizeOf(parameters, ids);
    const passes = natGatewayFilter(parameters);
    for (const id of ids) if (!gateways.has(id)) throw natGatewayNotFound(id);

    const matching = [...gateways.values()]
      .slice(startOf(parameters, gateways))
      .filter((gateway) => ids.length === 0 || ids.includes(gateway.natGatewayId))
      .filter(passes);
    const natGatewayIds = matching.map(({ natGatewayId }) => natGatewayId);
    const {
      lagSeconds = readLagSeconds,
      omitAddress = () => false,
      omitGateway = () => false,
    } = reads({ natGatewayIds, at: now }) ?? {};
    const omitted = new Set(natGatewayIds.filter((id) => omitGateway(id)));
    for (const id of ids) if (omitted.has(id)) throw natGatewayNotFound(id);

    const shown = matching.filter(({ natGatewayId }) => !omitted.has(natGatewayId));
    const readAt = now - lagSeconds * 1000;
    const item = shown
      .slice(0, pageSize)
      .map((gateway) =>
        natGatewayElement(gateway, readAt, (privateIp) => omitAddress(gateway.natGatewayId, privateIp)),
      );
    const next = shown[pageSize];
    return { natGatewaySet: { item }, nextToken: next && tokenFor(next.natGatewayId) };
  },
});

function pageSizeOf(parameters: QueryParameters, ids: readonly string[]): number {
  const maxResults = integerParameter(parameters, 'MaxResults');
  if (maxResults === undefined) return LARGEST_PAGE;
  if (ids.length > 0) {
    throw assumed(
      'idsAndMaxResults',
      'The parameter NatGatewayIds cannot be used with the parameter MaxResults',
    );
  }
  // Wording from a real answer (aws-sdk-ruby #2575).
  if (maxResults < SMALLEST_PAGE) {
    throw invalidParameterValue(
      `${maxResults}`,
      'maxResults',
      `Expecting a value greater than ${SMALLEST_PAGE}.`,
    );
  }
  if (maxResults > LARGEST_PAGE) {
    throw invalidParameterValue(
      `${maxResults}`,
      'maxResults',
      `Expecting a value less than ${LARGEST_PAGE}.`,
    );
  }
  return maxResults;
}

const TOKEN_PREFIX = 'nat-gateways-from:';

function tokenFor(natGatewayId: string): string {
  return Buffer.from(`${TOKEN_PREFIX}${natGatewayId}`).toString('base64url');
}

/** Returns the page's first position in the inventory. */
function startOf({ NextToken }: QueryParameters, gateways: NatGateways): number {
  if (NextToken === undefined || NextToken === '') return 0;
  const decoded = Buffer.from(NextToken, 'base64url').toString();
  const position = [...gateways.keys()].indexOf(decoded.slice(TOKEN_PREFIX.length));
  if (position < 0 || NextToken !== tokenFor(decoded.slice(TOKEN_PREFIX.length))) {
    throw new Ec2Error('InvalidPaginationToken', 'The specified pagination token is not valid.');
  }
  return position;
}
