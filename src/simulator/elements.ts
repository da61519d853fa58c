/** XML elements of gateways and addresses, named as in the service model. */
import type { Element } from './envelope.ts';
import type { SimulatedAddress, SimulatedNatGateway } from './nat-gateway.ts';
import type { ReadDeviation } from './reads.ts';
import { isHeldAt, statusAt } from './timeline.ts';

/** Returns the `item` of `natGatewaySet` at `time`, without the addresses to omit. */
export function natGatewayElement(
  gateway: SimulatedNatGateway,
  time: number,
  omitAddress: ReadDeviation['omitAddress'] = () => false,
): Element {
  const shown = gateway.addresses?.filter(
    (address) =>
      isHeldAt(address, time) &&
      !(address.privateIp !== undefined && omitAddress(gateway.natGatewayId, address.privateIp)),
  );
  return {
    createTime: iso(gateway.createTime),
    deleteTime: iso(gateway.deleteTime),
    failureCode: gateway.failureCode,
    failureMessage: gateway.failureMessage,
    natGatewayAddressSet: set(shown?.map((address) => natGatewayAddressElement(address, time))),
    natGatewayId: gateway.natGatewayId,
    state: gateway.state,
    subnetId: gateway.subnetId,
    vpcId: gateway.vpcId,
    tagSet: set(gateway.tags?.map(({ key, value }) => ({ key, value }))),
    connectivityType: gateway.connectivityType,
    availabilityMode: gateway.availabilityMode,
    autoScalingIps: gateway.autoScalingIps,
    autoProvisionZones: gateway.autoProvisionZones,
    routeTableId: gateway.routeTableId,
  };
}

/** Returns the `item` of `natGatewayAddressSet` at `time`. */
export function natGatewayAddressElement(address: SimulatedAddress, time: number): Element {
  return {
    allocationId: address.allocationId,
    networkInterfaceId: address.networkInterfaceId,
    privateIp: address.privateIp,
    publicIp: address.publicIp,
    associationId: address.associationId,
    isPrimary: address.isPrimary,
    failureMessage: address.failureMessage,
    status: statusAt(address, time),
    availabilityZone: address.availabilityZone,
    availabilityZoneId: address.availabilityZoneId,
  };
}

function set(items: Element[] | undefined): Element | undefined {
  return items && { item: items };
}

function iso(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toISOString();
}
