import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Exchange, type Intercept, startSimulator } from '../../src/simulator/simulator.ts';
import { type Phase, phaseOf } from '../support/faults.ts';
import { ServerProcess } from '../support/server-process.ts';
import { EGRESS, ERAS } from '../support/session.ts';

const UNASSIGN = 'unassign_private_nat_gateway_address';
const DESCRIBE = 'describe_nat_gateway_addresses';
const wish = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };

function start(
  args: readonly string[] = ['--simulate'],
  environment: Record<string, string> = {},
): ServerProcess {
  const server = new ServerProcess(args, environment);
  onTestFinished(() => {
    server.child.kill('SIGKILL');
  });
  return server;
}

/** A server process against an endpoint of this test's, which keeps one phase waiting until told to go on. */
async function withSlow(phase: Phase, args: readonly string[] = []) {
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let arrive: (exchange: Exchange) => void = () => {};
  const arrived = new Promise<Exchange>((resolve) => {
    arrive = resolve;
  });
  let changes = 0;
  const intercept: Intercept = async (exchange) => {
    if (phaseOf(exchange) === phase) {
      arrive(exchange);
      await released;
    }
    return exchange.apply();
  };
  const simulator = await startSimulator({
    intercept,
    onCall: ({ changed }) => {
      if (changed) changes += 1;
    },
  });
  onTestFinished(() => simulator.close());
  const server = start(args, {
    AWS_ENDPOINT_URL: simulator.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'AKIATEST',
    AWS_SECRET_ACCESS_KEY: 'secret',
  });
  return { server, release, arrived, simulator, changes: () => changes };
}

describe('the process', () => {
  it('answers tools/list without credentials, without a network, and without loading any AWS code', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'coverage-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const server = start([], { NODE_V8_COVERAGE: folder, HTTPS_PROXY: 'http://127.0.0.1:1' });
    const { result } = await server.request('tools/list');
    expect(result.tools).toHaveLength(3);
    server.child.stdin?.end();
    expect(await server.exit).toBe(0);
    const scripts = readdirSync(folder)
      .flatMap((file): { url: string }[] => JSON.parse(readFileSync(join(folder, file), 'utf8')).result)
      .map(({ url }) => url)
      .filter((url) => url.includes('/dist/'));
    const sources = new Set(
      scripts.flatMap((url): string[] => JSON.parse(readFileSync(new URL(`${url}.map`), 'utf8')).sources),
    );
    expect([...sources].join()).toContain('/src/server.ts');
    expect(
      [...sources].filter((source) => /@aws-sdk|@smithy|src\/(simulator|http|ec2\/clients)/.test(source)),
    ).toEqual([]);
  });

  it('keeps stdout for the protocol and writes every log line as JSON to stderr', async () => {
    const server = start(['--simulate', '--log-level', 'trace']);
    await server.call(DESCRIBE, {});
    await server.call(UNASSIGN, wish);
    await server.call(DESCRIBE, { region: 'eu-west-1' });
    expect(server.stray).toEqual([]);
    for (const line of server.log.trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
    expect(server.log).not.toMatch(/secretAccessKey|simulated"|Signature=/);
  });

  it('answers a line that is no JSON, and lives on', async () => {
    const server = start();
    server.send('{"jsonrpc": "2.0", garbage');
    const { error, id } = await server.until((message) => message.error !== undefined);
    expect(error?.code).toBe(-32700);
    expect(id).toBeUndefined();
    expect((await server.request('tools/list')).result.tools).toHaveLength(3);
  });

  it('answers a line of 10 MB once, and lives on', async () => {
    const server = start();
    server.send(`{"jsonrpc":"2.0","id":1,"method":"tools/list","x":"${'x'.repeat(10_000_000)}"}`);
    expect((await server.until((message) => message.error !== undefined)).error?.code).toBe(-32600);
    expect((await server.request('tools/list')).result.tools).toHaveLength(3);
    expect(server.messages.filter(({ error }) => error !== undefined)).toHaveLength(1);
  });

  it('refuses to write its records into the protocol', async () => {
    const server = start(['--simulate', '--audit-log', '/dev/stdout']);
    expect(await server.exit).toBe(2);
    expect(server.log).toContain('--audit-log cannot be opened: it is stdout');
    expect(server.messages).toEqual([]);
    expect(server.stray).toEqual([]);
  });

  it('ends a wait within its grace when the client closes its side, and says how to go on', {
    timeout: 40_000,
  }, async () => {
    const server = start();
    const { result: released } = await server.call(UNASSIGN, wish);
    const { tool: name, arguments: args } = released.structuredContent.next;
    const id = server.post('tools/call', { name, arguments: { ...args, timeout_seconds: 60 } });
    server.child.stdin?.end();
    const { result } = await server.until((message) => message.id === id);
    expect(result.structuredContent).toMatchObject({ outcome: 'still_changing', next: { tool: name } });
    expect(await server.exit).toBe(0);
  });

  it('exits at once and with 0 when it is idle and its client goes', async () => {
    const server = start();
    await server.request('tools/list');
    server.child.stdin?.end();
    expect(await server.exit).toBe(0);
  });

  it('answers what was asked before the client closed its side, as in a shell pipe', async () => {
    const server = start();
    server.post('tools/call', { name: DESCRIBE, arguments: {} });
    server.child.stdin?.end();
    const { result } = await server.until((message) => message.id === 1);
    expect(result.structuredContent.nat_gateways).toHaveLength(9);
    expect(await server.exit).toBe(0);
  });

  it('goes when nobody reads its answers any more', async () => {
    const server = start();
    await server.request('tools/list');
    server.child.stdout?.destroy();
    server.post('tools/list');
    server.post('tools/list');
    expect(await server.exit).toBe(0);
  });

  it('serves on when nobody reads its log any more', async () => {
    const server = start(['--simulate', '--log-level', 'trace', '--audit-log', '/dev/null']);
    await server.request('tools/list');
    server.child.stderr?.destroy();
    for (let index = 0; index < 3; index++) {
      expect((await server.call(DESCRIBE, {})).result.isError).toBeUndefined();
    }
    expect((await server.call(UNASSIGN, wish)).result.structuredContent.outcome).toBe('unassigning');
  });

  it('changes nothing when its audit records go to a stderr that nobody reads', async () => {
    const server = start();
    await server.request('tools/list');
    server.child.stderr?.destroy();
    const { result } = await server.call(UNASSIGN, wish);
    expect(result.structuredContent).toMatchObject({
      outcome: 'refused',
      error: { code: 'audit_unavailable' },
    });
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('exits with 0 on %s when idle', async (signal) => {
    const server = start();
    await server.request('tools/list');
    server.child.kill(signal);
    expect(await server.exit).toBe(0);
  });

  it.each(ERAS)('survives a thousand lines of rubbish without a stray byte (%s)', async (era) => {
    const server = start();
    if (era === 'modern') await server.request('tools/list');
    else {
      const params = {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 'raw', version: '1.0.0' },
      };
      server.send(JSON.stringify({ jsonrpc: '2.0', id: 'first', method: 'initialize', params }));
      await server.until((message) => (message.id as unknown) === 'first');
      server.send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }));
    }
    const lines = fc.sample(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.json(),
        fc
          .record({
            jsonrpc: fc.constant('2.0'),
            id: fc.jsonValue(),
            method: fc.string(),
            params: fc.jsonValue(),
          })
          .map((each) => JSON.stringify(each)),
      ),
      1000,
    );
    for (const line of lines) server.send(line.replace(/[\r\n]/g, ' '));
    await server.until((message) => message.error !== undefined || message.result !== undefined);
    server.send(JSON.stringify({ jsonrpc: '2.0', id: 'last', method: 'ping' }));
    await server.until((message) => (message.id as unknown) === 'last');
    expect(server.stray).toEqual([]);
    expect(server.log).not.toContain('"level":60');
  });
});

describe('a process that ends while a real call is under way', () => {
  it.each(['the end of stdin', 'SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'by %s: waits for it, answers, and records its outcome',
    async (end) => {
      const { server, release, arrived, changes } = await withSlow('real call');
      const id = server.post('tools/call', { name: UNASSIGN, arguments: wish });
      await arrived;
      if (end === 'the end of stdin') server.child.stdin?.end();
      else server.child.kill(end);
      setTimeout(release, 200);
      const { result } = await server.until((message) => message.id === id);
      expect(result.structuredContent.outcome).toBe('unassigning');
      expect(await server.exit).toBe(0);
      expect(changes()).toBe(1);
      expect(server.audit.map(({ audit, outcome }) => [audit, outcome])).toEqual([
        ['intent', undefined],
        ['outcome', 'unassigning'],
      ]);
    },
  );

  it('by a reader that goes: records its outcome all the same', async () => {
    const { server, release, arrived } = await withSlow('real call');
    server.post('tools/call', { name: UNASSIGN, arguments: wish });
    await arrived;
    server.child.stdout?.destroy();
    server.post('tools/list');
    server.child.stdin?.end();
    setTimeout(release, 200);
    expect(await server.exit).toBe(0);
    expect(server.audit.map(({ audit, outcome }) => [audit, outcome])).toEqual([
      ['intent', undefined],
      ['outcome', 'unassigning'],
    ]);
  });

  it('by a second signal: ends at once, and records it as unknown', async () => {
    const { server, arrived } = await withSlow('real call');
    server.post('tools/call', { name: UNASSIGN, arguments: wish });
    await arrived;
    server.child.kill('SIGINT');
    await server.logged('shutting down');
    server.child.kill('SIGINT');
    expect(await server.exit).toBe(1);
    expect(server.audit).toMatchObject([{ audit: 'intent' }, { audit: 'outcome', outcome: 'unknown' }]);
  });

  it('by SIGKILL: left its intent, and the next start reports it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'audit-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'audit.jsonl');
    const { server, arrived } = await withSlow('real call', ['--audit-log', file]);
    server.post('tools/call', { name: UNASSIGN, arguments: wish });
    await arrived;
    server.child.kill('SIGKILL');
    await server.exit;
    const next = start(['--simulate', '--audit-log', file]);
    await next.request('tools/list');
    expect(next.log).toContain('recorded no outcome');
    expect(next.log).toContain(EGRESS);
  });

  it('when the endpoint never answers: ends within its grace and records it as unknown', {
    timeout: 40_000,
  }, async () => {
    const { server, arrived } = await withSlow('real call');
    server.post('tools/call', { name: UNASSIGN, arguments: wish });
    await arrived;
    server.child.stdin?.end();
    expect(await server.exit).toBe(0);
    expect(server.audit.at(-1)).toMatchObject({ audit: 'outcome', outcome: 'unknown' });
  });
});

describe.each<Phase>(['describe', 'dry run'])('a process that ends during the %s', (phase) => {
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'by %s: begins no real call any more, says so, and records it',
    async (signal) => {
      const { server, release, arrived, changes } = await withSlow(phase);
      const id = server.post('tools/call', { name: UNASSIGN, arguments: wish });
      await arrived;
      server.child.kill(signal);
      await server.logged('shutting down');
      release();
      const { result } = await server.until((message) => message.id === id);
      expect(result.structuredContent).toMatchObject({
        outcome: 'refused',
        error: { code: 'precondition_failed', retryable: true },
      });
      expect(await server.exit).toBe(0);
      expect(changes()).toBe(0);
      expect(server.audit).toMatchObject([{ audit: 'outcome', outcome: 'refused' }]);
    },
  );

  it('by the end of stdin: finishes the attempt, as in a shell pipe', async () => {
    const { server, release, arrived } = await withSlow(phase);
    const id = server.post('tools/call', { name: UNASSIGN, arguments: wish });
    await arrived;
    server.child.stdin?.end();
    release();
    const { result } = await server.until((message) => message.id === id);
    expect(result.structuredContent.outcome).toBe('unassigning');
    expect(await server.exit).toBe(0);
    expect(server.audit.map(({ audit }) => audit)).toEqual(['intent', 'outcome']);
  });

  it('by a reader that goes: stops before the real call, and records that', async () => {
    const { server, release, arrived, changes } = await withSlow(phase);
    server.post('tools/call', { name: UNASSIGN, arguments: wish });
    await arrived;
    server.child.stdout?.destroy();
    server.post('tools/list');
    await new Promise((resolve) => setTimeout(resolve, 300));
    release();
    expect(await server.exit).toBe(0);
    expect(changes()).toBe(0);
    expect(server.audit).toMatchObject([{ audit: 'outcome', outcome: 'refused' }]);
  });

  it('by SIGKILL: has changed nothing, and left no intent', async () => {
    const { server, arrived, changes } = await withSlow(phase);
    server.post('tools/call', { name: UNASSIGN, arguments: wish });
    await arrived;
    server.child.kill('SIGKILL');
    await server.exit;
    expect(changes()).toBe(0);
    expect(server.audit).toEqual([]);
  });
});

describe('an endpoint that dies in mid-call', () => {
  it('leads to a structured error, and the server serves on', async () => {
    const { server, arrived, simulator } = await withSlow('real call');
    const id = server.post('tools/call', { name: UNASSIGN, arguments: wish });
    await arrived;
    await simulator.close();
    const { result } = await server.until((message) => message.id === id);
    expect(result.structuredContent).toMatchObject({
      outcome: 'unknown',
      error: { code: 'outcome_unknown' },
    });
    const { result: after } = await server.call(DESCRIBE, {});
    expect(after.structuredContent.error).toMatchObject({ code: 'unreachable', retryable: true });
  });
});
