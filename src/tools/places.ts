import { Failure } from '../vocabulary/failure.ts';
import { ALL_TARGETS } from '../vocabulary/names.ts';
import type { Call, PlacedCall } from './define-tool.ts';
import { inPlace } from './one-place.ts';
import { namesOf, type TargetAccount, targetNamed, unfit, visibleTargets } from './targets.ts';

/** One region of one account. */
export interface Place {
  target?: string | undefined;
  region: string;
}

/** A place in which a call is to run, once it is opened. */
export interface ClosedPlace extends Place {
  open: () => Promise<PlacedCall<unknown>>;
}

/** The arguments that name places; "all" stands for every target or region. */
export interface PlacesNamed {
  targets?: string[] | undefined;
  regions?: string[] | undefined;
  region?: string | undefined;
}

/** The most places of one call. */
const MOST_PLACES = 500;

/** Whether a call is about a list of places, which may have one place. Its answer says of each gateway where it is. */
export function namesPlaces({ input, dependencies }: Call<PlacesNamed>): boolean {
  return dependencies.targets !== undefined || input.regions !== undefined;
}

/**
 * The places that a call names, targets and their regions in the order of the file. Without names those are all: to find
 * the holder of an address, a caller need not know where it may be.
 *
 * @throws Failure
 */
export async function placesOf(call: Call<PlacesNamed>): Promise<ClosedPlace[]> {
  const { dependencies, input, context } = call;
  if (input.region !== undefined && input.regions !== undefined) {
    throw unfit('The call has region and regions.', 'Give one of the two.');
  }
  const regions = namesIn(input.regions ?? (input.region === undefined ? undefined : [input.region]));
  const { targets } = dependencies;
  const places =
    targets === undefined
      ? await regionsOfAccount(call, regions)
      : placesIn(call, chosen(visibleTargets(targets, context), namesIn(input.targets)), regions);
  if (places.length <= MOST_PLACES) return places;
  throw unfit(
    `These are ${places.length} places, and one call may read ${MOST_PLACES}.`,
    'Name fewer targets or regions.',
  );
}

/** The names that a list gives; `undefined` where it gives none, or stands for all. */
function namesIn(names: string[] | undefined): string[] | undefined {
  if (!names?.includes(ALL_TARGETS)) return names;
  if (names.length > 1) throw unfit('"all" is listed beside other names.', 'Give ["all"], or the names.');
  return undefined;
}

function chosen(
  visible: readonly TargetAccount[],
  names: string[] | undefined,
): { targets: readonly TargetAccount[]; areNamed: boolean } {
  if (names === undefined && visible.length > 0) return { targets: visible, areNamed: false };
  const found = new Set((names ?? [undefined]).map((name) => targetNamed(visible, name)));
  return { targets: visible.filter((each) => found.has(each)), areNamed: true };
}

/** A region has to be one of some target, and each target that is named has to have one of the regions. */
function placesIn(
  call: Call<PlacesNamed>,
  { targets, areNamed }: ReturnType<typeof chosen>,
  regions: string[] | undefined,
): ClosedPlace[] {
  const known = new Set(targets.flatMap((target) => target.regions));
  const unknown = regions?.filter((region) => !known.has(region)) ?? [];
  if (unknown.length > 0) {
    const are = unknown.length === 1 ? 'is not a region' : 'are not regions';
    throw unfit(`${namesOf(unknown)} ${are} of these targets.`, `Their regions: ${namesOf([...known])}.`);
  }
  return targets.flatMap((target) => {
    const wanted = target.regions.filter((region) => regions?.includes(region) ?? true);
    if (wanted.length === 0 && areNamed) {
      throw unfit(
        `Target ${target.name} has none of these regions.`,
        `Its regions: ${namesOf(target.regions)}.`,
      );
    }
    return wanted.map((region) => ({
      target: target.name,
      region,
      open: () => inPlace(call, target, region),
    }));
  });
}

/** Places in the account of the server's own credentials. */
async function regionsOfAccount(
  call: Call<PlacesNamed>,
  regions: string[] | undefined,
): Promise<ClosedPlace[]> {
  const ec2 = await call.dependencies.ec2();
  const all = regions ?? (await ec2.describeRegions());
  if (all.length === 0) {
    throw new Failure({
      code: 'bad_response',
      message: 'EC2 named no region that is enabled for this account.',
      retryable: true,
    });
  }
  return all.map((region) => ({ region, open: async () => ({ ...call, ec2, region }) }));
}
