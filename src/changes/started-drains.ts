import { type Drain, READ_LAG_MILLISECONDS } from '../nat-gateway/drain.ts';

/** How many drains are remembered, and for how long after their end. */
const CAPACITY = 1000;
const KEPT_MILLISECONDS = 600_000;

/** When EC2 accepted to unassign an address, and its release at the latest, in milliseconds since the epoch. */
interface Times {
  startedAt: number;
  releaseBy: number;
}

/** The drains that this process has started: EC2's reads may show them late, and never show when they end. */
export class StartedDrains {
  readonly #drains = new Map<string, Times>();

  remember({ region, natGatewayId, privateIps }: Drained, drain: Drain, now: number): void {
    for (const [key, { releaseBy }] of this.#drains) {
      if (releaseBy + KEPT_MILLISECONDS < now || this.#drains.size >= CAPACITY) this.#drains.delete(key);
    }
    const times = { startedAt: Date.parse(drain.started_at), releaseBy: Date.parse(drain.release_by) };
    for (const privateIp of privateIps) this.#drains.set(keyOf(region, natGatewayId, privateIp), times);
  }

  /** The release of an address at the latest, in milliseconds since the epoch, where this process started its drain. */
  releaseBy(region: string, natGatewayId: string, privateIp: string): number | undefined {
    return this.#drains.get(keyOf(region, natGatewayId, privateIp))?.releaseBy;
  }

  /** The addresses of a gateway whose drain, started here, may still run. */
  running(region: string, natGatewayId: string, now: number): string[] {
    return this.#addresses(region, natGatewayId, ({ releaseBy }) => now < releaseBy);
  }

  /** The running ones that EC2 accepted so recently that its reads may not show it yet. */
  accepted(region: string, natGatewayId: string, now: number): string[] {
    return this.#addresses(
      region,
      natGatewayId,
      ({ startedAt, releaseBy }) => now < Math.min(releaseBy, startedAt + READ_LAG_MILLISECONDS),
    );
  }

  #addresses(region: string, natGatewayId: string, fits: (times: Times) => boolean): string[] {
    const prefix = keyOf(region, natGatewayId, '');
    return [...this.#drains]
      .filter(([key, times]) => key.startsWith(prefix) && fits(times))
      .map(([key]) => key.slice(prefix.length));
  }
}

/** The addresses of one gateway that drain together. */
interface Drained {
  region: string;
  natGatewayId: string;
  privateIps: readonly string[];
}

function keyOf(region: string, natGatewayId: string, privateIp: string): string {
  return `${region}/${natGatewayId}/${privateIp}`;
}
