/** EC2's default for `MaxDrainDurationSeconds`, equal to the idle timeout of a NAT gateway's connections. */
export const DEFAULT_DRAIN_SECONDS = 350;

/** EC2's bounds for `MaxDrainDurationSeconds`. */
export const DRAIN_SECONDS = { minimum: 1, maximum: 4000 } as const;

/** A drain: the addresses still serve existing connections, take no new ones, and are released at its end. */
export interface Drain {
  /** Time at which EC2's acceptance arrived, ISO 8601 in UTC. */
  started_at: string;
  /** Latest time of the release, ISO 8601 in UTC. */
  release_by: string;
  max_drain_duration_seconds: number;
}

/** EC2's longest drain, in milliseconds: how long one can last that another caller may have started. */
export const LONGEST_DRAIN_MILLISECONDS = DRAIN_SECONDS.maximum * 1000;

/** A drain that this process started, by a monotonic clock in milliseconds. */
export interface StartedDrain {
  /** Absent where the answer was lost: then somebody else may have started it, with another duration. */
  drain?: Drain | undefined;
  /** When EC2 accepted it, or at the latest. */
  startedAt: number;
  /** When it is over at the latest. */
  dueAt: number;
}

/** The drain that starts at `startedAt` (milliseconds since the epoch). */
export function drainFrom(startedAt: number, maxDrainDurationSeconds: number): Drain {
  return {
    started_at: new Date(startedAt).toISOString(),
    release_by: new Date(startedAt + maxDrainDurationSeconds * 1000).toISOString(),
    max_drain_duration_seconds: maxDrainDurationSeconds,
  };
}

/** How long a wait lasts unless it is told otherwise. */
export const DEFAULT_WAIT_SECONDS = 45;

/** The end of a drain, where a wait of `seconds` from `now` on (milliseconds since the epoch) would not reach it. */
export function beyondWait(
  releaseBy: string | undefined,
  now: number,
  seconds = DEFAULT_WAIT_SECONDS,
): string | undefined {
  if (releaseBy === undefined) return undefined;
  return Date.parse(releaseBy) - now > seconds * 1000 ? releaseBy : undefined;
}

/** The latest end of these drains, where there is one. */
export function latestEnd(drains: Iterable<StartedDrain | undefined>): string | undefined {
  return [...drains]
    .flatMap((started) => started?.drain?.release_by ?? [])
    .sort()
    .at(-1);
}

/**
 * The AWS CLI command that assigns the addresses again once they are released. It does not cancel the drain, which EC2
 * cannot do, and the addresses may be taken by then.
 */
export function undoCommand(region: string, natGatewayId: string, privateIps: readonly string[]): string {
  return `aws ec2 assign-private-nat-gateway-address --region ${region} --nat-gateway-id ${natGatewayId} --private-ip-addresses ${privateIps.join(' ')}`;
}

/** The AWS CLI command that releases addresses of a public gateway, by the associations of their Elastic IPs. */
export function disassociateCommand(
  region: string,
  natGatewayId: string,
  associationIds: readonly string[],
  maxDrainDurationSeconds?: number,
): string {
  const drain =
    maxDrainDurationSeconds === undefined ? '' : ` --max-drain-duration-seconds ${maxDrainDurationSeconds}`;
  return `aws ec2 disassociate-nat-gateway-address --nat-gateway-id ${natGatewayId} --association-ids ${associationIds.join(' ')} --region ${region}${drain}`;
}
