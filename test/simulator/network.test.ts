import {
  DescribeManagedPrefixListsCommand,
  DescribeRegionsCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  type Filter,
  GetManagedPrefixListEntriesCommand,
  paginateDescribeRouteTables,
  paginateGetManagedPrefixListEntries,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import {
  CHANGER_ACCESS_KEY_ID,
  DENIED_ACCESS_KEY_ID,
  defaultNetwork,
  READER_ACCESS_KEY_ID,
} from '../../src/simulator/simulator.ts';
import { DELETED, EGRESS, PARTNER, refusal, STACK, startEndpoint } from '../support/endpoint.ts';

const filter = (Name: string, ...Values: string[]): { Filters: Filter[] } => ({
  Filters: [{ Name, Values }],
});
const VPC = 'vpc-0a00000000000000a';
const MAIN = 'rtb-0a00000000000000a';
const LEDGER = 'pl-0d44d44d44d44d444';

async function routeTables(Name: string, ...values: string[]) {
  const { ec2 } = await startEndpoint();
  const answer = await ec2.send(new DescribeRouteTablesCommand(filter(Name, ...values)));
  return (answer.RouteTables ?? []).map(({ Tags = [] }) => Tags.map(({ Value }) => Value).join());
}

async function groups(Name: string, ...values: string[]) {
  const { ec2 } = await startEndpoint();
  const answer = await ec2.send(new DescribeSecurityGroupsCommand(filter(Name, ...values)));
  return (answer.SecurityGroups ?? []).map(({ GroupName }) => GroupName);
}

describe('DescribeRouteTables', () => {
  it('returns routes and associations', async () => {
    const { ec2 } = await startEndpoint();
    const { RouteTables } = await ec2.send(
      new DescribeRouteTablesCommand(filter('route.nat-gateway-id', EGRESS)),
    );
    const RouteTableId = 'rtb-0a11a11a11a11a11a';
    const association = (digit: number) => ({
      RouteTableId,
      RouteTableAssociationId: `rtbassoc-0a11a11a11a11a11${digit}`,
      SubnetId: `subnet-0a11a11a11a11a11${digit}`,
      Main: false,
      AssociationState: { State: 'associated' },
    });
    expect(RouteTables).toEqual([
      {
        RouteTableId,
        VpcId: VPC,
        OwnerId: '123456789012',
        Associations: [association(1), association(2)],
        PropagatingVgws: [],
        Routes: [
          {
            DestinationCidrBlock: '10.0.0.0/16',
            GatewayId: 'local',
            State: 'active',
            Origin: 'CreateRouteTable',
          },
          {
            DestinationCidrBlock: '10.64.0.0/10',
            NatGatewayId: EGRESS,
            State: 'active',
            Origin: 'CreateRoute',
          },
        ],
        Tags: [{ Key: 'Name', Value: 'workloads' }],
      },
    ]);
  });

  it.each([
    ['route.nat-gateway-id', [STACK, PARTNER], ['main', 'partner']],
    ['route.nat-gateway-id', [DELETED], ['left-over']],
    ['route.state', ['blackhole'], ['left-over']],
    ['association.main', ['true'], ['main', '']],
    ['association.subnet-id', ['subnet-0d10d10d10d10d101'], ['partner']],
    ['association.route-table-association-id', ['rtbassoc-0a00000000000000a'], ['main']],
    ['route-table-id', [MAIN], ['main']],
    ['vpc-id', ['vpc-0b*'], ['']],
    ['tag:Name', ['p*'], ['partner']],
  ])('%s with values %j matches %j', async (name, values, expected) => {
    expect(await routeTables(name, ...values)).toEqual(expected);
  });

  it('lists only the main association of a main table, not the subnets that use it', async () => {
    const { ec2 } = await startEndpoint();
    const { RouteTables } = await ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [MAIN] }));
    expect(RouteTables?.[0]?.Associations).toEqual([
      {
        Main: true,
        RouteTableAssociationId: 'rtbassoc-0a00000000000000a',
        RouteTableId: MAIN,
        AssociationState: { State: 'associated' },
      },
    ]);
  });

  it('is split into pages of up to 100, and whole without MaxResults', async () => {
    const network = defaultNetwork();
    network.routeTables = Array.from({ length: 230 }, (_, index) => ({
      routeTableId: `rtb-${index}`,
      vpcId: VPC,
      routes: [],
    }));
    const { ec2 } = await startEndpoint({ network });
    const sizes: (number | undefined)[] = [];
    const pages = paginateDescribeRouteTables({ client: ec2, pageSize: 100 }, filter('vpc-id', VPC));
    for await (const { RouteTables } of pages) sizes.push(RouteTables?.length);
    expect(sizes).toEqual([100, 100, 30]);
    expect((await ec2.send(new DescribeRouteTablesCommand({}))).RouteTables).toHaveLength(230);
  });
});

describe('DescribeSubnets', () => {
  it('returns the subnets of a VPC', async () => {
    const { ec2 } = await startEndpoint({ region: 'eu-west-1' });
    const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand(filter('vpc-id', VPC)));
    expect(Subnets).toHaveLength(6);
    expect(Subnets[0]).toMatchObject({
      SubnetId: 'subnet-0a00000000000000a',
      CidrBlock: '10.0.0.0/20',
      AvailabilityZone: 'eu-west-1a',
      VpcId: VPC,
    });
  });
});

describe('DescribeSecurityGroups', () => {
  it.each([
    ['ip-permission.cidr', ['10.0.1.13/32'], ['billing-api']],
    ['ip-permission.cidr', ['10.0.1.13'], []],
    ['ip-permission.cidr', ['10.0.1.1?/32'], ['billing-api']],
    ['ip-permission.cidr', ['10.0.11.20/32', '10.0.11.0/24'], ['settlement']],
    ['ip-permission.cidr', ['10.0.0.0/16', '0.0.0.0/0'], ['network-wide', 'public-web']],
    ['egress.ip-permission.cidr', ['10.0.3.11/32'], ['callbacks']],
    ['ip-permission.prefix-list-id', [LEDGER], ['ledger']],
    ['group-id', ['sg-0c*'], ['callbacks']],
    ['vpc-id', [VPC], []],
  ])('%s with values %j matches %j, comparing texts', async (name, values, expected) => {
    expect(await groups(name, ...values)).toEqual(expected);
  });

  it('returns the rules', async () => {
    const { ec2 } = await startEndpoint();
    const { SecurityGroups } = await ec2.send(
      new DescribeSecurityGroupsCommand({ GroupIds: ['sg-0a11a11a11a11a113'] }),
    );
    expect(SecurityGroups?.[0]).toMatchObject({
      IpPermissions: [
        {
          IpProtocol: 'tcp',
          FromPort: 443,
          ToPort: 443,
          IpRanges: [{ CidrIp: '10.0.1.13/32', Description: 'egress, agreed with billing' }],
          PrefixListIds: [],
        },
      ],
      IpPermissionsEgress: [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }],
    });
  });
});

describe('managed prefix lists', () => {
  it('include those of AWS, which the owner tells', async () => {
    const { ec2 } = await startEndpoint();
    const { PrefixLists = [] } = await ec2.send(new DescribeManagedPrefixListsCommand({}));
    expect(PrefixLists.map(({ OwnerId, Version }) => [OwnerId, Version])).toEqual([
      ['123456789012', 1],
      ['123456789012', 1],
      ['AWS', undefined],
    ]);
    const own = await ec2.send(new DescribeManagedPrefixListsCommand(filter('owner-id', '123456789012')));
    expect(own.PrefixLists).toHaveLength(2);
  });

  it('return their entries, in pages', async () => {
    const { ec2 } = await startEndpoint();
    const cidrs: (string | undefined)[][] = [];
    const input = { PrefixListId: LEDGER, MaxResults: 1 };
    for await (const { Entries = [] } of paginateGetManagedPrefixListEntries({ client: ec2 }, input)) {
      cidrs.push(Entries.map(({ Cidr }) => Cidr));
    }
    expect(cidrs).toEqual([['10.0.4.11/32'], ['192.0.2.0/24']]);
  });
});

describe('DescribeRegions', () => {
  it('returns the enabled regions, or all', async () => {
    const { ec2 } = await startEndpoint({ region: 'me-south-1' });
    const regions = async (input = {}) => (await ec2.send(new DescribeRegionsCommand(input))).Regions ?? [];
    expect(await regions(filter('opt-in-status', 'opted-in'))).toEqual([
      { RegionName: 'me-south-1', Endpoint: 'ec2.me-south-1.amazonaws.com', OptInStatus: 'opted-in' },
    ]);
    expect(await regions()).toHaveLength(18);
    expect(await regions({ AllRegions: true })).toHaveLength(21);
    expect(await regions({ RegionNames: ['af-south-1'] })).toMatchObject([{ OptInStatus: 'not-opted-in' }]);
  });
});

const LOOK_UPS = {
  routeTables: (input = {}) => new DescribeRouteTablesCommand(input),
  subnets: (input = {}) => new DescribeSubnetsCommand(input),
  securityGroups: (input = {}) => new DescribeSecurityGroupsCommand(input),
  prefixLists: (input = {}) => new DescribeManagedPrefixListsCommand(input),
  entries: (input = {}) => new GetManagedPrefixListEntriesCommand({ PrefixListId: LEDGER, ...input }),
  regions: (input = {}) => new DescribeRegionsCommand(input),
};

describe.each(Object.entries(LOOK_UPS))('the look-up of %s', (_, command) => {
  it.each([DENIED_ACCESS_KEY_ID, READER_ACCESS_KEY_ID, CHANGER_ACCESS_KEY_ID])(
    'is denied to %s',
    async (accessKeyId) => {
      const { client } = await startEndpoint();
      const answer = await refusal(client(accessKeyId).send(command() as never));
      expect(answer.slice(0, 2)).toEqual(['UnauthorizedOperation', 403]);
    },
  );

  it('can be a dry run', async () => {
    const { ec2 } = await startEndpoint();
    const answer = await refusal(ec2.send(command({ DryRun: true }) as never));
    expect(answer.slice(0, 2)).toEqual(['DryRunOperation', 412]);
  });
});

describe('look-ups refuse', () => {
  it.each([
    ['an unknown id', LOOK_UPS.routeTables({ RouteTableIds: ['rtb-1'] }), 'InvalidRouteTableID.NotFound'],
    ['an unknown prefix list', LOOK_UPS.entries({ PrefixListId: 'pl-1' }), 'InvalidPrefixListID.NotFound'],
    ['another version', LOOK_UPS.entries({ TargetVersion: 2 }), 'InvalidPrefixListVersion'],
    ['an unknown region', LOOK_UPS.regions({ RegionNames: ['x'] }), 'InvalidParameterValue'],
    ['an unknown filter', LOOK_UPS.securityGroups(filter('cidr', 'x')), 'InvalidParameterValue'],
    ['a page of 101 tables', LOOK_UPS.routeTables({ MaxResults: 101 }), 'InvalidParameterValue'],
    ['a page of 4 tables', LOOK_UPS.routeTables({ MaxResults: 4 }), 'InvalidParameterValue'],
    ['a page of 1001 groups', LOOK_UPS.securityGroups({ MaxResults: 1001 }), 'InvalidParameterValue'],
    [
      'a token of another action',
      LOOK_UPS.subnets({ NextToken: Buffer.from('route-tables:1:1').toString('base64url') }),
      'InvalidPaginationToken',
    ],
  ])('%s', async (_, command, code) => {
    const { ec2 } = await startEndpoint();
    expect((await refusal(ec2.send(command as never))).slice(0, 2)).toEqual([code, 400]);
  });
});
