import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Exchange } from '../../src/simulator/simulator.ts';
import { DESCRIBE, UNASSIGN } from '../../src/vocabulary/names.ts';
import type { Phase } from '../support/faults.ts';
import { startHeldServer } from '../support/held-server.ts';
import { type ServerProcess, startServer } from '../support/server-process.ts';
import { EGRESS } from '../support/session.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };

function postUnassign(server: ServerProcess): number {
  return server.post('tools/call', { name: UNASSIGN, arguments: change });
}

/** Ends stdin after one more request; its answer shows that the server has read to the end. */
async function endStdin(server: ServerProcess): Promise<void> {
  const last = server.post('tools/list');
  server.child.stdin?.end();
  await server.answerTo(last);
}

async function signal(server: ServerProcess, name: (typeof SIGNALS)[number]): Promise<void> {
  server.child.kill(name);
  await server.logged('shutting down');
}

/** Breaks stdout and waits until the server, which learns of it by its next answer, has given up `read`. */
async function breakStdout(server: ServerProcess, read: Exchange): Promise<void> {
  const givenUp = once(read.socket, 'close');
  server.child.stdout?.destroy();
  server.post('tools/list');
  await givenUp;
}

describe('an idle server over stdio', () => {
  it('exits with 0 at the end of stdin', async () => {
    const server = startServer();
    await server.request('tools/list');
    server.child.stdin?.end();
    expect(await server.exit).toBe(0);
  });

  it.each(SIGNALS)('exits with 0 on %s', async (name) => {
    const server = startServer();
    await server.request('tools/list');
    server.child.kill(name);
    expect(await server.exit).toBe(0);
  });

  it('exits with 0 when stdout breaks', async () => {
    const server = startServer();
    await server.request('tools/list');
    server.child.stdout?.destroy();
    server.post('tools/list');
    server.post('tools/list');
    expect(await server.exit).toBe(0);
  });
});

describe('the end of stdin', () => {
  it('leaves time to answer earlier requests, as in a shell pipe', async () => {
    const server = startServer();
    const id = server.post('tools/call', { name: DESCRIBE, arguments: {} });
    server.child.stdin?.end();
    const { result } = await server.answerTo(id);
    expect(result.structuredContent.nat_gateways).toHaveLength(8);
    expect(await server.exit).toBe(0);
  });

  it('ends a wait within the grace period, with the call that continues it', {
    timeout: 40_000,
  }, async () => {
    const server = startServer();
    const { result: released } = await server.call(UNASSIGN, change);
    const { tool: name, arguments: args } = released.structuredContent.next;
    const id = server.post('tools/call', { name, arguments: { ...args, timeout_seconds: 60 } });
    server.child.stdin?.end();
    const { result } = await server.answerTo(id);
    expect(result.structuredContent).toMatchObject({ outcome: 'still_changing', next: { tool: name } });
    expect(await server.exit).toBe(0);
  });
});

describe('during a real call', () => {
  const outcomes = ({ audit }: ServerProcess) => audit.map(({ audit, outcome }) => [audit, outcome]);
  const INTENT_AND_OUTCOME = [
    ['intent', undefined],
    ['outcome', 'unassigning'],
  ];

  it.each<[string, (server: ServerProcess) => Promise<void>]>([
    ['the end of stdin', endStdin],
    ...SIGNALS.map((name): [string, typeof endStdin] => [name, (server) => signal(server, name)]),
  ])('%s lets it finish, be answered and be audited', async (_, end) => {
    const { server, release, arrival, changes } = await startHeldServer('real call');
    const id = postUnassign(server);
    await arrival();
    await end(server);
    release();
    const { result } = await server.answerTo(id);
    expect(result.structuredContent.outcome).toBe('unassigning');
    expect(await server.exit).toBe(0);
    expect(changes()).toBe(1);
    expect(outcomes(server)).toEqual(INTENT_AND_OUTCOME);
  });

  it('a broken stdout lets it finish and be audited', async () => {
    const { server, release, arrival } = await startHeldServer('real call');
    postUnassign(server);
    await arrival();
    server.post('tools/call', { name: DESCRIBE, arguments: {} });
    await breakStdout(server, await arrival(1));
    release();
    expect(await server.exit).toBe(0);
    expect(outcomes(server)).toEqual(INTENT_AND_OUTCOME);
  });

  it('a second signal exits with 1 at once and audits it as unknown', async () => {
    const { server, arrival } = await startHeldServer('real call');
    postUnassign(server);
    await arrival();
    await signal(server, 'SIGINT');
    server.child.kill('SIGINT');
    expect(await server.exit).toBe(1);
    expect(server.audit).toMatchObject([{ audit: 'intent' }, { audit: 'outcome', outcome: 'unknown' }]);
  });

  it('SIGKILL leaves its intent, which the next start reports', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'audit-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'audit.jsonl');
    const { server, arrival } = await startHeldServer('real call', ['--audit-log', file]);
    postUnassign(server);
    await arrival();
    server.child.kill('SIGKILL');
    await server.exit;
    const next = startServer(['--simulate', '--audit-log', file]);
    await next.request('tools/list');
    expect(next.log).toContain('recorded no outcome');
    expect(next.log).toContain(EGRESS);
  });

  it('the end of stdin exits after the grace period if EC2 never answers, and audits it as unknown', {
    timeout: 40_000,
  }, async () => {
    const { server, arrival } = await startHeldServer('real call');
    postUnassign(server);
    await arrival();
    server.child.stdin?.end();
    expect(await server.exit).toBe(0);
    expect(server.audit.at(-1)).toMatchObject({ audit: 'outcome', outcome: 'unknown' });
  });
});

describe('while a client of the 2025 revisions is asked for a yes', () => {
  it.each<[string, (server: ServerProcess) => Promise<void>]>([
    ['the end of stdin', async (server) => void server.child.stdin?.end()],
    ...SIGNALS.map((name): [string, typeof endStdin] => [name, (server) => signal(server, name)]),
  ])('%s refuses the attempt, which is answered and audited, though no answer comes', async (_, end) => {
    const server = startServer();
    await server.initialize({ elicitation: {} });
    const call = { name: UNASSIGN, arguments: change };
    server.send(JSON.stringify({ jsonrpc: '2.0', id: 'asked', method: 'tools/call', params: call }));
    await server.until(({ method }) => method === 'elicitation/create');
    await end(server);
    const { result } = await server.answerTo('asked');
    expect(result.structuredContent).toMatchObject({
      outcome: 'refused',
      error: { code: 'precondition_failed', retryable: true },
    });
    expect(await server.exit).toBe(0);
    expect(server.audit.map(({ outcome }) => outcome)).toEqual(['confirmation_asked', 'refused']);
  });
});

describe.each<Phase>(['describe', 'dry run'])('during the %s of an attempt', (phase) => {
  it.each(SIGNALS)('%s prevents the real call, which is answered and audited', async (name) => {
    const { server, release, arrival, changes } = await startHeldServer(phase);
    const id = postUnassign(server);
    await arrival();
    await signal(server, name);
    release();
    const { result } = await server.answerTo(id);
    expect(result.structuredContent).toMatchObject({
      outcome: 'refused',
      error: { code: 'precondition_failed', retryable: true },
    });
    expect(await server.exit).toBe(0);
    expect(changes()).toBe(0);
    expect(server.audit).toMatchObject([{ audit: 'outcome', outcome: 'refused' }]);
  });

  it('the end of stdin lets the attempt finish, as in a shell pipe', async () => {
    const { server, release, arrival } = await startHeldServer(phase);
    const id = postUnassign(server);
    await arrival();
    await endStdin(server);
    release();
    const { result } = await server.answerTo(id);
    expect(result.structuredContent.outcome).toBe('unassigning');
    expect(await server.exit).toBe(0);
    expect(server.audit.map(({ audit }) => audit)).toEqual(['intent', 'outcome']);
  });

  it('a broken stdout prevents the real call, which is audited', async () => {
    const { server, release, arrival, changes } = await startHeldServer(phase);
    postUnassign(server);
    await breakStdout(server, await arrival());
    release();
    expect(await server.exit).toBe(0);
    expect(changes()).toBe(0);
    expect(server.audit).toMatchObject([{ audit: 'outcome', outcome: 'refused' }]);
  });

  it('SIGKILL leaves no intent and no change', async () => {
    const { server, arrival, changes } = await startHeldServer(phase);
    postUnassign(server);
    await arrival();
    server.child.kill('SIGKILL');
    await server.exit;
    expect(changes()).toBe(0);
    expect(server.audit).toEqual([]);
  });
});

/** Runs code in the server before its own. */
const beforeIt = (code: string) => ({
  NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(code)}`,
});

describe('a server', () => {
  it('over HTTP ends on a signal that comes while its address is being opened', async () => {
    const code = `import net from 'node:net';
      const { listen } = net.Server.prototype;
      net.Server.prototype.listen = function (...args) {
        process.emit('SIGTERM', 'SIGTERM');
        return listen.apply(this, args);
      };`;
    const server = startServer(['--simulate', '--confirm', 'never', '--http', '0'], beforeIt(code));
    expect(await server.exit).toBe(0);
  });

  it.each([
    ['stdio', []],
    ['HTTP', ['--confirm', 'never', '--http', '0']],
  ])('over %s ends on a signal that comes as soon as it is taken from Node', async (_, args) => {
    const code = `process.on('newListener', function early(event) {
        if (event !== 'SIGTERM') return;
        process.off('newListener', early);
        queueMicrotask(() => process.emit('SIGTERM', 'SIGTERM'));
      });`;
    const server = startServer(['--simulate', ...args], beforeIt(code));
    expect(await server.exit).toBe(0);
  });

  it.each([
    ['that is thrown', "throw new Error('planted')"],
    ['of a promise', "Promise.reject(new Error('planted'))"],
  ])('ends with 1 and a line of the log on an uncaught fault %s', async (_, fault) => {
    const server = startServer([], beforeIt(`process.on('SIGUSR2', () => { ${fault}; });`));
    await server.request('tools/list');
    server.child.kill('SIGUSR2');
    expect(await server.exit).toBe(1);
    const lines = server.log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.filter(({ level }) => level === 'fatal')).toMatchObject([
      { err: { message: 'planted' }, msg: 'uncaught fault; finishing requests in flight' },
    ]);
  });
});
