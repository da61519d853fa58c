import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DESCRIBE, UNASSIGN } from '../../src/vocabulary/names.ts';
import { TIMEOUTS } from '../../src/vocabulary/timeouts.ts';
import { phaseOf } from '../support/faults.ts';
import { EGRESS, openSession } from '../support/session.ts';

/** So close to a timeout that it does not expire, on a busy machine too. */
const ALMOST = 0.94;

/** Requests that are not for evidence. */
const CHANGING: ReadonlySet<string> = new Set([
  'GetCallerIdentity',
  'DescribeNatGateways',
  'UnassignPrivateNatGatewayAddress',
]);

/** An answer that never comes. */
const never = () => new Promise<undefined>(() => {});

describe('the slowest call that there can be', () => {
  it('is answered within 50 s', { timeout: 80_000 }, async () => {
    let phase: 'loading' | 'one ahead' | 'in its turn' | 'sent' = 'loading';
    const attempts = { describe: 0, 'dry run': 0 };
    const session = await openSession({
      confirmMode: 'never',
      policy: { evidence: 'auto' },
      intercept: async (exchange) => {
        // No source of evidence ever answers; the call ahead has all of its time without them.
        if (!CHANGING.has(exchange.action)) return phase === 'one ahead' ? exchange.apply() : never();
        const what = phaseOf(exchange);
        if (what === undefined || phase === 'loading') return exchange.apply();
        if (what === 'real call') {
          phase = 'sent';
          exchange.apply();
          return never();
        }
        // No read tells what became of the real call.
        if (phase === 'sent') return never();
        if (phase === 'one ahead') {
          await sleep(TIMEOUTS.queue * ALMOST);
          return { status: 400, headers: {}, body: '<Response/>' };
        }
        attempts[what] += 1;
        // The first attempt of each takes all of its time, and the second the rest of the read's.
        if (attempts[what] === 1) return never();
        await sleep((TIMEOUTS.read - TIMEOUTS.readAttempt) * ALMOST - 250);
        return exchange.apply();
      },
    });
    onTestFinished(() => session.close());
    const call = (privateIp: string) =>
      session.call(UNASSIGN, { nat_gateway_id: EGRESS, private_ip_addresses: [privateIp] });
    await session.call(DESCRIBE, {});
    phase = 'one ahead';
    const ahead = call('10.0.1.11');
    const began = performance.now();
    const slowest = call('10.0.1.12');
    expect((await ahead).content).toMatchObject({ outcome: 'refused' });
    phase = 'in its turn';
    const { content } = await slowest;
    const seconds = (performance.now() - began) / 1000;
    expect(content).toMatchObject({
      outcome: 'unknown',
      error: { code: 'outcome_unknown' },
      evidence: { traffic: { status: 'timed_out' }, routes: { status: 'timed_out' } },
    });
    expect(phase).toBe('sent');
    expect(seconds).toBeGreaterThan(45);
    expect(seconds).toBeLessThan(50);
    process.stdout.write(`The slowest call took ${seconds.toFixed(1)} s.\n`);
  });
});
