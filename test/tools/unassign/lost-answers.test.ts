import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type Exchange,
  type Intercept,
  privateNatGateway,
  type SimulatorOptions,
} from '../../../src/simulator/simulator.ts';
import { DESCRIBE, UNASSIGN, WAIT } from '../../../src/vocabulary/names.ts';
import {
  EGRESS,
  FAST_TIMEOUTS,
  ManualClock,
  openSession,
  realCalls,
  type SessionOptions,
} from '../../support/session.ts';

/** Reads that leave addresses out, or are late, around a real call; the endpoint's record is the judge. */

const one = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };

async function session(options: SessionOptions) {
  const opened = await openSession({
    timeouts: FAST_TIMEOUTS,
    clock: new ManualClock(Date.now()),
    ...options,
  });
  onTestFinished(opened.close);
  return opened;
}

const isRealCall = ({ action, dryRun }: Pick<Exchange, 'action' | 'dryRun'>): boolean =>
  action === 'UnassignPrivateNatGatewayAddress' && !dryRun;

/** Breaks the connection of the first real call before EC2 applies it. */
function loseTheFirst(): Intercept {
  let isFirst = true;
  return async (exchange) => {
    if (!isRealCall(exchange) || !isFirst) return exchange.apply();
    isFirst = false;
    exchange.socket.resetAndDestroy();
    return undefined;
  };
}

/** Leaves these addresses out of the describes with these numbers, counted from 1. */
function omitting(
  privateIps: readonly string[],
  numbers: readonly number[],
): NonNullable<SimulatorOptions['reads']> {
  let number = 0;
  return () => {
    number += 1;
    const isOmitted = numbers.includes(number);
    return { omitAddress: (_id, privateIp) => isOmitted && privateIps.includes(privateIp) };
  };
}

const statusIn = (content: { nat_gateways: { addresses: { private_ip: string }[] }[] }, privateIp: string) =>
  content.nat_gateways[0]?.addresses.find(({ private_ip }) => private_ip === privateIp);

describe('a lost real call, after which reads show the drain of another', () => {
  it('is told as draining, and the release not before reads prove it, whatever its own drain was', async () => {
    const clock = new ManualClock(Date.now());
    const inventory = [privateNatGateway(EGRESS, 'egress', ['10.0.1.10', '10.0.1.11', '10.0.1.12'], 0)];
    const [gateway] = inventory;
    let omits = false;
    const { call, audit } = await session({
      clock,
      inventory,
      intercept: async (exchange) => {
        if (!isRealCall(exchange)) return exchange.apply();
        // Somebody else unassigns it for 350 s while this call, for one second, gets lost.
        const address = gateway?.addresses?.find(({ privateIp }) => privateIp === '10.0.1.11');
        Object.assign(address ?? {}, { unassignedAt: clock.now(), drainSeconds: 350 });
        exchange.socket.resetAndDestroy();
        return undefined;
      },
      reads: () => ({ omitAddress: (_id, privateIp) => omits && privateIp === '10.0.1.11' }),
    });
    const { content } = await call(UNASSIGN, { ...one, max_drain_duration_seconds: 1 });
    expect(content).toMatchObject({ outcome: 'unassigning', reconciled: true });
    expect(audit.records.at(-1)).toMatchObject({ outcome: 'unassigning', reconciled: true });
    clock.advance(10);
    omits = true;
    const { content: waited } = await call(WAIT, { ...one, timeout_seconds: 1 });
    expect(waited).toMatchObject({ outcome: 'still_changing', addresses: [{ fate: 'unassigning' }] });
    expect(waited.addresses[0].release_by).toBeUndefined();
  });
});

describe('a real call that was lost before EC2 applied it', () => {
  it.each([
    ['the next two reads', [2, 3]],
    ['every read that follows it', Array.from({ length: 20 }, (_, index) => index + 2)],
  ])('is told as unknown, not as accepted, though %s leave the address out', async (_, numbers) => {
    const { call, calls } = await session({
      intercept: loseTheFirst(),
      reads: omitting(['10.0.1.11'], numbers),
    });
    const { content } = await call(UNASSIGN, one);
    expect(content).toMatchObject({ outcome: 'unknown', error: { code: 'outcome_unknown' } });
    expect(realCalls(calls).filter(({ changed }) => changed)).toEqual([]);
  });

  it('leaves no memory behind: the address is shown, and released, as if nothing had happened', async () => {
    const { call, calls } = await session({
      intercept: loseTheFirst(),
      reads: omitting(['10.0.1.11'], [2, 3]),
    });
    await call(UNASSIGN, one);
    const { content: described } = await call(DESCRIBE, { nat_gateway_ids: EGRESS });
    expect(statusIn(described, '10.0.1.11')).toMatchObject({ status: 'succeeded', can_unassign: true });
    expect((await call(WAIT, { ...one, timeout_seconds: 1 })).content.outcome).toBe('no_change_seen');
    expect((await call(UNASSIGN, one)).content.outcome).toBe('unassigning');
    expect(realCalls(calls).filter(({ changed }) => changed)).toHaveLength(1);
  });

  it('is told as unknown for one of two addresses as well', async () => {
    const two = { ...one, private_ip_addresses: ['10.0.1.11', '10.0.1.12'] };
    const { call } = await session({
      intercept: loseTheFirst(),
      reads: omitting(['10.0.1.12'], [2, 3, 4, 5]),
    });
    const { content } = await call(UNASSIGN, two);
    expect(content.outcome).toBe('unknown');
    expect(content).not.toHaveProperty('partial_change');
  });
});

describe('a drain that EC2 has accepted', () => {
  it('is not told as released while reads leave the address out before its end', async () => {
    const clock = new ManualClock(Date.now());
    const { call } = await session({
      clock,
      reads: omitting(
        ['10.0.1.11'],
        Array.from({ length: 15 }, (_, index) => index + 2),
      ),
    });
    await call(UNASSIGN, one);
    const { content } = await call(WAIT, { ...one, timeout_seconds: 1 });
    expect(content).toMatchObject({ outcome: 'still_changing', addresses: [{ fate: 'unassigning' }] });
  });

  it('is not told as deleted with its gateway while two reads leave that out', async () => {
    let number = 0;
    const { call } = await session({
      reads: () => ({ omitGateway: () => [3, 4].includes(++number) }),
    });
    await call(UNASSIGN, one);
    expect((await call(WAIT, { ...one, timeout_seconds: 1 })).content.outcome).toBe('still_changing');
  });

  it('is one rule for all tools when it is over and reads are late', async () => {
    const clock = new ManualClock(Date.now());
    let lagSeconds = 0;
    const { call, calls } = await session({ clock, reads: () => ({ lagSeconds }) });
    await call(UNASSIGN, { ...one, max_drain_duration_seconds: 2 });
    clock.advance(5);
    lagSeconds = 10;
    const { content: described } = await call(DESCRIBE, { nat_gateway_ids: EGRESS });
    expect(statusIn(described, '10.0.1.11')).toMatchObject({ can_unassign: false, reason: 'unassigning' });
    expect((await call(UNASSIGN, one)).content.outcome).toBe('already_unassigning');
    expect((await call(WAIT, { ...one, timeout_seconds: 1 })).content.outcome).toBe('still_changing');
    expect(realCalls(calls)).toHaveLength(1);
  });
});
