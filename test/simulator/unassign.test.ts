import { AssignPrivateNatGatewayAddressCommand, type EC2Client } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import {
  DELETED,
  DRAINING,
  EGRESS,
  FAILED,
  LONE,
  PENDING,
  PUBLIC,
  REGIONAL,
  refusal,
  STACK,
  startEndpoint,
  statuses,
  UNKNOWN,
  unassign,
} from '../support/endpoint.ts';

describe('UnassignPrivateNatGatewayAddress', () => {
  it('returns the affected addresses only, and releases them when the drain ends', async () => {
    const { ec2, clock, calls } = await startEndpoint();
    const { $metadata, ...result } = await unassign(ec2, EGRESS, ['10.0.1.12', '10.0.1.11'], 60);
    expect(result).toEqual({
      NatGatewayId: EGRESS,
      NatGatewayAddresses: ['10.0.1.11', '10.0.1.12'].map((PrivateIp) => ({
        NetworkInterfaceId: 'eni-0a11a11a11a11a11a',
        PrivateIp,
        IsPrimary: false,
        Status: 'unassigning',
      })),
    });
    expect($metadata.requestId).toBe(calls[0]?.requestId);

    clock.advance(59.999);
    expect(await statuses(ec2, EGRESS)).toMatchObject({
      '10.0.1.10': 'succeeded',
      '10.0.1.11': 'unassigning',
      '10.0.1.13': 'succeeded',
    });
    clock.advance(0.001);
    expect(Object.keys(await statuses(ec2, EGRESS))).toEqual(['10.0.1.10', '10.0.1.13', '10.0.1.14']);
  });

  it('drains for 350 seconds by default', async () => {
    const { ec2, clock } = await startEndpoint();
    await unassign(ec2, EGRESS, ['10.0.1.11']);
    clock.advance(349);
    expect(await statuses(ec2, EGRESS)).toHaveProperty(['10.0.1.11'], 'unassigning');
    clock.advance(1);
    expect(await statuses(ec2, EGRESS)).not.toHaveProperty(['10.0.1.11']);
  });

  it('has started on one gateway of the default inventory, with 300 seconds to go', async () => {
    const { ec2, clock } = await startEndpoint();
    expect(await statuses(ec2, DRAINING)).toHaveProperty(['10.0.3.12'], 'unassigning');
    clock.advance(300);
    expect(Object.keys(await statuses(ec2, DRAINING))).toEqual(['10.0.3.10', '10.0.3.11']);
  });

  it('releases an address whose assignment failed', async () => {
    const { ec2, clock } = await startEndpoint();
    await unassign(ec2, STACK, ['10.0.4.12'], 1);
    expect(await statuses(ec2, STACK)).toHaveProperty(['10.0.4.12'], 'unassigning');
    clock.advance(1);
    expect(await statuses(ec2, STACK)).not.toHaveProperty(['10.0.4.12']);
  });

  it('blocks other changes of the gateway while it drains, but not of another gateway', async () => {
    const { ec2, clock } = await startEndpoint();
    await unassign(ec2, EGRESS, ['10.0.1.11'], 10);
    const inProgress = [
      'OperationInProgress',
      400,
      'Service is currently UNASSIGNING the following private IP addresses: [10.0.1.11].',
    ];
    expect(await refusal(unassign(ec2, EGRESS, ['10.0.1.12']))).toEqual(inProgress);
    const assign = new AssignPrivateNatGatewayAddressCommand({
      NatGatewayId: EGRESS,
      PrivateIpAddressCount: 1,
    });
    expect(await refusal(ec2.send(assign))).toEqual(inProgress);
    await unassign(ec2, STACK, ['10.0.4.11']);
    clock.advance(10);
    await unassign(ec2, EGRESS, ['10.0.1.12']);
  });

  it.each([
    ['the primary address', EGRESS, ['10.0.1.10'], undefined, 'InvalidParameterValue', /primary/],
    ['the only address', LONE, ['10.0.2.10'], undefined, 'InvalidParameterValue', /primary/],
    [
      'an address that is not on the gateway',
      EGRESS,
      ['10.0.1.99'],
      undefined,
      'InvalidParameterValue',
      /10\.0\.1\.99/,
    ],
    [
      'two addresses of which one is not on the gateway',
      EGRESS,
      ['10.0.1.11', '10.0.3.11'],
      undefined,
      'InvalidParameterValue',
      /10\.0\.3\.11/,
    ],
    [
      'an address given twice',
      EGRESS,
      ['10.0.1.11', '10.0.1.11'],
      undefined,
      'InvalidParameterValue',
      /more than once/,
    ],
    ['a malformed address', EGRESS, ['10.0.1'], undefined, 'InvalidParameterValue', /10\.0\.1 /],
    ['an address of a public gateway', PUBLIC, ['10.0.5.11'], undefined, 'UnsupportedOperation', /private/],
    [
      'an address of a regional gateway',
      REGIONAL,
      ['10.0.6.11'],
      undefined,
      'UnsupportedOperation',
      /private/,
    ],
    ['an address of a pending gateway', PENDING, ['10.0.7.11'], undefined, 'IncorrectState', /pending/],
    ['an address of a failed gateway', FAILED, ['10.0.8.11'], undefined, 'IncorrectState', /failed/],
    ['an address of a deleted gateway', DELETED, ['10.0.9.10'], undefined, 'NatGatewayNotFound', /not found/],
    [
      'an address of an unknown gateway',
      UNKNOWN,
      ['10.0.1.11'],
      undefined,
      'NatGatewayNotFound',
      /^NAT gateway nat-00000000000000000 was not found$/,
    ],
    ['a malformed gateway id', 'nat-1', ['10.0.1.11'], undefined, 'NatGatewayMalformed', /nat-1/],
    [
      'no address',
      EGRESS,
      [],
      undefined,
      'MissingParameter',
      /^The request must contain the parameter PrivateIpAddress$/,
    ],
    ['no gateway id', '', ['10.0.1.11'], undefined, 'MissingParameter', /NatGatewayId/],
    ['a drain of 0 seconds', EGRESS, ['10.0.1.11'], 0, 'InvalidParameterValue', /1 to 4000/],
    ['a drain of 4001 seconds', EGRESS, ['10.0.1.11'], 4001, 'InvalidParameterValue', /1 to 4000/],
    ['a drain of 1.5 seconds', EGRESS, ['10.0.1.11'], 1.5, 'InvalidParameterValue', /1 to 4000/],
  ])('refuses %s and changes nothing', async (_, id, ips, seconds, code, message) => {
    const { ec2, calls } = await startEndpoint();
    const before = await statuses(ec2, EGRESS);
    const answer = await refusal(unassign(ec2, id, ips, seconds));
    expect(answer).toEqual([code, 400, expect.stringMatching(message)]);
    expect(calls.at(-1)).toMatchObject({ code, status: 400, changed: false });
    expect(await statuses(ec2, EGRESS)).toEqual(before);
  });
});

describe('AssignPrivateNatGatewayAddress', () => {
  const assign = (
    ec2: EC2Client,
    input: { PrivateIpAddresses?: string[]; PrivateIpAddressCount?: number },
    id = EGRESS,
  ) => ec2.send(new AssignPrivateNatGatewayAddressCommand({ NatGatewayId: id, ...input }));

  it('omits the private IP from its answer; describes show it as assigning at first', async () => {
    const { ec2, clock } = await startEndpoint();
    const { NatGatewayAddresses } = await assign(ec2, { PrivateIpAddresses: ['10.0.1.50'] });
    expect(NatGatewayAddresses).toEqual([
      { NetworkInterfaceId: 'eni-0a11a11a11a11a11a', IsPrimary: false, Status: 'assigning' },
    ]);
    expect(await statuses(ec2, EGRESS)).toHaveProperty(['10.0.1.50'], 'assigning');
    expect((await refusal(unassign(ec2, EGRESS, ['10.0.1.11'])))[0]).toBe('OperationInProgress');
    clock.advance(5);
    expect(await statuses(ec2, EGRESS)).toHaveProperty(['10.0.1.50'], 'succeeded');
  });

  it('can assign a released address again', async () => {
    const { ec2, clock } = await startEndpoint();
    for (let round = 0; round < 3; round += 1) {
      await unassign(ec2, EGRESS, ['10.0.1.11'], 1);
      clock.advance(1);
      expect(await statuses(ec2, EGRESS)).not.toHaveProperty(['10.0.1.11']);
      await assign(ec2, { PrivateIpAddresses: ['10.0.1.11'] });
      clock.advance(5);
      expect(await statuses(ec2, EGRESS)).toHaveProperty(['10.0.1.11'], 'succeeded');
    }
  });

  it('picks the lowest free addresses of the subnet for a count, up to eight per gateway', async () => {
    const { ec2, clock } = await startEndpoint();
    await assign(ec2, { PrivateIpAddressCount: 3 });
    clock.advance(5);
    const held = Object.keys(await statuses(ec2, EGRESS));
    expect(held.slice(5)).toEqual(['10.0.1.4', '10.0.1.5', '10.0.1.6']);
    expect((await refusal(assign(ec2, { PrivateIpAddressCount: 1 })))[0]).toBe(
      'PrivateIpAddressLimitExceeded',
    );
  });

  it.each([
    [
      'addresses with a count',
      { PrivateIpAddresses: ['10.0.1.50'], PrivateIpAddressCount: 1 },
      'InvalidParameterCombination',
    ],
    ['neither addresses nor a count', {}, 'MissingParameter'],
    ['a count of 0', { PrivateIpAddressCount: 0 }, 'InvalidParameterValue'],
    ['a count of 32', { PrivateIpAddressCount: 32 }, 'InvalidParameterValue'],
    ['a count of 1.5', { PrivateIpAddressCount: 1.5 }, 'InvalidParameterValue'],
    ['an address that the gateway has', { PrivateIpAddresses: ['10.0.1.11'] }, 'InvalidIPAddress.InUse'],
    ['an address of another subnet', { PrivateIpAddresses: ['10.9.9.9'] }, 'InvalidParameterValue'],
    ['an address that AWS reserves', { PrivateIpAddresses: ['10.0.1.1'] }, 'InvalidParameterValue'],
    ['a malformed address', { PrivateIpAddresses: ['::1'] }, 'InvalidParameterValue'],
    [
      'more than eight addresses on the gateway',
      { PrivateIpAddressCount: 4 },
      'PrivateIpAddressLimitExceeded',
    ],
  ])('refuses %s', async (_, input, code) => {
    const { ec2, calls } = await startEndpoint();
    expect((await refusal(assign(ec2, input))).slice(0, 2)).toEqual([code, 400]);
    expect(calls.map(({ changed }) => changed)).toEqual([false]);
  });

  it('refuses a count above the free addresses of the subnet', async () => {
    const { privateNatGateway } = await import('../../src/simulator/simulator.ts');
    const gateway = privateNatGateway(EGRESS, 'small', ['10.0.1.4'], 0, { cidrBlock: '10.0.1.0/29' });
    const { ec2, clock } = await startEndpoint({ inventory: [gateway] });
    expect((await refusal(assign(ec2, { PrivateIpAddressCount: 3 })))[0]).toBe(
      'InsufficientFreeAddressesInSubnet',
    );
    await assign(ec2, { PrivateIpAddressCount: 2 });
    clock.advance(5);
    expect(Object.keys(await statuses(ec2, EGRESS))).toEqual(['10.0.1.4', '10.0.1.5', '10.0.1.6']);
  });
});
