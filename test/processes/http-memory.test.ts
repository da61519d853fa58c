import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { legacyRequest, send } from '../support/http.ts';
import { HttpProcess } from '../support/http-process.ts';

const MEGABYTE = 1_000_000;

/** Makes a process write its highest resident memory to stderr when it exits. */
const PEAK = `data:text/javascript,${encodeURIComponent(`
  let peak = 0;
  setInterval(() => { peak = Math.max(peak, process.memoryUsage.rss()); }, 10).unref();
  process.on('exit', () => process.stderr.write('peak ' + peak + '\\n'));
`)}`;

const HEAD =
  'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: */*\r\nConnection: keep-alive\r\n';

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
  if (socket.destroyed) return;
  await new Promise<void>((resolve) => {
    socket.once('close', resolve);
    socket.write(data, () => resolve());
  });
}

describe('the memory of a server over HTTP', () => {
  it('stays below 256 MB, however many requests do not end, and a new caller is served', async () => {
    const server = await HttpProcess.start(['--confirm', 'never'], {
      NODE_OPTIONS: `--import=${PEAK}`,
    });
    const body = JSON.stringify(legacyRequest('ping'));
    const idle = await connections(1000, server.url);
    await Promise.all(
      idle.map(async (socket) => {
        const answered = once(socket, 'data');
        await sendOver(socket, `${HEAD}Content-Length: ${body.length}\r\n\r\n${body}`);
        await answered;
      }),
    );
    const large = Buffer.alloc(262_143, ' ');
    const unfinished = await connections(900, server.url);
    await Promise.all(
      unfinished.map(async (socket) => {
        await sendOver(socket, `${HEAD}Content-Length: 262144\r\n\r\n`);
        await sendOver(socket, large);
      }),
    );
    const byteByByte = await connections(64, server.url);
    await Promise.all(
      byteByByte.map(async (socket) => {
        await sendOver(socket, `${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
        await sendOver(socket, '1\r\n \r\n'.repeat(10_000));
      }),
    );
    expect((await send(server.url, { body: legacyRequest('tools/list') })).status).toBe(200);
    server.child.kill('SIGTERM');
    expect(await server.exit).toBe(0);
    const [, peak] = /peak (\d+)/.exec(server.log) ?? [];
    expect(Number(peak)).toBeGreaterThan(0);
    expect(Number(peak)).toBeLessThan(256 * MEGABYTE);
  });
});
