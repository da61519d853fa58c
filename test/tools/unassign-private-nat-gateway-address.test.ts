import { describe, expect, it, onTestFinished } from 'vitest';
import { AuditLog } from '../../src/changes/audit-log.ts';
import { defaultInventory, privateNatGateway } from '../../src/simulator/simulator.ts';
import { TIMEOUTS } from '../../src/vocabulary/timeouts.ts';
import {
  AuditSpy,
  callTool,
  connect,
  EGRESS,
  ERAS,
  FAST_TIMEOUTS,
  ManualClock,
  openSession,
  realCalls,
  type Session,
  type SessionOptions,
} from '../support/session.ts';

const UNASSIGN = 'unassign_private_nat_gateway_address';
const DESCRIBE = 'describe_nat_gateway_addresses';

async function session(options: SessionOptions = {}): Promise<Session> {
  const opened = await openSession({ timeouts: FAST_TIMEOUTS, ...options });
  onTestFinished(opened.close);
  return opened;
}

const wish = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };

describe.each(ERAS)('unassigning, to a %s client', (era) => {
  it('releases an address: observed, rehearsed, sent once, and seen draining', async () => {
    const { call, calls } = await session({ era });
    const { content, isError, text } = await call(UNASSIGN, wish);
    expect(isError).toBe(false);
    expect(JSON.parse(text)).toEqual(content);
    expect(content).toMatchObject({
      outcome: 'unassigning',
      nat_gateway_id: EGRESS,
      region: 'us-east-1',
      account_id: '123456789012',
      dry_run: { passed: true, aws_code: 'DryRunOperation' },
      confirmation: 'not_possible',
      addresses: [{ private_ip: '10.0.1.11', status: 'unassigning', status_before: 'succeeded' }],
      remaining: { succeeded: 4 },
      drain: { max_drain_duration_seconds: 350 },
      undo_command: `aws ec2 assign-private-nat-gateway-address --region us-east-1 --nat-gateway-id ${EGRESS} --private-ip-addresses 10.0.1.11`,
      next: { tool: 'wait_for_nat_gateway_addresses', arguments: { ...wish, region: 'us-east-1' } },
    });
    const { started_at, release_by } = content.drain;
    expect(Date.parse(release_by) - Date.parse(started_at)).toBe(350_000);
    const [real] = realCalls(calls);
    const rehearsal = calls.find(({ dryRun }) => dryRun);
    expect(content.unassign.request_id).toBe(real?.requestId);
    expect(content.dry_run.request_id).toBe(rehearsal?.requestId);
    expect(realCalls(calls)).toHaveLength(1);
  });

  it('rehearses only, in mode dry_run, and proposes the call that does it', async () => {
    const { call, calls } = await session({ era });
    const { content } = await call(UNASSIGN, { ...wish, mode: 'dry_run' });
    expect(content).toMatchObject({ outcome: 'dry_run_passed', dry_run: { passed: true } });
    expect(realCalls(calls)).toEqual([]);
    const { tool, arguments: proposed } = content.next;
    expect((await call(tool, proposed)).content.outcome).toBe('unassigning');
  });

  it('hears of every mistake in its arguments at once, and EC2 of none', async () => {
    const { call, calls } = await session({ era });
    const { isError, content } = await call(UNASSIGN, {
      nat_gateway_id: 'nat-1',
      private_ip_addresses: ['10.0.0', '10.0.0.5', '10.0.0.5'],
      max_drain_duration_seconds: 9000,
      dry_run: true,
    });
    expect(isError).toBe(true);
    for (const part of [
      '"nat-1" is not a NAT gateway id',
      '"10.0.0" is not an IPv4 address',
      '"10.0.0.5" is listed twice',
      '4000',
      'mode: "dry_run"',
    ]) {
      expect(content.error.message).toContain(part);
    }
    expect(calls).toEqual([]);
  });
});

describe('unassigning', () => {
  it('takes addresses as one string separated by commas or spaces', async () => {
    const { call } = await session();
    const { content } = await call(UNASSIGN, { ...wish, private_ip_addresses: '10.0.1.11, 10.0.1.12' });
    expect(content.addresses.map(({ status }: { status: string }) => status)).toEqual([
      'unassigning',
      'unassigning',
    ]);
  });

  it.each([
    ['a primary', EGRESS, ['10.0.1.10'], 'primary'],
    ['the only address', 'nat-0b22b22b22b22b22b', ['10.0.2.10'], 'primary'],
    ['an address that is not there', EGRESS, ['10.0.1.99'], 'not_on_gateway'],
    ['an address while another drains', 'nat-0c33c33c33c33c33c', ['10.0.3.11'], 'change_in_progress'],
    ['an address of a public gateway', 'nat-0e55e55e55e55e55e', ['10.0.5.11'], 'public_gateway'],
    ['an address of a regional gateway', 'nat-0f66f66f66f66f66f', ['10.0.6.11'], 'regional_gateway'],
    ['an address of a pending gateway', 'nat-0a77a77a77a77a77a', ['10.0.7.10'], 'gateway_not_available'],
    ['an address of a failed gateway', 'nat-0b88b88b88b88b88b', ['10.0.8.10'], 'gateway_not_available'],
    ['an address of a deleted gateway', 'nat-0c99c99c99c99c99c', ['10.0.9.10'], 'gateway_not_available'],
  ])(
    'refuses %s with the reason and a hint, and sends nothing real',
    async (_, nat_gateway_id, ips, code) => {
      const { call, calls } = await session();
      const { content, isError } = await call(UNASSIGN, { nat_gateway_id, private_ip_addresses: ips });
      expect(isError).toBe(true);
      expect(content).toMatchObject({ outcome: 'refused', error: { code: 'precondition_failed' } });
      expect(content.findings).toContainEqual(expect.objectContaining({ code, severity: 'blocks' }));
      expect(content.error.hint).not.toBe('');
      expect(realCalls(calls)).toEqual([]);
    },
  );

  it('answers already_unassigning, and does nothing, when the same call comes again', async () => {
    const { call, calls } = await session();
    await call(UNASSIGN, wish);
    const { content, isError } = await call(UNASSIGN, wish);
    expect(isError).toBe(false);
    expect(content.outcome).toBe('already_unassigning');
    expect(realCalls(calls)).toHaveLength(1);
  });

  it('refuses a call in which some addresses drain already and some do not', async () => {
    const { call } = await session();
    const { content } = await call(UNASSIGN, {
      nat_gateway_id: 'nat-0c33c33c33c33c33c',
      private_ip_addresses: ['10.0.3.11', '10.0.3.12'],
    });
    expect(content).toMatchObject({ outcome: 'refused', error: { retryable: true } });
    expect(content.findings.map(({ code }: { code: string }) => code)).toEqual([
      'change_in_progress',
      'unassigning',
    ]);
  });

  it('says that a gateway does not exist', async () => {
    const { call } = await session();
    const { content } = await call(UNASSIGN, { ...wish, nat_gateway_id: 'nat-00000000000000000' });
    expect(content).toMatchObject({
      outcome: 'refused',
      error: { code: 'gateway_not_found', retryable: false },
    });
  });

  it('says what a principal without permission lacks, and keeps the encoded message to itself', async () => {
    const { call } = await session({ accessKeyId: 'AKIASIMULATEDREADER0' });
    const { content, text } = await call(UNASSIGN, wish);
    expect(content).toMatchObject({
      outcome: 'refused',
      dry_run: { passed: false, aws_code: 'UnauthorizedOperation' },
      error: { code: 'not_authorized', aws_code: 'UnauthorizedOperation' },
    });
    expect(text).not.toContain('Encoded');
  });

  it('counts a dry run that is answered with success as a possible change, and stops', async () => {
    const { call, calls } = await session({
      intercept: async ({ action, dryRun, apply }) =>
        action.startsWith('Unassign') && dryRun
          ? { status: 200, headers: { 'content-type': 'text/xml' }, body: '<r><requestId>x</requestId></r>' }
          : apply(),
    });
    const { content, isError } = await call(UNASSIGN, wish);
    expect(isError).toBe(true);
    expect(content).toMatchObject({ outcome: 'unknown', error: { code: 'dry_run_not_honoured' } });
    expect(realCalls(calls)).toEqual([]);
  });

  it('warns, before and with the change, of what a careful engineer would think of', async () => {
    const { call } = await session();
    const { content } = await call(UNASSIGN, {
      nat_gateway_id: 'nat-0d44d44d44d44d44d',
      private_ip_addresses: ['10.0.4.11'],
      max_drain_duration_seconds: 5,
      mode: 'dry_run',
    });
    expect(content.findings.map(({ code }: { code: string }) => code)).toEqual([
      'managed_by_cloudformation',
      'short_drain',
      'capacity',
      'last_secondary',
    ]);
  });

  it('follows the drain to its end, on the clock of the endpoint', async () => {
    const clock = new ManualClock(Date.now());
    const { call } = await session({ clock });
    await call(UNASSIGN, { ...wish, max_drain_duration_seconds: 60 });
    const addresses = async () => {
      const { content } = await call(DESCRIBE, { nat_gateway_ids: EGRESS });
      return content.nat_gateways[0].addresses.map((address: { private_ip: string }) => address.private_ip);
    };
    clock.advance(59);
    expect(await addresses()).toContain('10.0.1.11');
    clock.advance(1);
    expect(await addresses()).not.toContain('10.0.1.11');
    const { content } = await call(UNASSIGN, wish);
    expect(content.findings[0]).toMatchObject({ code: 'not_on_gateway', private_ip: '10.0.1.11' });
  });

  it('stops before the real call when it is cancelled, and not after', async () => {
    const cancel = new AbortController();
    let arrived: (action: string) => void = () => {};
    const { client, calls } = await session({
      timeouts: { ...FAST_TIMEOUTS, read: 5000, readAttempt: 5000 },
      intercept: async ({ action, dryRun, apply }) => {
        if (action.startsWith('Unassign') && dryRun) {
          cancel.abort();
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        arrived(action);
        return apply();
      },
    });
    const over = new Promise((resolve) => {
      arrived = resolve;
    });
    await expect(
      client.callTool({ name: UNASSIGN, arguments: wish }, { signal: cancel.signal }),
    ).rejects.toThrow();
    await over;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(realCalls(calls)).toEqual([]);
  });

  it('finishes and records a real call whose caller has gone', async () => {
    const cancel = new AbortController();
    const { client, calls, audit, dependencies } = await session({
      intercept: async ({ action, dryRun, apply }) => {
        if (action.startsWith('Unassign') && !dryRun) {
          cancel.abort();
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        return apply();
      },
    });
    await expect(
      client.callTool({ name: UNASSIGN, arguments: wish }, { signal: cancel.signal }),
    ).rejects.toThrow();
    await dependencies.changes.idle();
    await new Promise((resolve) => setImmediate(resolve));
    expect(realCalls(calls)).toMatchObject([{ changed: true }]);
    expect(audit.records.map(({ audit: event, outcome }) => [event, outcome])).toEqual([
      ['intent', undefined],
      ['outcome', 'unassigning'],
    ]);
  });
});

describe('a request that comes again while reads lag behind writes', () => {
  it('is known to be draining, and is not sent again', async () => {
    const { call, calls } = await session({ readLagSeconds: 30 });
    expect((await call(UNASSIGN, wish)).content.outcome).toBe('unassigning');
    const { content, isError } = await call(UNASSIGN, wish);
    expect(isError).toBe(false);
    expect(content).toMatchObject({
      outcome: 'already_unassigning',
      addresses: [{ private_ip: '10.0.1.11', status: 'unassigning' }],
      findings: [{ code: 'unassigning' }],
    });
    expect(realCalls(calls)).toHaveLength(1);
    const { nat_gateways } = (await call(DESCRIBE, { nat_gateway_ids: EGRESS })).content;
    expect(
      nat_gateways[0].addresses.find(({ private_ip }: { private_ip: string }) => private_ip === '10.0.1.11'),
    ).toMatchObject({ status: 'succeeded', can_unassign: false, reason: 'unassigning' });
  });

  it('counts for the rest of the gateway: no rule takes what is draining for what works', async () => {
    const { call, calls } = await session({ readLagSeconds: 30, policy: { minRemaining: 4 } });
    expect((await call(UNASSIGN, wish)).content.outcome).toBe('unassigning');
    const { content } = await call(UNASSIGN, { ...wish, private_ip_addresses: ['10.0.1.12'] });
    expect(content).toMatchObject({ outcome: 'refused', remaining: { succeeded: 3, unassigning: 1 } });
    const codes = content.findings.map(({ code, rule }: { code: string; rule?: string }) => rule ?? code);
    expect(codes).toEqual(['min-remaining', 'change_in_progress']);
    expect(realCalls(calls)).toHaveLength(1);
  });
});

describe('several calls at once', () => {
  it('make exactly one change on one gateway', async () => {
    const { call, calls } = await session();
    const results = await Promise.all(Array.from({ length: 100 }, () => call(UNASSIGN, wish)));
    const outcomes = results.map(({ content }) => content.outcome);
    expect(outcomes.filter((outcome) => outcome === 'unassigning')).toHaveLength(1);
    // On a slow machine the last of them may be told to come again, for want of timeouts; none may do anything.
    const idle = outcomes.filter((outcome) => outcome === 'already_unassigning' || outcome === 'refused');
    expect(idle).toHaveLength(99);
    expect(outcomes).toContain('already_unassigning');
    expect(realCalls(calls)).toHaveLength(1);
  });

  it('of two clients with the same request ids are not crossed', async () => {
    const inventory = [1, 2].map((n) =>
      privateNatGateway(`nat-0000000000000000${n}`, `gateway ${n}`, [`10.0.${n}.10`, `10.0.${n}.11`], 0),
    );
    const { dependencies, call } = await session({
      inventory,
      timeouts: { ...TIMEOUTS, read: 60_000, readAttempt: 60_000 },
    });
    const other = await connect(dependencies, 'legacy');
    onTestFinished(() => other.close());
    const ask = (n: number, describe: typeof call) =>
      describe(DESCRIBE, { nat_gateway_ids: `nat-0000000000000000${n}` });
    const results: Awaited<ReturnType<typeof call>>[] = [];
    // Many under way at any time, from both clients, and never so many that a slow machine lets one time out.
    for (let batch = 0; batch < 20; batch++) {
      const calls = Array.from({ length: 50 }, (_, index) =>
        index % 2 === 0 ? ask(1, call) : ask(2, (name, args) => callTool(other, name, args)),
      );
      results.push(...(await Promise.all(calls)));
    }
    results.forEach(({ content }, index) => {
      expect(content.nat_gateways[0].nat_gateway_id).toBe(`nat-0000000000000000${(index % 2) + 1}`);
    });
  });
});

describe('the audit', () => {
  it('has the intent before the real call, and everything that decided', async () => {
    const spy = new AuditSpy();
    const seen: number[] = [];
    const { call } = await session({
      audit: spy,
      intercept: async ({ action, dryRun, apply }) => {
        if (action.startsWith('Unassign') && !dryRun) seen.push(spy.records.length);
        return apply();
      },
    });
    await call(UNASSIGN, wish);
    expect(seen).toEqual([1]);
    const [intent, outcome] = spy.records;
    expect(intent).toMatchObject({
      audit: 'intent',
      tool: UNASSIGN,
      client: { name: 'test', version: '1.0.0' },
      account_id: '123456789012',
      region: 'us-east-1',
      arguments: { ...wish, mode: 'execute', max_drain_duration_seconds: 350 },
      confirmation: 'not_possible',
      denied_by: [],
      dry_run: { passed: true, request_id: expect.any(String) },
    });
    expect(outcome).toMatchObject({
      id: intent?.id,
      outcome: 'unassigning',
      unassign: { request_id: expect.any(String) },
    });
    expect(outcome?.duration_ms).toEqual(expect.any(Number));
  });

  it('has refusals and dry runs too', async () => {
    const { call, audit } = await session({ policy: { readOnly: true } });
    await call(UNASSIGN, wish);
    await call(UNASSIGN, { ...wish, mode: 'dry_run' });
    expect(audit.records).toMatchObject([
      { audit: 'outcome', outcome: 'refused', denied_by: ['read-only'], error: { code: 'policy_denied' } },
      { audit: 'outcome', outcome: 'dry_run_passed' },
    ]);
  });

  it('lets nothing happen that it cannot record', async () => {
    const { call, calls } = await session({ audit: new AuditLog('/dev/full', 'test', Date.now) });
    const { content } = await call(UNASSIGN, wish);
    expect(content).toMatchObject({
      outcome: 'refused',
      error: { code: 'audit_unavailable', retryable: true },
    });
    expect(realCalls(calls)).toEqual([]);
  });
});

describe.each(ERAS)('the operator policy, to a %s client', (era) => {
  it.each([
    ['read-only', { readOnly: true }],
    ['allow-account', { allowAccount: ['999999999999'] }],
    ['allow-region', { allowRegion: ['eu-west-1'] }],
    ['allow-gateway', { allowGateway: ['nat-00000000000000000'] }],
    ['require-tag', { requireTag: ['owner'] }],
    ['protect-tag', { protectTag: ['env=test'] }],
    ['min-remaining', { minRemaining: 5 }],
    ['max-addresses', { maxAddresses: 1 }],
  ])('%s cannot be got around by calling the tool by name, and describe knows it', async (rule, policy) => {
    const { call, calls, client } = await session({ era, policy });
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain(UNASSIGN);
    const args =
      rule === 'max-addresses' ? { ...wish, private_ip_addresses: ['10.0.1.11', '10.0.1.12'] } : wish;
    const { content, isError } = await call(UNASSIGN, args);
    expect(isError).toBe(true);
    expect(content).toMatchObject({ outcome: 'refused', error: { code: 'policy_denied' } });
    expect(content.findings).toContainEqual(expect.objectContaining({ code: 'policy', rule }));
    expect(calls.filter(({ changed }) => changed)).toEqual([]);
    expect(realCalls(calls)).toEqual([]);
    if (rule === 'max-addresses') return;
    const { content: seen } = await call(DESCRIBE, { nat_gateway_ids: EGRESS });
    expect(seen.nat_gateways[0].addresses[1]).toMatchObject({ can_unassign: false, reason: 'policy' });
  });
});

describe('whatever describe shows', () => {
  it('unassign says as well, for every address of every kind of gateway', async () => {
    const { call } = await session({ inventory: defaultInventory(Date.now()) });
    const { content } = await call(DESCRIBE, {});
    for (const { nat_gateway_id, addresses } of content.nat_gateways) {
      for (const { private_ip, can_unassign, reason } of addresses) {
        if (private_ip === undefined) continue;
        const args = { nat_gateway_id, private_ip_addresses: [private_ip], mode: 'dry_run' };
        const { content: rehearsed } = await call(UNASSIGN, args);
        expect(rehearsed.outcome === 'dry_run_passed').toBe(can_unassign);
        if (reason !== undefined) {
          expect(rehearsed.findings).toContainEqual(expect.objectContaining({ code: reason }));
        }
      }
    }
  });
});
