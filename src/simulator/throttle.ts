/** A token bucket: how many requests at once, and how many come back each second. */
interface Bucket {
  capacity: number;
  refillPerSecond: number;
}

/** EC2's published buckets, per account, Region and API ("Request throttling for the Amazon EC2 API"). */
const BUCKETS: ReadonlyMap<string, Bucket> = new Map([
  ['DescribeNatGateways', { capacity: 100, refillPerSecond: 20 }],
  ['AssignPrivateNatGatewayAddress', { capacity: 10, refillPerSecond: 1 }],
  ['UnassignPrivateNatGatewayAddress', { capacity: 10, refillPerSecond: 1 }],
]);

/**
 * Full buckets. The function returned takes a token from the action's bucket at `now` (milliseconds, from any
 * origin, never less than before) and says whether there was one.
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
