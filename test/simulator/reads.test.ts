import { AssignPrivateNatGatewayAddressCommand, DescribeNatGatewaysCommand } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import type { Read, ReadDeviation } from '../../src/simulator/simulator.ts';
import {
  EGRESS,
  LONE,
  refusal,
  STACK,
  START,
  startEndpoint,
  statuses,
  unassign,
} from '../support/endpoint.ts';

describe('readLagSeconds', () => {
  it('delays a change for reads, while the next write sees it at once', async () => {
    const { ec2, clock } = await startEndpoint({ readLagSeconds: 4 });
    await unassign(ec2, EGRESS, ['10.0.1.11'], 10);
    expect(await statuses(ec2, EGRESS)).toHaveProperty(['10.0.1.11'], 'succeeded');
    expect((await refusal(unassign(ec2, EGRESS, ['10.0.1.11'])))[0]).toBe('OperationInProgress');
    clock.advance(4);
    expect(await statuses(ec2, EGRESS)).toHaveProperty(['10.0.1.11'], 'unassigning');
    clock.advance(9);
    expect(await statuses(ec2, EGRESS)).toHaveProperty(['10.0.1.11'], 'unassigning');
    expect((await refusal(unassign(ec2, EGRESS, ['10.0.1.11'])))[0]).toBe('InvalidParameterValue');
    clock.advance(1);
    expect(await statuses(ec2, EGRESS)).not.toHaveProperty(['10.0.1.11']);
  });

  it('still shows an address draining that was released and assigned again', async () => {
    const { ec2, clock } = await startEndpoint({ readLagSeconds: 30 });
    await unassign(ec2, EGRESS, ['10.0.1.11'], 10);
    clock.advance(10);
    await ec2.send(
      new AssignPrivateNatGatewayAddressCommand({ NatGatewayId: EGRESS, PrivateIpAddresses: ['10.0.1.11'] }),
    );
    expect(await statuses(ec2, EGRESS)).toHaveProperty(['10.0.1.11'], 'succeeded');
    clock.advance(25);
    expect(await statuses(ec2, EGRESS)).toHaveProperty(['10.0.1.11'], 'unassigning');
    clock.advance(5);
    expect(await statuses(ec2, EGRESS)).toHaveProperty(['10.0.1.11'], 'assigning');
  });

  it('tells an earlier drain of an address from a later one', async () => {
    const { ec2, clock } = await startEndpoint({ readLagSeconds: 100 });
    await unassign(ec2, EGRESS, ['10.0.1.11'], 1);
    clock.advance(1);
    const PrivateIpAddresses = ['10.0.1.11'];
    await ec2.send(new AssignPrivateNatGatewayAddressCommand({ NatGatewayId: EGRESS, PrivateIpAddresses }));
    clock.advance(5);
    const { NatGatewayAddresses } = await unassign(ec2, EGRESS, ['10.0.1.11'], 1);
    expect(NatGatewayAddresses).toHaveLength(1);
    clock.advance(94);
    expect(await statuses(ec2, EGRESS)).toHaveProperty(['10.0.1.11'], 'unassigning');
    clock.advance(1);
    expect(await statuses(ec2, EGRESS)).toHaveProperty(['10.0.1.11'], 'assigning');
  });
});

/** Gives each describe the next of some deviations, and none after the last. */
function inTurn(...deviations: ReadDeviation[]): () => ReadDeviation | undefined {
  return () => deviations.shift();
}

/** Returns a generator of numbers between 0 and 1 (MINSTD). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

describe('reads', () => {
  it('sets the lag of each describe, with readLagSeconds as the default', async () => {
    const reads = inTurn({ lagSeconds: 8 }, { lagSeconds: 0 }, {}, { lagSeconds: 8 });
    const { ec2, clock } = await startEndpoint({ readLagSeconds: 2, reads });
    await unassign(ec2, EGRESS, ['10.0.1.11'], 10);
    clock.advance(5);
    const seen = [];
    for (let count = 0; count < 5; count += 1) seen.push((await statuses(ec2, EGRESS))['10.0.1.11']);
    expect(seen).toEqual(['succeeded', 'unassigning', 'unassigning', 'succeeded', 'unassigning']);
  });

  it('shows an address again that was released longer ago than readLagSeconds', async () => {
    const { ec2, clock } = await startEndpoint({ reads: inTurn({}, { lagSeconds: 3600 }) });
    await unassign(ec2, EGRESS, ['10.0.1.11'], 1);
    clock.advance(3600);
    await ec2.send(
      new AssignPrivateNatGatewayAddressCommand({ NatGatewayId: EGRESS, PrivateIpAddressCount: 1 }),
    );
    expect(await statuses(ec2, EGRESS)).not.toHaveProperty(['10.0.1.11']);
    expect(await statuses(ec2, EGRESS)).toHaveProperty(['10.0.1.11'], 'unassigning');
  });

  it('leaves addresses out of one answer, but not out of the state', async () => {
    const omitted: string[] = [];
    const omitAddress = (natGatewayId: string, privateIp: string) => {
      omitted.push(`${natGatewayId} ${privateIp}`);
      return privateIp === '10.0.4.11';
    };
    const { ec2 } = await startEndpoint({ reads: inTurn({ omitAddress }) });
    expect(Object.keys(await statuses(ec2, STACK))).toEqual(['10.0.4.10', '10.0.4.12']);
    expect(omitted).toEqual(
      ['10.0.4.10', '10.0.4.11', '10.0.4.12'].map((privateIp) => `${STACK} ${privateIp}`),
    );
    expect(Object.keys(await statuses(ec2, STACK))).toEqual(['10.0.4.10', '10.0.4.11', '10.0.4.12']);
  });

  it('lets an omitted address be unassigned', async () => {
    const { ec2 } = await startEndpoint({ reads: () => ({ omitAddress: () => true }) });
    expect(await statuses(ec2, EGRESS)).toEqual({});
    const { NatGatewayAddresses } = await unassign(ec2, EGRESS, ['10.0.1.11']);
    expect(NatGatewayAddresses).toMatchObject([{ PrivateIp: '10.0.1.11', Status: 'unassigning' }]);
  });

  it('leaves a gateway out: not found by id, and absent by filter', async () => {
    const omitGateway = (natGatewayId: string) => natGatewayId === EGRESS;
    const { ec2, calls } = await startEndpoint({ reads: inTurn({ omitGateway }, { omitGateway }) });
    const byId = new DescribeNatGatewaysCommand({ NatGatewayIds: [LONE, EGRESS] });
    const byFilter = new DescribeNatGatewaysCommand({
      Filter: [{ Name: 'nat-gateway-id', Values: [LONE, EGRESS] }],
    });
    expect(await refusal(ec2.send(byId))).toEqual([
      'NatGatewayNotFound',
      400,
      `NAT gateway ${EGRESS} was not found`,
    ]);
    expect((await ec2.send(byFilter)).NatGateways).toMatchObject([{ NatGatewayId: LONE }]);
    expect((await ec2.send(byFilter)).NatGateways).toHaveLength(2);
    expect(calls.map(({ code }) => code)).toEqual(['NatGatewayNotFound', undefined, undefined]);
  });

  it('gets the matching gateways and the time of each describe that is answered', async () => {
    const seen: Read[] = [];
    const reads = (read: Read) => {
      seen.push(read);
      return undefined;
    };
    const { ec2, clock } = await startEndpoint({ reads });
    const Filter = [{ Name: 'tag:Name', Values: ['egress', 'stack'] }];
    await ec2.send(new DescribeNatGatewaysCommand({ Filter }));
    clock.advance(3);
    await ec2.send(new DescribeNatGatewaysCommand({ NatGatewayIds: [LONE] }));
    await refusal(ec2.send(new DescribeNatGatewaysCommand({ DryRun: true })));
    await refusal(ec2.send(new DescribeNatGatewaysCommand({ MaxResults: 1 })));
    await unassign(ec2, EGRESS, ['10.0.1.11']);
    expect(seen).toEqual([
      { natGatewayIds: [EGRESS, STACK], at: START },
      { natGatewayIds: [LONE], at: START + 3000 },
    ]);
  });

  it('flaps in the same way for the same seed', async () => {
    const answers = async (seed: number) => {
      const random = seeded(seed);
      const { ec2 } = await startEndpoint({ reads: () => ({ omitAddress: () => random() < 0.3 }) });
      const shown: string[] = [];
      for (let count = 0; count < 20; count += 1) shown.push(Object.keys(await statuses(ec2, EGRESS)).join());
      return shown;
    };
    const first = await answers(1);
    expect(await answers(1)).toEqual(first);
    expect(await answers(2)).not.toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(5);
  });
});
