import { addressOf, isChanging, type NatGateway } from './gateway.ts';
import type { Denial } from './policy.ts';
import { type Finding, gatewayFindings, managementFindings, policyFindings } from './preflight.ts';

/** Addresses that a private NAT gateway can have, the primary included. Source: VPC User Guide, quotas (not adjustable). */
const MOST_ADDRESSES = 8;

/** The result of preflight for one attempt to give released addresses back. */
export interface RestorePreflight {
  /** `already_on_gateway`: every requested address is there again, so that nothing is left to do. */
  verdict: 'clear' | 'already_on_gateway' | 'blocked';
  /** All findings, not only the first. */
  findings: Finding[];
}

/** What this server remembers of an address: it released it from this gateway within a day, and its drain still runs. */
export interface Remembered {
  isReleased: boolean;
  isDraining: boolean;
}

/**
 * Checks the state of a gateway before released addresses are assigned to it again. No address is given back but one
 * that this server released. Fails closed, as `preflight` does.
 */
export function restorePreflight(
  gateway: NatGateway,
  privateIps: readonly string[],
  remembered: (privateIp: string) => Remembered,
  denials: readonly Denial[],
): RestorePreflight {
  const findings = [...policyFindings(denials), ...gatewayFindings(gateway)];
  const blocks = (code: Finding['code'], private_ip: string | undefined, message: string): void => {
    findings.push({ code, severity: 'blocks', private_ip, message });
  };
  for (const privateIp of privateIps) {
    const address = addressOf(gateway, privateIp);
    const { isReleased, isDraining } = remembered(privateIp);
    // A read may leave out an address that is there until its drain ends.
    if (address?.status === 'unassigning' || (address === undefined && isDraining)) {
      blocks('unassigning', privateIp, `${privateIp} is still draining, which cannot be cancelled.`);
    } else if (address !== undefined) {
      blocks('on_gateway', privateIp, `${privateIp} is on the gateway (${address.status ?? 'no status'}).`);
    } else if (!isReleased) {
      blocks(
        'not_released_here',
        privateIp,
        `This server has no record of releasing ${privateIp} from this gateway within a day.`,
      );
    }
  }
  const changing = gateway.addresses.filter(
    (address) => isChanging(address) && !privateIps.includes(address.private_ip ?? ''),
  );
  if (changing.length > 0) {
    const list = changing.map(({ private_ip, status }) => `${private_ip ?? 'another address'} is ${status}`);
    const message = `EC2 accepts one change at a time on a gateway, and ${list.join(', ')}.`;
    blocks('change_in_progress', undefined, message);
  }
  const held = gateway.addresses.length;
  const missing = privateIps.filter((privateIp) => addressOf(gateway, privateIp) === undefined);
  if (held + missing.length > MOST_ADDRESSES) {
    const message = `The gateway has ${held} addresses, and can have ${MOST_ADDRESSES}.`;
    blocks('gateway_full', undefined, message);
  }
  if (findings.length === 0) return { verdict: 'clear', findings: managementFindings(gateway) };
  const isThere =
    findings.length === privateIps.length && findings.every(({ code }) => code === 'on_gateway');
  return { verdict: isThere ? 'already_on_gateway' : 'blocked', findings };
}
