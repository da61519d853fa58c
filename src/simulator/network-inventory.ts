import type {
  SimulatedNetwork,
  SimulatedPrefixList,
  SimulatedRouteTable,
  SimulatedRule,
  SimulatedSecurityGroup,
  SimulatedSubnet,
} from './network.ts';

const VPC = 'vpc-0a00000000000000a';
/** VPC of the destinations; its security groups name addresses of gateways in the other one. */
const SERVICES_VPC = 'vpc-0b00000000000000b';

const LOCAL = { destinationCidrBlock: '10.0.0.0/16', gatewayId: 'local' };
const ANYWHERE: readonly SimulatedRule[] = [{ cidrs: ['0.0.0.0/0'] }];

/** Returns the network around the default gateways; `docs/simulator.md` lists what is in it. */
export function defaultNetwork(region = 'us-east-1'): SimulatedNetwork {
  return {
    routeTables: routeTables(),
    subnets: subnets(region),
    securityGroups: securityGroups(),
    prefixLists: prefixLists(region),
  };
}

function routeTables(): SimulatedRouteTable[] {
  return [
    {
      routeTableId: 'rtb-0a00000000000000a',
      vpcId: VPC,
      isMain: true,
      routes: [
        LOCAL,
        { destinationCidrBlock: '172.16.0.0/12', natGatewayId: 'nat-0d44d44d44d44d44d' },
        { destinationCidrBlock: '0.0.0.0/0', natGatewayId: 'nat-0e55e55e55e55e55e' },
      ],
      tags: [{ key: 'Name', value: 'main' }],
    },
    {
      routeTableId: 'rtb-0a11a11a11a11a11a',
      vpcId: VPC,
      subnetIds: ['subnet-0a11a11a11a11a111', 'subnet-0a11a11a11a11a112'],
      routes: [LOCAL, { destinationCidrBlock: '10.64.0.0/10', natGatewayId: 'nat-0a11a11a11a11a11a' }],
      tags: [{ key: 'Name', value: 'workloads' }],
    },
    {
      routeTableId: 'rtb-0d10d10d10d10d10d',
      vpcId: VPC,
      subnetIds: ['subnet-0d10d10d10d10d101'],
      routes: [LOCAL, { destinationCidrBlock: '192.168.0.0/16', natGatewayId: 'nat-0d10d10d10d10d10d' }],
      tags: [{ key: 'Name', value: 'partner' }],
    },
    {
      routeTableId: 'rtb-0c99c99c99c99c99c',
      vpcId: VPC,
      routes: [
        LOCAL,
        {
          destinationCidrBlock: '198.18.0.0/15',
          natGatewayId: 'nat-0c99c99c99c99c99c',
          state: 'blackhole',
        },
      ],
      tags: [{ key: 'Name', value: 'left-over' }],
    },
    {
      routeTableId: 'rtb-0b00000000000000b',
      vpcId: SERVICES_VPC,
      isMain: true,
      routes: [{ destinationCidrBlock: '10.64.0.0/16', gatewayId: 'local' }],
    },
  ];
}

function subnets(region: string): SimulatedSubnet[] {
  const subnet = (suffix: string, name: string, cidrBlock: string, zone: string, vpcId = VPC) => ({
    subnetId: `subnet-${suffix}`,
    vpcId,
    cidrBlock,
    availabilityZone: `${region}${zone}`,
    tags: [{ key: 'Name', value: name }],
  });
  return [
    subnet('0a00000000000000a', 'gateways', '10.0.0.0/20', 'a'),
    subnet('0a11a11a11a11a111', 'workloads-a', '10.0.16.0/24', 'a'),
    subnet('0a11a11a11a11a112', 'workloads-b', '10.0.17.0/24', 'b'),
    subnet('0d10d10d10d10d101', 'settlement', '10.0.18.0/24', 'a'),
    subnet('0d44d44d44d44d441', 'batch', '10.0.32.0/24', 'a'),
    subnet('0d44d44d44d44d442', 'reports', '10.0.33.0/24', 'b'),
    subnet('0b00000000000000b', 'services', '10.64.0.0/24', 'a', SERVICES_VPC),
  ];
}

function securityGroups(): SimulatedSecurityGroup[] {
  const group = (
    suffix: string,
    groupName: string,
    description: string,
    inbound: SimulatedRule[],
    outbound = ANYWHERE,
  ) => ({ groupId: `sg-${suffix}`, groupName, description, vpcId: SERVICES_VPC, inbound, outbound });
  return [
    group('0a11a11a11a11a113', 'billing-api', 'One address of egress', [
      { port: 443, cidrs: ['10.0.1.13/32'], description: 'egress, agreed with billing' },
    ]),
    group('0d10d10d10d10d102', 'settlement', 'A /24 with one address of partner', [
      { port: 8443, cidrs: ['10.0.11.0/24'] },
    ]),
    group('0d44d44d44d44d443', 'ledger', 'A prefix list with an address of stack', [
      { port: 5432, prefixListIds: ['pl-0d44d44d44d44d444'] },
    ]),
    group(
      '0c33c33c33c33c331',
      'callbacks',
      'Outbound to one address of draining',
      [],
      [{ port: 443, cidrs: ['10.0.3.11/32'] }],
    ),
    group('0a00000000000000c', 'network-wide', 'The whole network', [{ cidrs: ['10.0.0.0/16'] }]),
    group('0a00000000000000d', 'public-web', 'Everybody', [{ port: 443, cidrs: ['0.0.0.0/0'] }]),
  ];
}

function prefixLists(region: string): SimulatedPrefixList[] {
  return [
    {
      prefixListId: 'pl-0d44d44d44d44d444',
      name: 'ledger-clients',
      entries: [
        { cidr: '10.0.4.11/32', description: 'stack' },
        { cidr: '192.0.2.0/24', description: 'office' },
      ],
    },
    { prefixListId: 'pl-0a00000000000000e', name: 'network', entries: [{ cidr: '10.0.0.0/16' }] },
    {
      prefixListId: 'pl-63a5400a',
      name: `com.amazonaws.${region}.s3`,
      ownerId: 'AWS',
      entries: [{ cidr: '3.5.0.0/19' }, { cidr: '52.216.0.0/15' }],
    },
  ];
}
