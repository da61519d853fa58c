import type { Remembered } from '../changes/state.ts';
import type { GatewayFilters } from '../nat-gateway/filters.ts';
import type { NatGateway } from '../nat-gateway/gateway.ts';
import { anyOf } from '../vocabulary/any-of.ts';
import { cancelled, type ErrorReport, Failure, reportOf } from '../vocabulary/failure.ts';
import type { Call, PlacedCall } from './define-tool.ts';
import { orCutShort } from './grace.ts';
import { type Listing, listGateways } from './list-gateways.ts';
import { maskOf, type PlacesPosition, positionsIn, START } from './paging.ts';
import type { ClosedPlace, Place } from './places.ts';
import { recallRegion } from './recall.ts';

/** A page of a listing over several places: the gateways of one place after those of the other, in order. */

const AT_ONCE = 8;

/** All reads of a page together; and of that the time in which another place is begun, or another page of EC2. */
const SECONDS = 15;
const BEGINNING_SECONDS = 9;

/** The gateways of one place that a page shows. */
export interface PlaceListing {
  call: PlacedCall<unknown>;
  accountId: string | undefined;
  recalled: (natGatewayId: string) => Remembered;
  natGateways: NatGateway[];
}

/** A place that could not be read. */
export interface PlaceError extends Place {
  report: ErrorReport;
}

export interface PlacesListing {
  places: PlaceListing[];
  errors: PlaceError[];
  /** At the end: ids and addresses that no place has which answered, on this page or those before. */
  notFound: string[];
  /** The places that were not read, on this page or those before. */
  unread: Place[];
  excluded: string[];
  ended: number;
  held: Set<string>;
  /** Where the next page begins; absent at the end. */
  position?: PlacesPosition | undefined;
  incomplete?: string | undefined;
}

type Read = (Omit<PlaceListing, 'natGateways'> & { listing: Listing }) | { failure: Failure };

/** Reads places from `start` on, several at the same time, until a page of `size` gateways is full. */
export async function listPlaces(
  call: Call<unknown>,
  places: readonly ClosedPlace[],
  filters: GatewayFilters,
  size: number,
  start: PlacesPosition,
): Promise<PlacesListing> {
  const reads = await readPlaces(call, places, filters, size, start);
  if (call.context.mcpReq.signal.aborted) throw cancelled();
  return pageOf(reads, places, filters, size, start);
}

/** The reads of places by their position in the list. Those that the page has no room for may be missing, or cut off. */
async function readPlaces(
  call: Call<unknown>,
  places: readonly ClosedPlace[],
  filters: GatewayFilters,
  size: number,
  start: PlacesPosition,
): Promise<ReadonlyMap<number, Read>> {
  const { monotonic } = call.dependencies;
  const beginUntil = monotonic() + BEGINNING_SECONDS * 1000;
  const reads = new Map<number, Read>();
  const isFull = (): boolean => isPageFull(reads, size, start.place);
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), SECONDS * 1000);
  const { signal, letGo } = anyOf([call.context.mcpReq.signal, deadline.signal]);
  let next = start.place;
  let found = 0;
  const readOn = async (): Promise<void> => {
    while (next < places.length && found < size && !signal.aborted && monotonic() < beginUntil) {
      const index = next;
      next += 1;
      const place = places[index];
      if (place === undefined) return;
      const at = index === start.place ? start : START;
      const work = readPlace(call, place, filters, size, at, signal);
      const cut = (): Read => ({ failure: late(place) });
      const answer = await orCutShort(signal, work, cut);
      const read = 'failure' in answer && signal.aborted ? cut() : answer;
      reads.set(index, read);
      if ('failure' in read) continue;
      found += read.listing.natGateways.length;
      // What is still being read is for later pages.
      if (isFull()) deadline.abort();
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, readOn));
  } finally {
    clearTimeout(timer);
    letGo();
  }
  return reads;
}

/** Whether the page is complete by places that have been read without a gap. */
function isPageFull(reads: ReadonlyMap<number, Read>, size: number, first: number): boolean {
  let taken = 0;
  for (let index = first; ; index += 1) {
    const read = reads.get(index);
    if (read === undefined) return false;
    if ('failure' in read) continue;
    taken += read.listing.natGateways.length;
    if (taken >= size || read.listing.position !== undefined) return true;
  }
}

async function readPlace(
  call: Call<unknown>,
  place: ClosedPlace,
  filters: GatewayFilters,
  size: number,
  at: Pick<PlacesPosition, 'chunk' | 'token' | 'skip'>,
  signal: AbortSignal,
): Promise<Read> {
  try {
    const opened = await place.open();
    const { ec2, region } = opened;
    const context = { ...call.context, mcpReq: { ...call.context.mcpReq, signal } };
    const position = { chunk: at.chunk, token: at.token, skip: at.skip };
    const [listing, recalled] = await Promise.all([
      listGateways({ ...opened, context }, filters, size, position, BEGINNING_SECONDS),
      recallRegion(opened.dependencies.state, region),
      ec2.identity(region),
    ]);
    // Known by now, unless the credentials have changed while the gateways were read.
    const accountId = (await ec2.identity(region))?.account_id;
    return { call: opened, accountId, recalled, listing };
  } catch (error) {
    if (error instanceof Failure) return { failure: error };
    call.dependencies.logger.error({ err: error }, 'a place could not be read');
    return { failure: new Failure(reportOf(error)) };
  }
}

function late({ region }: Place): Failure {
  const message = `EC2 in ${region} did not answer within ${SECONDS} s.`;
  return new Failure({ code: 'timed_out', message, retryable: true });
}

/** The page that these reads fill, and where the next one begins. */
function pageOf(
  reads: ReadonlyMap<number, Read>,
  places: readonly ClosedPlace[],
  filters: GatewayFilters,
  size: number,
  start: PlacesPosition,
): PlacesListing {
  const page: PlacesListing = {
    ...{ places: [], errors: [], notFound: [], unread: [], excluded: [], ended: 0, held: new Set<string>() },
  };
  const asked = askedIn(filters);
  const found = new Set(foundBy(start, filters));
  const failed = new Set(positionsIn(start.failed, places.length));
  let room = size;
  let rest: Omit<PlacesPosition, 'found' | 'failed'> | undefined;
  for (const [index, place] of [...places.entries()].slice(start.place)) {
    const read = reads.get(index);
    if (read === undefined || room === 0) {
      rest = { place: index, ...START };
      if (room > 0) page.incomplete = unfinished(index, places.length);
      break;
    }
    if ('failure' in read) {
      page.errors.push({ target: place.target, region: place.region, report: read.failure.report });
      failed.add(index);
      continue;
    }
    const { listing } = read;
    for (const each of [...listing.ids, ...listing.held]) found.add(each);
    for (const each of listing.held) page.held.add(each);
    page.excluded.push(...listing.excluded);
    page.ended += listing.ended;
    page.places.push({ ...read, natGateways: listing.natGateways.slice(0, room) });
    const at = listing.natGateways.length > room ? listing.positions[room] : listing.position;
    room -= Math.min(room, listing.natGateways.length);
    if (at === undefined) continue;
    rest = { place: index, chunk: at.chunk, token: at.token, skip: at.skip };
    if (room > 0) page.incomplete = listing.incomplete;
    break;
  }
  const unread = [...failed].flatMap((index) => places[index] ?? []);
  const position = rest && {
    ...rest,
    found: maskOf([...asked.entries()].flatMap(([index, each]) => (found.has(each) ? [index] : []))),
    failed: maskOf(failed),
  };
  const isAsked = position === undefined && failed.size < places.length;
  return { ...page, unread, position, notFound: isAsked ? asked.filter((each) => !found.has(each)) : [] };
}

function unfinished(read: number, of: number): string {
  return `Stopped behind ${read} of ${of} places to answer in time; next_token goes on from there.`;
}

/** The ids and addresses that were asked for, in the order of a position's `found`. */
function askedIn({
  nat_gateway_ids: ids = [],
  private_ip_addresses: privateIps = [],
}: GatewayFilters): string[] {
  return [...ids, ...privateIps];
}

/** Those that the pages before a position have. */
export function foundBy({ found }: Pick<PlacesPosition, 'found'>, filters: GatewayFilters): string[] {
  const asked = askedIn(filters);
  return positionsIn(found, asked.length).flatMap((index) => asked[index] ?? []);
}
