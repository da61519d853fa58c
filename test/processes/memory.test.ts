import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DESCRIBE } from '../../src/vocabulary/names.ts';
import { legacyRequest, send } from '../support/http.ts';
import { HttpProcess, sharedEndpoint } from '../support/http-process.ts';
import { type ServerProcess, startServer } from '../support/server-process.ts';

const LIMIT = 256_000_000;

/** Makes a process write its highest resident memory, in bytes, to stderr when it exits. */
const PEAK = `data:text/javascript,${encodeURIComponent(`
  process.on('exit', () => process.stderr.write('peak ' + process.resourceUsage().maxRSS * 1024 + '\\n'));
`)}`;

const HEAD =
  'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: */*\r\nConnection: keep-alive\r\n';

/** The highest resident memory of a process that has exited with 0. */
async function peakOf(server: ServerProcess): Promise<number> {
  expect(await server.exit).toBe(0);
  const [, peak] = /^peak (\d+)$/m.exec(server.log) ?? [];
  return Number(peak);
}

function connections(count: number, url: string): Promise<Socket[]> {
  const { hostname, port } = new URL(url);
  return Promise.all(
    Array.from({ length: count }, async () => {
      // The server may reset the connection.
      const socket = connect(Number(port), hostname).on('error', () => {});
      onTestFinished(() => void socket.destroy());
      await once(socket, 'connect');
      return socket.resume();
    }),
  );
}

/** Sends data, and waits until it is on its way or the connection is closed. */
async function sendOver(socket: Socket, data: string | Buffer): Promise<void> {
  if (socket.closed) return;
  await new Promise<void>((resolve) => {
    socket.once('close', resolve);
    socket.write(data, () => resolve());
  });
}

/** Opens connections that stay open after one answer. */
async function idle(count: number, url: string): Promise<void> {
  const body = JSON.stringify(legacyRequest('ping'));
  const sockets = await connections(count, url);
  await Promise.all(
    sockets.map(async (socket) => {
      // Closed as one of too many, or because a slow machine exceeds the time that the server waits for headers.
      if (socket.closed) return;
      const answered = new Promise((resolve) => socket.once('data', resolve).once('close', resolve));
      await sendOver(socket, `${HEAD}Content-Length: ${body.length}\r\n\r\n${body}`);
      await answered;
    }),
  );
}

/** Sends bodies in chunks of one byte, without the last chunk. */
async function byteByByte(count: number, chunks: number, url: string): Promise<void> {
  const sockets = await connections(count, url);
  await Promise.all(
    sockets.map(async (socket) => {
      await sendOver(socket, `${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
      await sendOver(socket, '1\r\n \r\n'.repeat(chunks));
    }),
  );
}

describe('the memory of a server over HTTP', { timeout: 120_000 }, () => {
  it.each<[string, (url: string) => Promise<void>]>([
    ['2,000 connections that are kept open after an answer', (url) => idle(2000, url)],
    ['64 bodies in chunks of one byte that do not end', (url) => byteByByte(64, 20_000, url)],
  ])('stays below 256 MB under %s, and a new caller is served', async (_, attack) => {
    const server = await HttpProcess.start(['--confirm', 'never'], { NODE_OPTIONS: `--import=${PEAK}` });
    await attack(server.url);
    expect((await send(server.url, { body: legacyRequest('tools/list') })).status).toBe(200);
    server.child.kill('SIGTERM');
    const peak = await peakOf(server);
    expect(peak).toBeGreaterThan(0);
    expect(peak).toBeLessThan(LIMIT);
  });
});

describe('the memory of a server over stdio', { timeout: 120_000 }, () => {
  it.each([
    ['of the default size', ''],
    ['of 128 MB', ' --max-old-space-size=128'],
  ])(
    'stays below 256 MB when 2,000 calls come at once, and all are answered, with a heap %s',
    async (_, heap) => {
      const { environment } = await sharedEndpoint();
      const server = startServer([], { ...environment, NODE_OPTIONS: `--import=${PEAK}${heap}` });
      for (let i = 0; i < 2000; i++) server.post('tools/call', { name: DESCRIBE, arguments: {} });
      await server.until(() => server.messages.length === 2000);
      expect(
        server.messages.filter(({ result }) => result?.structuredContent?.nat_gateways === undefined),
      ).toEqual([]);
      server.child.stdin?.end();
      const peak = await peakOf(server);
      expect(peak).toBeGreaterThan(0);
      expect(peak).toBeLessThan(LIMIT);
    },
  );
});
