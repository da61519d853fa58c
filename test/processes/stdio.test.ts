import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DESCRIBE, UNASSIGN } from '../../src/vocabulary/names.ts';
import { fuzzedLines } from '../support/fuzzed-lines.ts';
import { startHeldServer } from '../support/held-server.ts';
import { type ServerProcess, startServer } from '../support/server-process.ts';
import { EGRESS } from '../support/session.ts';

function legacyLine(id: string, method: string, params: object): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params });
}

const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };

describe('a server over stdio', () => {
  it('answers tools/list without credentials, without a network, and without loading AWS code', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'coverage-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const server = startServer([], { NODE_V8_COVERAGE: folder, HTTPS_PROXY: 'http://127.0.0.1:1' });
    const { result } = await server.request('tools/list');
    expect(result.tools).toHaveLength(4);
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
      [...sources].filter((source) => /@aws-sdk|@smithy|src\/(simulator|serve\/http|aws)\b/.test(source)),
    ).toEqual([]);
  });

  it('writes the protocol alone to stdout, and every log line as JSON to stderr', async () => {
    const server = startServer(['--simulate', '--log-level', 'trace']);
    await server.call(DESCRIBE, {});
    await server.call(UNASSIGN, change);
    await server.call(DESCRIBE, { region: 'eu-west-1' });
    expect(server.stray).toEqual([]);
    for (const line of server.log.trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
    expect(server.log).not.toMatch(/secretAccessKey|simulated"|Signature=/);
  });

  it('answers a line that is not JSON and a line of 10 MB once each, and serves on', async () => {
    const server = startServer();
    server.send('{"jsonrpc": "2.0", garbage');
    server.send(`{"jsonrpc":"2.0","id":1,"method":"tools/list","x":"${'x'.repeat(10_000_000)}"}`);
    expect((await server.request('tools/list')).result.tools).toHaveLength(4);
    const [unparsed, tooLong, ...others] = server.messages.filter(({ error }) => error !== undefined);
    expect(unparsed).toMatchObject({ error: { code: -32700 } });
    expect(unparsed?.id).toBeUndefined();
    expect(tooLong).toMatchObject({ error: { code: -32600 } });
    expect(others).toEqual([]);
  });

  it('reads the answer to its question while every call that may run waits for one', async () => {
    const server = startServer(['--simulate', '--confirm', 'always', '--max-concurrent-calls', '1']);
    await server.initialize({ elicitation: {} });
    server.send(legacyLine('change', 'tools/call', { name: UNASSIGN, arguments: change }));
    const question = await server.until(
      (message) => 'method' in message && message.method === 'elicitation/create',
    );
    server.send(legacyLine('describe', 'tools/call', { name: DESCRIBE, arguments: {} }));
    server.send(JSON.stringify({ jsonrpc: '2.0', id: question.id, result: { action: 'decline' } }));
    expect((await server.answerTo('change')).result.structuredContent.outcome).toBe('not_confirmed');
    expect((await server.answerTo('describe')).result.structuredContent.nat_gateways).not.toEqual([]);
  });

  it.each<[string, object, RegExp]>([
    ['initialize', {}, /^The params of initialize are invalid: params\.protocolVersion: expected string/],
    [
      'tools/call',
      { arguments: {} },
      /^The params of tools\/call are invalid: params\.name: expected string/,
    ],
  ])('names the faults of a malformed %s in one sentence', async (method, params, message) => {
    const server = startServer();
    server.send(legacyLine('x', method, params));
    const { error } = await server.answerTo('x');
    expect(error).toMatchObject({ code: -32602, message: expect.stringMatching(message) });
    expect(error?.message).not.toContain('\n');
  });

  it.each([
    ['before initialize', false],
    ['after it', true],
  ])('leaves no request with a malformed _meta without an answer, %s', async (_, isInitialized) => {
    const server = startServer();
    if (isInitialized) await server.initialize({});
    const modern = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
    const faults = [
      { progressToken: 1.5 },
      { progressToken: {} },
      { 'io.modelcontextprotocol/related-task': 5 },
      { 'io.modelcontextprotocol/related-task': { taskId: 5 } },
    ];
    const metas = [5, ...faults, ...faults.map((fault) => ({ ...modern, ...fault }))];
    const methods = [
      'initialize',
      'ping',
      'tools/list',
      'tools/call',
      'prompts/get',
      'server/discover',
      'none',
    ];
    const requests = methods.flatMap((method) => metas.map((_meta) => ({ method, params: { _meta } })));
    requests.forEach(({ method, params }, index) => {
      server.send(JSON.stringify({ jsonrpc: '2.0', id: `r${index}`, method, params }));
    });
    for (const [index, request] of requests.entries()) {
      const { error } = await server.answerTo(`r${index}`);
      expect([request, error?.code]).toEqual([request, expect.any(Number)]);
    }
  });

  it('answers a batch of the revision 2025-03-26 with one array', async () => {
    const server = startServer();
    await server.initialize({}, '2025-03-26');
    const ids = ['a', 'b'];
    server.send(`[${ids.map((id) => legacyLine(id, 'ping', {})).join()}]`);
    server.send(legacyLine('c', 'ping', {}));
    await server.answerTo('c');
    expect(server.stray.map((line) => JSON.parse(line))).toEqual([
      ids.map((id) => ({ jsonrpc: '2.0', id, result: {} })),
    ]);
  });

  it.each<[string, (server: ServerProcess) => Promise<unknown>]>([
    ['modern', (server) => server.request('tools/list')],
    ['legacy', (server) => server.initialize()],
  ])('survives a thousand fuzzed lines of a %s connection without a stray byte', async (_, open) => {
    const server = startServer();
    await open(server);
    for (const line of fuzzedLines(1000)) server.send(line);
    server.send(JSON.stringify({ jsonrpc: '2.0', id: 'last', method: 'ping' }));
    await server.answerTo('last');
    expect(server.stray).toEqual([]);
    expect(server.log).not.toContain('"level":"fatal"');
  });

  it('serves on when its stderr breaks', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'audit-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const auditLog = join(folder, 'audit.jsonl');
    const server = startServer(['--simulate', '--log-level', 'trace', '--audit-log', auditLog]);
    await server.request('tools/list');
    server.child.stderr?.destroy();
    for (let index = 0; index < 3; index++) {
      expect((await server.call(DESCRIBE, {})).result.isError).toBeUndefined();
    }
    expect((await server.call(UNASSIGN, change)).result.structuredContent.outcome).toBe('unassigning');
  });

  it('changes nothing when stderr, where its audit records go, breaks', async () => {
    const server = startServer();
    await server.request('tools/list');
    server.child.stderr?.destroy();
    const { result } = await server.call(UNASSIGN, change);
    expect(result.structuredContent).toMatchObject({
      outcome: 'refused',
      error: { code: 'audit_unavailable' },
    });
  });

  it('reports outcome_unknown when the endpoint dies during the real call, and serves on', async () => {
    const { server, arrival, simulator } = await startHeldServer('real call');
    const id = server.post('tools/call', { name: UNASSIGN, arguments: change });
    await arrival();
    await simulator.close();
    const { result } = await server.answerTo(id);
    expect(result.structuredContent).toMatchObject({
      outcome: 'unknown',
      error: { code: 'outcome_unknown' },
    });
    const { result: after } = await server.call(DESCRIBE, {});
    expect(after.structuredContent.error).toMatchObject({ code: 'unreachable', retryable: true });
  });
});
