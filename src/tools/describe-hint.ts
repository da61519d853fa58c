import type { GatewayFilters } from '../nat-gateway/filters.ts';
import { nearMissQuestion } from '../nat-gateway/near-misses.ts';
import { NAT_GATEWAY_ID } from '../vocabulary/ids.ts';
import { listed } from '../vocabulary/text.ts';
import type { PlacedCall } from './define-tool.ts';
import type { Listing } from './list-gateways.ts';
import { mistypedIds } from './observe-gateway.ts';

/** The most ids and addresses that a hint names, and of them those that are compared with what exists. */
const MOST_NAMED = 5;
const MOST_COMPARED = 2;

/** What to make of a listing that lacks what was asked for; absent where it lacks nothing. */
export async function describeHint(
  call: PlacedCall<unknown>,
  listing: Listing,
  filters: GatewayFilters,
): Promise<string | undefined> {
  const { notFound, excluded, natGateways, position } = listing;
  const sentences = [
    ...(excluded.length === 0 ? [] : [`${named(excluded)} exists, and the other filters leave it out.`]),
    ...(notFound.length === 0 ? [] : [missing(call.region, notFound, filters)]),
    ...(await questions(call, listing)),
  ];
  if (sentences.length === 0 && natGateways.length === 0 && position === undefined) {
    sentences.push(nothingFits(call.region, listing, filters));
  }
  return sentences.length === 0 ? undefined : sentences.join(' ');
}

function missing(region: string, notFound: readonly string[], filters: GatewayFilters): string {
  const isNarrowed = Object.values(filters).filter((values) => values !== undefined).length > 1;
  const among = isNarrowed ? ' that fits the other filters' : '';
  return `No NAT gateway${among} in ${region} has ${named(notFound)}. Check the spelling, the region and the account.`;
}

async function questions(call: PlacedCall<unknown>, { notFound, held }: Listing): Promise<string[]> {
  const asked = notFound.slice(0, MOST_COMPARED);
  const addresses = asked.filter((each) => !NAT_GATEWAY_ID.test(each));
  const ids = asked.filter((each) => NAT_GATEWAY_ID.test(each));
  return [
    ...addresses.flatMap((each) => nearMissQuestion(each, held) ?? []),
    ...(await mistypedIds(call, ids)),
  ];
}

function nothingFits(region: string, { ended }: Listing, { tags, ...others }: GatewayFilters): string {
  const isOpen = tags === undefined && Object.values(others).every((values) => values === undefined);
  const exactly = tags === undefined ? '' : ' Tags match exactly, letter by letter; * is no wildcard.';
  const left = ended === 0 ? '' : ` Left out: ${ended} deleted or failed; states lists them.`;
  return `No NAT gateway in ${region} ${isOpen ? 'is visible to these credentials' : 'fits all filters'}.${exactly}${left}`;
}

/** Values for a message, of which a long list is cut. */
export function named(values: readonly string[]): string {
  return listed(values, MOST_NAMED);
}
