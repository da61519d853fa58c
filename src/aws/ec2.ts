import type { Evidence } from '../nat-gateway/evidence.ts';
import type { NatGateway } from '../nat-gateway/gateway.ts';
import { assignedVerdictOf, verdictOf } from '../nat-gateway/observations.ts';
import type { Logger } from '../vocabulary/logger.ts';
import { kept } from '../vocabulary/room.ts';
import { TIMEOUTS, type Timeouts } from '../vocabulary/timeouts.ts';
import { type AssignRequest, assignment } from './assign.ts';
import { REGIONS_KEPT } from './client-config.ts';
import { Ec2Clients } from './clients.ts';
import {
  type NatGatewayPage,
  type NatGatewayQuery,
  readGateway,
  readGateways,
  readPage,
} from './describe.ts';
import type { EvidenceQuestion, Followed } from './evidence/look-up.ts';
import type { Identity } from './identity.ts';
import {
  type AddressChange,
  type ChangeAnswer,
  type DryRun,
  dryRun,
  type Permit,
  sendChange,
} from './permit.ts';
import { type Reconciled, reconcile } from './reconcile.ts';
import type { AttemptBy } from './roles/attempt-signer.ts';
import type { Ec2Target } from './settings.ts';
import { type UnassignRequest, unassignment } from './unassign.ts';
import { type Observation, type Pace, RegionWatch } from './watch.ts';

/** The calls of one change. `dryRun` and `send` return a failure in their answer. */
export interface ChangeCalls<Change extends AddressChange> {
  /** `by`: the attempt that it is for, as AWS's records show it where the target has a role. */
  dryRun(change: Change, signal: AbortSignal, by: AttemptBy): Promise<DryRun>;
  /** The real call; `maySend` is asked last. */
  send(permit: Permit, maySend?: () => boolean): Promise<ChangeAnswer>;
  /** Reads what became of a real call that went to `origin`. */
  reconcile(change: Change, origin: string): Promise<Reconciled>;
}

export { inTarget } from './settings.ts';

/** EC2 as the tools see it. Methods throw `Failure`. */
export interface Ec2 {
  /** The region of a call that names `requested` or none. */
  region(requested: string | undefined): Promise<string>;
  readPage(region: string, query: NatGatewayQuery, signal: AbortSignal): Promise<NatGatewayPage>;
  /** Every gateway with one of these ids. */
  readGateways(region: string, ids: readonly string[], signal: AbortSignal): Promise<NatGateway[]>;
  readGateway(region: string, natGatewayId: string, signal: AbortSignal): Promise<NatGateway | undefined>;
  /**
   * What can be looked up about each of at most ten gateways, read raw and all at once. A source that fails says so in its
   * status; only the caller's own giving up throws.
   */
  evidence(
    region: string,
    gateways: readonly EvidenceQuestion[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Evidence>>;
  unassign: ChangeCalls<UnassignRequest>;
  assign: ChangeCalls<AssignRequest>;
  /**
   * Yields every read of a gateway until `signal` is aborted or the loop is left. One read serves all waiters of the
   * region.
   */
  watch(region: string, natGatewayId: string, signal: AbortSignal, pace: Pace): AsyncGenerator<Observation>;
  /** The regions that the account has enabled. An answer is kept for some minutes. */
  describeRegions(): Promise<string[]>;
  /** Whose key signs requests to `region` now; `undefined` if there are no credentials, of which a read tells more. */
  identity(region: string): Promise<Identity | undefined>;
  /** The configuration of a client of the table that replicas share, in the region or the configured one. */
  tableConfig(region: string | undefined): ReturnType<Ec2Clients['tableConfig']>;
  close(): void;
}

/** How long the list of regions is kept, in milliseconds. */
const LIST_KEPT = 300_000;

/**
 * Contacts nobody until a method is called. `version` goes into the user agent, by which CloudTrail shows the calls of
 * this server.
 */
export function connectEc2(
  target: Ec2Target,
  version: string,
  logger: Logger,
  timeouts: Timeouts = TIMEOUTS,
): Ec2 {
  const clients = new Ec2Clients(target, version, logger, timeouts);
  const watches = new Map<string, RegionWatch>();
  const followed = new Map<string, Followed>();
  const watchOf = (region: string): RegionWatch =>
    kept(watches, region, REGIONS_KEPT, () => new RegionWatch(clients, region));
  let regions: { list: Promise<string[]>; at: number } | undefined;
  const describeRegions = (): Promise<string[]> => {
    if (regions !== undefined && performance.now() - regions.at < LIST_KEPT) return regions.list;
    const asked = {
      list: import('./regions.ts').then(({ readRegions }) => readRegions(clients)),
      at: performance.now(),
    };
    regions = asked;
    asked.list.catch(() => {
      if (regions === asked) regions = undefined;
    });
    return asked.list;
  };
  return {
    region: (requested) => clients.region(requested),
    readPage: (region, query, signal) => readPage(clients, region, query, { signal }),
    readGateways: (region, ids, signal) => readGateways(clients, region, ids, { signal }),
    readGateway: (region, natGatewayId, signal) => readGateway(clients, region, natGatewayId, { signal }),
    async evidence(region, gateways, signal) {
      const latest = kept(followed, region, REGIONS_KEPT, () => ({ prefixListIds: [], vpcIds: [] }));
      // Most calls do without it, and without the SDK's code for it.
      const { readEvidence } = await import('./evidence.ts');
      return readEvidence(clients, region, gateways, latest, signal);
    },
    unassign: {
      dryRun: (change, signal, by) => dryRun(clients, unassignment, change, signal, by),
      send: (permit, maySend) => sendChange(clients, unassignment, permit, maySend),
      reconcile: (change, origin) => {
        const dueAt = performance.now() + change.maxDrainDurationSeconds * 1000;
        return reconcile(clients, change, origin, (reads) => verdictOf(reads, change.privateIps, dueAt));
      },
    },
    assign: {
      dryRun: (change, signal, by) => dryRun(clients, assignment, change, signal, by),
      send: (permit, maySend) => sendChange(clients, assignment, permit, maySend),
      reconcile: (change, origin) =>
        reconcile(clients, change, origin, (reads) => assignedVerdictOf(reads, change.privateIps)),
    },
    watch: (region, natGatewayId, signal, pace) => watchOf(region).watch(natGatewayId, signal, pace),
    describeRegions,
    identity: (region) => clients.identity(region),
    tableConfig: (region) => clients.tableConfig(region),
    close: () => clients.close(),
  };
}
