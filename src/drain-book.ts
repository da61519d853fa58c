import type { Drain } from './nat-gateway/drain.ts';

/** How many drains are remembered, and for how long after their end. */
const CAPACITY = 1000;
const KEPT_MILLISECONDS = 600_000;

/** The drains that this process has started, so that who waits can be told when they end. */
export class DrainBook {
  readonly #releaseBy = new Map<string, number>();

  remember(
    region: string,
    natGatewayId: string,
    privateIps: readonly string[],
    drain: Drain,
    now: number,
  ): void {
    for (const [key, releaseBy] of this.#releaseBy) {
      if (releaseBy + KEPT_MILLISECONDS < now || this.#releaseBy.size >= CAPACITY)
        this.#releaseBy.delete(key);
    }
    for (const privateIp of privateIps) {
      this.#releaseBy.set(keyOf(region, natGatewayId, privateIp), Date.parse(drain.release_by));
    }
  }

  /** When the address is released at the latest, in milliseconds since the epoch, where this process started it. */
  releaseBy(region: string, natGatewayId: string, privateIp: string): number | undefined {
    return this.#releaseBy.get(keyOf(region, natGatewayId, privateIp));
  }

  /** The addresses of a gateway whose drain, started here, may still run. */
  running(region: string, natGatewayId: string, now: number): string[] {
    const prefix = keyOf(region, natGatewayId, '');
    return [...this.#releaseBy]
      .filter(([key, releaseBy]) => key.startsWith(prefix) && now < releaseBy)
      .map(([key]) => key.slice(prefix.length));
  }
}

function keyOf(region: string, natGatewayId: string, privateIp: string): string {
  return `${region}/${natGatewayId}/${privateIp}`;
}
