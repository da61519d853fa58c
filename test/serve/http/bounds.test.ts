import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BearerAuthentication } from '../../../src/serve/http/bearer.ts';
import type { Answer as Ec2Answer, Intercept } from '../../../src/simulator/simulator.ts';
import { DESCRIBE, UNASSIGN } from '../../../src/vocabulary/names.ts';
import { phaseOf } from '../../support/faults.ts';
import {
  deferred,
  legacyCall,
  legacyRequest,
  modernRequest,
  openFront,
  type Sent,
  send,
} from '../../support/http.ts';
import { AuditSpy, EGRESS, realCalls } from '../../support/session.ts';

const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };
const list = legacyRequest('tools/list');

const KINDS = [
  ['2025', (name: string, args: object) => ({ body: legacyCall(name, args) })],
  ['2026', (name: string, args: object) => modernRequest('tools/call', { name, arguments: args })],
] as const;

/** Takes every token for that of a caller of the same name. */
const namedCaller = new BearerAuthentication({
  verify: async (name) => ({ principal: name, scopes: ['nat:read'] }),
});

function batch(count: number): object[] {
  return Array.from({ length: count }, (_, id) => legacyRequest('tools/list', {}, id));
}

/** Holds requests of one phase until `open` is called; `arrived` waits for that many. */
function gate(phase: ReturnType<typeof phaseOf>) {
  const opened = deferred();
  const waiting: (() => void)[] = [];
  let count = 0;
  const intercept: Intercept = async (exchange): Promise<Ec2Answer> => {
    if (phaseOf(exchange) !== phase) return exchange.apply();
    const answer = phase === 'real call' ? exchange.apply() : undefined;
    count += 1;
    for (const resolve of waiting.splice(0)) resolve();
    await opened.promise;
    return answer ?? exchange.apply();
  };
  const arrived = async (expected: number): Promise<void> => {
    while (count < expected) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return { intercept, arrived, open: () => opened.resolve() };
}

describe('concurrent calls', () => {
  it.each(KINDS)('are refused above the limit, with a time to retry (%s)', async (_, call) => {
    const describes = gate('describe');
    const { url } = await openFront({ intercept: describes.intercept }, { maxConcurrentCalls: 2 });
    const running = [send(url, call(DESCRIBE, {})), send(url, call(DESCRIBE, {}))];
    await describes.arrived(2);
    const refused = await send(url, call(DESCRIBE, {}));
    expect(refused.status).toBe(503);
    expect(refused.headers['retry-after']).toBe('5');
    expect(refused.json).toMatchObject({
      jsonrpc: '2.0',
      id: 1,
      error: { code: -32000, data: { retryable: true, retry_after_seconds: 5 } },
    });
    expect((await send(new URL('/readyz', url).href, { method: 'GET' })).status).toBe(200);
    describes.open();
    for (const { status } of await Promise.all(running)) expect(status).toBe(200);
    expect((await send(url, call(DESCRIBE, {}))).status).toBe(200);
  });

  it('are counted separately in a batch', async () => {
    const describes = gate('describe');
    const { url } = await openFront({ intercept: describes.intercept }, { maxConcurrentCalls: 2 });
    expect((await send(url, { body: batch(2) })).status).toBe(200);
    const running = send(url, { body: legacyCall(DESCRIBE) });
    await describes.arrived(1);
    expect((await send(url, { body: batch(2) })).status).toBe(503);
    describes.open();
    expect((await running).status).toBe(200);
  });

  it.each([
    ['the limit', 2, 2, undefined],
    ["a caller's quarter of it", 8, 2, namedCaller],
    ['what the SDK takes', 1000, 100, undefined],
  ])(
    'are refused for good in a batch larger than %s, with the largest batch',
    async (_, limit, largest, authentication) => {
      const { url, calls } = await openFront({}, { maxConcurrentCalls: limit, authentication });
      const headers = { authorization: 'Bearer ada' };
      expect((await send(url, { body: batch(largest), headers })).status).toBe(200);
      const { status, json, headers: answered } = await send(url, { body: batch(largest + 1), headers });
      expect(status).toBe(400);
      expect(answered['retry-after']).toBeUndefined();
      expect(json.error).toMatchObject({ code: -32600, data: { retryable: false } });
      expect(json.error.message).toContain(`at most ${largest} requests`);
      expect(calls).toEqual([]);
    },
  );

  it.each(KINDS)('give their slot back when their caller leaves (%s)', async (_, call) => {
    const describes = gate('describe');
    const { url } = await openFront({ intercept: describes.intercept }, { maxConcurrentCalls: 1 });
    const leaving = new AbortController();
    const left = send(url, { ...call(DESCRIBE, {}), signal: leaving.signal }).catch(() => 'gone');
    await describes.arrived(1);
    leaving.abort();
    expect(await left).toBe('gone');
    describes.open();
    let status = 503;
    while (status === 503) ({ status } = await send(url, { body: list }));
    expect(status).toBe(200);
  });

  it('give their slot back when their caller leaves while they wait behind another on its connection', async () => {
    const describes = gate('describe');
    const { url } = await openFront({ intercept: describes.intercept }, { maxConcurrentCalls: 2 });
    const call = { body: legacyCall(DESCRIBE), headers: {} };
    const socket = connectTo(url);
    socket.write(requestText(url, call).repeat(2));
    await describes.arrived(2);
    expect((await send(url, { body: list })).status).toBe(503);
    socket.destroy();
    describes.open();
    let status = 503;
    while (status === 503) ({ status } = await send(url, { body: batch(2) }));
    expect(status).toBe(200);
  });
});

function connectTo(url: string): Socket {
  const { hostname, port } = new URL(url);
  // The server may reset the connection.
  const socket = connect(Number(port), hostname).on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

async function closing(socket: Socket): Promise<void> {
  await new Promise((resolve) => socket.resume().once('close', resolve));
}

/** A request as it is sent over a socket. */
function requestText(url: string, { body, headers = {} }: Pick<Sent, 'body' | 'headers'>): string {
  const text = JSON.stringify(body);
  const all = {
    host: new URL(url).host,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'content-length': String(Buffer.byteLength(text)),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `POST /mcp HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${text}`;
}

/** Sends a request over a socket and waits until its event stream has begun. */
async function open(url: string, request: Pick<Sent, 'body' | 'headers'>): Promise<Socket> {
  const socket = connectTo(url);
  socket.write(requestText(url, request));
  let seen = '';
  while (!seen.includes('data:')) seen += String((await once(socket, 'data'))[0]);
  return socket;
}

describe('bodies that do not end', () => {
  const limit = 65_536;
  const unfinished = (url: string, name: string) =>
    requestText(url, {
      body: {},
      headers: { 'content-length': String(limit), authorization: `Bearer ${name}` },
    }).padEnd(limit);

  it('are refused for a while when one token has sent too many, and others are served', async () => {
    const { url } = await openFront({}, { maxBodyBytes: limit, authentication: namedCaller });
    const answers: string[] = [];
    const refused = new Promise<void>((resolve) => {
      for (let i = 0; i < 5; i++) {
        const socket = connectTo(url);
        socket.on('data', (chunk) => {
          answers.push(String(chunk));
          resolve();
        });
        socket.write(unfinished(url, 'mallory'));
      }
    });
    await refused;
    expect(answers).toEqual([expect.stringMatching(/^HTTP\/1.1 503 .*retry-after: 5/is)]);
    for (const name of ['mallory', 'ada']) {
      const headers = { authorization: `Bearer ${name}` };
      expect((await send(url, { body: list, headers })).status).toBe(200);
    }
  });
});

describe('large bodies whose tokens are still being checked', () => {
  it('are read already, and count together as those of one caller', async () => {
    const checked = deferred();
    const verify = async (name: string) => {
      await checked.promise;
      return { principal: name, scopes: ['nat:read'] };
    };
    const authentication = new BearerAuthentication({ verify });
    const { url } = await openFront({}, { maxBodyBytes: 65_536, authentication });
    const body = JSON.stringify(list).padEnd(65_536);
    const sending = ['ada', 'grace', 'joan', 'mary', 'sophie'].map((name) =>
      send(url, { body, headers: { authorization: `Bearer ${name}` } }),
    );
    // The server has read what came before by the time it answers twice.
    for (let i = 0; i < 2; i++) await send(new URL('/healthz', url).href, { method: 'GET' });
    checked.resolve();
    const statuses = (await Promise.all(sending)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([200, 200, 200, 200, 503]);
  });
});

describe('connections on which no call runs', () => {
  it('make room for a new one when there are too many, the longest silent first', async () => {
    const describes = gate('describe');
    const { url } = await openFront({ intercept: describes.intercept }, { maxWaitingConnections: 3 });
    const running = send(url, { body: legacyCall(DESCRIBE) });
    await describes.arrived(1);
    const idle = await Promise.all([1, 2, 3].map(() => open(url, { body: list })));
    const closed = idle.map(closing);
    // The first speaks again, so the second is the longest silent.
    const [first] = idle;
    first?.write(requestText(url, { body: list }));
    if (first !== undefined) await once(first, 'data');
    expect((await send(url, { body: list })).status).toBe(200);
    await closed[1];
    expect(idle.map(({ destroyed }) => destroyed)).toEqual([false, true, false]);
    describes.open();
    expect((await running).status).toBe(200);
  });

  it.each([
    ['no byte', ''],
    ['a part of its headers', 'POST /mcp HTTP/1.1\r\n'],
    ['a part of its body', 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{'],
  ])('include one that has sent %s', async (_, part) => {
    const { url } = await openFront({}, { maxWaitingConnections: 1 });
    const slow = connectTo(url);
    slow.write(part);
    await once(slow, 'connect');
    const closed = closing(slow);
    expect((await send(url, { body: list })).status).toBe(200);
    await closed;
  });
});

describe('a connection with too many unanswered requests', () => {
  it('is closed', async () => {
    const describes = gate('describe');
    const { url } = await openFront({ intercept: describes.intercept });
    const socket = connectTo(url);
    const closed = closing(socket);
    socket.write(requestText(url, { body: legacyCall(DESCRIBE) }).repeat(17));
    await closed;
    describes.open();
    expect((await send(url, { body: list })).status).toBe(200);
  });
});

describe('a slow client', () => {
  it.each([
    ['its headers', 'POST /mcp HTTP/1.1\r\nHost: localhost\r\n'],
    [
      'its body',
      'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{',
    ],
  ])('is cut off if sending %s takes too long', async (_, part) => {
    const { url } = await openFront({}, { headersMilliseconds: 1000, bodyMilliseconds: 1000 });
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.write(part);
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    await once(socket, 'close');
    expect(answer).toContain('408 Request Timeout');
    expect((await send(url, { body: list })).status).toBe(200);
  });
});

describe('a request that takes too long', () => {
  it('is cut, and gives its slot back', async () => {
    const describes = gate('describe');
    const { url } = await openFront(
      { intercept: describes.intercept },
      { requestTimeoutSeconds: 1.5, maxConcurrentCalls: 1 },
    );
    await expect(send(url, { body: legacyCall(DESCRIBE) })).rejects.toThrow();
    expect((await send(url, { body: list })).status).toBe(200);
    describes.open();
  });
});

describe('a client that leaves after the real call was sent', () => {
  it.each(KINDS)('does not stop it: the outcome is audited (%s)', async (_, call) => {
    const real = gate('real call');
    const recorded = deferred<Record<string, unknown>>();
    class Audit extends AuditSpy {
      override outcome(fields: Parameters<AuditSpy['outcome']>[0]): boolean {
        recorded.resolve(fields);
        return super.outcome(fields);
      }
    }
    const audit = new Audit();
    const { url, calls } = await openFront({ intercept: real.intercept, confirmMode: 'never', audit });
    const leaving = new AbortController();
    const left = send(url, { ...call(UNASSIGN, change), signal: leaving.signal }).catch(() => 'gone');
    await real.arrived(1);
    leaving.abort();
    expect(await left).toBe('gone');
    real.open();
    expect(await recorded.promise).toMatchObject({ tool: UNASSIGN, outcome: 'unassigning' });
    expect(realCalls(calls)).toHaveLength(1);
  });
});

describe('a shutdown', () => {
  it.each(KINDS)('lets running calls finish and takes no others (%s)', async (_, call) => {
    const real = gate('real call');
    const { front, url } = await openFront({ intercept: real.intercept, confirmMode: 'never' });
    const running = send(url, call(UNASSIGN, change));
    await real.arrived(1);
    const ended = front.end();
    await front.ending;

    const refused = await send(url, call(DESCRIBE, {}));
    expect(refused.status).toBe(503);
    expect(refused.headers).toMatchObject({ 'retry-after': '5', connection: 'close' });
    const origin = new URL('/', url).href;
    expect((await send(`${origin}readyz`, { method: 'GET' })).status).toBe(503);
    expect((await send(`${origin}healthz`, { method: 'GET' })).status).toBe(200);

    real.open();
    expect((await running).json.result.structuredContent.outcome).toBe('unassigning');
    await ended;
    await expect(send(url, { body: list })).rejects.toThrow(/ECONNREFUSED/);
  });

  it('takes no call whose token is still being checked when it begins', async () => {
    const describes = gate('describe');
    const [checking, checked] = [deferred(), deferred()];
    const verify = async (token: string) => {
      if (token === 'slow') {
        checking.resolve();
        await checked.promise;
      }
      return { principal: token, scopes: ['nat:read'] };
    };
    const authentication = new BearerAuthentication({ verify });
    const { front, url } = await openFront({ intercept: describes.intercept }, { authentication });
    const call = (token: string) =>
      send(url, { body: legacyCall(DESCRIBE), headers: { authorization: `Bearer ${token}` } });
    const running = call('fast');
    await describes.arrived(1);
    const late = call('slow');
    await checking.promise;
    const ended = front.end();
    await front.ending;
    checked.resolve();
    expect(await late).toMatchObject({ status: 503, headers: { connection: 'close' } });
    describes.open();
    expect((await running).status).toBe(200);
    await ended;
  });

  it('closes idle connections at once', async () => {
    const describes = gate('describe');
    const { front, url } = await openFront({ intercept: describes.intercept });
    const running = send(url, { body: legacyCall(DESCRIBE) });
    await describes.arrived(1);
    const idle = await open(url, { body: legacyRequest('tools/list') });
    const closed = once(idle.resume(), 'close');
    void front.end();
    await closed;
    describes.open();
    expect((await running).status).toBe(200);
  });

  it('waits no longer than the grace period', async () => {
    const describes = gate('describe');
    const { front, url } = await openFront({ intercept: describes.intercept }, { graceMilliseconds: 50 });
    const running = send(url, { body: legacyCall(DESCRIBE) }).catch(() => 'cut');
    await describes.arrived(1);
    await front.end();
    expect(await running).toBe('cut');
    describes.open();
  });
});
