import { describe, expect, it, onTestFinished } from 'vitest';
import {
  callTool,
  connect,
  EGRESS,
  openSession,
  realCalls,
  type SessionOptions,
} from '../../support/session.ts';

const UNASSIGN = 'unassign_private_nat_gateway_address';
const DESCRIBE = 'describe_nat_gateway_addresses';
const STACK = 'nat-0d44d44d44d44d44d';

const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };
const another = { nat_gateway_id: STACK, private_ip_addresses: ['10.0.4.11'] };

async function open(options: SessionOptions = {}) {
  const session = await openSession({ ignoresDryRun: true, ...options });
  onTestFinished(session.close);
  /** The unassign requests that the endpoint has received, dry runs included. */
  const unassigns = () => session.calls.filter(({ action }) => action.startsWith('Unassign'));
  return { ...session, unassigns };
}

describe('an endpoint that ignores DryRun', () => {
  it('is told as a possible change, together with every rule that forbids it', async () => {
    const { call, unassigns } = await open({ policy: { protectTag: ['env=test'], minRemaining: 5 } });
    const { content, isError } = await call(UNASSIGN, change);
    expect(isError).toBe(true);
    expect(content).toMatchObject({
      outcome: 'unknown',
      dry_run: { passed: false },
      error: {
        code: 'dry_run_not_honoured',
        retryable: false,
        hint: expect.stringContaining('Until it is restarted'),
      },
      findings: expect.arrayContaining([
        expect.objectContaining({ code: 'policy', rule: 'protect-tag' }),
        expect.objectContaining({ code: 'policy', rule: 'min-remaining' }),
      ]),
      addresses: [{ private_ip: '10.0.1.11' }],
      next: { tool: DESCRIBE },
    });
    expect(unassigns()).toHaveLength(1);
  });

  it.each(['execute', 'dry_run'])(
    'is sent nothing by a later call (%s), which holds its findings',
    async (mode) => {
      const { call, calls, unassigns } = await open({
        policy: { protectTag: ['aws:cloudformation:stack-name'], allowAccount: ['123456789012'] },
      });
      await call(UNASSIGN, change);
      const before = unassigns();
      expect(before).toMatchObject([{ dryRun: true, changed: true }]);
      const { content, isError } = await call(UNASSIGN, { ...another, mode });
      expect(isError).toBe(true);
      expect(content).toMatchObject({
        outcome: 'refused',
        account_id: '123456789012',
        error: {
          code: 'dry_run_not_honoured',
          message: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+ has answered .* Nothing was sent\.$/),
          retryable: false,
          hint: expect.stringContaining('restart'),
        },
        findings: [{ code: 'policy', rule: 'protect-tag' }],
        addresses: [{ private_ip: '10.0.4.11' }],
      });
      expect(unassigns()).toEqual(before);
      expect(realCalls(calls)).toEqual([]);
    },
  );

  it('is sent nothing for another client of the process, which can still read', async () => {
    const { call, dependencies, unassigns } = await open();
    await call(UNASSIGN, change);
    const client = await connect(dependencies, 'legacy');
    onTestFinished(() => client.close());
    expect((await callTool(client, UNASSIGN, another)).content).toMatchObject({
      outcome: 'refused',
      error: { code: 'dry_run_not_honoured' },
    });
    const { content } = await callTool(client, DESCRIBE, { nat_gateway_ids: [EGRESS] });
    expect(content.nat_gateways[0].addresses[1]).toMatchObject({ status: 'unassigning' });
    expect(unassigns()).toHaveLength(1);
  });

  it('is told as such where the gateway cannot be read either', async () => {
    const { call } = await open({
      intercept: async (exchange) =>
        exchange.action === 'DescribeNatGateways'
          ? { status: 400, headers: {}, body: '<Response/>' }
          : exchange.apply(),
    });
    const outcomes = [await call(UNASSIGN, change), await call(UNASSIGN, another)];
    expect(outcomes.map(({ content }) => [content.outcome, content.error.code])).toEqual([
      ['unknown', 'dry_run_not_honoured'],
      ['refused', 'dry_run_not_honoured'],
    ]);
  });
});
