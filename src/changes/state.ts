import type { Drain, StartedDrain } from '../nat-gateway/drain.ts';
import type { NatGateway } from '../nat-gateway/gateway.ts';
import type { ChangeTool } from '../vocabulary/names.ts';
import type { Approvals } from './approvals.ts';

/**
 * What a process has to know of all changes, those of its replicas included. In memory it is known to one process; in a
 * table, to every process that shares it.
 *
 * Every method that returns a promise may reject with a `Failure` `state_unavailable`: the state could not be read or
 * written, or nobody knows whether it was written. Then no change may be made; reads of EC2 may go on without it.
 *
 * An `attempt` is the id of one attempt at one change: random, and never used for another. A method that takes one is
 * safe to call again with it, as is a request whose answer was lost: the second time changes nothing and has the result
 * of the first.
 *
 * A call needs two rounds of requests, each sent at once: `holds.acquire`, `changes.of` and `limit.secondsLeft` beside
 * the read of the gateway; `yeses.use`, `limit.take`, `approvals.use`, `changes.intend` and `hold.renew` before the real
 * call. What follows the real call (`changes.settle`, `hold.free`, `limit.refund`) need not be awaited: it never rejects,
 * and `close` waits for it.
 */
export interface State {
  readonly yeses: Yeses;
  readonly limit: Limit;
  readonly holds: Holds;
  readonly changes: Changes;
  readonly approvals: Approvals;
  /** Whether other processes use it too, so that asking it takes a request. */
  readonly isShared: boolean;
  /**
   * The state of the changes in a target: the same, whose limit counts each caller's changes in the target as well. The
   * count goes on where the target had another limit before.
   */
  forTarget(name: string, changesPerHour: number): State;
  /**
   * Tells whether the state can be read and written. What it finds may be some seconds old, so that health checks cost
   * little.
   *
   * @throws Failure `state_unavailable` with the reason
   */
  check(): Promise<void>;
  /** Waits for what is still being written, a few seconds at most, and closes every connection. */
  close(): Promise<void>;
}

/** The answers of people that were used up. */
export interface Yeses {
  /**
   * Uses a yes up. True for the first attempt that uses it, and again for the same attempt; false for any other.
   *
   * @param rememberFor milliseconds after which the yes has expired anyway, and may be forgotten
   */
  use(nonce: string, attempt: string, rememberFor: number): Promise<boolean>;
}

/** The real calls of each caller: at most `perHour` within any hour. Callers without a name share one count. */
export interface Limit {
  readonly perHour: number;
  /** That of all targets together, where `perHour` is that of one. */
  readonly perHourInAll?: number;
  /** Seconds until this caller may make another change; 0 is now. */
  secondsLeft(caller: string | undefined): Promise<number>;
  /** Counts a change that is about to be made; false where the caller has none left. */
  take(caller: string | undefined, attempt: string): Promise<boolean>;
  /** Uncounts a change that was not sent. */
  refund(caller: string | undefined, attempt: string): Promise<void>;
}

/** A gateway: its id is unique among all accounts. */
export interface GatewayKey {
  region: string;
  natGatewayId: string;
}

/** The gateways on which a change is being made: one change at a time on each. */
export interface Holds {
  /**
   * Waits until nobody holds the gateway, and holds it. `giveUp` ends the waiting.
   *
   * @throws NotBegun where `giveUp` was aborted first
   */
  acquire(gateway: GatewayKey, attempt: string, giveUp: AbortSignal): Promise<Hold>;
  /** Settles when this process holds nothing and waits for nothing. */
  idle(): Promise<void>;
}

/** A gateway that is held by one attempt, until it is freed or its time is over. */
export interface Hold {
  /** Rises with every hold on the gateway: the later of two has the higher one. For the record; EC2 cannot check it. */
  readonly fence: number;
  /**
   * Whether somebody else held the gateway just before, so that what was read beside the acquiring may be from before
   * their change.
   */
  readonly readAgain: boolean;
  /**
   * Milliseconds of `performance.now()` after which the real call must not be sent, because it could still be on its way
   * when somebody else holds the gateway. Infinity where nobody else can. A renewal moves it.
   */
  readonly mustNotSendAfter: number;
  /**
   * Whether the real call may be sent now, as far as clocks tell: to be asked last before it is sent. A process that was
   * stopped, or a machine that slept, finds that its time is over. Costs nothing.
   */
  maySend(): boolean;
  /** Holds on from now, if it is still held by this attempt; false where it is not, and nothing may be sent. */
  renew(): Promise<boolean>;
  /** Lets the next one in, once what became of the change is on record. */
  free(): Promise<void>;
  /**
   * From now on `free` lets nobody of another process in before the time of the hold is over: a change that was sent may
   * still be on its way.
   */
  keep(): void;
}

/** A change that is about to be sent. */
export interface IntendedChange extends GatewayKey {
  attempt: string;
  tool: ChangeTool;
  privateIps: readonly string[];
}

/**
 * What became of a change. `not_made`: nothing was sent, or EC2 refused it. `unknown`: it may have been accepted.
 * `accepted`, of a release, with its drain; without one where somebody else may have started it, so that its end is not
 * known.
 */
export type ChangeEnd =
  | { kind: 'not_made' }
  | { kind: 'unknown' }
  | { kind: 'accepted'; drain?: Drain | undefined };

/** The changes of the last day. They outlive the process where the state does. */
export interface Changes {
  /**
   * Records a change before it is sent. Until it is settled it counts as one that may have been accepted: its addresses
   * can be given back, and nothing is known of a drain.
   */
  intend(change: IntendedChange): Promise<void>;
  /** Records what became of it. */
  settle(change: IntendedChange, end: ChangeEnd): Promise<void>;
  /** What is remembered of a gateway. */
  of(gateway: GatewayKey): Promise<Remembered>;
  /** The same of every gateway of a region, for a list of them. */
  in(region: string): Promise<(natGatewayId: string) => Remembered>;
}

/** What is remembered of a gateway. Times are milliseconds of the monotonic clock of EC2 (`ec2Clock`) in this process. */
export interface Remembered {
  /** The drains that were started here, by private IP, those that ended minutes ago included. */
  readonly drains: ReadonlyMap<string, StartedDrain>;
  /** Whether the address was released here within a day, and not given back since. */
  isReleased(privateIp: string): boolean;
  /** When the address was given back; `undefined` if it was not. */
  givenBackAt(privateIp: string): number | undefined;
  /** The gateway as it is to be judged by this read; an assignment that it shows ends what is remembered. */
  judge(gateway: NatGateway, now: number): NatGateway;
  /** Ends the memory of a drain: its release was read. */
  forget(privateIp: string): void;
}

/** Clocks in milliseconds. */
export interface Clocks {
  /** Since the epoch. */
  now(): number;
  /** Since any moment, and set by nobody. */
  monotonic(): number;
  /** The clocks by which EC2 drains: faster ones on the embedded endpoint. */
  ec2: { now(): number; monotonic(): number };
}
