import { describe, expect, it, onTestFinished } from 'vitest';
import { privateNatGateway } from '../../src/simulator/simulator.ts';
import { DESCRIBE, UNASSIGN, WAIT } from '../../src/vocabulary/names.ts';
import { phaseOf } from '../support/faults.ts';
import {
  EGRESS,
  FAST_TIMEOUTS,
  ManualClock,
  openSession,
  type Session,
  type SessionOptions,
} from '../support/session.ts';

const HOUR = 3600;
const wish = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };

async function session(options: SessionOptions = {}): Promise<Session> {
  const opened = await openSession({ timeouts: FAST_TIMEOUTS, ...options });
  onTestFinished(opened.close);
  return opened;
}

/** A session whose wall clock is set by `seconds`, and whose monotonic clock moves by `passing`, at each describe. */
function disturbed(seconds: number, passing: number, options: SessionOptions = {}): Promise<Session> {
  const [wall, monotonic] = [new ManualClock(Date.now()), new ManualClock(0)];
  return session({
    ...options,
    intercept: async (exchange) => {
      if (phaseOf(exchange) === 'describe') {
        wall.advance(seconds);
        monotonic.advance(passing);
      }
      return exchange.apply();
    },
    dependencies: { now: wall.now, monotonic: monotonic.now },
  });
}

/** More gateways than one page of EC2 holds. */
const inventory = Array.from({ length: 2001 }, (_, index) =>
  privateNatGateway(
    `nat-${index.toString(16).padStart(17, '0')}`,
    `gateway ${index}`,
    [`10.9.${index >> 8}.${index & 255}`],
    0,
  ),
);
const last = { private_ip_addresses: ['10.9.7.208'] };

describe.each([
  ['forward', HOUR],
  ['back', -HOUR],
])('a clock that is set %s an hour during a call', (_, seconds) => {
  it('is not in waited_seconds', async () => {
    const { call } = await disturbed(seconds, 0.7);
    const { content } = await call(WAIT, { ...wish, timeout_seconds: 1 });
    expect(content.waited_seconds).toBeGreaterThan(0);
    expect(content.waited_seconds).toBeLessThan(HOUR / 2);
  });

  it('is not in the progress of a wait', async () => {
    const { client } = await disturbed(seconds, 0.7);
    const progress: number[] = [];
    await client.callTool(
      { name: WAIT, arguments: { ...wish, timeout_seconds: 1 } },
      { onprogress: (report) => progress.push(report.progress) },
    );
    expect(progress[0]).toBe(0.7);
  });

  it('is not in the duration_ms on record', async () => {
    const { call, audit } = await disturbed(seconds, 0.25);
    await call(UNASSIGN, { ...wish, mode: 'dry_run' });
    expect(audit.records).toMatchObject([{ outcome: 'dry_run_passed', duration_ms: 250 }]);
  });
});

describe('the reading of pages', () => {
  it('is not ended by a clock that is set forward', async () => {
    const { call } = await disturbed(HOUR, 1, { inventory });
    const { content } = await call(DESCRIBE, last);
    expect(content.nat_gateways).toHaveLength(1);
    expect(content).not.toHaveProperty('incomplete');
  });

  it('is not prolonged by a clock that is set back', async () => {
    const { call } = await disturbed(-HOUR, 31, { inventory });
    const { content } = await call(DESCRIBE, last);
    expect(content).toMatchObject({ nat_gateways: [], incomplete: expect.stringContaining('1 pages') });
  });
});
