import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { memoryState } from '../../../src/changes/memory-state.ts';
import type { State } from '../../../src/changes/state.ts';
import { BearerAuthentication } from '../../../src/serve/http/bearer.ts';
import { TokenFile } from '../../../src/serve/http/token-file.ts';
import { Failure } from '../../../src/vocabulary/failure.ts';
import { DECIDE_APPROVAL, LIST_APPROVALS, RESTORE, SCOPES, UNASSIGN } from '../../../src/vocabulary/names.ts';
import {
  connectLegacy,
  connectModern,
  legacyCall,
  modernRequest,
  openFront,
  send,
} from '../../support/http.ts';
import { EGRESS, ManualClock, realCalls, type SessionOptions } from '../../support/session.ts';
import { StateTable } from '../../support/state-table.ts';

const HOUR = 3_600_000;
const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };
const reason = 'agreed with the network team';

/** The tokens are the names, made long enough. */
const SCOPES_OF = {
  asker: ['nat:read', 'nat:write'],
  other: ['nat:read', 'nat:write'],
  ann: ['nat:read', 'nat:approve'],
  bob: ['nat:read', 'nat:approve'],
  boss: ['nat:read', 'nat:write', 'nat:approve'],
};
type Name = keyof typeof SCOPES_OF;

const tokenOf = (name: Name): string => `${name}-token-of-thirty-two-characters`;

function tokenFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'approvals-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'tokens.json');
  const tokens = Object.entries(SCOPES_OF).map(([name, scopes]) => ({
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
async function serve(connect: Connect, { approvals, state, ...options }: Options = {}) {
  const time = { now: Date.now() };
  const now = options.clock?.now ?? Date.now;
  const ec2 = { now, monotonic: options.clock?.now ?? (() => performance.now()) };
  const clocks = { now: () => time.now, monotonic: ec2.monotonic, ec2 };
  const session = await openFront(
    {
      confirmMode: 'never',
      ...options,
      dependencies: {
        state: state ?? memoryState({ clocks, maxChangesPerHour: 20 }),
        approvals: approvals ?? { needed: 1, allowsOwn: false },
        now: () => time.now,
        ...options.dependencies,
      },
    },
    { authentication: new BearerAuthentication(new TokenFile(tokenFile()), undefined, SCOPES) },
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

  it('is not made again with an approval that was used, whatever came of it', async () => {
    const server = await serve(connect);
    const { approval } = await server.ask();
    await server.decide('ann', approval.id);
    const ec2 = await server.dependencies.ec2();
    const error = { code: 'aws_error', message: 'No.', retryable: false, hint: 'Ask.' } as const;
    const send = vi.fn(async () => ({ kind: 'refused' as const, error }));
    server.dependencies.ec2 = async () => ({ ...ec2, unassign: { ...ec2.unassign, send } });
    expect(await server.use(approval.id)).toMatchObject({ outcome: 'refused', error: { message: 'No.' } });
    expect(await server.use(approval.id)).toMatchObject({
      outcome: 'refused',
      error: { code: 'precondition_failed', message: expect.stringContaining('used already') },
    });
    expect(send).toHaveBeenCalledTimes(1);
  });

  it('is not approved by its requester, unless that is allowed and then on record', async () => {
    const strict = await serve(connect);
    const { approval } = await strict.ask('boss');
    expect(await strict.decide('boss', approval.id)).toMatchObject({ error: { code: 'policy_denied' } });
    expect(await strict.use(approval.id, 'boss')).toMatchObject({ outcome: 'awaiting_approval' });
    expect(strict.executions()).toBe(0);
    const open = await serve(connect, { approvals: { needed: 1, allowsOwn: true } });
    const asked = await open.ask('boss');
    expect(await open.decide('boss', asked.approval.id)).toMatchObject({
      approval: { decisions: [{ by: 'token:boss', own: true }] },
    });
    expect(await open.use(asked.approval.id, 'boss')).toMatchObject({ outcome: 'unassigning' });
    expect(open.audit.records).toContainEqual(
      expect.objectContaining({ outcome: 'approved', approval: expect.objectContaining({ own: true }) }),
    );
  });

  it('needs as many people as were demanded, each of whom decides once', async () => {
    const server = await serve(connect, { approvals: { needed: 2, allowsOwn: false } });
    const { approval } = await server.ask();
    await server.decide('ann', approval.id);
    expect(await server.decide('ann', approval.id)).toMatchObject({
      error: { code: 'precondition_failed', message: expect.stringContaining('once') },
    });
    expect(await server.use(approval.id)).toMatchObject({ outcome: 'awaiting_approval' });
    expect(server.executions()).toBe(0);
  });

  it('tells who decides too late what can still be done', async () => {
    const server = await serve(connect);
    const { approval } = await server.ask();
    await server.decide('ann', approval.id);
    const { error } = await server.decide('bob', approval.id);
    expect(error.message).toContain('It has all the approvals that it needs.');
    expect(error.hint).toBe('Rejecting it still stops it until it is used.');
    const again = (await server.decide('ann', approval.id)).error;
    expect(again.message).toContain('You have decided on it before');
    expect(again.hint).toBe('Somebody else can still reject it until it is used.');
    expect(await server.use(approval.id)).toMatchObject({ outcome: 'unassigning' });
    for (const name of ['ann', 'bob'] as const) {
      const late = (await server.decide(name, approval.id, 'reject')).error;
      expect(late.message).toContain('it is used');
      expect(late.hint).toBe(`${LIST_APPROVALS} shows the open ones.`);
    }
  });

  it('is refused once its approval has expired', async () => {
    const server = await serve(connect);
    const { approval } = await server.ask();
    await server.decide('ann', approval.id);
    server.time.now += HOUR;
    expect(await server.use(approval.id)).toMatchObject({
      outcome: 'refused',
      error: { message: expect.stringContaining('within an hour') },
    });
    const asked = await server.ask();
    server.time.now += HOUR;
    expect(await server.decide('ann', asked.approval.id)).toMatchObject({
      error: { message: expect.stringContaining('expired') },
    });
    expect(await server.call('ann', LIST_APPROVALS)).toEqual({ approvals: [] });
    expect(server.executions()).toBe(0);
  });

  it('is refused once somebody rejected it, with the reason', async () => {
    const server = await serve(connect, { approvals: { needed: 1, allowsOwn: false } });
    const { approval } = await server.ask();
    await server.decide('ann', approval.id);
    expect(await server.decide('bob', approval.id, 'reject')).toMatchObject({ state: 'rejected' });
    expect(await server.use(approval.id)).toMatchObject({
      outcome: 'refused',
      error: { code: 'policy_denied' },
      approval: { decisions: [{ by: 'token:ann' }, { by: 'token:bob', verdict: 'reject', reason }] },
    });
    expect(server.executions()).toBe(0);
  });

  it('is refused for another request than was shown, which ends the approval', async () => {
    const server = await serve(connect);
    const { approval } = await server.ask();
    await server.decide('ann', approval.id);
    const other = { private_ip_addresses: ['10.0.1.12'] };
    const moved = { outcome: 'refused', error: { code: 'precondition_failed' } };
    expect(await server.use(approval.id, 'asker', other)).toMatchObject(moved);
    expect(await server.use(approval.id)).toMatchObject(moved);
    expect(server.executions()).toBe(0);
  });

  it('is refused where the gateway has changed since it was shown', async () => {
    const clock = new ManualClock(Date.now());
    const server = await serve(connect, { clock });
    const [first, second] = [
      { max_drain_duration_seconds: 1 },
      { private_ip_addresses: ['10.0.1.12'], max_drain_duration_seconds: 1 },
    ];
    const [one, two] = [await server.ask('asker', first), await server.ask('asker', second)];
    await server.decide('ann', one.approval.id);
    await server.decide('ann', two.approval.id);
    expect(await server.use(one.approval.id, 'asker', first)).toMatchObject({ outcome: 'unassigning' });
    clock.advance(60);
    expect(await server.use(two.approval.id, 'asker', second)).toMatchObject({
      outcome: 'refused',
      error: { code: 'precondition_failed', message: expect.stringContaining('is not so any more') },
    });
    expect(server.executions()).toBe(1);
  });

  it('is made once where two calls use an approval at the same time', async () => {
    const server = await serve(connect);
    const { approval } = await server.ask();
    await server.decide('ann', approval.id);
    const both = await Promise.all([server.use(approval.id), server.use(approval.id)]);
    expect(both.filter(({ outcome }) => outcome === 'unassigning')).toHaveLength(1);
    expect(server.executions()).toBe(1);
  });

  it('asks nobody where it would be refused anyway, or only checks', async () => {
    const server = await serve(connect, { policy: { protectAddress: ['10.0.1.11/32'] } });
    expect(await server.ask()).toMatchObject({ outcome: 'refused' });
    const other = { private_ip_addresses: ['10.0.1.12'] };
    expect(await server.ask('asker', { ...other, mode: 'dry_run' })).toMatchObject({
      outcome: 'dry_run_passed',
    });
    expect(await server.call('ann', LIST_APPROVALS)).toEqual({ approvals: [] });
  });

  it('has one open approval however often it is asked for, and each caller at most twenty', async () => {
    const server = await serve(connect);
    const first = await server.ask();
    expect((await server.ask()).approval.id).toBe(first.approval.id);
    for (let seconds = 1; seconds < 20; seconds += 1) {
      await server.ask('asker', { max_drain_duration_seconds: seconds });
    }
    expect(await server.ask('asker', { max_drain_duration_seconds: 20 })).toMatchObject({
      outcome: 'refused',
      error: { message: expect.stringContaining('20 approvals') },
    });
    expect(await server.ask('other')).toMatchObject({ outcome: 'awaiting_approval' });
  });

  it('waits as well where addresses are given back', async () => {
    const clock = new ManualClock(Date.now());
    const server = await serve(connect, { clock });
    const { approval } = await server.ask('asker', { max_drain_duration_seconds: 1 });
    await server.decide('ann', approval.id);
    await server.use(approval.id, 'asker', { max_drain_duration_seconds: 1 });
    clock.advance(60);
    const asked = await server.call('asker', RESTORE, change);
    expect(asked).toMatchObject({ outcome: 'awaiting_approval', next: { tool: RESTORE } });
    await server.decide('bob', asked.approval.id);
    expect(await server.call('asker', RESTORE, asked.next.arguments)).toMatchObject({
      outcome: 'assigning',
      approval: { decisions: [{ by: 'token:bob' }] },
    });
  });

  it('shows its tools to the tokens that may use them', async () => {
    const server = await serve(connect);
    const tools = async (name: Name) => (await connect(server.url, { token: tokenOf(name) })).tools();
    const own = [LIST_APPROVALS, DECIDE_APPROVAL];
    expect(await tools('ann')).toEqual(expect.arrayContaining(own));
    expect((await tools('asker')).filter((name) => own.includes(name as never))).toEqual([]);
  });

  it('is unknown to a process that was started again, and changes nothing there', async () => {
    const server = await serve(connect);
    const { approval } = await server.ask();
    await server.decide('ann', approval.id);
    const again = await serve(connect);
    expect(await again.use(approval.id)).toMatchObject({ outcome: 'refused' });
    expect(again.executions()).toBe(0);
  });
});

describe('approvals in a table', () => {
  it('are decided at one replica, and used once at others, after a restart too', async () => {
    const table = await StateTable.start();
    onTestFinished(() => table.close());
    const replica = (more: SessionOptions = {}) => {
      const state = table.replica();
      onTestFinished(() => state.close());
      return serve(connectModern, { state, ...more });
    };
    const asked = await replica();
    const sameEndpoint = { endpoint: async () => asked.simulator.url };
    const decided = await replica(sameEndpoint);
    const { approval } = await asked.ask();
    expect(await decided.decide('ann', approval.id)).toMatchObject({ state: 'approved' });
    // Started since.
    const [one, another] = [await replica(sameEndpoint), await replica(sameEndpoint)];
    const outcomes = await Promise.all([one.use(approval.id), another.use(approval.id)]);
    expect(outcomes.filter(({ outcome }) => outcome === 'unassigning')).toHaveLength(1);
    expect(asked.executions()).toBe(1);
  });
});

describe('the scope nat:approve', () => {
  const args = { approval_id: 'apr-000000000-0123456789abcdef', verdict: 'approve', reason };
  const authorization = `Bearer ${tokenOf('asker')}`;

  it.each([
    ['2025-11-25', { body: legacyCall(DECIDE_APPROVAL, args) }],
    ['2026-07-28', modernRequest('tools/call', { name: DECIDE_APPROVAL, arguments: args })],
  ])('is named to a caller whose token lacks it, so that it can ask for it (%s)', async (_, request) => {
    const { url } = await serve(connectModern);
    const headers = { ...('headers' in request ? request.headers : {}), authorization };
    const answer = await send(url, { ...request, headers });
    expect(answer.status).toBe(403);
    expect(answer.headers['www-authenticate']).toMatch(
      /error="insufficient_scope".*scope="nat:read nat:write nat:approve"/,
    );
  });

  it('gives a list of tools that nobody else may be given', async () => {
    const { url } = await serve(connectModern);
    const request = modernRequest('tools/list');
    const headers = { ...request.headers, authorization: `Bearer ${tokenOf('ann')}` };
    const { json } = await send(url, { ...request, headers });
    expect(json.result).toMatchObject({ cacheScope: 'private' });
  });

  it('is asked of nobody by a server without approvals, which has none of their tools', async () => {
    const authentication = new BearerAuthentication(new TokenFile(tokenFile()));
    const { url } = await openFront({}, { authentication });
    for (const name of ['asker', 'ann'] as const) {
      const headers = { authorization: `Bearer ${tokenOf(name)}` };
      const { status, json } = await send(url, { body: legacyCall(DECIDE_APPROVAL, args), headers });
      expect(status).toBe(200);
      expect(json.error).toMatchObject({ code: -32602, message: expect.stringContaining('not found') });
    }
    const client = await connectModern(url, { token: tokenOf('ann') });
    expect(await client.tools()).not.toContain(LIST_APPROVALS);
  });
});

describe('an approval whose state cannot be read or written', () => {
  const gone = async (): Promise<never> => {
    throw new Failure({ code: 'state_unavailable', message: 'Gone.', retryable: true });
  };

  it.each(['open', 'create', 'get', 'use', 'revoke'] as const)('changes nothing (%s)', async (method) => {
    const server = await serve(connectModern);
    const { approval } = await server.ask();
    await server.decide('ann', approval.id);
    Object.assign(server.dependencies.state.approvals, { [method]: gone });
    const other = { private_ip_addresses: ['10.0.1.12'] };
    const answers = {
      open: () => server.ask('asker', other),
      create: () => server.ask('asker', other),
      get: () => server.use(approval.id),
      use: () => server.use(approval.id),
      revoke: () => server.use(approval.id, 'asker', other),
    };
    expect(await answers[method]()).toMatchObject({
      outcome: 'refused',
      changed: false,
      error: { code: 'state_unavailable' },
    });
    expect(server.executions()).toBe(0);
  });
});

describe('approvals of targets', () => {
  it('are shown to, and decided by, callers who may use the target', async () => {
    const server = await serve(connectModern);
    const { approvals } = server.dependencies.state;
    const request = { digest: 'd', plan: 'Release?', requester: 'token:asker', needed: 1 };
    const expiresAt = server.time.now + HOUR;
    const seen = await approvals.create({ ...request, target: 'prod', expiresAt });
    const hidden = await approvals.create({ ...request, target: 'other', expiresAt });
    const target = { name: 'prod', regions: ['us-east-1'], ...server.dependencies };
    server.dependencies.targets = { current: () => [target] };
    const listed = await server.call('ann', LIST_APPROVALS);
    expect(listed.approvals).toMatchObject([{ id: seen.id, target: 'prod' }]);
    expect(await server.decide('ann', hidden.id)).toMatchObject({
      error: { code: 'precondition_failed', message: expect.stringContaining('no such approval') },
    });
    expect(await server.decide('ann', seen.id)).toMatchObject({ state: 'approved' });
  });
});
