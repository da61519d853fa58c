import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DESCRIBE, UNASSIGN } from '../../src/vocabulary/names.ts';
import { phaseOf } from '../support/faults.ts';
import { deferred, legacyCall, legacyRequest, send } from '../support/http.ts';
import { HttpProcess, sharedEndpoint } from '../support/http-process.ts';
import { ServerProcess } from '../support/server-process.ts';
import { EGRESS } from '../support/session.ts';

const TOKEN = 'a-token-of-thirty-two-characters-or-more';
const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };
const list = legacyRequest('tools/list');

function tokenFile(content: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'tokens-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'tokens.json');
  writeFileSync(file, content);
  chmodSync(file, 0o600);
  return file;
}

const good = () =>
  tokenFile(JSON.stringify({ tokens: [{ name: 'ops', scopes: ['nat:read', 'nat:write'], token: TOKEN }] }));

describe('the program with --http', () => {
  it('logs its URL, keeps stdout empty, and lists its tools without AWS and credentials', async () => {
    const server = await HttpProcess.start(['--confirm', 'never']);
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/mcp$/);
    expect((await send(server.url, { body: list })).json.result.tools).toHaveLength(4);
    expect(server.stray).toEqual([]);
  });

  it('listens on IPv6', async () => {
    const server = await HttpProcess.start(['--confirm', 'never'], {}, '[::1]:0');
    expect(server.url).toMatch(/^http:\/\/\[::1\]:\d+\/mcp$/);
    expect((await send(server.url, { body: list })).status).toBe(200);
  });

  it('demands a token on an address that others can reach, and keeps it out of its log and of requests to AWS', async () => {
    const seen: string[] = [];
    const { environment } = await sharedEndpoint({
      intercept: async (exchange) => {
        seen.push(JSON.stringify([exchange.request.rawHeaders, exchange.parameters]));
        return exchange.apply();
      },
    });
    const server = await HttpProcess.start(
      ['--confirm', 'never', '--log-level', 'trace', '--token-file', good()],
      environment,
      '0.0.0.0:0',
    );
    const url = server.url.replace('0.0.0.0', '127.0.0.1');
    expect((await send(url, { body: list })).status).toBe(401);
    const headers = { authorization: `Bearer ${TOKEN}` };
    const { json } = await send(url, { body: legacyCall(UNASSIGN, change), headers });
    expect(json.result.structuredContent.outcome).toBe('unassigning');
    expect(server.audit.at(-1)).toMatchObject({ principal: 'token:ops', outcome: 'unassigning' });
    expect(server.log).not.toContain(TOKEN);
    expect(seen.length).toBeGreaterThan(2);
    expect(seen.join()).not.toContain(TOKEN);
  });

  it.each([
    [
      'a token file that does not exist',
      () => ['--token-file', '/nonexistent'],
      /^nat-gateway-mcp: --token-file cannot be read/,
    ],
    [
      'a malformed token file',
      () => ['--token-file', tokenFile('{}')],
      /^nat-gateway-mcp: --token-file is malformed/,
    ],
  ])('does not start with %s', async (_, args, message) => {
    const server = new ServerProcess(['--http', '0', '--confirm', 'never', ...args()]);
    expect(await server.exit).toBe(2);
    expect(server.log).toMatch(message);
  });

  it('does not start on a port in use, and says so', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as { port: number };
    const server = new ServerProcess(['--http', String(port), '--confirm', 'never']);
    expect(await server.exit).toBe(2);
    expect(server.log).toMatch(/^nat-gateway-mcp: --http .*EADDRINUSE/);
  });

  it('ends at once if no call is running', async () => {
    const server = await HttpProcess.start(['--confirm', 'never']);
    server.child.kill('SIGTERM');
    expect(await server.exit).toBe(0);
  });

  it.each([
    ['waits for its answer', false, 'unassigning'],
    ['has left', true, undefined],
  ])('lets a real call finish on SIGTERM, and audits it, if its caller %s', async (_, leaves, outcome) => {
    const sent = deferred();
    const answer = deferred();
    const { environment } = await sharedEndpoint({
      intercept: async (exchange) => {
        if (phaseOf(exchange) !== 'real call') return exchange.apply();
        sent.resolve();
        const applied = exchange.apply();
        await answer.promise;
        return applied;
      },
    });
    const server = await HttpProcess.start(['--confirm', 'never'], environment);
    const leaving = new AbortController();
    const call = send(server.url, { body: legacyCall(UNASSIGN, change), signal: leaving.signal }).catch(
      () => undefined,
    );
    await sent.promise;
    if (leaves) {
      leaving.abort();
      await call;
    }
    server.child.kill('SIGTERM');
    await server.logged('shutting down');
    answer.resolve();
    expect((await call)?.json.result.structuredContent.outcome).toBe(outcome);
    expect(await server.exit).toBe(0);
    expect(server.audit.map(({ audit, outcome: ended }) => ended ?? audit)).toEqual([
      'intent',
      'unassigning',
    ]);
  });

  it('ends a wait on SIGTERM with the call to repeat at another replica', async () => {
    const { environment } = await sharedEndpoint();
    const server = await HttpProcess.start(['--confirm', 'never'], environment);
    const { json } = await send(server.url, {
      body: legacyCall(UNASSIGN, { ...change, max_drain_duration_seconds: 4000 }),
    });
    const { next } = json.result.structuredContent;
    const followed = deferred();
    const waiting = send(server.url, {
      body: legacyRequest('tools/call', {
        name: next.tool,
        arguments: { ...next.arguments, timeout_seconds: 900 },
        _meta: { progressToken: 'wait' },
      }),
      // Progress follows a read; without one there is nothing to say yet.
      onData: (text) => {
        if (text.includes('notifications/progress')) followed.resolve();
      },
    });
    await followed.promise;
    server.child.kill('SIGTERM');
    expect((await waiting).json.result.structuredContent).toMatchObject({
      outcome: 'still_changing',
      next: { tool: next.tool, arguments: { nat_gateway_id: EGRESS } },
    });
    expect(await server.exit).toBe(0);
  });

  it('audits a running change as unknown on a second SIGTERM', async () => {
    const sent = deferred();
    const { environment } = await sharedEndpoint({
      intercept: async (exchange) => {
        if (phaseOf(exchange) !== 'real call') return exchange.apply();
        sent.resolve();
        return undefined;
      },
    });
    const server = await HttpProcess.start(['--confirm', 'never'], environment);
    const call = send(server.url, { body: legacyCall(UNASSIGN, change) }).catch(() => 'cut');
    await sent.promise;
    server.child.kill('SIGTERM');
    await server.logged('shutting down');
    server.child.kill('SIGTERM');
    expect(await server.exit).toBe(1);
    expect(await call).toBe('cut');
    expect(server.audit.at(-1)).toMatchObject({ audit: 'outcome', outcome: 'unknown' });
  });

  it('serves on after many dropped calls', async () => {
    const server = await HttpProcess.start(['--confirm', 'never', '--simulate']);
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const leaving = new AbortController();
        const call = send(server.url, { body: legacyCall(DESCRIBE), signal: leaving.signal }).catch(() => {});
        if (i % 2 === 0) setImmediate(() => leaving.abort());
        await call;
      }),
    );
    expect((await send(server.url, { body: list })).status).toBe(200);
  });
});
