import {
  FILTER_VALUES,
  type GatewayFilters,
  isLeftOut,
  matches,
  needLocalReading,
  tagFilters,
} from '../nat-gateway/filters.ts';
import { type NatGateway, privateIpsOf } from '../nat-gateway/gateway.ts';
import { Failure } from '../vocabulary/failure.ts';
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
  /** The position of each, where a call would go on that is to begin with it. */
  positions: Position[];
  /** Ids that no gateway has, as far as they were read, and, at the end, addresses that none holds. */
  notFound: string[];
  /** Ids and addresses that were asked for, of gateways that other filters exclude. */
  excluded: string[];
  /** Ids that were asked for, of the gateways that were read. */
  ids: ReadonlySet<string>;
  /** How many gateways fit and are left out, because they have ended and nobody asked for them. */
  ended: number;
  /** The addresses of all gateways that were read, where addresses were asked for. */
  held: ReadonlySet<string>;
  /** Where the next call goes on; absent at the end. */
  position?: Position | undefined;
  incomplete?: string | undefined;
}

/** Reads pages of EC2 from `start` on until a page of `maxResults` is full, all is read, or time or page cap are over. */
export async function listGateways(
  call: PlacedCall<unknown>,
  filters: GatewayFilters,
  maxResults: number,
  start: Position,
  seconds = READING_SECONDS,
): Promise<Listing> {
  const { monotonic } = call.dependencies;
  const until = monotonic() + seconds * 1000;
  const tokens = new Set([start.token]);
  const natGateways: NatGateway[] = [];
  const positions: Position[] = [];
  const progress = new Progress(filters, start);
  let position = start;
  for (let pages = 0; ; pages++) {
    if (pages === PAGE_CAP || monotonic() > until) {
      const incomplete = `Stopped after reading ${pages} pages from EC2 to answer in time; next_token goes on from there.`;
      return { natGateways, positions, ...progress.untilHere(position), incomplete };
    }
    const page = await readSlice(call, filters, maxResults, position);
    if (page.nextToken !== undefined && tokens.has(page.nextToken)) throw repeatedToken();
    tokens.add(page.nextToken);
    progress.see(page, position.skip);
    const { taken, read } = take(page.gateways, filters, position.skip, maxResults - natGateways.length);
    for (const { gateway, skip } of taken) {
      natGateways.push(gateway);
      positions.push({ ...position, skip });
    }
    const rest = after(position, { read, of: page.gateways.length }, page.nextToken, filters);
    if (rest === undefined) return { natGateways, positions, ...progress.atEnd() };
    position = rest;
    if (natGateways.length === maxResults) return { natGateways, positions, ...progress.untilHere(position) };
  }
}

/** What the pages read so far say of ids and addresses that were asked for. */
class Progress {
  readonly #filters: GatewayFilters;
  readonly #unheld: Set<number>;
  readonly #notFound: string[] = [];
  readonly #excluded: string[] = [];
  readonly #held = new Set<string>();
  readonly #ids = new Set<string>();
  #ended = 0;

  constructor(filters: GatewayFilters, { unheld }: Position) {
    this.#filters = filters;
    this.#unheld = new Set(unheld ?? filters.private_ip_addresses?.keys());
  }

  /** Takes in a page, of which the first `skip` gateways were dealt with by an earlier call. */
  see({ gateways, notFound }: Slice, skip: number): void {
    if (skip === 0) this.#notFound.push(...notFound);
    for (const gateway of gateways.slice(skip)) if (gateway !== undefined) this.#seeGateway(gateway);
  }

  #seeGateway(gateway: NatGateway): void {
    const { private_ip_addresses: asked, nat_gateway_ids: ids } = this.#filters;
    const isFit = matches(gateway, this.#filters);
    if (isFit && isLeftOut(gateway, this.#filters)) this.#ended += 1;
    if (ids !== undefined) this.#ids.add(gateway.nat_gateway_id ?? '');
    if (ids !== undefined && !isFit) this.#excluded.push(gateway.nat_gateway_id ?? '');
    if (asked === undefined) return;
    const held = new Set(privateIpsOf(gateway.addresses));
    for (const each of held) this.#held.add(each);
    for (const [index, privateIp] of asked.entries()) {
      if (!held.has(privateIp)) continue;
      this.#unheld.delete(index);
      if (ids === undefined && !isFit) this.#excluded.push(privateIp);
    }
  }

  untilHere(position: Position): Omit<Listing, 'natGateways' | 'positions'> {
    const unheld = this.#filters.private_ip_addresses === undefined ? {} : { unheld: [...this.#unheld] };
    return { ...this.#known(), position: { ...position, ...unheld } };
  }

  atEnd(): Omit<Listing, 'natGateways' | 'positions'> {
    const addresses = this.#filters.private_ip_addresses ?? [];
    const unheld = addresses.filter((_, index) => this.#unheld.has(index));
    return { ...this.#known(), notFound: [...this.#notFound, ...unheld] };
  }

  #known() {
    return {
      notFound: this.#notFound,
      excluded: this.#excluded,
      ended: this.#ended,
      held: this.#held,
      ids: this.#ids,
    };
  }
}

/** What one position reads: a page of EC2, or a chunk of the ids with a gap for each that no gateway has. */
interface Slice {
  gateways: (NatGateway | undefined)[];
  notFound: string[];
  nextToken?: string | undefined;
}

async function readSlice(
  { ec2, region, context: { mcpReq } }: PlacedCall<unknown>,
  filters: GatewayFilters,
  maxResults: number,
  { chunk, token }: Position,
): Promise<Slice> {
  if (filters.nat_gateway_ids === undefined) {
    const query = {
      filters: ec2Filters(filters),
      maxResults: needLocalReading(filters) ? LARGE_PAGE : Math.max(SMALLEST_PAGE, maxResults),
      nextToken: token,
    };
    const { natGateways, nextToken } = await ec2.readPage(region, query, mcpReq.signal);
    return { gateways: natGateways, notFound: [], nextToken };
  }
  const ids = filters.nat_gateway_ids.slice(chunk * FILTER_VALUES, (chunk + 1) * FILTER_VALUES);
  if (ids.length === 0) throw unfitToken('next_token points behind the last of the ids.');
  const read = await ec2.readGateways(region, ids, mcpReq.signal);
  const byId = new Map(read.map((gateway) => [gateway.nat_gateway_id, gateway]));
  return { gateways: ids.map((id) => byId.get(id)), notFound: ids.filter((id) => !byId.has(id)) };
}

/** The first `most` gateways from `skip` on that fit, and the place of the next that fits, or the end. */
function take(
  gateways: Slice['gateways'],
  filters: GatewayFilters,
  skip: number,
  most: number,
): { taken: { gateway: NatGateway; skip: number }[]; read: number } {
  const taken: { gateway: NatGateway; skip: number }[] = [];
  for (let read = skip; read < gateways.length; read++) {
    const gateway = gateways[read];
    if (gateway === undefined || !matches(gateway, filters) || isLeftOut(gateway, filters)) continue;
    if (taken.length === most) return { taken, read };
    taken.push({ gateway, skip: read });
  }
  return { taken, read: gateways.length };
}

/** The position behind what was read: further into the same page, the next page, the next chunk, or the end. */
function after(
  { chunk, token, skip }: Position,
  { read, of }: { read: number; of: number },
  nextToken: string | undefined,
  filters: GatewayFilters,
): Position | undefined {
  if (read < of) return { chunk, token, skip: read };
  // A page can be shorter than when it was read before; what it lacks begins the next page.
  if (nextToken !== undefined) return { chunk, token: nextToken, skip: Math.max(0, skip - of) };
  const next = chunk + 1;
  return next * FILTER_VALUES < (filters.nat_gateway_ids?.length ?? 0) ? { chunk: next, skip: 0 } : undefined;
}

function repeatedToken(): Failure {
  return new Failure({
    code: 'bad_response',
    message: 'What answers as EC2 hands out the same page token twice.',
    retryable: false,
  });
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
