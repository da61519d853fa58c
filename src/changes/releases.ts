import { keep } from '../vocabulary/room.ts';

/** How long a release can be given back, in milliseconds. */
export const RESTORABLE_MILLISECONDS = 86_400_000;

/** How many addresses are remembered, over all gateways. */
const CAPACITY = 10_000;

/** Addresses that an accepted or unresolved real call was to release. */
export interface Release {
  /** Its name, where targets were in use. */
  target?: string | undefined;
  region: string;
  natGatewayId: string;
  privateIps: readonly string[];
  /** When the call was made, in milliseconds since the epoch. */
  at: number;
}

/** The addresses that this server released within a day, and no others: those can be given back. */
export class Releases {
  readonly #now: () => number;
  /** Time of the release by place and private IP, oldest first. */
  readonly #released = new Map<string, number>();
  readonly #givenBack = new Map<string, number>();

  /** `earlier` are those of former processes, as the audit log has them. */
  constructor(now: () => number, earlier: readonly Release[] = []) {
    this.#now = now;
    for (const release of earlier) this.remember(release);
  }

  /** A later release ends what an earlier return says. */
  remember({ region, natGatewayId, privateIps, at }: Release): void {
    for (const privateIp of privateIps) {
      const key = keyOf(region, natGatewayId, privateIp);
      this.#givenBack.delete(key);
      keep(this.#released, key, at, CAPACITY);
    }
  }

  /** Whether this server released the address from this gateway within a day. */
  has(region: string, natGatewayId: string, privateIp: string): boolean {
    const at = this.#released.get(keyOf(region, natGatewayId, privateIp));
    return at !== undefined && this.#now() - at < RESTORABLE_MILLISECONDS;
  }

  /** Notes that addresses were given back: they can be no more, and are on their way since `now` (monotonic). */
  giveBack({ region, natGatewayId, privateIps }: Omit<Release, 'at'>, now: number): void {
    for (const privateIp of privateIps) {
      const key = keyOf(region, natGatewayId, privateIp);
      this.#released.delete(key);
      keep(this.#givenBack, key, now, CAPACITY);
    }
  }

  /** When the address was given back to this gateway, by the monotonic clock; `undefined` if it was not. */
  givenBackAt(region: string, natGatewayId: string, privateIp: string): number | undefined {
    return this.#givenBack.get(keyOf(region, natGatewayId, privateIp));
  }
}

function keyOf(region: string, natGatewayId: string, privateIp: string): string {
  return `${region}/${natGatewayId}/${privateIp}`;
}
