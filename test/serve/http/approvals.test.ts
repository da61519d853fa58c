import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { State } from '../../../src/changes/state.ts';
import { BearerAuthentication } from '../../../src/serve/http/bearer.ts';
import { TokenFile } from '../../../src/serve/http/token-file.ts';
import { DECIDE_APPROVAL, LIST_APPROVALS, RESTORE, UNASSIGN } from '../../../src/vocabulary/names.ts';
import {
  connectLegacy,
  connectModern,
  legacyCall,
  legacyRequest,
  modernRequest,
  openFront,
  send,
} from '../../support/http.ts';
import { EGRESS, realCalls, type SessionOptions, stateOf } from '../../support/session.ts';
import { StateTable } from '../../support/state-table.ts';

const HOUR = 3_600_000;
const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };
const reason = 'agreed with the network team';

/** The tokens are the names, made long enough. */
const SCOPES = {
  asker: ['nat:read', 'nat:write'],
  other: ['nat:read', 'nat:write'],
  ann: ['nat:read', 'nat:approve'],
  bob: ['nat:read', 'nat:approve'],
  boss: ['nat:read', 'nat:write', 'nat:approve'],
};
type Name = keyof typeof SCOPES;

const tokenOf = (name: Name): string => `${name}-token-of-thirty-two-characters`;

function tokenFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'approvals-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'tokens.json');
  const tokens = Object.entries(SCOPES).map(([name, scopes]) => ({
    name,
    scopes,
    sha256: createHash('sha256')
      .update(tokenOf(name as Name))
      .digest('hex'),
  }));
  writeFileSync(file, JSON.stringify({ tokens }));
  return file;
}

type Connect = typeof connectModern;

interface Options extends SessionOptions {
  approvals?: { needed: number; allowsOwn: boolean } | undefined;
  state?: State;
}

/** A server, its clock, and calls by the name of their caller. */
async function serve(connect: Connect, { approvals, state = stateOf(), ...options }: Options = {}) {
  const time = { now: Date.now() };
  const session = await openFront(
    {
      confirmMode: 'never',
      ...options,
      dependencies: {
        state,
        approvals: approvals ?? { needed: 1, allowsOwn: false },
        now: () => time.now,
        ...options.dependencies,
      },
    },
    { authentication: new BearerAuthentication(new TokenFile(tokenFile())) },
  );
  const clients = new Map<Name, ReturnType<Connect>>();
  const call = async (by: Name, tool: string, args: Record<string, unknown> = {}) => {
    const client = clients.get(by) ?? connect(session.url, { token: tokenOf(by) });
    clients.set(by, client);
    return (await (await client).call(tool, args)).structuredContent;
  };
  return {
    ...session,
    time,
    call,
    ask: (by: Name = 'asker', args: object = {}) => call(by, UNASSIGN, { ...change, ...args }),
    decide: (by: Name, id: string, verdict = 'approve') =>
      call(by, DECIDE_APPROVAL, { approval_id: id, verdict, reason }),
    use: (id: string, by: Name = 'asker', args: object = {}) =>
      call(by, UNASSIGN, { ...change, ...args, approval_id: id }),
    executions: () => realCalls(session.calls).length,
  };
}

describe.each([
  ['2026-07-28', connectModern],
  ['2025-11-25', connectLegacy],
])('a change that people have to approve (%s)', (_, connect) => {
  it('waits for them, and is made once with their approval on record', async () => {
    const server = await serve(connect, { approvals: { needed: 2, allowsOwn: false } });
    const asked = await server.ask();
    expect(asked).toMatchObject({
      outcome: 'awaiting_approval',
      changed: false,
      approval: { needed: 2, decisions: [] },
      next: {
        tool: UNASSIGN,
        arguments: { ...change, approval_id: asked.approval.id },
        when: '2 people have approved it',
      },
    });
    expect(asked.error).toBeUndefined();
    const { id } = asked.approval;
    expect(Date.parse(asked.approval.expires_at) - server.time.now).toBe(HOUR);
    const { approvals } = await server.call('ann', LIST_APPROVALS);
    expect(approvals).toMatchObject([{ id, requester: 'token:asker', needed: 2, decisions: [] }]);
    expect(approvals[0].plan).toMatch(/^Release 1 private address of NAT gateway nat-.*10\.0\.1\.11\?/);
    expect(await server.decide('ann', id)).toMatchObject({ state: 'open' });
    expect(await server.use(id)).toMatchObject({
      outcome: 'awaiting_approval',
      approval: { id, decisions: [{ by: 'token:ann', verdict: 'approve', reason }] },
    });
    expect(await server.decide('bob', id)).toMatchObject({ state: 'approved' });
    expect(server.executions()).toBe(0);
    const decisions = [
      { by: 'token:ann', reason },
      { by: 'token:bob', reason },
    ];
    const released = await server.call('asker', UNASSIGN, asked.next.arguments);
    expect(released).toMatchObject({ outcome: 'unassigning', changed: true, approval: { id, decisions } });
    expect(server.executions()).toBe(1);
    expect(server.audit.records).toMatchObject([
      { tool: UNASSIGN, outcome: 'awaiting_approval', principal: 'token:asker', approval: { id } },
      { tool: DECIDE_APPROVAL, outcome: 'approved', principal: 'token:ann', approval: { id } },
      { tool: UNASSIGN, outcome: 'awaiting_approval' },
      {
        tool: DECIDE_APPROVAL,
        outcome: 'approved',
        principal: 'token:bob',
        arguments: { verdict: 'approve', reason },
      },
      { audit: 'intent', tool: UNASSIGN, principal: 'token:asker', approval: { id, decisions } },
      { outcome: 'unassigning', approval: { id, decisions } },
    ]);
  });

  it('is refused with an approval that nobody gave, and with that of another caller', async () => {
    const server = await serve(connect);
    const asked = await server.ask();
    const { id } = asked.approval;
    await server.decide('ann', id);
    for (const refused of [
      await server.use('apr-000000000-0123456789abcdef'),
      await server.use(`${id} `),
      await server.use(id, 'other'),
    ]) {
      expect(refused).toMatchObject({ outcome: 'refused', error: { code: 'precondition_failed' } });
      expect(refused.approval).toBeUndefined();
    }
    expect(server.executions()).toBe(0);
    expect(await server.use(id)).toMatchObject({ outcome: 'unassigning' });
  });

  it('is not made again with an approval that was used', async () => {
    const server = await serve(connect);
    const { approval } = await server.ask();
    await server.decide('ann', approval.id);
    // EC2 refuses it, so the gateway is as it was, and the approval is used.
    server.simulator.inject({
      action: 'UnassignPrivateNatGatewayAddress',
      dryRun: false,
      code: 'InvalidParameter',
    } as never);
    await server.use(approval.id);
    expect(await server.use(approval.id)).toMatchObject({
      outcome: 'refused',
      error: { code: 'precondition_failed', message: expect.stringContaining('used already') },
    });
    expect(server.executions()).toBe(1);
  });
});
