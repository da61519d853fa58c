import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { DESCRIBE } from '../../../src/vocabulary/names.ts';
import { legacyCall, legacyRequest, modernRequest, openFront, send } from '../../support/http.ts';

const list = legacyRequest('tools/list');

function at(url: string, path: string): string {
  return new URL(path, url).href;
}

describe('the front door', () => {
  it('lets in by the loopback names and the bound host, with any port, in any case', async () => {
    const { url } = await openFront();
    for (const host of ['127.0.0.1', 'localhost', 'LocalHost:1', '[::1]:80', '127.0.0.1:65535']) {
      expect((await send(url, { headers: { host }, body: list })).status).toBe(200);
    }
  });

  it.each([
    'evil.example',
    'evil.example:80',
    'localhost.evil.example',
    'evil.example@localhost',
    'localhost/x',
    '127.0.0.1.nip.io',
    '127.0.0.2',
    'localhost:',
    '[::2]',
    '0.0.0.0',
  ])('refuses the Host %s and says who can add it', async (host) => {
    const { url, calls } = await openFront();
    const { status, json } = await send(url, { headers: { host }, body: legacyCall(DESCRIBE) });
    expect(status).toBe(403);
    expect(json).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32000 } });
    expect(json.error.data.hint).toContain('--allowed-hosts');
    expect(calls).toEqual([]);
  });

  it.each(['0.0.0.0', '::', '10.0.0.1'])(
    'stays shut on %s, which others can reach, without tokens',
    async (host) => {
      await expect(openFront({}, { host })).rejects.toThrow(/authorization|EADDRNOTAVAIL|EAFNOSUPPORT/);
    },
  );

  it('lets in by the hosts that are allowed, and by no others then', async () => {
    const { url } = await openFront({}, { allowedHosts: ['NAT.example.com'] });
    const asked = async (host: string) => (await send(url, { headers: { host }, body: list })).status;
    expect(await asked('nat.example.com:443')).toBe(200);
    expect(await asked('localhost')).toBe(403);
  });

  it.each(['http://localhost:6274', 'https://127.0.0.1', 'http://[::1]:1', 'http://LOCALHOST'])(
    'lets in a page of this machine: Origin %s',
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
  ])('refuses a page of elsewhere: Origin "%s"', async (origin) => {
    const { url } = await openFront();
    const { status, json } = await send(url, { headers: { origin }, body: list });
    expect(status).toBe(403);
    expect(json.error.data.hint).toContain('--allowed-origins');
  });

  it('lets in the origins that are allowed exactly, and no others then', async () => {
    const { url } = await openFront({}, { allowedOrigins: ['https://chat.example.com'] });
    const asked = async (origin: string) => (await send(url, { headers: { origin }, body: list })).status;
    expect(await asked('https://chat.example.com')).toBe(200);
    for (const origin of ['http://chat.example.com', 'https://chat.example.com:8443', 'http://localhost']) {
      expect(await asked(origin)).toBe(403);
    }
    expect((await send(url, { body: list })).status).toBe(200);
  });

  it('lets the pages of origins that are named call and read, token or none, and no others', async () => {
    const { url } = await openFront({}, { allowedOrigins: ['https://chat.example.com'] });
    const ask = (origin: string) =>
      send(url, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } });
    const preflight = await ask('https://chat.example.com');
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': 'https://chat.example.com',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': expect.stringContaining('authorization'),
      vary: 'Origin',
    });
    const called = await send(url, { headers: { origin: 'https://chat.example.com' }, body: list });
    expect(called.headers['access-control-allow-origin']).toBe('https://chat.example.com');
    const refused = await ask('https://evil.example');
    expect(refused.status).toBe(403);
    expect(refused.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('tells how it is to whoever asks, by whatever name', async () => {
    const { url } = await openFront();
    for (const path of ['/healthz', '/readyz']) {
      const headers = { host: '10.0.0.7:8080', origin: 'https://evil.example' };
      expect((await send(at(url, path), { method: 'GET', headers })).status).toBe(200);
    }
  });

  it.each(['/', '/mcp/', '/mcp2', '/sse', '/.well-known/oauth-protected-resource'])(
    'has nothing at %s',
    async (path) => {
      const { url } = await openFront();
      const { status, json } = await send(at(url, path), { body: list });
      expect(status).toBe(404);
      expect(json.error.data.hint).toContain('/mcp');
    },
  );

  it.each(['GET', 'DELETE', 'PUT', 'OPTIONS', 'PATCH'])('refuses %s and names POST', async (method) => {
    const { url } = await openFront();
    const { status, headers } = await send(url, { method, headers: { origin: 'http://localhost' } });
    expect(status).toBe(405);
    expect(headers.allow).toBe('POST');
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', ''])(
    'refuses the content type "%s"',
    async (type) => {
      const { url } = await openFront();
      expect((await send(url, { headers: { 'content-type': type }, body: list })).status).toBe(415);
    },
  );

  it('refuses a body that is encoded, which could be far larger than it looks', async () => {
    const { url } = await openFront();
    expect((await send(url, { headers: { 'content-encoding': 'gzip' }, body: list })).status).toBe(415);
  });

  it('takes a body of as many bytes as may be, and refuses one more, announced or not', async () => {
    const { url } = await openFront({}, { maxBodyBytes: 4096 });
    const filled = (bytes: number) => JSON.stringify(list).padEnd(bytes);
    expect((await send(url, { body: filled(4096) })).status).toBe(200);
    for (const headers of [{}, { 'transfer-encoding': 'chunked' }] as Record<string, string>[]) {
      const { status, json } = await send(url, { headers, body: filled(4097) });
      expect(status).toBe(413);
      expect(json.error.data.hint).toContain('--max-body-bytes');
    }
  });

  it('refuses what is far too large and serves on', async () => {
    const { url } = await openFront({}, { maxBodyBytes: 4096 });
    const large = Buffer.alloc(2_000_000, 'x');
    const refused = await send(url, { headers: { 'transfer-encoding': 'chunked' }, body: large }).catch(
      (error: NodeJS.ErrnoException) => error,
    );
    if (!(refused instanceof Error)) expect(refused.status).toBe(413);
    expect((await send(url, { body: list })).status).toBe(200);
  });

  it.each(['{', '', 'null x', '{"jsonrpc":"2.0",}', Buffer.from([0x22, 0xff, 0x22])])(
    'refuses a body that is no JSON: %s',
    async (body) => {
      const { url } = await openFront();
      const { status, json } = await send(url, { body });
      expect(status).toBe(400);
      expect(json.error.code).toBe(-32700);
    },
  );

  it.each(['null', '1', '"tools/list"', '[]', '[[]]', '[null]'])(
    'refuses JSON that is no message: %s',
    async (body) => {
      const { url } = await openFront();
      const { status, json } = await send(url, { body });
      expect(status).toBe(400);
      expect(json.error.code).toBe(-32600);
    },
  );

  it('refuses a revision that there is not and tells which there are', async () => {
    const { url } = await openFront();
    const { status, json } = await send(url, modernRequest('tools/list', {}, '2099-01-01'));
    expect(status).toBe(400);
    expect(json.error).toMatchObject({ code: -32022, data: { supported: ['2026-07-28'] } });
  });

  it('serves both eras, each request by itself', async () => {
    const { url } = await openFront();
    for (const request of [{ body: list }, modernRequest('tools/list')]) {
      const { status, json } = await send(url, request);
      expect(status).toBe(200);
      expect(json.result.tools).toHaveLength(3);
    }
  });

  it('survives what is no HTTP at all', async () => {
    const { url } = await openFront();
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.write('\x16\x03\x01 hello\r\n\r\n');
    const answer: string = await new Promise((resolve) => {
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('close', () => resolve(text));
    });
    expect(answer).toContain('400 Bad Request');
    expect((await send(url, { body: list })).status).toBe(200);
  });
});
