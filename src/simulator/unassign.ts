import type { Action } from './action.ts';
import { changeableGateway, checkPrivateIps, heldAddresses } from './change.ts';
import { natGatewayAddressElement } from './elements.ts';
import { assumed, invalidValueMessage, missingParameter } from './errors.ts';
import type { SimulatedAddress } from './nat-gateway.ts';
import { requiredNatGatewayId } from './nat-gateway-id.ts';
import { integerParameter, listParameter, type QueryParameters } from './query.ts';
import { DEFAULT_DRAIN_SECONDS } from './timeline.ts';

/**
 * `UnassignPrivateNatGatewayAddress`: drains all addresses or none. The gateway holds an address until its drain ends.
 * The response lists only the requested addresses.
 */
export const unassignPrivateNatGatewayAddress: Action = {
  accepts: /^(DryRun|MaxDrainDurationSeconds|NatGatewayId|PrivateIpAddress\.[1-9]\d{0,5})$/,
  changes: true,

  check(parameters) {
    requiredNatGatewayId(parameters);
    if (listParameter(parameters, 'PrivateIpAddress').length === 0)
      throw missingParameter('PrivateIpAddress');
  },

  run(parameters, gateways, now) {
    const natGatewayId = requiredNatGatewayId(parameters);
    const privateIps = listParameter(parameters, 'PrivateIpAddress');
    const drainSeconds = drainSecondsOf(parameters);
    checkPrivateIps(privateIps);
    const gateway = changeableGateway(gateways, natGatewayId, now);

    const held = heldAddresses(gateway, now);
    for (const privateIp of privateIps) {
      const address = held.find((candidate) => candidate.privateIp === privateIp);
      if (address === undefined) {
        throw assumed('notHeld', `The address ${privateIp} is not assigned to NAT gateway ${natGatewayId}`);
      }
      if (isPrimary(address, held)) {
        throw assumed(
          'primary',
          `The address ${privateIp} is the primary private IP address of NAT gateway ${natGatewayId} and cannot be unassigned`,
        );
      }
    }

    const drains = (address: SimulatedAddress) =>
      address.privateIp !== undefined && held.includes(address) && privateIps.includes(address.privateIp);
    const addresses = gateway.addresses?.map((address) =>
      drains(address) ? { ...address, unassignedAt: now, drainSeconds } : address,
    );
    gateway.addresses = addresses;
    const item = addresses
      ?.filter((address) => address.unassignedAt === now)
      .map((address) => natGatewayAddressElement(address, now));
    return { natGatewayId, natGatewayAddressSet: { item: item ?? [] } };
  },
};

function drainSecondsOf(parameters: QueryParameters): number {
  const drainSeconds = integerParameter(parameters, 'MaxDrainDurationSeconds') ?? DEFAULT_DRAIN_SECONDS;
  if (drainSeconds >= 1 && drainSeconds <= 4000) return drainSeconds;
  const value = parameters.MaxDrainDurationSeconds;
  throw assumed(
    'drain',
    invalidValueMessage(value, 'maxDrainDurationSeconds', 'Expecting a value from 1 to 4000.'),
  );
}

/** Returns whether it is marked as primary or, where none is marked, is the first. */
function isPrimary(address: SimulatedAddress, held: readonly SimulatedAddress[]): boolean {
  return held.some((each) => each.isPrimary) ? address.isPrimary === true : held.indexOf(address) === 0;
}
