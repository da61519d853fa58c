import {
  DescribeNatGatewaysCommand,
  type DescribeNatGatewaysCommandInput,
  type DescribeNatGatewaysCommandOutput,
  paginateDescribeNatGateways,
} from '@aws-sdk/client-ec2';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wildcardPattern } from '../../src/simulator/filters.ts';
import { defaultInventory, privateNatGateway } from '../../src/simulator/simulator.ts';
import {
  DELETED,
  DRAINING,
  EGRESS,
  FAILED,
  LONE,
  PARTNER,
  PENDING,
  PUBLIC,
  REGIONAL,
  refusal,
  STACK,
  START,
  startEndpoint,
  UNKNOWN,
} from '../support/endpoint.ts';

async function ids(input: DescribeNatGatewaysCommandInput, options = {}): Promise<(string | undefined)[]> {
  const { ec2 } = await startEndpoint(options);
  const { NatGateways } = await ec2.send(new DescribeNatGatewaysCommand(input));
  return (NatGateways ?? []).map(({ NatGatewayId }) => NatGatewayId);
}

function token(text: string): string {
  return Buffer.from(text).toString('base64url');
}

function gateways(count: number) {
  return Array.from({ length: count }, (_, index) =>
    privateNatGateway(
      `nat-${index.toString(16).padStart(17, '0')}`,
      `${index}`,
      [`10.0.${index % 250}.10`],
      0,
    ),
  );
}

describe('DescribeNatGateways', () => {
  it('returns a gateway with its addresses and tags', async () => {
    const { ec2 } = await startEndpoint();
    const { NatGateways } = await ec2.send(new DescribeNatGatewaysCommand({ NatGatewayIds: [STACK] }));
    const NetworkInterfaceId = 'eni-0d44d44d44d44d44d';
    expect(NatGateways).toEqual([
      {
        NatGatewayId: STACK,
        State: 'available',
        ConnectivityType: 'private',
        AvailabilityMode: 'zonal',
        VpcId: 'vpc-0a00000000000000a',
        SubnetId: 'subnet-0a00000000000000a',
        CreateTime: new Date(START - 48 * 3_600_000),
        Tags: [
          { Key: 'Name', Value: 'stack' },
          { Key: 'aws:cloudformation:stack-name', Value: 'network' },
        ],
        NatGatewayAddresses: [
          { NetworkInterfaceId, PrivateIp: '10.0.4.10', IsPrimary: true, Status: 'succeeded' },
          { NetworkInterfaceId, PrivateIp: '10.0.4.11', IsPrimary: false, Status: 'succeeded' },
          {
            NetworkInterfaceId,
            PrivateIp: '10.0.4.12',
            IsPrimary: false,
            Status: 'failed',
            FailureMessage: 'The address 10.0.4.12 was taken by another network interface.',
          },
        ],
      },
    ]);
  });

  it('returns one gateway of every kind', async () => {
    const { ec2 } = await startEndpoint();
    const { NatGateways = [] } = await ec2.send(new DescribeNatGatewaysCommand({}));
    const byId = Object.fromEntries(NatGateways.map((gateway) => [gateway.NatGatewayId, gateway]));
    expect(Object.keys(byId)).toEqual([
      EGRESS,
      LONE,
      DRAINING,
      STACK,
      PUBLIC,
      REGIONAL,
      PENDING,
      FAILED,
      DELETED,
      PARTNER,
    ]);
    expect(byId[PUBLIC]?.NatGatewayAddresses?.[1]).toEqual({
      PrivateIp: '10.0.5.11',
      PublicIp: '198.51.100.11',
      AllocationId: 'eipalloc-0e55e55e55e55e551',
      AssociationId: 'eipassoc-0e55e55e55e55e551',
      NetworkInterfaceId: 'eni-0e55e55e55e55e55e',
      IsPrimary: false,
      Status: 'succeeded',
    });
    expect(byId[REGIONAL]).not.toHaveProperty('SubnetId');
    expect(byId[REGIONAL]?.NatGatewayAddresses?.[0]).not.toHaveProperty('PrivateIp');
    expect(byId[REGIONAL]?.NatGatewayAddresses?.[0]).toMatchObject({
      AvailabilityZone: 'us-east-1a',
      AvailabilityZoneId: 'use1-az1',
    });
    expect(byId[FAILED]).toMatchObject({ State: 'failed', FailureCode: 'InsufficientFreeAddressesInSubnet' });
    expect(byId[DELETED]?.DeleteTime).toEqual(new Date(START - 15 * 60_000));
  });

  it('places the regional gateway in zones of its region', () => {
    const zones = (region: string) =>
      defaultInventory(0, region)[5]?.addresses?.map(({ availabilityZoneId }) => availabilityZoneId);
    expect(zones('ap-southeast-2')).toEqual(['apse2-az1', 'apse2-az2']);
    expect(zones('eu-central-1')).toEqual(['euc1-az1', 'euc1-az2']);
  });

  it('returns the members that a gateway sets, and no others', async () => {
    const natGatewayId = EGRESS;
    const inventory = [
      {
        natGatewayId,
        routeTableId: 'rtb-1',
        addresses: [{ status: null }, { status: 'levitating', failureMessage: 'a < b & "c"\r\n' }],
      },
      { natGatewayId: LONE },
    ];
    const { ec2 } = await startEndpoint({ inventory });
    const { NatGateways } = await ec2.send(new DescribeNatGatewaysCommand({}));
    expect(NatGateways).toEqual([
      {
        NatGatewayId: natGatewayId,
        RouteTableId: 'rtb-1',
        NatGatewayAddresses: [{}, { Status: 'levitating', FailureMessage: 'a < b & "c"\r\n' }],
      },
      { NatGatewayId: LONE },
    ]);
  });

  it('replaces characters that XML cannot carry', async () => {
    const inventory = [privateNatGateway(EGRESS, 'a\u0000b\ud800c', [], 0)];
    const { ec2 } = await startEndpoint({ inventory });
    const { NatGateways } = await ec2.send(new DescribeNatGatewaysCommand({}));
    expect(NatGateways?.[0]?.Tags).toEqual([{ Key: 'Name', Value: 'a\ufffdb\ufffdc' }]);
  });
});

describe('filter', () => {
  it.each([
    ['nat-gateway-id', [EGRESS, UNKNOWN, LONE], [EGRESS, LONE]],
    ['state', ['pending', 'failed'], [PENDING, FAILED]],
    ['vpc-id', ['vpc-00000000000000000'], []],
    ['subnet-id', ['subnet-*'], [EGRESS, LONE, DRAINING, STACK, PUBLIC, PENDING, FAILED, DELETED, PARTNER]],
    ['tag-key', ['env'], [EGRESS]],
    ['tag:Name', ['e*', 'intern?t'], [EGRESS, PUBLIC]],
    ['tag:env', ['t?st'], [EGRESS]],
    ['tag:env', ['t\\?st'], []],
    ['tag:env', ['TEST'], []],
    ['tag:name', ['*'], []],
    ['tag:aws:cloudformation:stack-name', ['network'], [STACK]],
  ])('%s with values %j matches %j', async (Name, Values, expected) => {
    expect(await ids({ Filter: [{ Name, Values }] })).toEqual(expected);
  });

  it('is combined with the other filters and the ids', async () => {
    const Filter = [
      { Name: 'state', Values: ['available'] },
      { Name: 'tag:Name', Values: ['egress', 'stack', 'pending'] },
    ];
    expect(await ids({ Filter })).toEqual([EGRESS, STACK]);
    expect(await ids({ Filter, NatGatewayIds: [STACK, PENDING] })).toEqual([STACK]);
  });

  it('takes up to 200 values', async () => {
    const values = (count: number) => [{ Name: 'nat-gateway-id', Values: Array(count).fill(EGRESS) }];
    expect(await ids({ Filter: values(200) })).toEqual([EGRESS]);
    const { ec2 } = await startEndpoint();
    const tooMany = ec2.send(new DescribeNatGatewaysCommand({ Filter: values(201) }));
    expect((await refusal(tooMany)).slice(0, 2)).toEqual(['FilterLimitExceeded', 400]);
  });

  it('reads wildcards and their escapes, and takes linear time', () => {
    expect(wildcardPattern('\\*amazon\\?\\\\')('*amazon?\\')).toBe(true);
    expect(wildcardPattern('a?c')('ac')).toBe(false);
    expect(wildcardPattern('*a*b*')('xxaxxbxx')).toBe(true);
    expect(wildcardPattern('a.c')('abc')).toBe(false);
    expect(wildcardPattern(`${'*a'.repeat(10_000)}b`)('a'.repeat(10_000))).toBe(false);
  });

  it('matches as the equivalent regular expression does', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), maxLength: 6 });
    fc.assert(
      fc.property(pattern, text, (wildcards, value) => {
        const source = wildcards.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.');
        return wildcardPattern(wildcards)(value) === new RegExp(`^${source}$`).test(value);
      }),
    );
  });
});

describe('ignoresFilters', () => {
  it('answers as without filters, valid or not', async () => {
    const options = { ignoresFilters: true };
    expect(await ids({ Filter: [{ Name: 'nat-gateway-id', Values: [UNKNOWN] }] }, options)).toHaveLength(10);
    expect(await ids({ Filter: [{ Name: 'private-ip', Values: ['x'] }] }, options)).toHaveLength(10);
  });

  it('still selects by ids', async () => {
    const Filter = [{ Name: 'nat-gateway-id', Values: [LONE] }];
    expect(await ids({ Filter, NatGatewayIds: [STACK] }, { ignoresFilters: true })).toEqual([STACK]);
  });
});

describe('pages', () => {
  it('cover thousands of gateways, each of them once', async () => {
    const inventory = gateways(2345);
    const { ec2 } = await startEndpoint({ inventory });
    const sizes: number[] = [];
    const seen = new Set<string | undefined>();
    for await (const { NatGateways = [] } of paginateDescribeNatGateways({ client: ec2 }, {})) {
      sizes.push(NatGateways.length);
      for (const { NatGatewayId } of NatGateways) seen.add(NatGatewayId);
    }
    expect(sizes).toEqual([1000, 1000, 345]);
    expect(seen.size).toBe(2345);
  });

  it('hold matching gateways only, and end without a token even if the last one is full', async () => {
    const { ec2 } = await startEndpoint({ inventory: gateways(20) });
    const Filter = [{ Name: 'tag:Name', Values: ['1?'] }];
    const first = await ec2.send(new DescribeNatGatewaysCommand({ Filter, MaxResults: 5 }));
    const { NextToken } = first;
    const second = await ec2.send(new DescribeNatGatewaysCommand({ Filter, MaxResults: 5, NextToken }));
    expect([first, second].map(({ NatGateways }) => NatGateways?.length)).toEqual([5, 5]);
    expect(second.NatGateways?.[0]?.Tags?.[0]?.Value).toBe('15');
    expect(second.NextToken).toBeUndefined();
  });

  it('hold the first 1000 gateways for a larger MaxResults', async () => {
    const { ec2 } = await startEndpoint({ inventory: gateways(1001) });
    const { NatGateways, NextToken } = await ec2.send(new DescribeNatGatewaysCommand({ MaxResults: 1001 }));
    expect(NatGateways).toHaveLength(1000);
    const rest = await ec2.send(new DescribeNatGatewaysCommand({ MaxResults: 1001, NextToken }));
    expect(rest.NatGateways).toHaveLength(1);
    expect(rest.NextToken).toBeUndefined();
  });

  it.each([
    ['short and empty ones', [2, 0, 0, 3], {}, [2, 0, 0, 3, 5]],
    ['an empty first one', [0], {}, [0, 10]],
    ['an empty last one, if the one before it is full', [5, 5], {}, [5, 5, 0]],
    ['at most MaxResults', [7, 7], { MaxResults: 6 }, [6, 4]],
    ['empty ones for ids', [0, 1, 0], { NatGatewayIds: [LONE, STACK] }, [0, 1, 0, 1]],
    [
      'empty ones for filters',
      [1, 0],
      { Filter: [{ Name: 'nat-gateway-id', Values: [LONE, STACK] }] },
      [1, 0, 1],
    ],
    ['a single empty one if nothing matches', [0], { Filter: [{ Name: 'state', Values: ['x'] }] }, [0]],
  ])('can be %s', async (_, limits, input: DescribeNatGatewaysCommandInput, sizes) => {
    const { ec2, calls } = await startEndpoint({ pages: (index) => limits[index] });
    const pages: DescribeNatGatewaysCommandOutput[] = [];
    for await (const page of paginateDescribeNatGateways({ client: ec2 }, input)) pages.push(page);
    expect(pages.map(({ NatGateways }) => NatGateways?.length)).toEqual(sizes);
    const seen = pages.flatMap(({ NatGateways = [] }) => NatGateways.map(({ NatGatewayId }) => NatGatewayId));
    expect(new Set(seen).size).toBe(seen.length);
    const tokens = pages.map(({ NextToken }) => NextToken);
    expect(tokens.indexOf(undefined)).toBe(sizes.length - 1);
    expect(new Set(tokens).size).toBe(sizes.length);
    expect(calls).toHaveLength(sizes.length);
  });

  it('can go on without end', async () => {
    const { ec2 } = await startEndpoint({ pages: () => 0 });
    const tokens = new Set<string>();
    let NextToken: string | undefined;
    for (let count = 0; count < 50; count += 1) {
      const page = await ec2.send(new DescribeNatGatewaysCommand({ NextToken }));
      expect(page.NatGateways).toEqual([]);
      NextToken = page.NextToken;
      tokens.add(NextToken ?? '');
    }
    expect(tokens.size).toBe(50);
    expect(tokens).not.toContain('');
  });
});

describe('DescribeNatGateways refuses', () => {
  it.each([
    [
      'an unknown id',
      { NatGatewayIds: [EGRESS, UNKNOWN] },
      'NatGatewayNotFound',
      `NAT gateway ${UNKNOWN} was not found`,
    ],
    ['a malformed id', { NatGatewayIds: ['nat-xyz'] }, 'NatGatewayMalformed', 'Invalid id: "nat-xyz"'],
    [
      'an unknown filter',
      { Filter: [{ Name: 'private-ip', Values: ['x'] }] },
      'InvalidParameterValue',
      "The filter 'private-ip' is invalid",
    ],
    [
      'a filter without a name',
      { Filter: [{ Values: ['x'] }] },
      'InvalidParameterValue',
      "The filter 'null' is invalid",
    ],
    [
      'a filter without values',
      { Filter: [{ Name: 'state' }] },
      'MissingParameter',
      'The request must contain the parameter Filter.1.Value',
    ],
    [
      'too small a page',
      { MaxResults: 1 },
      'InvalidParameterValue',
      'Value ( 1 ) for parameter maxResults is invalid. Expecting a value greater than 5.',
    ],
    [
      'ids and a page size',
      { MaxResults: 5, NatGatewayIds: [EGRESS] },
      'InvalidParameterCombination',
      /MaxResults/,
    ],
    ['a made-up token', { NextToken: 'AAAA' }, 'InvalidPaginationToken', /token/],
    [
      'a token past the inventory',
      { NextToken: token('nat-gateways:1:11') },
      'InvalidPaginationToken',
      /token/,
    ],
    ['a token before it', { NextToken: token('nat-gateways:1:-1') }, 'InvalidPaginationToken', /token/],
    [
      'a token without a number',
      { NextToken: token('nat-gateways:NaN:NaN') },
      'InvalidPaginationToken',
      /token/,
    ],
    ['51 filters', { Filter: Array(51).fill({ Name: 'state', Values: ['x'] }) }, 'FilterLimitExceeded', /50/],
  ])('%s', async (_, input, code, message) => {
    const { ec2 } = await startEndpoint();
    const [name, status, text] = await refusal(ec2.send(new DescribeNatGatewaysCommand(input)));
    expect([name, status]).toEqual([code, 400]);
    expect(text).toMatch(message);
  });
});
