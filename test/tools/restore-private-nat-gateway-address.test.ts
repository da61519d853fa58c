import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Exchange } from '../../src/simulator/simulator.ts';
import { DESCRIBE, RESTORE, UNASSIGN, WAIT } from '../../src/vocabulary/names.ts';
import { AMBIGUOUS } from '../support/faults.ts';
import { EGRESS, FAST_TIMEOUTS, ManualClock, openSession, type SessionOptions } from '../support/session.ts';

const ip = '10.0.1.11';
const change = { nat_gateway_id: EGRESS, private_ip_addresses: [ip] };
const START = Date.UTC(2026, 0, 2);

async function open(options: SessionOptions = {}) {
  const clock = new ManualClock(START);
  const session = await openSession({ clock, timeouts: FAST_TIMEOUTS, ...options });
  onTestFinished(() => session.close());
  const assigns = () => session.calls.filter(({ action }) => action === 'AssignPrivateNatGatewayAddress');
  return {
    ...session,
    clock,
    /** The endpoint's record of dry runs and of real calls that assign. */
    assigned: () => ({
      dryRuns: assigns().filter(({ dryRun }) => dryRun).length,
      changes: assigns().filter(({ changed }) => changed).length,
      realCalls: assigns().filter(({ dryRun }) => !dryRun).length,
    }),
    /** Releases an address to the end of its drain. */
    release: async () => {
      await session.call(UNASSIGN, { ...change, max_drain_duration_seconds: 1 });
      clock.advance(400);
    },
  };
}

describe('restore', () => {
  it('gives back what this server released: dry run, one call, and the address works again', async () => {
    const { client, call, release, assigned, clock, audit } = await open();
    await release();
    audit.records.length = 0;
    const { content } = await call(RESTORE, change);
    expect(content).toMatchObject({
      outcome: 'assigning',
      changed: true,
      dry_run: { passed: true },
      assign: { request_id: expect.any(String) },
      addresses: [{ private_ip: ip, status: 'assigning' }],
      next: { tool: WAIT },
    });
    expect(assigned()).toEqual({ dryRuns: 1, realCalls: 1, changes: 1 });
    expect(audit.records.map(({ audit, outcome, tool }) => [audit, outcome, tool])).toEqual([
      ['intent', undefined, RESTORE],
      ['outcome', 'assigning', RESTORE],
    ]);
    expect(audit.records[1]).toMatchObject({ dry_run: content.dry_run, assign: content.assign });
    const messages: (string | undefined)[] = [];
    const args = { ...content.next.arguments, timeout_seconds: 5 };
    const { structuredContent: waited } = await client.callTool(
      { name: content.next.tool, arguments: args },
      {
        onprogress: ({ message }) => {
          messages.push(message);
          if (messages.length === 2) clock.advance(60);
        },
      },
    );
    expect(messages[0]).toBe('0 of 1 addresses no longer changing');
    expect(waited).toMatchObject({
      outcome: 'settled',
      addresses: [{ private_ip: ip, fate: 'succeeded' }],
    });
    const again = await call(RESTORE, change);
    expect(again.content).toMatchObject({ outcome: 'already_on_gateway', changed: false });
    expect(assigned()).toMatchObject({ realCalls: 1 });

    const released = await call(UNASSIGN, { ...change, max_drain_duration_seconds: 2 });
    expect(released.content).toMatchObject({
      outcome: 'unassigning',
      drain: { release_by: expect.any(String) },
    });
    clock.advance(10);
    const gone = await call(WAIT, { ...change, timeout_seconds: 5 });
    expect(gone.content).toMatchObject({
      outcome: 'settled',
      addresses: [{ private_ip: ip, fate: 'released', released_at: expect.any(String) }],
    });
  });

  it('makes a dry run alone in mode dry_run, and offers the call under the condition that it is wanted', async () => {
    const { call, release, assigned } = await open();
    await release();
    const { content } = await call(RESTORE, { ...change, mode: 'dry_run' });
    expect(content).toMatchObject({
      outcome: 'dry_run_passed',
      changed: false,
      next: { tool: RESTORE, arguments: { mode: 'execute' }, when: expect.stringContaining('back') },
    });
    expect(assigned()).toEqual({ dryRuns: 1, realCalls: 0, changes: 0 });
  });

  it.each<[string, (session: Awaited<ReturnType<typeof open>>) => Promise<unknown>, string]>([
    ['was never released', async () => {}, 'on_gateway'],
    ['is still draining', ({ call }) => call(UNASSIGN, change), 'unassigning'],
    [
      'was released more than a day ago',
      async ({ release }) => {
        vi.useFakeTimers({ toFake: ['Date'], now: START });
        await release().finally(() => vi.useRealTimers());
      },
      'not_released_here',
    ],
  ])('refuses an address that %s', async (_, before, code) => {
    const session = await open({ confirmMode: 'never' });
    await before(session);
    const { content } = await session.call(RESTORE, change);
    const outcome = code === 'on_gateway' ? 'already_on_gateway' : 'refused';
    expect(content).toMatchObject({ outcome, changed: false, findings: [{ code }] });
    expect(session.assigned()).toMatchObject({ realCalls: 0 });
  });

  it('waits for another change of the gateway to end, and is to be called again as it was', async () => {
    const { call, release, clock } = await open({ confirmMode: 'never' });
    await release();
    await call(UNASSIGN, { ...change, private_ip_addresses: ['10.0.1.12'] });
    const { content } = await call(RESTORE, change);
    expect(content).toMatchObject({
      outcome: 'refused',
      error: {
        code: 'precondition_failed',
        retryable: true,
        hint: expect.stringMatching(/same arguments\.$/),
      },
      next: { tool: WAIT },
    });
    clock.advance(400);
    const { tool, arguments: args } = content.next;
    expect((await call(tool, { ...args, timeout_seconds: 5 })).content).toMatchObject({ outcome: 'settled' });
    expect((await call(RESTORE, change)).content).toMatchObject({ outcome: 'assigning' });
  });

  it('refuses an address that others released, with the command to do it by hand', async () => {
    const { call, assigned } = await open();
    const { content } = await call(RESTORE, { ...change, private_ip_addresses: ['10.0.1.99'] });
    expect(content).toMatchObject({
      outcome: 'refused',
      findings: [{ code: 'not_released_here', private_ip: '10.0.1.99' }],
      error: {
        code: 'precondition_failed',
        hint: expect.stringMatching(/aws ec2 assign-private-nat-gateway-address .*10\.0\.1\.99$/),
      },
    });
    expect(assigned()).toMatchObject({ realCalls: 0 });
  });

  it('gives back what the audit log of a former process has', async () => {
    const earlier = [
      { region: 'us-east-1', natGatewayId: EGRESS, privateIps: ['10.0.1.50'], at: Date.now() - 3_600_000 },
    ];
    const { call } = await open({ earlier });
    const { content } = await call(RESTORE, { ...change, private_ip_addresses: ['10.0.1.50'] });
    expect(content).toMatchObject({ outcome: 'assigning' });
  });

  it('follows the policy, but for the addresses that must remain', async () => {
    const { call, release, assigned } = await open();
    await release();
    const strict = await open({ policy: { readOnly: true } });
    const { content } = await strict.call(RESTORE, change);
    expect(content).toMatchObject({ outcome: 'refused', error: { code: 'policy_denied' } });
    expect(strict.assigned()).toMatchObject({ realCalls: 0 });
    expect((await call(RESTORE, change)).content).toMatchObject({ outcome: 'assigning' });
    expect(assigned()).toMatchObject({ realCalls: 1 });
  });

  it('asks before it gives back, and takes no yes that was for a release', async () => {
    const questions: string[] = [];
    const session = await open({
      confirmMode: 'always',
      era: 'legacy',
      client: { capabilities: { elicitation: {} } },
    });
    session.client.setRequestHandler('elicitation/create', async ({ params }) => {
      questions.push(params.message);
      return { action: 'accept', content: { confirm: true } };
    });
    await session.release();
    const { content } = await session.call(RESTORE, change);
    expect(content).toMatchObject({ outcome: 'assigning', confirmation: 'confirmed' });
    expect(questions.map((each) => each.split('\n')[0])).toEqual([
      expect.stringMatching(/^Release 1 private address of NAT gateway .*10\.0\.1\.11\?$/),
      expect.stringMatching(/^Give 1 private address back to NAT gateway .*10\.0\.1\.11\?$/),
    ]);
  });

  it.each(Object.keys(AMBIGUOUS))(
    'sends once and never tells a lost answer as more than it is: %s',
    async (name) => {
      const isReal = ({ action, dryRun }: Exchange) => action.startsWith('Assign') && !dryRun;
      const { call, release, assigned, audit } = await open({
        timeouts: { ...FAST_TIMEOUTS, reconcilePauses: [1, 1, 1] },
        intercept: async (exchange) => {
          const answer = exchange.apply();
          return isReal(exchange) ? AMBIGUOUS[name]?.(exchange, answer) : answer;
        },
      });
      await release();
      const { content } = await call(RESTORE, change);
      // Reads show the assignment, as it takes some seconds.
      expect(content).toMatchObject({ outcome: 'assigning', reconciled: true });
      expect(audit.records.at(-1)).toMatchObject({ outcome: 'assigning', reconciled: true });
      expect(assigned()).toMatchObject({ realCalls: 1, changes: 1 });
    },
  );

  it.each(Object.keys(AMBIGUOUS))(
    'leaves it open whether a request took effect that did not: %s',
    async (name) => {
      const isReal = ({ action, dryRun }: Exchange) => action.startsWith('Assign') && !dryRun;
      const { call, release, assigned } = await open({
        timeouts: { ...FAST_TIMEOUTS, reconcilePauses: [1, 1, 1] },
        intercept: async (exchange) => {
          if (!isReal(exchange)) return exchange.apply();
          return AMBIGUOUS[name]?.(exchange, { status: 500, headers: {}, body: '<unsent/>' });
        },
      });
      await release();
      const { content } = await call(RESTORE, change);
      expect(content).toMatchObject({
        outcome: 'unknown',
        error: { code: 'outcome_unknown' },
        next: { tool: DESCRIBE },
      });
      expect(content.changed).toBeUndefined();
      expect(assigned()).toMatchObject({ changes: 0 });
    },
  );

  it('is not there where the operator leaves it out', async () => {
    const { client } = await open({ dependencies: { canRestore: false } });
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([DESCRIBE, UNASSIGN, WAIT]);
  });
});

describe('a wait after a restore', () => {
  it('takes reads that do not show the address yet for late ones', async () => {
    let lagSeconds = 0;
    const { call, release, clock } = await open({ reads: () => ({ lagSeconds }) });
    await release();
    const { content } = await call(RESTORE, change);
    lagSeconds = 100;
    clock.advance(30);
    const { tool, arguments: args } = content.next;
    const early = await call(tool, { ...args, timeout_seconds: 1 });
    expect(early.content).toMatchObject({
      outcome: 'still_changing',
      addresses: [{ private_ip: ip, fate: 'assigning' }],
    });
    clock.advance(200);
    const late = await call(tool, { ...args, timeout_seconds: 5 });
    expect(late.content).toMatchObject({ outcome: 'settled', addresses: [{ fate: 'succeeded' }] });
  });
});
