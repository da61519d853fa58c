/**
 * Timeouts in milliseconds. In the worst case a call takes `queue`, `read`, `change` and `reconcile` one after the other,
 * and has to answer within 50 s, the least that clients wait.
 */
export interface Timeouts {
  /** Waiting behind another change on the same gateway. */
  queue: number;
  connect: number;
  /** A read or a dry run, retries included; and one attempt of it. */
  read: number;
  readAttempt: number;
  /** All that is looked up about a gateway beside describe and dry run; it must not exceed `read`. */
  evidence: number;
  /** The real call, which has one attempt. */
  change: number;
  /** All reads after a lost answer, and the pause before each: EC2's reads may lag behind its writes. */
  reconcile: number;
  reconcilePauses: readonly number[];
  /** Pause between polls of a watched region, before a new waiter's first poll, and when a wait may end soon. */
  pollPace: number;
  pollFirst: number;
  pollUrgent: number;
}

export const TIMEOUTS: Timeouts = {
  queue: 4000,
  connect: 4000,
  read: 10_000,
  readAttempt: 5000,
  evidence: 5000,
  change: 20_000,
  reconcile: 15_000,
  reconcilePauses: [300, 700, ...Array(9).fill(1000), 1500, 2000],
  pollPace: 5000,
  pollFirst: 1000,
  pollUrgent: 600,
};
