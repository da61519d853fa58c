/** Checks that assigning and unassigning share. */
import { isIPv4 } from 'node:net';
import type { NatGateways } from './action.ts';
import { assumed, invalidValueMessage, natGatewayNotFound } from './errors.ts';
import type { SimulatedAddress, SimulatedNatGateway } from './nat-gateway.ts';
import { isChangingAt, isHeldAt, statusAt } from './timeline.ts';

/**
 * Returns the gateway if its addresses can be changed now.
 *
 * @throws Ec2Error
 */
export function changeableGateway(gateways: NatGateways, id: string, now: number): SimulatedNatGateway {
  const gateway = gateways.get(id);
  if (gateway === undefined) throw natGatewayNotFound(id);
  const { state = 'available' } = gateway;
  if (state === 'deleted') throw assumed('deleted', natGatewayNotFound(id).message);
  if (gateway.connectivityType === 'public' || gateway.availabilityMode === 'regional') {
    throw assumed('publicGateway', `NAT gateway ${id} is not a private NAT gateway`);
  }
  if (state !== 'available') {
    throw assumed('notAvailable', `NAT gateway ${id} is in the state ${state}; it must be available`);
  }
  const changing = gateway.addresses?.filter((address) => isChangingAt(address, now)) ?? [];
  const [first] = changing;
  if (first !== undefined) {
    // By analogy with the message for Elastic IPs (terraform-provider-aws #44581).
    const doing = statusAt(first, now)?.toUpperCase();
    const addresses = changing.map(({ privateIp }) => privateIp).join(', ');
    throw assumed(
      'inProgress',
      `Service is currently ${doing} the following private IP addresses: [${addresses}].`,
    );
  }
  return gateway;
}

/** Returns the addresses that the gateway holds at `time`. */
export function heldAddresses({ addresses = [] }: SimulatedNatGateway, time: number): SimulatedAddress[] {
  return addresses.filter((address) => isHeldAt(address, time));
}

/**
 * Checks that every value is an IPv4 address, and given once.
 *
 * @throws Ec2Error
 */
export function checkPrivateIps(privateIps: readonly string[]): void {
  for (const [index, privateIp] of privateIps.entries()) {
    if (!isIPv4(privateIp)) {
      throw assumed(
        'notAnAddress',
        invalidValueMessage(privateIp, 'privateIpAddress', 'Expecting an IPv4 address.'),
      );
    }
    if (privateIps.indexOf(privateIp) < index) {
      throw assumed('duplicate', `The address ${privateIp} is given more than once.`);
    }
  }
}
