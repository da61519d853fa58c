import type { GatewayFilters } from '../nat-gateway/filters.ts';
import type { ErrorReport } from '../vocabulary/failure.ts';
import { DESCRIBE } from '../vocabulary/names.ts';
import type { Call } from './define-tool.ts';
import { waitForChanges } from './drain-wait.ts';
import {
  foundBy,
  listPlaces,
  type PlaceError,
  type PlaceListing,
  type PlacesListing,
} from './list-places.ts';
import { decodePlaces, encodePlaces, PLACES_START } from './paging.ts';
import { type PlacesNamed, placesOf } from './places.ts';
import { placesHint, shown } from './places-hint.ts';
import type { Next } from './results.ts';
import { EVIDENCE_GATEWAYS, evidenceHint, showEvidence } from './show-evidence.ts';
import { showGateway } from './show-gateway.ts';
import { nextIn } from './targets.ts';

type Input = GatewayFilters &
  PlacesNamed & { max_results: number; evidence: boolean; next_token?: string | undefined };

/** Describes the gateways of several places, each with its place. A place that cannot be read costs no other. */
export async function describePlaces(call: Call<Input>) {
  const { input } = call;
  const { max_results, next_token, region: _, regions: __, targets: ___, evidence, ...filters } = input;
  const size = evidence ? Math.min(max_results, EVIDENCE_GATEWAYS) : max_results;
  const places = await placesOf(call);
  const list = places.map(({ target, region }) => [target, region]);
  const question = { filters };
  const start = next_token === undefined ? PLACES_START : decodePlaces(next_token, question, size, list);
  const listing = await listPlaces(call, places, filters, size, start);
  const { errors, notFound, position, incomplete } = listing;
  const token = position === undefined ? undefined : encodePlaces(position, question, size, list);
  const isAnswered = listing.places.length > 0 || position !== undefined;
  return {
    nat_gateways: await gatewaysOf(listing, evidence, filters.private_ip_addresses),
    errors: errors.length === 0 ? undefined : errors.map(shownError),
    ...(notFound.length > 0 || (next_token !== undefined && isAnswered) ? { not_found: notFound } : {}),
    next_token: token,
    incomplete,
    hint: isAnswered ? hintOf(listing, input, filters, new Set(foundBy(start, filters))) : undefined,
    next:
      token === undefined ? waitFor(listing) : { tool: DESCRIBE, arguments: { ...input, next_token: token } },
    error: isAnswered ? undefined : errorOf(errors),
  };
}

async function gatewaysOf(
  { places }: PlacesListing,
  withEvidence: boolean,
  asked: readonly string[] | undefined,
) {
  const shown = places.map(async ({ call, accountId, natGateways, recalled }) => {
    const evidence = withEvidence ? await showEvidence(call, natGateways, asked) : undefined;
    return natGateways.map((gateway) => {
      const read = evidence?.get(gateway);
      return {
        target: call.where.target,
        account_id: accountId,
        region: call.region,
        ...showGateway(gateway, { ...call, accountId, recalled, evidence: read }),
        evidence: read?.shown,
      };
    });
  });
  return (await Promise.all(shown)).flat();
}

/** Says as well what to know of the evidence about the gateways that are shown. */
function hintOf(
  listing: PlacesListing,
  { evidence }: Input,
  filters: GatewayFilters,
  foundBefore: ReadonlySet<string>,
): string | undefined {
  const ofEvidence = listing.places.flatMap(({ call, natGateways }: PlaceListing) =>
    natGateways.length === 0 ? [] : (evidenceHint(call.dependencies.policy, evidence) ?? []),
  );
  const sentences = [...new Set(ofEvidence), placesHint(listing, filters, foundBefore) ?? []].flat();
  return sentences.length === 0 ? undefined : sentences.join(' ');
}

function shownError({ target, region, report }: PlaceError) {
  const { code, message, retryable } = report;
  return { target, region, code, message, retryable };
}

/** The wait for the changes of the only gateway that is shown. */
function waitFor({ places }: PlacesListing): Next | undefined {
  const [only, ...others] = places.filter(({ natGateways }) => natGateways.length > 0);
  if (only === undefined || others.length > 0) return undefined;
  const next = waitForChanges(only.call, only.recalled, only.natGateways);
  return next && nextIn(only.call.where.target, next);
}

/** The error of a call of whose places none answered. */
function errorOf([first, ...others]: readonly PlaceError[]): ErrorReport | undefined {
  if (first === undefined || others.length === 0) return first?.report;
  return {
    ...first.report,
    message: `None of ${others.length + 1} places could be read; errors has each. ${shown(first)}: ${first.report.message}`,
    retryable: [first, ...others].some(({ report }) => report.retryable),
  };
}
