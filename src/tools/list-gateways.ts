import type { NatGatewayPage } from '../aws/describe.ts';
import {
  FILTER_VALUES,
  type GatewayFilters,
  matches,
  needLocalReading,
  tagFilters,
} from '../nat-gateway/filters.ts';
import type { NatGateway } from '../nat-gateway/gateway.ts';
import type { PlacedCall } from './define-tool.ts';
import { type Position, unfitToken } from './paging.ts';

/** Bounds of one call, in pages of EC2 and in time; beyond them it ends with a token. */
const PAGE_CAP = 20;
const READING_SECONDS = 30;

/** EC2's page size where most gateways will be filtered out here, and EC2's smallest. */
const LARGE_PAGE = 1000;
const SMALLEST_PAGE = 5;

export interface Listing {
  natGateways: NatGateway[];
  notFound: string[];
  /** Where the next call goes on; absent at the end. */
  position?: Position | undefined;
  incomplete?: string | undefined;
}

/** Reads pages of EC2 from `start` on until a page of `maxResults` is full, all is read, or time or page cap are over. */
export async function listGateways(
  { ec2, region, context, dependencies: { monotonic } }: PlacedCall<unknown>,
  filters: GatewayFilters,
  maxResults: number,
  start: Position,
): Promise<Listing> {
  const { signal } = context.mcpReq;
  const until = monotonic() + READING_SECONDS * 1000;
  const natGateways: NatGateway[] = [];
  const notFound: string[] = [];
  let position = start;
  for (let pages = 0; ; pages++) {
    if (pages === PAGE_CAP || monotonic() > until) {
      const incomplete = `Stopped after reading ${pages} pages from EC2 to answer in time; next_token goes on from there.`;
      return { natGateways, notFound, position, incomplete };
    }
    const ids = filters.nat_gateway_ids?.slice(
      position.chunk * FILTER_VALUES,
      (position.chunk + 1) * FILTER_VALUES,
    );
    if (ids?.length === 0) throw unfitToken('next_token points behind the last of the ids.');
    const page: NatGatewayPage =
      ids === undefined
        ? await ec2.readPage(
            region,
            {
              filters: ec2Filters(filters),
              maxResults: needLocalReading(filters) ? LARGE_PAGE : Math.max(SMALLEST_PAGE, maxResults),
              nextToken: position.token,
            },
            signal,
          )
        : { natGateways: await ec2.readGateways(region, ids, signal) };
    if (ids !== undefined && position.skip === 0) {
      const found = new Set(page.natGateways.map((gateway) => gateway.nat_gateway_id));
      notFound.push(...ids.filter((id) => !found.has(id)));
    }
    const fitting = page.natGateways.filter((gateway) => matches(gateway, filters)).slice(position.skip);
    const taken = fitting.slice(0, maxResults - natGateways.length);
    natGateways.push(...taken);
    const rest = after(position, { taken: taken.length, fitting: fitting.length }, page.nextToken, filters);
    if (rest === undefined) return { natGateways, notFound };
    position = rest;
    if (natGateways.length === maxResults) return { natGateways, notFound, position };
  }
}

/** The position behind the taken gateways: further into the same page, the next page, the next chunk, or the end. */
function after(
  position: Position,
  { taken, fitting }: { taken: number; fitting: number },
  nextToken: string | undefined,
  filters: GatewayFilters,
): Position | undefined {
  if (taken < fitting) return { ...position, skip: position.skip + taken };
  if (nextToken !== undefined) return { chunk: position.chunk, token: nextToken, skip: 0 };
  const chunk = position.chunk + 1;
  return chunk * FILTER_VALUES < (filters.nat_gateway_ids?.length ?? 0) ? { chunk, skip: 0 } : undefined;
}

/** The filters that EC2 can apply. With ids it gets only those, so that `not_found` is right. */
function ec2Filters(filters: GatewayFilters): { name: string; values: string[] }[] {
  const byTag = [...tagFilters(filters.tags ?? [])].map(([key, values]) =>
    values === undefined ? { name: 'tag-key', values: [key] } : { name: `tag:${key}`, values },
  );
  return [
    { name: 'vpc-id', values: filters.vpc_ids ?? [] },
    { name: 'subnet-id', values: filters.subnet_ids ?? [] },
    { name: 'state', values: filters.states ?? [] },
    ...byTag,
  ].filter(({ values }) => values.length > 0);
}
