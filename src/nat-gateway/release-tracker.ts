import { READ_LAG_MILLISECONDS } from './drain.ts';
import { isChanging, type NatGateway, type NatGatewayAddress } from './gateway.ts';

/**
 * What became of an address so far: `released` (gone), `not_on_gateway` (never seen there), or its status.
 */
export interface Fate {
  private_ip: string;
  fate: string;
  failure_message?: string | undefined;
  /** Whether there is nothing left to wait for. */
  settled: boolean;
}

/** One read of the gateway: what it showed, or `undefined` where it showed no such gateway. */
export type Sighting = NatGateway | undefined;

/**
 * Follows addresses through reads that may lag behind what EC2 does. One read without an address proves nothing, two
 * in a row do; and while a drain that this process started can still run, a read that shows the address untouched is
 * a late one.
 */
export class Following {
  readonly #absences = new Map<string, number>();
  readonly #seen = new Set<string>();
  #missing = 0;
  #gateway: NatGateway | undefined;

  /** Takes the next read into account. */
  see(gateway: Sighting, privateIps: readonly string[]): void {
    this.#missing = gateway === undefined ? this.#missing + 1 : 0;
    if (gateway === undefined) return;
    this.#gateway = gateway;
    for (const privateIp of privateIps) {
      if (find(gateway, privateIp) !== undefined) {
        this.#absences.set(privateIp, 0);
        this.#seen.add(privateIp);
      } else if (showsItsAddresses(gateway)) {
        this.#absences.set(privateIp, (this.#absences.get(privateIp) ?? 0) + 1);
      }
    }
  }

  /** Whether the gateway is deleted, or was there and is not any more. */
  get isGatewayGone(): boolean {
    return this.#gateway?.state === 'deleted' || (this.#gateway !== undefined && this.#missing >= 2);
  }

  /** Whether reads agree that there never was such a gateway. */
  get isGatewayUnknown(): boolean {
    return this.#gateway === undefined && this.#missing >= 2;
  }

  /** `releaseBy`: when the drain that this process started ends, in milliseconds since the epoch, if it did. */
  fateOf(privateIp: string, releaseBy: number | undefined, now: number): Fate {
    const absences = this.#absences.get(privateIp) ?? 0;
    const address = this.#gateway === undefined ? undefined : find(this.#gateway, privateIp);
    if (absences > 0) {
      const wasThere = this.#seen.has(privateIp) || releaseBy !== undefined;
      const fate = wasThere ? 'released' : 'not_on_gateway';
      return absences >= 2
        ? { private_ip: privateIp, fate, settled: true }
        : { private_ip: privateIp, fate: wasThere ? 'unassigning' : 'unknown', settled: false };
    }
    if (address?.status === undefined) return { private_ip: privateIp, fate: 'unknown', settled: false };
    const mayBeLate = releaseBy !== undefined && now < releaseBy + READ_LAG_MILLISECONDS;
    if (mayBeLate && address.status === 'succeeded') {
      return { private_ip: privateIp, fate: 'unassigning', settled: false };
    }
    return {
      private_ip: privateIp,
      fate: address.status,
      failure_message: address.status === 'failed' ? address.failure_message : undefined,
      settled: !isChanging(address),
    };
  }
}

/** The addresses of a gateway that are changing now. */
export function changingAddresses(gateway: NatGateway): string[] {
  return gateway.addresses.flatMap((address) =>
    isChanging(address) && address.private_ip !== undefined ? [address.private_ip] : [],
  );
}

/** Whether an address that is not shown is not there: a gateway at work has a primary for as long as it exists. */
function showsItsAddresses({ state, addresses }: NatGateway): boolean {
  const showsPrimary = addresses.some(({ private_ip, is_primary }) => private_ip !== undefined && is_primary);
  return state === 'available' && showsPrimary;
}

function find(gateway: NatGateway, privateIp: string): NatGatewayAddress | undefined {
  return gateway.addresses.find(({ private_ip }) => private_ip === privateIp);
}
