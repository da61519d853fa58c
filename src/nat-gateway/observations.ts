import { READ_LAG_MILLISECONDS } from './drain.ts';
import { addressOf, isChanging, isPrimary, type NatGateway } from './gateway.ts';

/**
 * What a series of reads proves. EC2's reads may lag behind its writes, and one read may leave out an address that is
 * there: while waiting (`ReleaseTracker`), after a lost answer (`sightingOf`, `conclude`), and while this process
 * remembers that EC2 accepted a drain (`withAccepted`).
 */

/** The course of an address so far: `released` (gone), `not_on_gateway` (never seen there), or its status. */
export interface Fate {
  private_ip: string;
  fate: string;
  failure_message?: string | undefined;
  /** Whether there is nothing left to wait for. */
  settled: boolean;
}

/**
 * Follows addresses through reads that may lag behind what EC2 does. One read without an address proves nothing, two
 * in a row do; and while a drain that this process started can still run, a read that shows the address untouched is
 * a late one.
 */
export class ReleaseTracker {
  readonly #absences = new Map<string, number>();
  readonly #seen = new Set<string>();
  #missing = 0;
  #gateway: NatGateway | undefined;

  /** Takes the next read into account. */
  see(gateway: NatGateway | undefined, privateIps: readonly string[]): void {
    this.#missing = gateway === undefined ? this.#missing + 1 : 0;
    if (gateway === undefined) return;
    this.#gateway = gateway;
    for (const privateIp of privateIps) {
      if (addressOf(gateway, privateIp) !== undefined) {
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
  fate(privateIp: string, releaseBy: number | undefined, now: number): Fate {
    const absences = this.#absences.get(privateIp) ?? 0;
    const address = this.#gateway === undefined ? undefined : addressOf(this.#gateway, privateIp);
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

/** Whether an address that is not shown is not there: a gateway at work has a primary for as long as it exists. */
function showsItsAddresses({ state, addresses }: NatGateway): boolean {
  const showsPrimary = addresses.some(({ private_ip, is_primary }) => private_ip !== undefined && is_primary);
  return state === 'available' && showsPrimary;
}

/** What one read tells of the requested addresses after a real call whose answer was lost. */
export interface Sighting {
  /** Addresses that are unassigning. */
  draining: string[];
  /** Addresses that are no longer on the gateway. */
  absent: string[];
  /** Addresses that look as if nothing had happened. */
  unchanged: string[];
}

/**
 * Compares the gateway with what was asked of it. Every requested address was on it before, or preflight would
 * have refused.
 *
 * A read counts only if the gateway is available and still shows its primary as it was `before`; from any other,
 * nothing follows (`undefined`): an answer that leaves the addresses out shows none of them released.
 */
export function sightingOf(
  gateway: NatGateway,
  before: NatGateway,
  privateIps: readonly string[],
): Sighting | undefined {
  const primary = before.addresses.find((address) => isPrimary(before, address) === true)?.private_ip;
  const showsPrimary = gateway.addresses.some(({ private_ip }) => private_ip === primary);
  if (gateway.state !== 'available' || primary === undefined || !showsPrimary) return undefined;
  const status = (privateIp: string): 'draining' | 'absent' | 'unchanged' | 'untold' => {
    const address = gateway.addresses.find(({ private_ip }) => private_ip === privateIp);
    if (address === undefined) return 'absent';
    if (address.status === undefined) return 'untold';
    return address.status === 'unassigning' ? 'draining' : 'unchanged';
  };
  return {
    draining: privateIps.filter((privateIp) => status(privateIp) === 'draining'),
    absent: privateIps.filter((privateIp) => status(privateIp) === 'absent'),
    unchanged: privateIps.filter((privateIp) => status(privateIp) === 'unchanged'),
  };
}

/**
 * What a series of sightings, oldest first, proves.
 *
 * `accepted`: every address was seen draining, or was absent in the last two sightings, since one read may miss an
 * address that is there. `partial`: that holds for some, while others look untouched. `unchanged`: nothing was
 * ever seen to change. `unclear`: too little was seen.
 */
export function conclude(
  sightings: readonly Sighting[],
  privateIps: readonly string[],
): 'accepted' | 'partial' | 'unchanged' | 'unclear' {
  const last = sightings.at(-1);
  if (last === undefined) return 'unclear';
  const lastTwo = sightings.slice(-2);
  const hasChanged = (privateIp: string): boolean =>
    sightings.some(({ draining }) => draining.includes(privateIp)) ||
    (lastTwo.length === 2 && lastTwo.every(({ absent }) => absent.includes(privateIp)));
  const changed = privateIps.filter(hasChanged);
  if (changed.length === privateIps.length) return 'accepted';
  if (changed.length > 0) {
    const others = privateIps.filter((privateIp) => !changed.includes(privateIp));
    return others.every((privateIp) => last.unchanged.includes(privateIp)) ? 'partial' : 'unclear';
  }
  return sightings.every(({ unchanged }) => unchanged.length === privateIps.length) ? 'unchanged' : 'unclear';
}

/**
 * The gateway as it is to be judged: an address that EC2 has just accepted to unassign is draining, though a read that
 * lags behind still shows it untouched. What a read shows otherwise is newer, and stands.
 */
export function withAccepted(gateway: NatGateway, accepted: readonly string[]): NatGateway {
  const addresses = gateway.addresses.map((address) => {
    const isLate = address.status === 'succeeded' && accepted.includes(address.private_ip ?? '');
    return isLate ? { ...address, status: 'unassigning' } : address;
  });
  return { ...gateway, addresses };
}
