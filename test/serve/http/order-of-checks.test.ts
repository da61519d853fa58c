import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { BearerAuthentication } from '../../../src/serve/http/bearer.ts';
import { DESCRIBE, UNASSIGN, WAIT } from '../../../src/vocabulary/names.ts';
import { legacyCall, legacyRequest, modernRequest, openFront, type Sent, send } from '../../support/http.ts';
import { EGRESS } from '../../support/session.ts';

const list = legacyRequest('tools/list');

function at(url: string, path: string): string {
  return new URL(path, url).href;
}

describe('the checks', () => {
  it('come in this order: Host, token, method, content type, Accept, size, JSON, scopes', async () => {
    const verify = async () => ({ principal: 'someone', scopes: [] });
    const authentication = new BearerAuthentication({ verify });
    const { url } = await openFront({}, { authentication, maxBodyBytes: 4096 });
    const headers: Record<string, string> = {
      host: 'evil.example',
      'content-type': 'text/plain',
      accept: 'text/html',
    };
    const request: Sent = { method: 'PUT', headers, body: 'x'.repeat(4097) };
    const statuses: number[] = [];
    // Everything is wrong with the request at first; each step puts one thing right.
    for (const mend of [
      () => {},
      () => Object.assign(headers, { host: 'localhost' }),
      () => Object.assign(headers, { authorization: 'Bearer token' }),
      () => Object.assign(request, { method: 'POST' }),
      () => Object.assign(headers, { 'content-type': 'application/json' }),
      () => Object.assign(headers, { accept: '*/*' }),
      () => Object.assign(request, { body: 'x' }),
      () => Object.assign(request, { body: list }),
    ]) {
      mend();
      statuses.push((await send(url, request)).status);
    }
    expect(statuses).toEqual([403, 401, 405, 415, 406, 413, 400, 403]);
  });
});

describe('the Host check', () => {
  it('accepts the loopback names and the bound host, with any port, in any case', async () => {
    const { url } = await openFront();
    for (const host of ['127.0.0.1', 'localhost', 'LocalHost:1', '[::1]:80', '127.0.0.1:65535']) {
      expect((await send(url, { headers: { host }, body: list })).status).toBe(200);
    }
  });

  it.each([
    ['evil.example', 403],
    ['evil.example:80', 403],
    ['localhost.evil.example', 403],
    ['evil.example@localhost', 400],
    ['localhost/x', 400],
    ['127.0.0.1.nip.io', 403],
    ['127.0.0.2', 403],
    ['localhost:', 400],
    ['localhost:99999', 400],
    ['LOCALHOST:65536', 400],
    ['[::1]:99999', 400],
    ['[::2]', 403],
    ['0.0.0.0', 403],
  ])('refuses %s with %i and names the flag that adds a host', async (host, expected) => {
    const { url, calls } = await openFront();
    const { status, headers, json } = await send(url, { headers: { host }, body: legacyCall(DESCRIBE) });
    expect(status).toBe(expected);
    expect(headers['cache-control']).toBe('no-store');
    expect(json).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32000 } });
    expect(json.error.data.hint).toContain('--allowed-hosts');
    expect(calls).toEqual([]);
  });

  it('refuses a request with two Hosts, of which a proxy may have checked the other', async () => {
    const { url } = await openFront();
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.write('POST /mcp HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n');
    expect(await textFrom(socket)).toContain('403 Forbidden');
  });

  it('accepts the allowed hosts and no others', async () => {
    const { url } = await openFront({}, { allowedHosts: ['NAT.example.com'] });
    const asked = async (host: string) => (await send(url, { headers: { host }, body: list })).status;
    expect(await asked('nat.example.com:443')).toBe(200);
    expect(await asked('localhost')).toBe(403);
  });
});

describe('the Origin check', () => {
  it.each(['http://localhost:6274', 'https://127.0.0.1', 'http://[::1]:1', 'http://LOCALHOST'])(
    'accepts %s, an origin of this machine',
    async (origin) => {
      const { url } = await openFront();
      expect((await send(url, { headers: { origin }, body: list })).status).toBe(200);
    },
  );

  it.each([
    'https://evil.example',
    'http://localhost.evil.example',
    'http://evil.example:80',
    'null',
    'file://',
    'localhost',
    'http://localhost@evil.example',
    'http://127.0.0.1.nip.io',
    '',
  ])('refuses "%s" and names the flag that adds an origin', async (origin) => {
    const { url } = await openFront();
    const { status, json } = await send(url, { headers: { origin }, body: list });
    expect(status).toBe(403);
    expect(json.error.data.hint).toContain('--allowed-origins');
  });

  it('accepts exactly the allowed origins, and requests without any', async () => {
    const { url } = await openFront({}, { allowedOrigins: ['https://chat.example.com'] });
    const asked = async (origin: string) => (await send(url, { headers: { origin }, body: list })).status;
    expect(await asked('https://chat.example.com')).toBe(200);
    for (const origin of ['http://chat.example.com', 'https://chat.example.com:8443', 'http://localhost']) {
      expect(await asked(origin)).toBe(403);
    }
    expect((await send(url, { body: list })).status).toBe(200);
  });

  it.each([
    ['https://chat.example.com', { allowedOrigins: ['https://chat.example.com'] }],
    // The page of the MCP Inspector.
    ['http://localhost:6274', {}],
  ])('answers preflights and sends CORS headers for %s if it is allowed', async (allowed, options) => {
    const { url } = await openFront({}, options);
    const ask = (origin: string) =>
      send(url, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } });
    const preflight = await ask(allowed);
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': allowed,
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': expect.stringContaining('authorization'),
      vary: 'Origin',
    });
    const called = await send(url, { headers: { origin: allowed }, body: list });
    expect(called.headers['access-control-allow-origin']).toBe(allowed);
    const refused = await ask('https://evil.example');
    expect(refused.status).toBe(403);
    expect(refused.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('lets a page read why its call is refused', async () => {
    const authentication = new BearerAuthentication({ verify: () => Promise.reject(new Error('unused')) });
    const { url } = await openFront({}, { authentication });
    const { status, headers } = await send(url, { headers: { origin: 'http://localhost' }, body: list });
    expect(status).toBe(401);
    expect(headers).toMatchObject({
      'access-control-allow-origin': 'http://localhost',
      'access-control-expose-headers': expect.stringContaining('www-authenticate'),
    });
  });
});

describe('a front without authentication', () => {
  it.each(['0.0.0.0', '::', '10.0.0.1'])('does not open on %s, which others can reach', async (host) => {
    await expect(openFront({}, { host })).rejects.toThrow(/authorization|EADDRNOTAVAIL|EAFNOSUPPORT/);
  });
});

describe('the paths', () => {
  it('report the state of the process to any Host and Origin', async () => {
    const { url } = await openFront();
    for (const path of ['/healthz', '/readyz']) {
      const headers = { host: '10.0.0.7:8080', origin: 'https://evil.example' };
      expect((await send(at(url, path), { method: 'GET', headers })).status).toBe(200);
    }
  });

  it.each(['/', '/mcp/', '/mcp2', '/%6dcp', '/sse', '/.well-known/oauth-protected-resource'])(
    'do not include %s: 404, with the path of MCP',
    async (path) => {
      const { url } = await openFront();
      const { status, json } = await send(at(url, path), { body: list });
      expect(status).toBe(404);
      expect(json.error.data.hint).toContain('/mcp');
    },
  );
});

describe('a target with a host, as proxies send it', () => {
  it.each([
    ['http://localhost:1/mcp', 'localhost:1'],
    ['http://LocalHost/mcp?x=http://evil.example/', 'localhost'],
    ['https://[::1]:443/mcp', '[::1]:443'],
  ])('is served if it is %s and the Host is the same', async (target, host) => {
    const { url } = await openFront();
    expect((await send(url, { target, headers: { host }, body: list })).status).toBe(200);
  });

  it('finds the other paths too', async () => {
    const { url } = await openFront();
    const ask = (path: string) => send(url, { method: 'GET', target: `http://10.0.0.7${path}` });
    expect((await ask('/healthz')).status).toBe(200);
    expect((await ask('/readyz?probe')).status).toBe(200);
  });

  it.each([
    ['http://evil.example/mcp', 'evil.example', 403],
    ['http://evil.example/mcp', 'localhost', 400],
    ['http://localhost/mcp', 'evil.example', 403],
    ['http://localhost:1/mcp', 'localhost:2', 400],
    ['http://evil.example@localhost/mcp', 'localhost', 400],
    ['http://localhost@evil.example/mcp', 'localhost', 400],
    ['http://localhost#@evil.example/mcp', 'localhost', 400],
    ['http://localhost:99999/mcp', 'localhost:99999', 400],
    ['http://localhost/mcp', 'localhost:99999', 403],
    ['http://localhost/%6dcp', 'localhost', 404],
    ['http://localhost/x/../mcp', 'localhost', 404],
    ['http://localhost//mcp', 'localhost', 404],
    ['http://localhost', 'localhost', 404],
    ['HTTP://localhost/mcp', 'localhost', 400],
    ['ftp://localhost/mcp', 'localhost', 400],
    ['//localhost/mcp', 'localhost', 404],
  ])('is refused if it is %s and the Host is %s: %i', async (target, host, expected) => {
    const { url, calls } = await openFront();
    const { status } = await send(url, { target, headers: { host }, body: legacyCall(DESCRIBE) });
    expect(status).toBe(expected);
    expect(calls).toEqual([]);
  });
});

describe('the method check', () => {
  it.each(['GET', 'DELETE', 'PUT', 'OPTIONS', 'PATCH'])('refuses %s and names POST', async (method) => {
    const { url } = await openFront();
    const { status, headers } = await send(url, { method });
    expect(status).toBe(405);
    expect(headers.allow).toBe('POST');
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('the content type check', () => {
  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', ''])(
    'refuses "%s"',
    async (type) => {
      const { url } = await openFront();
      expect((await send(url, { headers: { 'content-type': type }, body: list })).status).toBe(415);
    },
  );

  it('refuses an encoded body, which could be far larger than it looks', async () => {
    const { url } = await openFront();
    expect((await send(url, { headers: { 'content-encoding': 'gzip' }, body: list })).status).toBe(415);
  });
});

describe('the Accept check', () => {
  it.each([
    ['*/*', 'application/json'],
    ['application/json;q=0.5, Text/Event-Stream;q=1.0', 'application/json'],
    ['text/event-stream', 'text/event-stream'],
    ['text/*', 'text/event-stream'],
    ['text/event-stream, application/json;q=0', 'text/event-stream'],
  ])(
    'accepts %s, and answers a short request of 2026 by %s, any of 2025 by a stream',
    async (accept, type) => {
      const { url } = await openFront();
      const legacy = await send(url, { body: list, headers: { accept } });
      const { headers, ...request } = modernRequest('tools/list');
      const modern = await send(url, { ...request, headers: { ...headers, accept } });
      expect([legacy.status, modern.status]).toEqual([200, 200]);
      expect(legacy.headers['content-type']).toBe('text/event-stream');
      expect(modern.headers['content-type']).toBe(type);
      expect(modern.json.result.tools).toEqual(legacy.json.result.tools);
    },
  );

  it.each([
    [UNASSIGN, { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'], mode: 'dry_run' }],
    [WAIT, { nat_gateway_id: EGRESS, timeout_seconds: 1 }],
  ])('answers %s, which may be silent for long, by a stream', async (name, args) => {
    const { url } = await openFront();
    const { headers, ...request } = modernRequest('tools/call', { name, arguments: args });
    const answer = await send(url, { ...request, headers: { ...headers, accept: '*/*' } });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('text/event-stream');
    expect(answer.json.result.isError).not.toBe(true);
  });

  it('accepts a request without one', async () => {
    const { url } = await openFront();
    const answer = await fetchWithoutAccept(url, JSON.stringify(list));
    expect(answer).toContain('200 OK');
  });

  it.each(['application/json', 'text/html', 'text/event-stream;q=0', 'text/event-streams', ''])(
    'refuses "%s" and names what to accept',
    async (accept) => {
      const { url, calls } = await openFront();
      const { status, json } = await send(url, { headers: { accept }, body: legacyCall(DESCRIBE) });
      expect(status).toBe(406);
      expect(json.error.data.hint).toContain('text/event-stream');
      expect(calls).toEqual([]);
    },
  );
});

/** The answer to a body that is sent without an Accept. */
async function fetchWithoutAccept(url: string, body: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(
    `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
  return await textFrom(socket);
}

describe('the size check', () => {
  it('accepts the maximum number of bytes and refuses one more, announced or not', async () => {
    const { url } = await openFront({}, { maxBodyBytes: 4096 });
    const filled = (bytes: number) => JSON.stringify(list).padEnd(bytes);
    expect((await send(url, { body: filled(4096) })).status).toBe(200);
    for (const headers of [{}, { 'transfer-encoding': 'chunked' }] as Record<string, string>[]) {
      const { status, json } = await send(url, { headers, body: filled(4097) });
      expect(status).toBe(413);
      expect(json.error.data.hint).toContain('--max-body-bytes');
    }
  });

  it('refuses a body far too large, which is still being sent, and serves the next request', async () => {
    const { url } = await openFront({}, { maxBodyBytes: 4096 });
    // Kept alive, the connection is not closed under the client while it sends.
    const headers = { 'transfer-encoding': 'chunked', connection: 'keep-alive' };
    expect((await send(url, { headers, body: Buffer.alloc(2_000_000, 'x') })).status).toBe(413);
    expect((await send(url, { body: list })).status).toBe(200);
  });
});

describe('the JSON check', () => {
  it.each(['{', '', 'null x', '{"jsonrpc":"2.0",}', Buffer.from([0x22, 0xff, 0x22])])(
    'refuses a body that is not JSON: %s',
    async (body) => {
      const { url } = await openFront();
      const { status, json } = await send(url, { body });
      expect(status).toBe(400);
      expect(json.error.code).toBe(-32700);
    },
  );

  it.each(['null', '1', '"tools/list"', '[]', '[[]]', '[null]'])(
    'refuses JSON that is not a message: %s',
    async (body) => {
      const { url } = await openFront();
      const { status, json } = await send(url, { body });
      expect(status).toBe(400);
      expect(json.error.code).toBe(-32600);
    },
  );
});

describe('a request that passes every check', () => {
  it('is refused if its revision does not exist, with those that do', async () => {
    const { url } = await openFront();
    const { status, json } = await send(url, modernRequest('tools/list', {}, '2099-01-01'));
    expect(status).toBe(400);
    expect(json.error).toMatchObject({ code: -32022, data: { supported: ['2026-07-28'] } });
  });

  it('is served in both eras', async () => {
    const { url } = await openFront();
    for (const request of [{ body: list }, modernRequest('tools/list')]) {
      const { status, headers, json } = await send(url, request);
      expect(status).toBe(200);
      expect(headers.connection).toBe('close');
      expect(json.result.tools).toHaveLength(4);
    }
  });
});

describe('a check that fails unexpectedly', () => {
  it('answers 500 without the reason, and serves the next request', async () => {
    const verify = async () => {
      throw new Error('disk on fire');
    };
    const { url } = await openFront({}, { authentication: new BearerAuthentication({ verify }) });
    const { status, text, json } = await send(url, { headers: { authorization: 'Bearer x' }, body: list });
    expect(status).toBe(500);
    expect(json).toMatchObject({ id: null, error: { code: -32603, data: { retryable: false } } });
    expect(text).not.toContain('disk on fire');
    expect((await send(url, { body: list })).status).toBe(401);
  });
});

describe('bytes that are not HTTP', () => {
  it('are answered with 400, and the next request is served', async () => {
    const { url } = await openFront();
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.write('\x16\x03\x01 hello\r\n\r\n');
    expect(await textFrom(socket)).toContain('400 Bad Request');
    expect((await send(url, { body: list })).status).toBe(200);
  });
});

/** Everything that comes until the connection is closed. */
async function textFrom(socket: ReturnType<typeof connect>): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  await once(socket, 'close');
  return text;
}
