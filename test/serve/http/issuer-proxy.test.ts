import { once } from 'node:events';
import { type AddressInfo, createServer as createNetServer, type Socket } from 'node:net';
import { generateKeyPair, SignJWT } from 'jose';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { FakeIssuer, holdTimeLimits, verifierOf } from '../../support/fake-issuer.ts';
import {
  BROKEN,
  clearProxyVariables,
  closedPort,
  type Obstacle,
  REFUSED,
  startConnectProxy,
  startTls,
  startTlsProxy,
} from '../../support/tunnels.ts';

const ISSUER = 'https://issuer.example.com/tenant';

clearProxyVariables();

const refuse = (): Obstacle | undefined => REFUSED['answered with 502'];

/** Verifies a token of `issuer`, whose keys cannot be had; returns the log. */
async function verify(issuer: string): Promise<string> {
  const { privateKey } = await generateKeyPair('ES256');
  const token = await new SignJWT({ iss: issuer }).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
  const { verifier, log } = verifierOf({ url: issuer });
  await expect(verifier.verify(token)).rejects.toMatchObject({ status: 503 });
  return log.text;
}

/** An issuer behind TLS that signs for `host` and its port, and a token of it. */
async function startIssuer(host: string) {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  const issuer = await FakeIssuer.open();
  const target = `${host}:${new URL(await startTls(issuer.url)).port}`;
  const url = `https://${target}`;
  issuer.metadata = { issuer: url, jwks_uri: `${url}/keys` };
  return { issuer, target, url, token: await issuer.token({ iss: url }) };
}

describe('an HTTPS proxy', () => {
  it.each(['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'])(
    'connects to the issuer when %s names it',
    async (variable) => {
      const proxy = await startConnectProxy(refuse);
      vi.stubEnv(variable, proxy.url);
      expect(await verify(ISSUER)).toContain(
        `The proxy ${proxy.address} (${variable}) did not connect to issuer.example.com:443: it answered CONNECT with HTTP 502`,
      );
      expect(new Set(proxy.targets)).toEqual(new Set(['issuer.example.com:443']));
    },
  );

  it.each([
    ['http://', startConnectProxy, ''],
    ['no scheme', startConnectProxy, 'http://'],
    ['https://', startTlsProxy, ''],
  ])('carries metadata and keys when its URL has %s', async (_, start, left) => {
    // Only the proxy knows the name.
    const { issuer, target, url, token } = await startIssuer('issuer.test');
    const proxy = await start();
    vi.stubEnv('HTTPS_PROXY', proxy.url.replace(left, ''));
    const { verifier } = verifierOf({ url });
    await expect(verifier.verify(token)).resolves.toBeDefined();
    expect(issuer.requests).toEqual(['/.well-known/oauth-authorization-server', '/keys']);
    expect(proxy.targets).toEqual([target, target]);
  });

  it('carries no more than 1 MiB of an answer', async () => {
    const { issuer, url, token } = await startIssuer('issuer.test');
    issuer.answers.set('/keys', (response) => response.end(' '.repeat(1_048_577)));
    const proxy = await startConnectProxy();
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    const { verifier, log } = verifierOf({ url });
    await expect(verifier.verify(token)).rejects.toMatchObject({ status: 503 });
    expect(log.text).toContain(
      `the answer has more than 1048576 bytes through the proxy ${proxy.address} (HTTPS_PROXY)`,
    );
  });

  it('gets the credentials in its URL, which stay out of the log', async () => {
    const proxy = await startConnectProxy(refuse);
    vi.stubEnv('HTTPS_PROXY', `http://someone:pa55word@${proxy.address}`);
    expect(await verify(ISSUER)).not.toMatch(/pa55word|someone/);
    expect(proxy.credentials[0]).toBe(`Basic ${Buffer.from('someone:pa55word').toString('base64')}`);
  });

  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['127.0.0.0/8', '127.0.0.1'],
    ['example.com, localhost', 'localhost'],
  ])('is not used for an issuer that NO_PROXY=%s names: %s', async (exception, host) => {
    const { issuer, url, token } = await startIssuer(host);
    const proxy = await startConnectProxy();
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    vi.stubEnv('NO_PROXY', exception);
    await expect(verifierOf({ url }).verifier.verify(token)).resolves.toBeDefined();
    expect(issuer.requests).toHaveLength(2);
    expect(proxy.targets).toEqual([]);
  });

  it('is not used for an issuer on this machine over plain HTTP', async () => {
    const issuer = await FakeIssuer.open();
    const proxy = await startConnectProxy();
    for (const variable of ['HTTP_PROXY', 'ALL_PROXY']) vi.stubEnv(variable, proxy.url);
    await expect(verifierOf(issuer).verifier.verify(await issuer.token())).resolves.toBeDefined();
    expect([...proxy.targets, ...proxy.forwarded]).toEqual([]);
  });

  it('that does not answer is given up on after the time limit, and its connection is closed', async () => {
    const server = createNetServer((socket) => socket.resume());
    const connected = once(server, 'connection');
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${port}`);
    const limits = holdTimeLimits();
    const log = verify(ISSUER);
    const [socket] = (await connected) as [Socket];
    limits.expire();
    await once(socket, 'close');
    expect(await log).toContain(`no answer in time through the proxy 127.0.0.1:${port} (HTTPS_PROXY)`);
  });

  it.each([
    ['closed', 'it closed the connection'],
    ['reset', 'it closed the connection'],
    ['answered in another protocol', 'it answered CONNECT with something that is not HTTP'],
  ])('whose connections are %s is named in the log', async (obstacle, reason) => {
    const proxy = await startConnectProxy(() => BROKEN[obstacle]);
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    expect(await verify(ISSUER)).toContain(
      `The proxy ${proxy.address} (HTTPS_PROXY) did not connect to issuer.example.com:443: ${reason}`,
    );
  });

  it('that is away is named in the log', async () => {
    const address = `127.0.0.1:${await closedPort()}`;
    vi.stubEnv('HTTPS_PROXY', address);
    expect(await verify(ISSUER)).toContain(`The proxy ${address} (HTTPS_PROXY) did not connect`);
  });

  it.each([
    ['http://someone:pa55word@[half', 'HTTPS_PROXY is not the URL of a proxy'],
    [
      'socks5://someone:pa55word@127.0.0.1:1080',
      'HTTPS_PROXY names a proxy of socks5://, which is not supported',
    ],
  ])('whose URL is %s leaves the keys unread, and its credentials out of the log', async (value, reason) => {
    vi.stubEnv('HTTPS_PROXY', value);
    const log = await verify(ISSUER);
    expect(log).toContain(reason);
    expect(log).not.toMatch(/pa55word|someone/);
  });
});
