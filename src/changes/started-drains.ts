import { type Drain, LONGEST_DRAIN_MILLISECONDS, type StartedDrain } from '../nat-gateway/drain.ts';
import type { NatGateway } from '../nat-gateway/gateway.ts';
import { assignedAgain, withStartedDrains } from '../nat-gateway/observations.ts';

/** How many drains are remembered, and for how long after their end. */
const CAPACITY = 1000;
export const DRAIN_KEPT_MILLISECONDS = 600_000;

/** The drain that was accepted at `startedAt`; without `drain` it may be somebody else's, of any length. */
export function startedDrain(drain: Drain | undefined, startedAt: number): StartedDrain {
  const lasts = drain === undefined ? LONGEST_DRAIN_MILLISECONDS : drain.max_drain_duration_seconds * 1000;
  return { drain, startedAt, dueAt: startedAt + lasts };
}

/** The addresses of one gateway that drain together. */
interface Drained {
  region: string;
  natGatewayId: string;
  privateIps: readonly string[];
}

/** The drains that this process started: EC2's reads may show them late, and never show when they end. */
export class StartedDrains {
  /** By gateway, then by private IP. */
  readonly #drains = new Map<string, Map<string, StartedDrain>>();
  #size = 0;

  /**
   * `drain` is undefined where it may be somebody else's, which nobody here knows the end of. `now` is in milliseconds of
   * a monotonic clock, as is every other time of a `StartedDrain`.
   */
  remember({ region, natGatewayId, privateIps }: Drained, drain: Drain | undefined, now: number): void {
    this.#prune(now);
    const started = startedDrain(drain, now);
    const key = keyOf(region, natGatewayId);
    const ofGateway = this.#drains.get(key) ?? new Map<string, StartedDrain>();
    for (const privateIp of privateIps) {
      if (!ofGateway.has(privateIp)) this.#size += 1;
      ofGateway.set(privateIp, started);
    }
    this.#drains.set(key, ofGateway);
  }

  /** The remembered drains of a gateway, by private IP. */
  of(region: string, natGatewayId: string): ReadonlyMap<string, StartedDrain> {
    return this.#drains.get(keyOf(region, natGatewayId)) ?? new Map();
  }

  /** The gateway as it is to be judged by this read; an assignment that it shows ends what is remembered. */
  judge(region: string, gateway: NatGateway, now: number): NatGateway {
    const { nat_gateway_id: natGatewayId = '' } = gateway;
    const drains = this.of(region, natGatewayId);
    for (const privateIp of assignedAgain(gateway, drains, now)) this.forget(region, natGatewayId, privateIp);
    return withStartedDrains(gateway, this.of(region, natGatewayId), now);
  }

  /** Ends the memory of an address: its release was read, or it was assigned again. */
  forget(region: string, natGatewayId: string, privateIp: string): void {
    const ofGateway = this.#drains.get(keyOf(region, natGatewayId));
    if (ofGateway?.delete(privateIp)) this.#size -= 1;
    if (ofGateway?.size === 0) this.#drains.delete(keyOf(region, natGatewayId));
  }

  #prune(now: number): void {
    for (const [key, ofGateway] of this.#drains) {
      for (const [privateIp, { dueAt }] of ofGateway) {
        if (dueAt + DRAIN_KEPT_MILLISECONDS >= now && this.#size < CAPACITY) continue;
        ofGateway.delete(privateIp);
        this.#size -= 1;
      }
      if (ofGateway.size === 0) this.#drains.delete(key);
    }
  }
}

function keyOf(region: string, natGatewayId: string): string {
  return `${region}/${natGatewayId}`;
}
