import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createNetServer, type Server, type Socket } from 'node:net';
import { generateKeyPair, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { holdTimeLimits, verifierOf } from '../../support/fake-issuer.ts';

const ISSUER = 'https://issuer.example.com/tenant';

beforeEach(() => {
  for (const variable of ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY']) {
    vi.stubEnv(variable, undefined);
    vi.stubEnv(variable.toLowerCase(), undefined);
  }
});

afterEach(() => vi.unstubAllEnvs());

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A proxy that refuses every request and records its target and its credentials. */
async function startProxy() {
  const targets: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const server = createServer((_, response) => void response.writeHead(400).end());
  server.on('request', ({ url = '' }) => targets.push(`plain ${url}`));
  server.on('connect', ({ url = '', headers }, socket) => {
    targets.push(url);
    authorizations.push(headers['proxy-authorization']);
    socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });
  return { address: await listen(server), targets, authorizations };
}

/** Verifies a token of `issuer`, whose keys cannot be had; returns the log. */
async function verify(issuer: string): Promise<string> {
  const { privateKey } = await generateKeyPair('ES256');
  const token = await new SignJWT({ iss: issuer }).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
  const { verifier, log } = verifierOf({ url: issuer });
  await expect(verifier.verify(token)).rejects.toMatchObject({ status: 503 });
  return log.text;
}

describe('an HTTPS proxy', () => {
  it.each(['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'])(
    'connects to the issuer when %s names it',
    async (variable) => {
      const proxy = await startProxy();
      vi.stubEnv(variable, `http://${proxy.address}`);
      expect(await verify(ISSUER)).toContain('HTTP 502 through the proxy');
      expect(new Set(proxy.targets)).toEqual(new Set(['issuer.example.com:443']));
    },
  );

  it('gets the credentials in its URL, which stay out of the log', async () => {
    const proxy = await startProxy();
    vi.stubEnv('HTTPS_PROXY', `http://someone:pa55word@${proxy.address}`);
    expect(await verify(ISSUER)).not.toContain('pa55word');
    expect(proxy.authorizations[0]).toBe(`Basic ${Buffer.from('someone:pa55word').toString('base64')}`);
  });

  it('is not used for an issuer that NO_PROXY names', async () => {
    const [proxy, issuer] = [await startProxy(), await startProxy()];
    vi.stubEnv('HTTPS_PROXY', `http://${proxy.address}`);
    vi.stubEnv('NO_PROXY', '127.0.0.1');
    expect(await verify(`https://${issuer.address}`)).not.toContain('through the proxy');
    expect(proxy.targets).toEqual([]);
  });

  it('is not used for an issuer on this machine over plain HTTP', async () => {
    const [proxy, issuer] = [await startProxy(), await startProxy()];
    vi.stubEnv('HTTP_PROXY', `http://${proxy.address}`);
    vi.stubEnv('ALL_PROXY', `http://${proxy.address}`);
    expect(await verify(`http://${issuer.address}`)).toContain('HTTP 400');
    expect(proxy.targets).toEqual([]);
  });

  it('that does not answer is given up on after the time limit, and its connection is closed', async () => {
    const server = createNetServer((socket) => socket.resume());
    const connected = once(server, 'connection');
    vi.stubEnv('HTTPS_PROXY', `http://${await listen(server)}`);
    const limits = holdTimeLimits();
    const log = verify(ISSUER);
    const [socket] = (await connected) as [Socket];
    limits.expire();
    await once(socket, 'close');
    expect(await log).toContain('no answer in time through the proxy');
  });

  it('whose URL is malformed leaves the keys unread, and its credentials out of the log', async () => {
    vi.stubEnv('HTTPS_PROXY', 'http://someone:pa55word@[half');
    expect(await verify(ISSUER)).not.toContain('pa55word');
  });
});
