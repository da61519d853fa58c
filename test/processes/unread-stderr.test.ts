import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { UNASSIGN } from '../../src/vocabulary/names.ts';
import { legacyCall } from '../support/http.ts';
import { BARE_ENVIRONMENT, MAIN } from '../support/server-process.ts';
import { EGRESS } from '../support/session.ts';

/** What a server's stderr leads to; `read` returns what the server has written there so far. */
interface Stderr {
  stdio: 'pipe' | number;
  read: () => string;
}

/** A FIFO that is full, unless it is `empty`, and is read when the test says so. Node gives its children sockets. */
function fifo({ empty = false } = {}): Stderr {
  const path = join(folderOfTest(), 'stderr');
  spawnSync('mkfifo', ['-m', '600', path]);
  const reader = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const stdio = openSync(path, 'w');
  onTestFinished(() => [reader, stdio].forEach(closeSync));
  for (const size of empty ? [] : [4096, 1]) untilAgain(() => writeSync(reader, Buffer.alloc(size, '#')));
  const read = (): string => {
    const chunks: Buffer[] = [];
    untilAgain(() => {
      const chunk = Buffer.alloc(65_536);
      chunks.push(chunk.subarray(0, readSync(reader, chunk)));
    });
    return Buffer.concat(chunks).toString();
  };
  return { stdio, read };
}

function untilAgain(step: () => void): void {
  try {
    for (;;) step();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
  }
}

/** A pipe whose reader has left. */
function broken(): Stderr {
  const path = join(folderOfTest(), 'stderr');
  spawnSync('mkfifo', ['-m', '600', path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const stdio = openSync(path, 'w');
  closeSync(reader);
  onTestFinished(() => closeSync(stdio));
  return { stdio, read: () => '' };
}

const KINDS: [string, () => Stderr][] = [
  ['a pipe that is full', fifo],
  ['a pipe whose reader has left', broken],
];

function folderOfTest(): string {
  const folder = mkdtempSync(join(tmpdir(), 'unread-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A port for a server that cannot tell which one it has picked. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

interface Running {
  child: ChildProcess;
  /** The status and the text of an answer. */
  send: (path: string, body?: object) => Promise<{ status: number | undefined; text: string }>;
}

/** Starts the server over HTTP, and waits until it answers. */
async function start({ stdio }: Pick<Stderr, 'stdio'>, args: readonly string[] = []): Promise<Running> {
  const port = await freePort();
  const all = [
    MAIN,
    '--simulate',
    '--http',
    `${port}`,
    '--confirm',
    'never',
    '--allow-gateway',
    EGRESS,
    ...args,
  ];
  const child = spawn(process.execPath, all, {
    env: BARE_ENVIRONMENT,
    stdio: ['ignore', 'ignore', stdio],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  const send: Running['send'] = (path, body) =>
    new Promise((resolve, reject) => {
      const method = body === undefined ? 'GET' : 'POST';
      const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
      const request = httpRequest({ port, path, method, agent, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode, text }));
      });
      request.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
    });
  await vi.waitUntil(() => send('/healthz').then(isOk, () => false), { timeout: 30_000, interval: 50 });
  return { child, send };
}

const isOk = ({ status }: { status: number | undefined }): boolean => status === 200;

/** Does something `count` times, sixteen at a time, and returns what came of it. */
async function times<T>(count: number, act: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) results.push(await act());
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return results;
}

const attemptOn = (nat_gateway_id: string): object =>
  legacyCall(UNASSIGN, { nat_gateway_id, private_ip_addresses: ['10.0.1.11'] });

/** The rules allow no change of this gateway, so that a thousand attempts need no thousand reads. */
const FORBIDDEN = attemptOn('nat-00000000000000000');

/** Ends the server by SIGTERM; returns its exit code and the milliseconds that it took. */
async function terminate({ child }: Running): Promise<{ code: number | null; milliseconds: number }> {
  const began = performance.now();
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const [code] = await exit;
  return { code, milliseconds: performance.now() - began };
}

/** The grace of a shutdown. */
const GRACE_MILLISECONDS = 12_000;

const SLOW = { timeout: 240_000 };

describe('a thousand attempts', () => {
  it.each<[number, string, () => Pick<Stderr, 'stdio'>]>([
    [10_000, 'a pipe that is full', fifo],
    [1000, 'a socket that nobody reads', () => ({ stdio: 'pipe' })],
  ])('and %i refused requests leave a server answering whose stderr is %s', SLOW, async (count, _, open) => {
    const file = join(folderOfTest(), 'audit.jsonl');
    const server = await start(open(), ['--audit-log', file]);
    server.child.stderr?.pause();
    const refusals = await times(count, () => server.send('/nothing'));
    expect(new Set(refusals.map(({ status }) => status))).toEqual(new Set([404]));
    const attempts = await times(1000, () => server.send('/mcp', FORBIDDEN));
    expect(attempts.filter(({ text }) => text.includes('policy_denied'))).toHaveLength(1000);
    const change = await server.send('/mcp', attemptOn(EGRESS));
    expect(change.text).toContain('"outcome":"unassigning"');
    expect(await server.send('/healthz')).toMatchObject({ status: 200 });
    expect(await server.send('/readyz')).toMatchObject({ status: 200 });
    const { code, milliseconds } = await terminate(server);
    expect(code).toBe(0);
    expect(milliseconds).toBeLessThan(GRACE_MILLISECONDS);
    // The file has a record of each attempt, and two of the change.
    expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toHaveLength(1002);
  });
});

describe.each(KINDS)('a server whose stderr is %s', (_, open) => {
  it('refuses changes whose records would go there, says so, and ends in time', async () => {
    const server = await start(open());
    for (let attempts = 0; attempts < 3; attempts++) {
      const { text } = await server.send('/mcp', attemptOn(EGRESS));
      expect(text).toContain('"outcome":"refused"');
      expect(text).toContain('"code":"audit_unavailable"');
    }
    const { code, milliseconds } = await terminate(server);
    expect(code).toBe(0);
    expect(milliseconds).toBeLessThan(GRACE_MILLISECONDS);
  });
});

describe('a stderr that is read again', () => {
  it('has whole lines, and one that counts those that were dropped', SLOW, async () => {
    const stderr = fifo({ empty: true });
    const server = await start(stderr);
    await times(600, () => server.send('/mcp', FORBIDDEN));
    let text = '';
    await vi.waitUntil(
      () => {
        text += stderr.read();
        return text.includes('"dropped":');
      },
      { timeout: 30_000, interval: 20 },
    );
    const change = await server.send('/mcp', attemptOn(EGRESS));
    expect(change.text).toContain('"outcome":"unassigning"');
    await terminate(server);
    text += stderr.read();
    expect(text.endsWith('\n')).toBe(true);
    const lines: Record<string, unknown>[] = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const dropped = lines.filter((line) => 'dropped' in line);
    expect(dropped).toMatchObject([{ level: 'warn', msg: expect.stringContaining('not read') }]);
    const records = lines.filter(({ audit }) => audit !== undefined).length;
    const calls = lines.filter(({ msg }) => msg === 'tool call').length;
    // One record of each attempt and two of the change, one line of each; and one line about each record that is lost.
    expect(dropped[0]?.dropped).toBe(2 * (600 + 2 - records) + (600 + 1 - calls));
  });
});
