import { describe, expect, it, onTestFinished } from 'vitest';
import { UNASSIGN } from '../../../src/vocabulary/names.ts';
import {
  EGRESS,
  ERAS,
  ManualClock,
  openSession,
  realCalls,
  type SessionOptions,
} from '../../support/session.ts';

const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'], max_drain_duration_seconds: 1 };
const otherChange = { ...change, private_ip_addresses: ['10.0.1.12'] };

async function open(options: SessionOptions) {
  const session = await openSession(options);
  onTestFinished(session.close);
  return session;
}

describe.each(ERAS)('--max-changes-per-hour, for a %s client', (era) => {
  it('refuses a change above the limit as policy_denied and returns the seconds until the next', async () => {
    const clock = new ManualClock(Date.now());
    const session = await open({ era, clock, changesPerHour: 1 });
    expect((await session.call(UNASSIGN, change)).content.outcome).toBe('unassigning');
    clock.advance(60);

    const { content, isError } = await session.call(UNASSIGN, otherChange);
    expect(isError).toBe(true);
    expect(content).toMatchObject({
      outcome: 'refused',
      confirmation: 'not_reached',
      dry_run: { passed: true },
      error: { code: 'policy_denied', retryable: true, retry_after_seconds: 3540 },
    });
    expect(content.error.hint).toContain('3540 s');
    expect(content.findings).toContainEqual(
      expect.objectContaining({ code: 'policy', severity: 'blocks', rule: 'max-changes-per-hour' }),
    );
    expect(realCalls(session.calls)).toHaveLength(1);
    expect(session.audit.records.at(-1)).toMatchObject({ denied_by: ['max-changes-per-hour'] });

    expect((await session.call(UNASSIGN, { ...otherChange, mode: 'dry_run' })).content.outcome).toBe(
      'dry_run_passed',
    );
    clock.advance(3540);
    expect((await session.call(UNASSIGN, otherChange)).content.outcome).toBe('unassigning');
  });

  it('counts real calls only', async () => {
    const session = await open({ era, changesPerHour: 1, policy: { protectTag: [] } });
    await session.call(UNASSIGN, { ...change, mode: 'dry_run' });
    await session.call(UNASSIGN, { ...change, private_ip_addresses: ['10.0.1.10'] });
    const { limit } = session.dependencies.state;
    expect(await limit.secondsLeft(undefined)).toBe(0);
    expect((await session.call(UNASSIGN, change)).content.outcome).toBe('unassigning');
    expect(await limit.secondsLeft(undefined)).toBeGreaterThan(0);
  });

  it('does not ask for confirmation of a change above the limit', async () => {
    const client = { capabilities: { elicitation: {} } };
    const session = await open({ era, changesPerHour: 1, client });
    await session.dependencies.state.limit.take(undefined, 'another attempt');
    let asked = 0;
    session.client.setRequestHandler('elicitation/create', () => {
      asked += 1;
      return { action: 'accept', content: { confirm: true } };
    });
    expect((await session.call(UNASSIGN, change)).content.outcome).toBe('refused');
    expect(asked).toBe(0);
  });
});
