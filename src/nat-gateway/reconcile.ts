import { isPrimary, type NatGateway } from './gateway.ts';

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
export function sighting(
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
