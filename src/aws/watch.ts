import type { NatGateway } from '../nat-gateway/gateway.ts';
import type { Failure } from '../vocabulary/failure.ts';
import type { Ec2Clients } from './clients.ts';
import { readGateways } from './describe.ts';
import { failureFrom } from './failure-from.ts';

/** What one read tells of a gateway; `failure` where the read failed and the next may not. */
export type Observation = { gateway: NatGateway | undefined } | { failure: Failure };

interface Watcher {
  natGatewayId: string;
  fresh: boolean;
  deliver: (observation: Observation) => void;
}

/** How much longer than the pace a pause may be, so that many processes do not read in step. */
const JITTER = 0.1;

/** The longest pause between reads while EC2 throttles, in paces. */
const SLOWEST = 12;

/**
 * The gateways of one region that somebody waits for. However many wait, there is one read for all of them, no more
 * often than the pace; nobody waits, nothing is read.
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

  /** Yields what each read tells of the gateway, until `signal` is aborted or the loop is left. */
  async *watch(natGatewayId: string, signal: AbortSignal): AsyncGenerator<Observation> {
    const arrived: Observation[] = [];
    let wake: () => void = () => {};
    const watcher: Watcher = {
      natGatewayId,
      fresh: true,
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

  /** Who has just come is answered sooner than who has been told already. */
  #schedule(): void {
    if (this.#reading !== undefined || this.#watchers.size === 0) return;
    clearTimeout(this.#timer);
    const { pollPace, pollFirst } = this.#clients.timeouts;
    const someoneIsFresh = [...this.#watchers].some(({ fresh }) => fresh);
    const pause = (someoneIsFresh && this.#slowness === 1 ? pollFirst : pollPace) * this.#slowness;
    const due = this.#lastRead + pause * (1 + Math.random() * JITTER);
    const wait = Math.max(someoneIsFresh ? Math.min(pollFirst, 50) : 0, due - performance.now());
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
      const read = await readGateways(this.#clients, this.#region, ids, reading.signal);
      const gateways = new Map(read.map((gateway) => [gateway.nat_gateway_id, gateway]));
      this.#slowness = 1;
      for (const watcher of watchers) watcher.deliver({ gateway: gateways.get(watcher.natGatewayId) });
    } catch (error) {
      const failure = failureFrom(error, { region: this.#region, now: Date.now() });
      if (failure.report.code === 'throttled') this.#slowness = Math.min(SLOWEST, this.#slowness * 2);
      for (const watcher of watchers) watcher.deliver({ failure });
    } finally {
      for (const watcher of watchers) watcher.fresh = false;
      this.#reading = undefined;
      this.#schedule();
    }
  }
}
