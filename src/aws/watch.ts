import type { NatGateway } from '../nat-gateway/gateway.ts';
import type { Failure } from '../vocabulary/failure.ts';
import type { Ec2Clients } from './clients.ts';
import { readGateways } from './describe.ts';
import { failureFrom } from './failure-from.ts';

/** One read of a gateway, or the failure to read it, after which the next read may work. */
export type Observation = { gateway: NatGateway | undefined } | { failure: Failure };

/** What a waiter asks of the polls; it may change after every read. */
export interface Pace {
  /** Whether reads soon may settle what it waits for. */
  isUrgent: boolean;
}

interface Watcher {
  natGatewayId: string;
  pace: Pace;
  isNew: boolean;
  deliver: (observation: Observation) => void;
}

/** Random part of a pause, as a share of the pace, so that many processes do not read in step. */
const JITTER = 0.1;

/** The longest pause between reads while EC2 throttles, in paces. */
const SLOWEST = 12;

/**
 * Polls the gateways of one region for all waiters together: one read for all of them, no more often than the pace,
 * and none while nobody waits.
 */
export class RegionWatch {
  readonly #clients: Ec2Clients;
  readonly #region: string;
  readonly #watchers = new Set<Watcher>();
  #timer: NodeJS.Timeout | undefined;
  #reading: AbortController | undefined;
  #lastRead = Number.NEGATIVE_INFINITY;
  #slowness = 1;

  constructor(clients: Ec2Clients, region: string) {
    this.#clients = clients;
    this.#region = region;
  }

  /** Yields every read of the gateway until `signal` is aborted or the loop is left. */
  async *watch(natGatewayId: string, signal: AbortSignal, pace: Pace): AsyncGenerator<Observation> {
    const arrived: Observation[] = [];
    let wake: () => void = () => {};
    const watcher: Watcher = {
      natGatewayId,
      pace,
      isNew: true,
      deliver: (observation) => {
        arrived.push(observation);
        wake();
      },
    };
    const onAbort = (): void => wake();
    signal.addEventListener('abort', onAbort);
    this.#watchers.add(watcher);
    this.#schedule();
    try {
      while (!signal.aborted) {
        const observation = arrived.shift();
        if (observation !== undefined) yield observation;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) this.#stop();
    }
  }

  /** New waiters get an earlier first poll. */
  #schedule(): void {
    if (this.#reading !== undefined || this.#watchers.size === 0) return;
    clearTimeout(this.#timer);
    const { pollPace, pollFirst, pollUrgent } = this.#clients.timeouts;
    const watchers = [...this.#watchers];
    const hasNewWaiter = watchers.some(({ isNew }) => isNew);
    const isUrgent = watchers.some(({ pace }) => pace.isUrgent);
    const usual = Math.min(pollPace, hasNewWaiter ? pollFirst : pollPace, isUrgent ? pollUrgent : pollPace);
    const pause = this.#slowness === 1 ? usual : pollPace * this.#slowness;
    const due = this.#lastRead + pause * (1 + Math.random() * JITTER);
    const wait = Math.max(hasNewWaiter ? Math.min(pollFirst, 50) : 0, due - performance.now());
    this.#timer = setTimeout(() => void this.#read(), wait);
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#reading?.abort();
  }

  async #read(): Promise<void> {
    const reading = new AbortController();
    this.#reading = reading;
    this.#lastRead = performance.now();
    const watchers = [...this.#watchers];
    const ids = [...new Set(watchers.map(({ natGatewayId }) => natGatewayId))];
    try {
      const read = await readGateways(this.#clients, this.#region, ids, { signal: reading.signal });
      const gateways = new Map(read.map((gateway) => [gateway.nat_gateway_id, gateway]));
      this.#slowness = 1;
      for (const watcher of watchers) watcher.deliver({ gateway: gateways.get(watcher.natGatewayId) });
    } catch (error) {
      const failure = failureFrom(error, { region: this.#region, now: Date.now() });
      if (failure.report.code === 'throttled') this.#slowness = Math.min(SLOWEST, this.#slowness * 2);
      for (const watcher of watchers) watcher.deliver({ failure });
    } finally {
      for (const watcher of watchers) watcher.isNew = false;
      this.#reading = undefined;
      // Waiters take the read in first, and may ask for another pace.
      setImmediate(() => this.#schedule());
    }
  }
}
