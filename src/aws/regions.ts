import { DescribeRegionsCommand } from '@aws-sdk/client-ec2';
import { Failure } from '../vocabulary/failure.ts';
import { REGION } from '../vocabulary/ids.ts';
import type { Ec2Clients } from './clients.ts';

/** The states of a region that an account may use; one that is absent says nothing against it. */
const ENABLED: readonly (string | undefined)[] = ['opt-in-not-required', 'opted-in', undefined];

/**
 * The regions that the account has enabled, in the order of their names.
 *
 * @throws Failure
 */
export async function readRegions(clients: Ec2Clients): Promise<string[]> {
  const region = await clients.region(undefined);
  // A call without a filter counts against a smaller limit for some actions (EC2 API, throttling).
  const filter = { Name: 'opt-in-status', Values: ENABLED.filter((state) => state !== undefined) };
  const { signal } = new AbortController();
  const output = await clients.read(
    region,
    (client, options, track) =>
      client.send(track(new DescribeRegionsCommand({ Filters: [filter] })), options),
    { signal },
  );
  if (output.Regions === undefined) {
    throw new Failure({
      code: 'bad_response',
      message: 'EC2 answered DescribeRegions with success, but without a list of regions.',
      retryable: true,
      request_id: output.$metadata.requestId,
    });
  }
  // Endpoints exist that ignore filters.
  const enabled = output.Regions.filter(({ OptInStatus }) => ENABLED.includes(OptInStatus));
  return enabled.flatMap(({ RegionName = '' }) => (REGION.test(RegionName) ? [RegionName] : [])).sort();
}
