/**
 * What an address is at a time, as a pure function of when things happened to it. Nothing ticks: a drain "runs"
 * because the clock is read, and reads that lag behind writes look at an earlier time.
 */

/** How long an assignment takes, in seconds; EC2 publishes no figure. */
export const ASSIGN_SECONDS = 5;

/** EC2's default for `MaxDrainDurationSeconds`. */
export const DEFAULT_DRAIN_SECONDS = 350;

/** An address and what happened to it; times are milliseconds since the epoch. */
export interface AddressTimeline {
  privateIp?: string | undefined;
  isPrimary: boolean;
  networkInterfaceId: string;
  /** When it was asked for; always there if absent. */
  assignedAt?: number | undefined;
  unassignedAt?: number | undefined;
  drainSeconds?: number | undefined;
  /** A status that never changes, in place of the times. */
  fixedStatus?: string | undefined;
  failureMessage?: string | undefined;
  publicIp?: string | undefined;
  allocationId?: string | undefined;
  associationId?: string | undefined;
  availabilityZone?: string | undefined;
  availabilityZoneId?: string | undefined;
}

/** The status of an address at `time`, or `undefined` while it is not, or no longer, on the gateway. */
export function statusAt(address: AddressTimeline, time: number): string | undefined {
  const { assignedAt, unassignedAt, drainSeconds = DEFAULT_DRAIN_SECONDS, fixedStatus } = address;
  if (fixedStatus !== undefined) return fixedStatus;
  if (assignedAt !== undefined && time < assignedAt) return undefined;
  if (unassignedAt !== undefined && time >= unassignedAt) {
    return time < unassignedAt + drainSeconds * 1000 ? 'unassigning' : undefined;
  }
  if (assignedAt !== undefined && time < assignedAt + ASSIGN_SECONDS * 1000) return 'assigning';
  return 'succeeded';
}

/** Whether EC2 would be changing an address in this status. */
export function isChanging(status: string | undefined): boolean {
  return status?.endsWith('ing') ?? false;
}
