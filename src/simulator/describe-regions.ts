import type { Action } from './action.ts';
import { invalidParameterValue } from './errors.ts';
import { type FilterFields, filterOf } from './filters.ts';
import { booleanParameter, listParameter } from './query.ts';
import type { ReadOptions } from './reads.ts';

/** `enabledRegions` are those of an account, if not the ones that every account has. */
export type RegionOptions = ReadOptions & { enabledRegions?: readonly string[] | undefined };

interface Region {
  name: string;
  optInStatus: string;
  tags?: undefined;
}

/** Regions that every account has, and some that this account has not opted in to. */
const REGIONS: readonly Region[] = [
  ...regions('opt-in-not-required', 'ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1'),
  ...regions(
    'opt-in-not-required',
    'ap-southeast-2 ca-central-1 eu-central-1 eu-north-1 eu-west-1 eu-west-2',
  ),
  ...regions('opt-in-not-required', 'eu-west-3 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2'),
  ...regions('not-opted-in', 'af-south-1 ap-east-1 eu-south-1 me-south-1'),
];

const FIELDS: FilterFields<Region> = new Map([
  ['endpoint', ({ name }) => [endpointOf(name)]],
  ['opt-in-status', ({ optInStatus }) => [optInStatus]],
  ['region-name', ({ name }) => [name]],
]);

/** `DescribeRegions`: without `AllRegions`, only those that are enabled; the region that is served always is. */
export function describeRegions(
  served: string,
  { ignoresFilters = false, enabledRegions }: RegionOptions,
): Action {
  if (enabledRegions !== undefined) return listRegions(regionsOf(enabledRegions), ignoresFilters);
  const others = REGIONS.filter(({ name }) => name !== served);
  const optInStatus = REGIONS.find(({ name }) => name === served)?.optInStatus;
  const isDefault = optInStatus === 'opt-in-not-required';
  const own = { name: served, optInStatus: isDefault ? optInStatus : 'opted-in' };
  const all = [...others, own].sort((one, other) => (one.name < other.name ? -1 : 1));
  return listRegions(all, ignoresFilters);
}

/** Returns all regions with the status that they have where only `enabled` ones are. */
function regionsOf(enabled: readonly string[]): Region[] {
  return REGIONS.map((region) => {
    if (!enabled.includes(region.name)) return { ...region, optInStatus: 'not-opted-in' };
    return region.optInStatus === 'not-opted-in' ? { ...region, optInStatus: 'opted-in' } : region;
  });
}

function listRegions(all: readonly Region[], ignoresFilters: boolean): Action {
  return {
    accepts:
      /^(DryRun|AllRegions|RegionName\.[1-9]\d{0,5}|Filter\.[1-9]\d{0,5}\.(Name|Value\.[1-9]\d{0,5}))$/,
    changes: false,
    check() {},

    run(parameters) {
      const names = listParameter(parameters, 'RegionName');
      for (const name of names) {
        if (!all.some((region) => region.name === name)) {
          throw invalidParameterValue(`Invalid region name: ${name}`);
        }
      }
      const showsAll = booleanParameter(parameters, 'AllRegions') || names.length > 0;
      const matches = ignoresFilters ? () => true : filterOf(parameters, FIELDS);
      const shown = all
        .filter((region) => showsAll || region.optInStatus !== 'not-opted-in')
        .filter(({ name }) => names.length === 0 || names.includes(name))
        .filter(matches);
      return {
        regionInfo: {
          item: shown.map((region) => ({
            regionName: region.name,
            regionEndpoint: endpointOf(region.name),
            optInStatus: region.optInStatus,
          })),
        },
      };
    },
  };
}

function regions(optInStatus: string, names: string): Region[] {
  return names.split(' ').map((name) => ({ name, optInStatus }));
}

function endpointOf(name: string): string {
  return `ec2.${name}.amazonaws.com`;
}
