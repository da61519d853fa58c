import type { GatewayFilters } from '../nat-gateway/filters.ts';
import { nearMissQuestion } from '../nat-gateway/near-misses.ts';
import { NAT_GATEWAY_ID } from '../vocabulary/ids.ts';
import { named } from './describe-hint.ts';
import type { PlacesListing } from './list-places.ts';
import type { Place } from './places.ts';

/** The most missing addresses that are compared with those that exist. */
const MOST_COMPARED = 2;

/**
 * What to make of a listing over several places; absent where it lacks nothing and each address is in one gateway.
 *
 * @param foundBefore the addresses that gateways of earlier pages have
 */
export function placesHint(
  listing: PlacesListing,
  filters: GatewayFilters,
  foundBefore: ReadonlySet<string>,
): string | undefined {
  const { notFound, unread, places, position } = listing;
  const excluded = [...new Set(listing.excluded)].filter((each) => !holds(listing, each));
  const isEmpty = places.every(({ natGateways }) => natGateways.length === 0);
  const sentences = [
    ...repeated(listing, filters, foundBefore),
    ...(excluded.length === 0 ? [] : [`${named(excluded)} exists, and the other filters leave it out.`]),
    ...(notFound.length === 0 ? [] : [missing(notFound, unread), ...questions(listing)]),
    ...(unread.length === 0 || position !== undefined
      ? []
      : [`No answer from these, see errors: ${named(unread.map(shown))}.`]),
  ];
  if (sentences.length === 0 && isEmpty && position === undefined)
    sentences.push(nothingFits(listing, filters));
  return sentences.length === 0 ? undefined : sentences.join(' ');
}

/** A place as messages name it. */
export function shown({ target, region }: Place): string {
  return target === undefined ? region : `${target} ${region}`;
}

function holds({ places }: PlacesListing, sought: string): boolean {
  return places.some(({ natGateways }) =>
    natGateways.some(
      ({ nat_gateway_id, addresses }) =>
        nat_gateway_id === sought || addresses.some(({ private_ip }) => private_ip === sought),
    ),
  );
}

/** Networks that are not connected may use the same addresses, so an address can have several holders. */
function repeated(
  { places, position }: PlacesListing,
  { private_ip_addresses: asked = [] }: GatewayFilters,
  foundBefore: ReadonlySet<string>,
): string[] {
  const holders = new Map<string, string[]>();
  for (const { call, natGateways } of places) {
    for (const { nat_gateway_id = 'one without an id', addresses } of natGateways) {
      for (const { private_ip = '' } of addresses) {
        const place = { target: call.where.target, region: call.region };
        const others = holders.get(private_ip) ?? [];
        holders.set(private_ip, [...others, `${nat_gateway_id} (${shown(place)})`]);
      }
    }
  }
  return asked.flatMap((each) => {
    const found = holders.get(each) ?? [];
    const before = foundBefore.has(each) ? ' and those of earlier pages' : '';
    const after = position === undefined ? '' : '; further pages may have more';
    const least = found.length + (before === '' ? 0 : 1);
    if (found.length === 0 || (least === 1 && after === '')) return [];
    const count = `${before + after === '' ? '' : 'at least '}${least} ${least === 1 ? 'gateway' : 'gateways'}`;
    const step = least === 1 ? 'read those' : 'ask the user which one is meant';
    return [`${each} is on ${count}: ${named(found)}${before}${after}. Before a change, ${step}.`];
  });
}

function missing(notFound: readonly string[], unread: readonly Place[]): string {
  const where = unread.length === 0 ? '' : ' in a place that answered';
  return `No NAT gateway${where} has ${named(notFound)}. Check the spelling, the targets and the regions.`;
}

function questions({ notFound, held }: PlacesListing): string[] {
  const addresses = notFound.filter((each) => !NAT_GATEWAY_ID.test(each)).slice(0, MOST_COMPARED);
  return addresses.flatMap((each) => nearMissQuestion(each, held) ?? []);
}

function nothingFits({ ended }: PlacesListing, filters: GatewayFilters): string {
  const isOpen = Object.values(filters).every((values) => values === undefined);
  const left = ended === 0 ? '' : ` Left out: ${ended} deleted or failed; states lists them.`;
  const exactly =
    filters.tags === undefined ? '' : ' Tags match exactly, letter by letter; * is no wildcard.';
  return `No NAT gateway in these places ${isOpen ? 'is visible to these credentials' : 'fits all filters'}.${exactly}${left}`;
}
