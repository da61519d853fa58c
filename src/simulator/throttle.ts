import { QueryError } from './query.ts';

/** EC2's token buckets per account and region. Source: "Request throttling for the Amazon EC2 API". */
const CHANGES = { capacity: 10, perSecond: 1 };
const READS = { capacity: 100, perSecond: 20 };

interface Bucket {
  tokens: number;
  filledAt: number;
}

/** Takes a token per request, on real time: throttling protects the service, not the simulated gateways. */
export class Throttle {
  readonly #buckets = new Map<string, Bucket>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @throws QueryError `RequestLimitExceeded` */
  take(action: string): void {
    const { capacity, perSecond } = action.startsWith('Describe') ? READS : CHANGES;
    const now = this.#now();
    const bucket = this.#buckets.get(action) ?? { tokens: capacity, filledAt: now };
    bucket.tokens = Math.min(capacity, bucket.tokens + ((now - bucket.filledAt) / 1000) * perSecond);
    bucket.filledAt = now;
    this.#buckets.set(action, bucket);
    if (bucket.tokens < 1) throw new QueryError('RequestLimitExceeded', 'Request limit exceeded.', 503);
    bucket.tokens -= 1;
  }
}
