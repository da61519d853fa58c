/** A token bucket, counted in requests. */
interface Bucket {
  capacity: number;
  refillPerSecond: number;
}

/**
 * Published buckets per account, Region and API ("Request throttling for the Amazon EC2 API"; CloudWatch service quotas:
 * 50 a second).
 */
const BUCKETS: ReadonlyMap<string, Bucket> = new Map([
  ...[
    ...['DescribeNatGateways', 'DescribeRouteTables', 'DescribeSubnets', 'DescribeSecurityGroups'],
    ...['DescribeManagedPrefixLists', 'GetManagedPrefixListEntries', 'DescribeRegions'],
  ].map((action): [string, Bucket] => [action, { capacity: 100, refillPerSecond: 20 }]),
  ['AssignPrivateNatGatewayAddress', { capacity: 10, refillPerSecond: 1 }],
  ['UnassignPrivateNatGatewayAddress', { capacity: 10, refillPerSecond: 1 }],
  ['GetMetricData', { capacity: 50, refillPerSecond: 50 }],
]);

/**
 * Creates full buckets. The function returned takes a token from the action's bucket and returns whether there was one.
 * Its `now` is in milliseconds of a monotonic clock.
 */
export function tokenBuckets(): (action: string, now: number) => boolean {
  const levels = new Map<string, { tokens: number; at: number }>();
  return (action, now) => {
    const bucket = BUCKETS.get(action);
    if (bucket === undefined) return true;
    const { tokens, at } = levels.get(action) ?? { tokens: bucket.capacity, at: now };
    const filled = Math.min(bucket.capacity, tokens + ((now - at) / 1000) * bucket.refillPerSecond);
    const taken = filled >= 1;
    levels.set(action, { tokens: taken ? filled - 1 : filled, at: now });
    return taken;
  };
}
