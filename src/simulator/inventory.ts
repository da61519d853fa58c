import type { AddressTimeline } from './timeline.ts';

/** A gateway of the embedded endpoint. Members have EC2's names; only addresses change, by their timelines. */
export interface SimulatedNatGateway {
  natGatewayId: string;
  state: 'pending' | 'failed' | 'available' | 'deleting' | 'deleted';
  connectivityType: 'private' | 'public';
  availabilityMode?: 'zonal' | 'regional' | undefined;
  vpcId: string;
  subnetId?: string | undefined;
  createTime: number;
  deleteTime?: number | undefined;
  failureCode?: string | undefined;
  failureMessage?: string | undefined;
  tags: { key: string; value: string }[];
  addresses: AddressTimeline[];
}

const HOUR = 3_600_000;
const VPC = 'vpc-0a00000000000000a';
const SUBNET = 'subnet-0a00000000000000a';

/** A private gateway that is available; the first of its addresses is the primary. */
export function privateNatGateway(
  natGatewayId: string,
  name: string,
  privateIps: readonly string[],
  createTime: number,
): SimulatedNatGateway {
  return {
    natGatewayId,
    state: 'available',
    connectivityType: 'private',
    availabilityMode: 'zonal',
    vpcId: VPC,
    subnetId: SUBNET,
    createTime,
    tags: [{ key: 'Name', value: name }],
    addresses: privateIps.map((privateIp, index) => ({
      privateIp,
      isPrimary: index === 0,
      networkInterfaceId: `eni-${natGatewayId.slice(4)}`,
    })),
  };
}

/** One gateway of every kind that matters, as `docs/simulator.md` lists them. `start` is the simulated start time. */
export function defaultInventory(start: number): SimulatedNatGateway[] {
  const created = start - 48 * HOUR;
  const egress = privateNatGateway(
    'nat-0a11a11a11a11a11a',
    'egress',
    ['10.0.1.10', '10.0.1.11', '10.0.1.12', '10.0.1.13', '10.0.1.14'],
    created,
  );
  egress.tags.push({ key: 'env', value: 'test' });

  const lone = privateNatGateway('nat-0b22b22b22b22b22b', 'primary-only', ['10.0.2.10'], created);

  const draining = privateNatGateway(
    'nat-0c33c33c33c33c33c',
    'draining',
    ['10.0.3.10', '10.0.3.11', '10.0.3.12'],
    created,
  );
  draining.addresses = draining.addresses.map((address) =>
    address.privateIp === '10.0.3.12' ? { ...address, unassignedAt: start - 50_000 } : address,
  );

  const stack = privateNatGateway('nat-0d44d44d44d44d44d', 'stack', ['10.0.4.10', '10.0.4.11'], created);
  stack.tags.push({ key: 'aws:cloudformation:stack-name', value: 'network' });
  stack.addresses.push({
    privateIp: '10.0.4.12',
    isPrimary: false,
    networkInterfaceId: 'eni-0d44d44d44d44d44d',
    fixedStatus: 'failed',
    failureMessage: 'The address 10.0.4.12 was taken by another network interface.',
  });

  const publicZonal: SimulatedNatGateway = {
    ...privateNatGateway('nat-0e55e55e55e55e55e', 'internet', ['10.0.5.10', '10.0.5.11'], created),
    connectivityType: 'public',
  };
  publicZonal.addresses = publicZonal.addresses.map((address, index) => ({
    ...address,
    publicIp: `198.51.100.${index + 10}`,
    allocationId: `eipalloc-0e55e55e55e55e55${index}`,
    associationId: `eipassoc-0e55e55e55e55e55${index}`,
  }));

  const regional: SimulatedNatGateway = {
    ...privateNatGateway('nat-0f66f66f66f66f66f', 'regional', [], created),
    connectivityType: 'public',
    availabilityMode: 'regional',
    subnetId: undefined,
    addresses: ['a', 'b'].map((zone, index) => ({
      isPrimary: false,
      networkInterfaceId: `eni-0f66f66f66f66f66${index}`,
      publicIp: `203.0.113.${index + 10}`,
      allocationId: `eipalloc-0f66f66f66f66f66${index}`,
      associationId: `eipassoc-0f66f66f66f66f66${index}`,
      availabilityZone: `us-east-1${zone}`,
      availabilityZoneId: `use1-az${index + 1}`,
    })),
  };

  const pending: SimulatedNatGateway = {
    ...privateNatGateway('nat-0a77a77a77a77a77a', 'pending', ['10.0.7.10'], start - 20_000),
    state: 'pending',
  };
  const failed: SimulatedNatGateway = {
    ...privateNatGateway('nat-0b88b88b88b88b88b', 'failed', ['10.0.8.10'], start - HOUR / 2),
    state: 'failed',
    failureCode: 'InsufficientFreeAddressesInSubnet',
    failureMessage: 'Subnet has insufficient free addresses to create this NAT gateway',
  };
  failed.addresses = failed.addresses.map((address) => ({ ...address, fixedStatus: 'failed' }));
  const deleted: SimulatedNatGateway = {
    ...privateNatGateway('nat-0c99c99c99c99c99c', 'deleted', ['10.0.9.10'], created),
    state: 'deleted',
    deleteTime: start - HOUR / 4,
  };
  return [egress, lone, draining, stack, publicZonal, regional, pending, failed, deleted];
}
