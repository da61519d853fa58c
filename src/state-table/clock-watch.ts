import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Failure } from '../vocabulary/failure.ts';

/** How far the clock of this machine may be from that of the table. */
const TOLERATED_MILLISECONDS = 5000;

/**
 * How far the clocks of two replicas may be apart, in milliseconds: each is within the tolerance of the table's, which
 * is known to a second. Times of other replicas count by this margin.
 */
export const CLOCK_MARGIN = 2 * TOLERATED_MILLISECONDS + 5000;

/** Compares this machine's clock with that of the table, which every answer carries. */
export class ClockWatch {
  readonly #now: () => number;
  /** Seconds by which the table's clock is ahead; `undefined` before its first answer. */
  #seconds: number | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  watch(client: DynamoDBClient): void {
    client.middlewareStack.add(
      (next) => async (args) => {
        const sent = this.#now();
        const output = await next(args);
        const { headers } = output.response as { headers?: Record<string, string> };
        this.#compare(Date.parse(headers?.date ?? ''), sent, this.#now());
        return output;
      },
      { step: 'deserialize', name: 'clockWatch', priority: 'low' },
    );
  }

  /** Whether the latest answer had about the time of this machine. */
  get isRight(): boolean {
    return this.#seconds !== undefined && Math.abs(this.#seconds) * 1000 <= TOLERATED_MILLISECONDS;
  }

  /** @throws Failure `state_unavailable` where the clocks are so far apart that no time of a replica can be trusted */
  require(): void {
    if (this.#seconds === undefined || this.isRight) return;
    throw new Failure({
      code: 'state_unavailable',
      message: `The clock of this machine is ${Math.abs(this.#seconds)} s ${this.#seconds > 0 ? 'behind' : 'ahead of'} that of the state table, so nothing was changed.`,
      retryable: false,
      hint: 'The operator of this server has to set the clock of its machine (NTP): replicas may differ by seconds only.',
    });
  }

  /** The header leaves out the part of a second, and was written at some time between sending and arrival. */
  #compare(date: number, sent: number, arrived: number): void {
    if (Number.isNaN(date)) return;
    const least = date - arrived;
    const most = date + 1000 - sent;
    const ahead = least > 0 ? least : Math.min(most, 0);
    this.#seconds = Math.round(ahead / 1000);
  }
}
