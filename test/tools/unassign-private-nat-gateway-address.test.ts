import { once } from 'node:events';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { AuditLog } from '../../src/changes/audit-log.ts';
import type { Policy } from '../../src/nat-gateway/policy.ts';
import { defaultInventory } from '../../src/simulator/simulator.ts';
import { DESCRIBE, UNASSIGN } from '../../src/vocabulary/names.ts';
import { phaseOf } from '../support/faults.ts';
import {
  AuditSpy,
  EGRESS,
  ERAS,
  FAST_TIMEOUTS,
  ManualClock,
  openSession,
  realCalls,
  type Session,
  type SessionOptions,
} from '../support/session.ts';

async function session(options: SessionOptions = {}): Promise<Session> {
  const opened = await openSession({ timeouts: FAST_TIMEOUTS, ...options });
  onTestFinished(opened.close);
  return opened;
}

/** Waits until the outcome of an attempt, its last step, is in the audit. */
async function outcomeIn({ records }: AuditSpy): Promise<void> {
  await vi.waitFor(() => expect(records.at(-1)).toMatchObject({ audit: 'outcome' }), { timeout: 20_000 });
}

const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };

describe.each(ERAS)('unassign_private_nat_gateway_address, for a %s client', (era) => {
  it('releases an address with one real call after a describe and a dry run', async () => {
    const { call, calls } = await session({ era });
    const { content, isError, text } = await call(UNASSIGN, change);
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
      next: { tool: 'wait_for_nat_gateway_addresses', arguments: { ...change, region: 'us-east-1' } },
    });
    const { started_at, release_by } = content.drain;
    expect(Date.parse(release_by) - Date.parse(started_at)).toBe(350_000);
    const [real] = realCalls(calls);
    const dryRun = calls.find((each) => each.dryRun);
    expect(content.unassign.request_id).toBe(real?.requestId);
    expect(content.dry_run.request_id).toBe(dryRun?.requestId);
    expect(realCalls(calls)).toHaveLength(1);
  });

  it('sends no real call in mode dry_run, and returns the call to execute as next', async () => {
    const { call, calls } = await session({ era });
    const { content } = await call(UNASSIGN, { ...change, mode: 'dry_run' });
    expect(content).toMatchObject({ outcome: 'dry_run_passed', dry_run: { passed: true } });
    expect(realCalls(calls)).toEqual([]);
    const { tool, arguments: proposed } = content.next;
    expect((await call(tool, proposed)).content.outcome).toBe('unassigning');
  });

  it('returns every mistake in the arguments at once, without a request to EC2', async () => {
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

describe('unassign_private_nat_gateway_address', () => {
  it('accepts addresses as one string separated by commas or spaces', async () => {
    const { call } = await session();
    const { content } = await call(UNASSIGN, { ...change, private_ip_addresses: '10.0.1.11, 10.0.1.12' });
    expect(content.addresses.map(({ status }: { status: string }) => status)).toEqual([
      'unassigning',
      'unassigning',
    ]);
  });

  it.each([
    ['a primary', EGRESS, ['10.0.1.10'], 'primary'],
    ['the only address', 'nat-0b22b22b22b22b22b', ['10.0.2.10'], 'primary'],
    ['an address that is not on the gateway', EGRESS, ['10.0.1.99'], 'not_on_gateway'],
    ['an address while another drains', 'nat-0c33c33c33c33c33c', ['10.0.3.11'], 'change_in_progress'],
    ['an address of a public gateway', 'nat-0e55e55e55e55e55e', ['10.0.5.11'], 'public_gateway'],
    ['an address of a regional gateway', 'nat-0f66f66f66f66f66f', ['10.0.6.11'], 'regional_gateway'],
    ['an address of a pending gateway', 'nat-0a77a77a77a77a77a', ['10.0.7.10'], 'gateway_not_available'],
    ['an address of a failed gateway', 'nat-0b88b88b88b88b88b', ['10.0.8.10'], 'gateway_not_available'],
    ['an address of a deleted gateway', 'nat-0c99c99c99c99c99c', ['10.0.9.10'], 'gateway_not_available'],
  ])('refuses with a finding and a hint, without a real call: %s', async (_, nat_gateway_id, ips, code) => {
    const { call, calls } = await session();
    const { content, isError } = await call(UNASSIGN, { nat_gateway_id, private_ip_addresses: ips });
    expect(isError).toBe(true);
    expect(content).toMatchObject({ outcome: 'refused', error: { code: 'precondition_failed' } });
    expect(content.findings).toContainEqual(expect.objectContaining({ code, severity: 'blocks' }));
    expect(content.error.hint).not.toBe('');
    expect(realCalls(calls)).toEqual([]);
  });

  it('returns already_unassigning for a repeated call, without a second real call', async () => {
    const { call, calls } = await session();
    const { drain, undo_command } = (await call(UNASSIGN, change)).content;
    const { content, isError } = await call(UNASSIGN, change);
    expect(isError).toBe(false);
    expect(content).toMatchObject({ outcome: 'already_unassigning', drain, undo_command });
    expect(realCalls(calls)).toHaveLength(1);
  });

  it('refuses a mix of draining and other addresses', async () => {
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

  it('refuses an unknown gateway with gateway_not_found', async () => {
    const { call } = await session();
    const { content } = await call(UNASSIGN, { ...change, nat_gateway_id: 'nat-00000000000000000' });
    expect(content).toMatchObject({
      outcome: 'refused',
      error: { code: 'gateway_not_found', retryable: false },
    });
  });

  it('refuses a principal without permission with not_authorized, without the encoded message', async () => {
    const { call } = await session({ accessKeyId: 'AKIASIMULATEDREADER0' });
    const { content, text } = await call(UNASSIGN, change);
    expect(content).toMatchObject({
      outcome: 'refused',
      dry_run: { passed: false, aws_code: 'UnauthorizedOperation' },
      error: { code: 'not_authorized', aws_code: 'UnauthorizedOperation' },
    });
    expect(text).not.toContain('Encoded');
  });

  it('warns of CloudFormation, a short drain, lost capacity and the last secondary', async () => {
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

  it('keeps the address on the gateway until the end of the drain', async () => {
    const clock = new ManualClock(Date.now());
    const { call } = await session({ clock });
    await call(UNASSIGN, { ...change, max_drain_duration_seconds: 60 });
    const addresses = async () => {
      const { content } = await call(DESCRIBE, { nat_gateway_ids: EGRESS });
      return content.nat_gateways[0].addresses.map((address: { private_ip: string }) => address.private_ip);
    };
    clock.advance(59);
    expect(await addresses()).toContain('10.0.1.11');
    clock.advance(1);
    expect(await addresses()).not.toContain('10.0.1.11');
    const { content } = await call(UNASSIGN, change);
    expect(content.findings[0]).toMatchObject({ code: 'not_on_gateway', private_ip: '10.0.1.11' });
  });

  it('sends no real call when it is cancelled during the dry run', async () => {
    const cancel = new AbortController();
    const { client, calls, audit } = await session({
      // Too long to end the dry run, so that the cancellation does.
      timeouts: { ...FAST_TIMEOUTS, read: 60_000, readAttempt: 60_000 },
      intercept: async (exchange) => {
        if (phaseOf(exchange) !== 'dry run') return exchange.apply();
        const closed = once(exchange.response, 'close');
        cancel.abort();
        await closed;
        return exchange.apply();
      },
    });
    await expect(
      client.callTool({ name: UNASSIGN, arguments: change }, { signal: cancel.signal }),
    ).rejects.toThrow();
    await outcomeIn(audit);
    expect(audit.records).toMatchObject([{ audit: 'outcome', outcome: 'refused' }]);
    expect(realCalls(calls)).toEqual([]);
  });

  it('finishes and audits a real call whose client has cancelled', async () => {
    const cancel = new AbortController();
    const { client, calls, audit } = await session({
      intercept: async (exchange) => {
        if (phaseOf(exchange) === 'real call') {
          cancel.abort();
          // The server reads messages in order: after this answer it knows of the cancellation.
          await client.listTools();
        }
        return exchange.apply();
      },
    });
    await expect(
      client.callTool({ name: UNASSIGN, arguments: change }, { signal: cancel.signal }),
    ).rejects.toThrow();
    await outcomeIn(audit);
    expect(realCalls(calls)).toMatchObject([{ changed: true }]);
    expect(audit.records.map(({ audit: event, outcome }) => [event, outcome])).toEqual([
      ['intent', undefined],
      ['outcome', 'unassigning'],
    ]);
  });
});

describe('a draining address, while reads lag behind writes', () => {
  it('is reported as unassigning and not released again', async () => {
    const { call, calls } = await session({ readLagSeconds: 30 });
    expect((await call(UNASSIGN, change)).content.outcome).toBe('unassigning');
    const { content, isError } = await call(UNASSIGN, change);
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

  it('counts neither as remaining nor as settled for other addresses of the gateway', async () => {
    const { call, calls } = await session({ readLagSeconds: 30, policy: { minRemaining: 4 } });
    expect((await call(UNASSIGN, change)).content.outcome).toBe('unassigning');
    const { content } = await call(UNASSIGN, { ...change, private_ip_addresses: ['10.0.1.12'] });
    expect(content).toMatchObject({
      outcome: 'refused',
      remaining_if_released: { succeeded: 3, unassigning: 1 },
    });
    const codes = content.findings.map(({ code, rule }: { code: string; rule?: string }) => rule ?? code);
    expect(codes).toEqual(['min-remaining', 'change_in_progress']);
    expect(realCalls(calls)).toHaveLength(1);
  });
});

describe('concurrent calls', () => {
  it('make exactly one change on one gateway', async () => {
    const { call, calls } = await session();
    const results = await Promise.all(Array.from({ length: 100 }, () => call(UNASSIGN, change)));
    const outcomes = results.map(({ content }) => content.outcome);
    expect(outcomes.filter((outcome) => outcome === 'unassigning')).toHaveLength(1);
    // On a slow machine the last calls may be refused, because they waited too long for their turn.
    const others = outcomes.filter((outcome) => outcome === 'already_unassigning' || outcome === 'refused');
    expect(others).toHaveLength(99);
    expect(outcomes).toContain('already_unassigning');
    expect(realCalls(calls)).toHaveLength(1);
  });
});

describe('the audit of an attempt', () => {
  it('contains the intent, with everything that decided, before the real call', async () => {
    const spy = new AuditSpy();
    const lengths: number[] = [];
    const { call } = await session({
      audit: spy,
      intercept: async (exchange) => {
        if (phaseOf(exchange) === 'real call') lengths.push(spy.records.length);
        return exchange.apply();
      },
    });
    await call(UNASSIGN, change);
    expect(lengths).toEqual([1]);
    const [intent, outcome] = spy.records;
    expect(intent).toMatchObject({
      audit: 'intent',
      tool: UNASSIGN,
      client: { name: 'test', version: '1.0.0' },
      account_id: '123456789012',
      signed_by: {
        access_key_id: expect.stringMatching(/^AKIA/),
        account_id: '123456789012',
        arn: expect.stringMatching(/^arn:aws:/),
      },
      region: 'us-east-1',
      arguments: { ...change, mode: 'execute', max_drain_duration_seconds: 350 },
      confirmation: 'not_possible',
      denied_by: [],
      dry_run: { passed: true, request_id: expect.any(String) },
    });
    expect(outcome).toMatchObject({
      id: intent?.id,
      outcome: 'unassigning',
      unassign: { request_id: expect.any(String) },
      signed_by: intent?.signed_by,
    });
    expect(outcome?.duration_ms).toEqual(expect.any(Number));
  });

  it('contains refusals and dry runs', async () => {
    const { call, audit } = await session({ policy: { readOnly: true } });
    await call(UNASSIGN, change);
    await call(UNASSIGN, { ...change, mode: 'dry_run' });
    expect(audit.records).toMatchObject([
      { audit: 'outcome', outcome: 'refused', denied_by: ['read-only'], error: { code: 'policy_denied' } },
      { audit: 'outcome', outcome: 'dry_run_passed' },
    ]);
  });

  it('is required: nothing is sent when the intent cannot be written', async () => {
    const writeNow = (): never => {
      throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    };
    const full = { writeNow, write: () => false, close: () => {} };
    const { call, calls } = await session({ audit: new AuditLog(full, 'test', Date.now) });
    const { content } = await call(UNASSIGN, change);
    expect(content).toMatchObject({
      outcome: 'refused',
      error: { code: 'audit_unavailable', retryable: true },
    });
    expect(realCalls(calls)).toEqual([]);
  });
});

describe.each(ERAS)('the policy, for a %s client', (era) => {
  const rules: [string, Partial<Policy>][] = [
    ['read-only', { readOnly: true }],
    ['allow-account', { allowAccount: ['999999999999'] }],
    ['allow-region', { allowRegion: ['eu-west-1'] }],
    ['allow-gateway', { allowGateway: ['nat-00000000000000000'] }],
    ['require-tag', { requireTag: ['owner'] }],
    ['protect-tag', { protectTag: ['env=test'] }],
    ['min-remaining', { minRemaining: 5 }],
  ];

  it.each<[string, Partial<Policy>, string[]]>([
    ...rules.map(([rule, policy]): [string, Partial<Policy>, string[]] => [rule, policy, ['10.0.1.11']]),
    ['max-addresses', { maxAddresses: 1 }, ['10.0.1.11', '10.0.1.12']],
  ])('refuses a call of the listed tool by %s', async (rule, policy, private_ip_addresses) => {
    const { call, calls, client } = await session({ era, policy, confirmMode: 'never' });
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain(UNASSIGN);
    const { content, isError } = await call(UNASSIGN, { ...change, private_ip_addresses });
    expect(isError).toBe(true);
    expect(content).toMatchObject({ outcome: 'refused', error: { code: 'policy_denied' } });
    expect(content.findings).toContainEqual(expect.objectContaining({ code: 'policy', rule }));
    expect(calls.filter(({ changed }) => changed)).toEqual([]);
    expect(realCalls(calls)).toEqual([]);
  });

  it.each(rules)('is the reason that describe gives where %s forbids a change', async (_, policy) => {
    const { call } = await session({ era, policy });
    const { content } = await call(DESCRIBE, { nat_gateway_ids: EGRESS });
    expect(content.nat_gateways[0].addresses[1]).toMatchObject({ can_unassign: false, reason: 'policy' });
  });
});

describe('can_unassign and reason of describe', () => {
  it('agree with a dry run, for every address of every kind of gateway', async () => {
    const { call } = await session({ inventory: defaultInventory(Date.now()) });
    const { content } = await call(DESCRIBE, {});
    const addresses = content.nat_gateways.flatMap(
      (gateway: { nat_gateway_id: string; addresses: { private_ip?: string }[] }) =>
        gateway.addresses
          .filter(({ private_ip }) => private_ip !== undefined)
          .map((address) => ({ ...address, nat_gateway_id: gateway.nat_gateway_id })),
    );
    expect(addresses.length).toBeGreaterThan(10);
    for (const { nat_gateway_id, private_ip, can_unassign, reason } of addresses) {
      const args = { nat_gateway_id, private_ip_addresses: [private_ip], mode: 'dry_run' };
      const { content: checked } = await call(UNASSIGN, args);
      expect(checked.outcome === 'dry_run_passed').toBe(can_unassign);
      expect([undefined, ...checked.findings.map(({ code }: { code: string }) => code)]).toContain(reason);
    }
  });
});
