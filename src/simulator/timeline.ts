/**
 * Computes an address's state at any time from the times of its changes. No timer runs: late reads look at an earlier
 * time.
 */

/** Duration of an assignment in seconds; AWS publishes no figure. */
const ASSIGN_SECONDS = 5;

/** EC2's default of `MaxDrainDurationSeconds`. */
export const DEFAULT_DRAIN_SECONDS = 350;

/** Times of an address's changes, in milliseconds since the epoch. */
export interface AddressTimeline {
  /** When its assignment began; absent if it was always there. */
  assignedAt?: number | undefined;
  /** When its drain began; it is held until the drain ends. */
  unassignedAt?: number | undefined;
  /** Default: `DEFAULT_DRAIN_SECONDS`. */
  drainSeconds?: number | undefined;
  /** Fixed status until a drain begins; `null` leaves `Status` out of answers. */
  status?: string | null | undefined;
}

/** Returns whether the gateway holds the address at `time`: from its assignment to the end of its drain. */
export function isHeldAt({ assignedAt, unassignedAt, drainSeconds }: AddressTimeline, time: number): boolean {
  if (assignedAt !== undefined && time < assignedAt) return false;
  return unassignedAt === undefined || time < unassignedAt + (drainSeconds ?? DEFAULT_DRAIN_SECONDS) * 1000;
}

/** Returns the `Status` at `time` of an address held then; `undefined` leaves it out of the answer. */
export function statusAt({ assignedAt, unassignedAt, status }: AddressTimeline, time: number) {
  if (unassignedAt !== undefined && time >= unassignedAt) return 'unassigning';
  if (status !== undefined) return status ?? undefined;
  return assignedAt !== undefined && time < assignedAt + ASSIGN_SECONDS * 1000 ? 'assigning' : 'succeeded';
}

const CHANGING: readonly (string | undefined)[] = [
  'assigning',
  'unassigning',
  'associating',
  'disassociating',
];

/** Returns whether the address is being changed at `time`. */
export function isChangingAt(address: AddressTimeline, time: number): boolean {
  return isHeldAt(address, time) && CHANGING.includes(statusAt(address, time));
}
