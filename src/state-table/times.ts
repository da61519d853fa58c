import { TIMEOUTS } from '../vocabulary/timeouts.ts';

/** Times of the table's requests and holds, in milliseconds. */
export interface TableTimes {
  /** One request with its retries, and one attempt of it. */
  request: number;
  attempt: number;
  /** How long a hold lasts, unless it is renewed. */
  hold: number;
  /** What must be left of a hold for sending: the real call and the reads after a lost answer. */
  change: number;
  /** Between two looks at a gateway that another replica holds. */
  pause: number;
}

/**
 * A hold leaves ten seconds for sending. After a process that died, its gateway is free a minute later: the hold, and the
 * margin for clocks. Both rounds of requests fit into the 50 s of a call.
 */
export const TABLE_TIMES: TableTimes = {
  request: 3000,
  attempt: 1000,
  hold: 45_000,
  change: TIMEOUTS.change + TIMEOUTS.reconcile,
  pause: 250,
};
