import type { Action, NatGateways } from './action.ts';
import { changeableGateway, checkPrivateIps, heldAddresses } from './change.ts';
import { natGatewayAddressElement } from './elements.ts';
import { assumed, invalidValueMessage } from './errors.ts';
import type { SimulatedAddress, SimulatedNatGateway } from './nat-gateway.ts';
import { requiredNatGatewayId } from './nat-gateway-id.ts';
import { integerParameter, listParameter, type QueryParameters } from './query.ts';
import { assignableAddresses, blockAround } from './subnet.ts';

/** Quota of addresses per private NAT gateway, primary included; not adjustable (VPC User Guide, quotas). */
const ADDRESSES_PER_GATEWAY = 8;

/** The service model's upper bound of `PrivateIpAddressCount`. */
const LARGEST_COUNT = 31;

/**
 * `AssignPrivateNatGatewayAddress`: assigns all addresses or none. Addresses in the response are `assigning` and lack
 * `PrivateIp`, as in the AWS CLI's example; describes show it.
 */
export const assignPrivateNatGatewayAddress: Action = {
  accepts: /^(DryRun|NatGatewayId|PrivateIpAddressCount|PrivateIpAddress\.[1-9]\d{0,5})$/,
  changes: true,

  check(parameters) {
    requiredNatGatewayId(parameters);
    requestOf(parameters);
  },

  run(parameters, gateways, now) {
    const natGatewayId = requiredNatGatewayId(parameters);
    const { privateIps, count } = requestOf(parameters);
    checkCount(parameters);
    checkPrivateIps(privateIps);
    const gateway = changeableGateway(gateways, natGatewayId, now);

    const requested = count ?? privateIps.length;
    const held = heldAddresses(gateway, now);
    if (held.length + requested > ADDRESSES_PER_GATEWAY) {
      throw assumed(
        'quota',
        `NAT gateway ${natGatewayId} has ${held.length} private IP addresses; it can have ${ADDRESSES_PER_GATEWAY}`,
      );
    }
    const chosen =
      count === undefined
        ? available(privateIps, gateway, gateways, now)
        : firstFree(count, gateway, gateways, now);
    const added: SimulatedAddress[] = chosen.map((privateIp) => ({
      privateIp,
      isPrimary: false,
      networkInterfaceId: held[0]?.networkInterfaceId ?? `eni-${natGatewayId.slice('nat-'.length)}`,
      assignedAt: now,
    }));
    // Released addresses stay in the list, because late reads still show them.
    gateway.addresses = [...(gateway.addresses ?? []), ...added];
    return {
      natGatewayId,
      natGatewayAddressSet: {
        item: added.map((address) => natGatewayAddressElement({ ...address, privateIp: undefined }, now)),
      },
    };
  },
};

function requestOf(parameters: QueryParameters): { privateIps: string[]; count: number | undefined } {
  const privateIps = listParameter(parameters, 'PrivateIpAddress');
  const count = integerParameter(parameters, 'PrivateIpAddressCount');
  if (count !== undefined && privateIps.length > 0) {
    throw assumed(
      'bothGiven',
      'The parameter PrivateIpAddresses cannot be used with the parameter PrivateIpAddressCount',
    );
  }
  if (count === undefined && privateIps.length === 0) {
    throw assumed(
      'neitherGiven',
      'The request must contain the parameter PrivateIpAddress or PrivateIpAddressCount',
    );
  }
  return { privateIps, count };
}

function checkCount(parameters: QueryParameters): void {
  const count = integerParameter(parameters, 'PrivateIpAddressCount');
  if (count === undefined || (count >= 1 && count <= LARGEST_COUNT)) return;
  const reason = `Expecting a value from 1 to ${LARGEST_COUNT}.`;
  const message = invalidValueMessage(parameters.PrivateIpAddressCount, 'privateIpAddressCount', reason);
  throw assumed('count', message);
}

/** Returns the requested addresses if all are free in the gateway's subnet. */
function available(
  privateIps: readonly string[],
  gateway: SimulatedNatGateway,
  gateways: NatGateways,
  now: number,
): readonly string[] {
  const cidrBlock = cidrBlockOf(gateway);
  const assignable = new Set(assignableAddresses(cidrBlock));
  const taken = takenAddresses(gateway, gateways, now);
  for (const privateIp of privateIps) {
    if (!assignable.has(privateIp)) {
      throw assumed(
        'outsideSubnet',
        `The address ${privateIp} is not available in the subnet's ${cidrBlock}`,
      );
    }
    if (taken.has(privateIp)) throw assumed('inUse', `The address ${privateIp} is in use.`);
  }
  return privateIps;
}

/** Returns the lowest free addresses of the gateway's subnet. */
function firstFree(
  count: number,
  gateway: SimulatedNatGateway,
  gateways: NatGateways,
  now: number,
): readonly string[] {
  const taken = takenAddresses(gateway, gateways, now);
  const chosen: string[] = [];
  for (const privateIp of assignableAddresses(cidrBlockOf(gateway))) {
    if (chosen.length === count) break;
    if (!taken.has(privateIp)) chosen.push(privateIp);
  }
  if (chosen.length < count) {
    throw assumed('subnetFull', 'Subnet has insufficient free addresses to satisfy this request');
  }
  return chosen;
}

function cidrBlockOf({ cidrBlock, addresses }: SimulatedNatGateway): string {
  return cidrBlock ?? blockAround(addresses?.[0]?.privateIp ?? '10.0.0.0');
}

/** Addresses held by gateways of the same subnet. */
function takenAddresses(gateway: SimulatedNatGateway, gateways: NatGateways, now: number): Set<string> {
  const taken = new Set<string>();
  for (const each of gateways.values()) {
    const isNeighbour = each.subnetId !== undefined && each.subnetId === gateway.subnetId;
    if (each !== gateway && (!isNeighbour || each.state === 'deleted')) continue;
    for (const { privateIp } of heldAddresses(each, now)) if (privateIp !== undefined) taken.add(privateIp);
  }
  return taken;
}
