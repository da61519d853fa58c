import { privateNatGateway, type SimulatedNatGateway } from './nat-gateway.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/**
 * Returns one gateway of every kind; `docs/simulator.md` lists them.
 *
 * @param start simulated start time in milliseconds since the epoch; all times are relative to it
 * @param region region of the regional gateway's zones
 */
export function defaultInventory(start = Date.now(), region = 'us-east-1'): SimulatedNatGateway[] {
  const created = start - 48 * HOUR;
  const egress = privateNatGateway(
    'nat-0a11a11a11a11a11a',
    'egress',
    ['10.0.1.10', '10.0.1.11', '10.0.1.12', '10.0.1.13', '10.0.1.14'],
    created,
  );
  egress.tags.push({ key: 'env', value: 'test' });
  egress.traffic = { peakConnections: 61_000 };
  return [
    egress,
    privateNatGateway('nat-0b22b22b22b22b22b', 'primary-only', ['10.0.2.10'], created),
    draining(created, start),
    withFailedAddress(created),
    publicZonal(created),
    regional(created, region),
    privateNatGateway('nat-0a77a77a77a77a77a', 'pending', ['10.0.7.10'], start - MINUTE / 3, {
      state: 'pending',
    }),
    failed(start),
    privateNatGateway('nat-0c99c99c99c99c99c', 'deleted', ['10.0.9.10'], created, {
      state: 'deleted',
      deleteTime: start - 15 * MINUTE,
    }),
    privateNatGateway('nat-0d10d10d10d10d10d', 'partner', ['10.0.10.10', '10.0.11.20'], created, {
      cidrBlock: '10.0.10.0/23',
      traffic: { peakConnections: 4200 },
    }),
  ];
}

/** 10.0.3.12 began to drain 50 s before the start and has 300 s to go. */
function draining(created: number, start: number): SimulatedNatGateway {
  const gateway = privateNatGateway('nat-0c33c33c33c33c33c', 'draining', ['10.0.3.10', '10.0.3.11'], created);
  gateway.traffic = { peakConnections: 0 };
  gateway.addresses.push({
    privateIp: '10.0.3.12',
    isPrimary: false,
    networkInterfaceId: 'eni-0c33c33c33c33c33c',
    unassignedAt: start - 50_000,
  });
  return gateway;
}

/** Tagged by CloudFormation, with an address whose assignment failed. */
function withFailedAddress(created: number): SimulatedNatGateway {
  const gateway = privateNatGateway('nat-0d44d44d44d44d44d', 'stack', ['10.0.4.10', '10.0.4.11'], created);
  gateway.traffic = { peakConnections: 104_000, portErrors: 920, packetsDropped: 35 };
  gateway.tags.push({ key: 'aws:cloudformation:stack-name', value: 'network' });
  gateway.addresses.push({
    privateIp: '10.0.4.12',
    isPrimary: false,
    networkInterfaceId: 'eni-0d44d44d44d44d44d',
    status: 'failed',
    failureMessage: 'The address 10.0.4.12 was taken by another network interface.',
  });
  return gateway;
}

/** Each private address of a public zonal gateway is paired with an Elastic IP. */
function publicZonal(created: number): SimulatedNatGateway {
  const gateway = privateNatGateway('nat-0e55e55e55e55e55e', 'internet', ['10.0.5.10', '10.0.5.11'], created);
  return {
    ...gateway,
    connectivityType: 'public',
    traffic: { peakConnections: 18_000 },
    addresses: gateway.addresses.map((address, index) => ({
      ...address,
      publicIp: `198.51.100.${index + 10}`,
      allocationId: `eipalloc-0e55e55e55e55e55${index}`,
      associationId: `eipassoc-0e55e55e55e55e55${index}`,
    })),
  };
}

/** A regional gateway is public and has no subnet; its addresses have zones and no private IP. */
function regional(created: number, region: string): SimulatedNatGateway {
  return privateNatGateway('nat-0f66f66f66f66f66f', 'regional', [], created, {
    connectivityType: 'public',
    availabilityMode: 'regional',
    subnetId: undefined,
    autoScalingIps: 'enabled',
    autoProvisionZones: 'enabled',
    routeTableId: 'rtb-0f66f66f66f66f66f',
    addresses: ['a', 'b'].map((zone, index) => ({
      isPrimary: false,
      networkInterfaceId: `eni-0f66f66f66f66f66${index}`,
      publicIp: `203.0.113.${index + 10}`,
      allocationId: `eipalloc-0f66f66f66f66f66${index}`,
      associationId: `eipassoc-0f66f66f66f66f66${index}`,
      availabilityZone: `${region}${zone}`,
      availabilityZoneId: `${shortName(region)}-az${index + 1}`,
    })),
  });
}

function failed(start: number): SimulatedNatGateway {
  const gateway = privateNatGateway('nat-0b88b88b88b88b88b', 'failed', ['10.0.8.10'], start - 30 * MINUTE);
  return {
    ...gateway,
    state: 'failed',
    failureCode: 'InsufficientFreeAddressesInSubnet',
    failureMessage: 'Subnet has insufficient free addresses to create this NAT gateway',
    addresses: gateway.addresses.map((address) => ({ ...address, status: 'failed' })),
  };
}

/** Returns the region as zone ids abbreviate it: `use1` for `us-east-1`. */
function shortName(region: string): string {
  return region.replaceAll(/north|south|east|west|central|gov|-/g, (part) =>
    part === '-' ? '' : part.charAt(0),
  );
}
