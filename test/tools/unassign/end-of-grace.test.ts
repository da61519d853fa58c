import { describe, expect, it, onTestFinished } from 'vitest';
import { DESCRIBE, UNASSIGN } from '../../../src/vocabulary/names.ts';
import { type Phase, phaseOf } from '../../support/faults.ts';
import { deferred } from '../../support/http.ts';
import { EGRESS, ERAS, openSession, realCalls } from '../../support/session.ts';

const wish = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };

const cancelled = { code: 'timed_out', message: expect.stringContaining('cancelled'), retryable: true };

/** A session in which EC2 does not answer in `phase`, and in which the grace of a shutdown can be ended. */
async function silentIn(phase: Phase, era: (typeof ERAS)[number]) {
  const [asked, answered] = [deferred(), deferred()];
  const grace = new AbortController();
  const session = await openSession({
    era,
    dependencies: { graceOver: grace.signal },
    intercept: async (exchange) => {
      if (phaseOf(exchange) === phase) {
        asked.resolve();
        await answered.promise;
      }
      return exchange.apply();
    },
  });
  onTestFinished(async () => {
    answered.resolve();
    await session.close();
  });
  const endGrace = async (): Promise<void> => {
    await asked.promise;
    grace.abort();
  };
  return { ...session, endGrace };
}

describe.each(ERAS)('the end of the grace of a shutdown (%s)', (era) => {
  it('ends a real call as unknown, answered and on record', async () => {
    const { call, audit, endGrace } = await silentIn('real call', era);
    const [{ content, isError }] = await Promise.all([call(UNASSIGN, wish), endGrace()]);
    expect(isError).toBe(true);
    expect(content).toMatchObject({
      outcome: 'unknown',
      dry_run: { passed: true },
      error: { code: 'outcome_unknown', retryable: false },
      next: { tool: DESCRIBE, arguments: { nat_gateway_ids: [EGRESS] } },
    });
    expect(content.error.message).toContain('shut down');
    expect(audit.records.map(({ audit: event, outcome }) => outcome ?? event)).toEqual(['intent', 'unknown']);
  });

  it.each<Phase>(['describe', 'dry run'])('ends a %s as refused, answered and on record', async (phase) => {
    const { call, calls, audit, endGrace } = await silentIn(phase, era);
    const [{ content }] = await Promise.all([call(UNASSIGN, wish), endGrace()]);
    expect(content).toMatchObject({ outcome: 'refused', error: cancelled });
    expect(realCalls(calls)).toEqual([]);
    expect(audit.records).toMatchObject([{ audit: 'outcome', outcome: 'refused' }]);
  });

  it('ends the reading of gateways with an error that says to call again', async () => {
    const { call, endGrace } = await silentIn('describe', era);
    const [{ content, isError }] = await Promise.all([call(DESCRIBE, {}), endGrace()]);
    expect(isError).toBe(true);
    expect(content.error).toMatchObject(cancelled);
  });
});
