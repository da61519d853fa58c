/**
 * What an address is at a time, as a pure function of when things happened to it. Nothing ticks: a drain "runs"
 * because the clock is read, and reads that lag behind writes look at an earlier time.
 */

/** How long an assignment takes, in seconds; EC2 publishes no figure. */
const ASSIGN_SECONDS = 5;

/** EC2's default for `MaxDrainDurationSeconds`. */
export const DEFAULT_DRAIN_SECONDS = 350;

/** When things happened to an address; times are milliseconds since the epoch. */
export interface AddressTimeline {
  /** When it was asked for; without it, it has always been there. */
  assignedAt?: number | undefined;
  /** When its drain began; it is held until the drain's end. */
  unassignedAt?: number | undefined;
  /** How long it drains; `DEFAULT_DRAIN_SECONDS` if absent. */
  drainSeconds?: number | undefined;
  /** A status that time does not change until a drain begins; `null` for an answer that has no `Status`. */
  status?: string | null | undefined;
}

/** Whether the gateway has the address at `time`: from its assignment to the end of its drain. */
export function isHeldAt({ assignedAt, unassignedAt, drainSeconds }: AddressTimeline, time: number): boolean {
  if (assignedAt !== undefined && time < assignedAt) return false;
  return unassignedAt === undefined || time < unassignedAt + (drainSeconds ?? DEFAULT_DRAIN_SECONDS) * 1000;
}

/** The `Status` at `time` of an address that is held then; `undefined` where the answer has none. */
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

/** Whether EC2 is changing the address at `time`. */
export function isChangingAt(address: AddressTimeline, time: number): boolean {
  return isHeldAt(address, time) && CHANGING.includes(statusAt(address, time));
}
