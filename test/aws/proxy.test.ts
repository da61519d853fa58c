import dns from 'node:dns';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ErrorReport } from '../../src/vocabulary/failure.ts';
import { emptyPage } from '../support/ec2-replies.ts';
import { connect, connectToStub, failureReport, readAll } from '../support/ec2-stub.ts';
import {
  BROKEN,
  clearProxyVariables,
  closedPort,
  type Obstacle,
  REFUSED,
  startConnectProxy,
  startTls,
  startTlsProxy,
} from '../support/tunnels.ts';

/** Has no name resolve until the test is over; returns the spy on the look-ups. */
function resolveNoName() {
  const lookup = vi.spyOn(dns, 'lookup');
  onTestFinished(() => lookup.mockRestore());
  lookup.mockImplementation(((name: string, _: unknown, done: (error: Error) => void) =>
    done(
      Object.assign(new Error(), { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: name }),
    )) as never);
  return lookup;
}

const AWS = 'https://ec2.us-east-1.amazonaws.com';

clearProxyVariables();

const refuse = (): Obstacle | undefined => REFUSED['answered with 502'];

/** The report and the log of a read that has to fail; without `endpoint`, of the region's own. */
async function failedRead(endpoint?: string): Promise<{ report: ErrorReport; log: string }> {
  const { ec2, log } = connect(onTestFinished, { endpoint }, { connect: 200 });
  const report = await failureReport(readAll(ec2));
  return { report, log: log.text };
}

/** A stub of EC2 behind TLS. Only a proxy knows its name, `ec2.test`. */
async function startEndpoint() {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  const { stub, requests } = await connectToStub(onTestFinished, emptyPage);
  const { port } = new URL(await startTls(stub.url));
  const { ec2 } = connect(onTestFinished, { endpoint: `https://ec2.test:${port}` });
  return { ec2, requests, target: `ec2.test:${port}` };
}

describe('an HTTPS proxy', () => {
  it.each(['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'])(
    'connects to EC2 when %s names it',
    async (variable) => {
      const proxy = await startConnectProxy(refuse);
      vi.stubEnv(variable, proxy.url);
      const { report } = await failedRead();
      expect(new Set(proxy.targets)).toEqual(new Set(['ec2.us-east-1.amazonaws.com:443']));
      expect(report.message).toContain(`The proxy ${proxy.address} (${variable}) did not connect`);
    },
  );

  it.each([
    ['http://', startConnectProxy, ''],
    ['no scheme', startConnectProxy, 'http://'],
    ['https://', startTlsProxy, ''],
  ])('carries a read when its URL has %s', async (_, start, left) => {
    const { ec2, requests, target } = await startEndpoint();
    const proxy = await start();
    vi.stubEnv('HTTPS_PROXY', proxy.url.replace(left, ''));
    await readAll(ec2);
    expect(proxy.targets).toEqual([target]);
    expect(requests).toHaveLength(1);
  });

  it('keeps its tunnel for the next request', async () => {
    const { ec2, requests, target } = await startEndpoint();
    const proxy = await startConnectProxy();
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    for (let reads = 0; reads < 3; reads++) await readAll(ec2);
    expect(proxy.targets).toEqual([target]);
    expect(requests).toHaveLength(3);
  });

  it('gets the credentials in its URL, which stay out of report and log', async () => {
    const proxy = await startConnectProxy(refuse);
    vi.stubEnv('HTTPS_PROXY', `http://someone:pa55%40word@${proxy.address}`);
    const { report, log } = await failedRead(AWS);
    expect(proxy.credentials[0]).toBe(`Basic ${Buffer.from('someone:pa55@word').toString('base64')}`);
    expect(log).toContain('EC2 request failed');
    expect(JSON.stringify(report) + log).not.toMatch(/pa55|someone/);
  });

  it('is looked up again for each request', async () => {
    const [first, second] = [await startConnectProxy(refuse), await startConnectProxy(refuse)];
    vi.stubEnv('HTTPS_PROXY', first.url);
    await failedRead(AWS);
    const before = first.targets.length;
    vi.stubEnv('HTTPS_PROXY', second.url);
    await failedRead(AWS);
    expect(first.targets).toHaveLength(before);
    expect(second.targets).toContain('ec2.us-east-1.amazonaws.com:443');
  });

  it.each(['127.0.0.1', '[::1]'])('connects to the port of an endpoint at %s', async (host) => {
    const proxy = await startConnectProxy(refuse);
    const port = await closedPort();
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    await failedRead(`https://${host}:${port}`);
    expect(proxy.targets).toContain(`${host}:${port}`);
  });
});

/** Headers without end. */
const endless: Obstacle = (socket) => {
  const send = (): void => {
    while (!socket.destroyed && socket.write(`X: ${'x'.repeat(1000)}\r\n`));
  };
  socket.on('drain', send).write('HTTP/1.1 200 OK\r\n');
  send();
};

describe('a proxy that opens no tunnel', () => {
  it.each<[string, Obstacle | undefined, string]>([
    ['closes the connection', BROKEN.closed, 'it closed the connection (ECONNRESET)'],
    ['resets the connection', BROKEN.reset, 'it closed the connection (ECONNRESET)'],
    [
      'answers in another protocol',
      BROKEN['answered in another protocol'],
      'it answered CONNECT with something that is not HTTP (HPE_INVALID_CONSTANT)',
    ],
    [
      'answers with endless headers',
      endless,
      'it answered CONNECT with something that is not HTTP (HPE_HEADER_OVERFLOW)',
    ],
    ['answers with 204', REFUSED['answered with 204'], 'it answered CONNECT with HTTP 204'],
    ['answers with 407', REFUSED['answered with 407'], 'it answered CONNECT with HTTP 407'],
    ['answers with 503', REFUSED['answered with 503'], 'it answered CONNECT with HTTP 503'],
  ])('is reported as unreachable when it %s', async (_, obstacle, reason) => {
    const proxy = await startConnectProxy(() => obstacle);
    vi.stubEnv('HTTPS_PROXY', `http://someone:pa55word@${proxy.address}`);
    const { report, log } = await failedRead(AWS);
    expect(report).toMatchObject({
      code: 'unreachable',
      message: `The proxy ${proxy.address} (HTTPS_PROXY) did not connect to ec2.us-east-1.amazonaws.com:443: ${reason}. Nothing was sent.`,
      hint: expect.stringContaining('HTTPS_PROXY'),
    });
    expect(JSON.stringify(report) + log).not.toMatch(/pa55word|someone/);
  });

  it('is reported as timed_out when it does not answer', async () => {
    const proxy = await startConnectProxy(() => BROKEN['left hanging']);
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    const { report } = await failedRead(AWS);
    expect(report).toMatchObject({
      code: 'timed_out',
      message: `The proxy ${proxy.address} (HTTPS_PROXY) did not connect to ec2.us-east-1.amazonaws.com:443: no connection within 0.2 s. Nothing was sent.`,
      retryable: true,
      hint: expect.stringContaining('HTTPS_PROXY'),
    });
  });

  it('is asked again by a read, unless it wants credentials', async () => {
    const tries = async (obstacle: Obstacle | undefined): Promise<number> => {
      const proxy = await startConnectProxy(() => obstacle);
      vi.stubEnv('HTTPS_PROXY', proxy.url);
      await failedRead(AWS);
      return proxy.targets.length;
    };
    expect(await tries(BROKEN.closed)).toBe(3);
    expect(await tries(REFUSED['answered with 503'])).toBe(3);
    expect(await tries(REFUSED['answered with 407'])).toBe(1);
  });

  it('is reported as unreachable when nothing listens there', async () => {
    const address = `127.0.0.1:${await closedPort()}`;
    vi.stubEnv('HTTPS_PROXY', `http://someone:pa55word@${address}`);
    const { report, log } = await failedRead(AWS);
    expect(report).toMatchObject({ code: 'unreachable', retryable: true });
    expect(report.message).toContain(`The proxy ${address} (HTTPS_PROXY) did not connect`);
    expect(report.message).toContain('it could not be reached (ECONNREFUSED)');
    expect(JSON.stringify(report) + log).not.toMatch(/pa55word|someone/);
  });

  it('is named when its own name does not resolve, and the region is not doubted', async () => {
    const lookup = resolveNoName();
    vi.stubEnv('all_proxy', 'proxy.test:3128');
    const { report } = await failedRead(AWS);
    expect(new Set(lookup.mock.calls.map(([name]) => name))).toEqual(new Set(['proxy.test']));
    expect(report).toMatchObject({
      code: 'unreachable',
      message:
        'The proxy proxy.test:3128 (all_proxy) did not connect to ec2.us-east-1.amazonaws.com:443: its name does not resolve (ENOTFOUND). Nothing was sent.',
      hint: "Correct the proxy's name in all_proxy and restart the server, or check DNS and call again.",
    });
  });

  it('is reported as unreachable when its certificate is not trusted', async () => {
    const proxy = await startTlsProxy();
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    const { report } = await failedRead(AWS);
    expect(report.code).toBe('unreachable');
    expect(report.message).toContain('its certificate is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)');
    expect(report.hint).toContain('NODE_EXTRA_CA_CERTS');
    expect(proxy.targets).toEqual([]);
  });

  it('is reported as unreachable when it is named with https:// and speaks plain HTTP', async () => {
    const proxy = await startConnectProxy();
    vi.stubEnv('HTTPS_PROXY', `https://${proxy.address}`);
    const { report } = await failedRead(AWS);
    expect(report.code).toBe('unreachable');
    expect(report.message).toContain('no TLS with it');
    expect(report.hint).toContain('write http:// in HTTPS_PROXY');
  });

  it.each([
    [
      'socks5://someone:pa55word@127.0.0.1:1080',
      'ALL_PROXY names a proxy of socks5://, which is not supported.',
    ],
    ['http://someone:pa55word@[half', 'ALL_PROXY is not the URL of a proxy.'],
  ])('is reported as unreachable when its URL is %s', async (value, message) => {
    vi.stubEnv('ALL_PROXY', value);
    const { report, log } = await failedRead(AWS);
    expect(report).toMatchObject({
      code: 'unreachable',
      message: `${message} Nothing was sent.`,
      retryable: false,
      hint: expect.stringContaining('Set ALL_PROXY to http://HOST:PORT or https://HOST:PORT'),
    });
    expect(JSON.stringify(report) + log).not.toMatch(/pa55word|someone/);
  });
});

describe('an endpoint behind a proxy', () => {
  it.each(['closed', 'reset'])('is reported with the proxy when its TLS is %s', async (end) => {
    const proxy = await startConnectProxy(() => (socket) => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.once('data', () => BROKEN[end]?.(socket, () => {}));
    });
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    const { report } = await failedRead(AWS);
    expect(report.code).toBe('unreachable');
    expect(report.message).toContain(
      `The connection to EC2 in us-east-1 through the proxy ${proxy.address} (HTTPS_PROXY) broke`,
    );
  });

  it('is reported with the proxy, which may inspect TLS, when its certificate is not trusted', async () => {
    const { ec2, requests } = await startEndpoint();
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '1');
    const proxy = await startConnectProxy();
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    const report = await failureReport(readAll(ec2));
    expect(report).toMatchObject({ code: 'unreachable', retryable: false });
    expect(report.message).toContain(`through the proxy ${proxy.address} (HTTPS_PROXY) (`);
    expect(requests).toEqual([]);
  });
});

describe('a proxy for a plain HTTP endpoint', () => {
  /** A stub of EC2 whose name, `ec2.test`, only a proxy knows. */
  async function startPlainEndpoint() {
    const { stub, requests } = await connectToStub(onTestFinished, emptyPage);
    const endpoint = stub.url.replace('127.0.0.1', 'ec2.test');
    const { ec2 } = connect(onTestFinished, { endpoint });
    return { ec2, requests, endpoint };
  }

  it.each(['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'])(
    'gets the request itself when %s names it',
    async (variable) => {
      const { ec2, requests, endpoint } = await startPlainEndpoint();
      const proxy = await startConnectProxy();
      vi.stubEnv(variable, `http://someone:pa55word@${proxy.address}`);
      await readAll(ec2);
      expect(proxy.forwarded).toEqual([`POST ${endpoint}/`]);
      expect(proxy.targets).toEqual([]);
      expect(proxy.credentials).toEqual([`Basic ${Buffer.from('someone:pa55word').toString('base64')}`]);
      expect(requests).toHaveLength(1);
    },
  );

  it('gets it over TLS when its URL has https://', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const { ec2, requests, endpoint } = await startPlainEndpoint();
    const proxy = await startTlsProxy();
    vi.stubEnv('http_proxy', proxy.url);
    await readAll(ec2);
    expect(proxy.forwarded).toEqual([`POST ${endpoint}/`]);
    expect(requests).toHaveLength(1);
  });

  it('is named when it cannot be reached', async () => {
    const address = `127.0.0.1:${await closedPort()}`;
    vi.stubEnv('http_proxy', `http://someone:pa55word@${address}`);
    const { report } = await failedRead('http://ec2.test');
    expect(report).toMatchObject({
      code: 'unreachable',
      message: `The proxy ${address} (http_proxy) did not connect to ec2.test:80: it could not be reached (ECONNREFUSED). Nothing was sent.`,
    });
  });

  it('is named when it answers in place of EC2', async () => {
    const proxy = await startConnectProxy(() => REFUSED['answered with 407']);
    vi.stubEnv('http_proxy', proxy.url);
    const { report } = await failedRead('http://ec2.test');
    expect(report.code).toBe('bad_response');
    expect(report.message).toContain(`through the proxy ${proxy.address} (http_proxy) sent HTTP 407`);
  });
});

describe('a direct connection', () => {
  it.each([
    ['the host', 'NO_PROXY', () => '127.0.0.1'],
    ['the host in a list', 'NO_PROXY', () => 'localhost, 127.0.0.1,.example.com'],
    ['the host and port', 'no_proxy', (port: number) => `127.0.0.1:${port}`],
    ['the network', 'NO_PROXY', () => '127.0.0.0/8'],
    ['everything', 'NO_PROXY', () => '*'],
  ])('is made to %s named by %s', async (_, variable, value) => {
    const proxy = await startConnectProxy(refuse);
    const port = await closedPort();
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    vi.stubEnv(variable, value(port));
    const { report } = await failedRead(`https://127.0.0.1:${port}`);
    expect(report.message).toContain('ECONNREFUSED');
    expect(proxy.targets).toEqual([]);
  });

  it("is made to the region's own endpoint when NO_PROXY names its domain", async () => {
    const proxy = await startConnectProxy(refuse);
    const lookup = resolveNoName();
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    vi.stubEnv('NO_PROXY', 'amazonaws.com');
    await failedRead();
    expect(lookup.mock.calls.map(([name]) => name)).toContain('ec2.us-east-1.amazonaws.com');
    expect(proxy.targets).toEqual([]);
  });

  it('is made when no proxy is configured', async () => {
    const { report } = await failedRead(`https://127.0.0.1:${await closedPort()}`);
    expect(report.message).toContain('ECONNREFUSED');
  });

  it('is made to a plain HTTP endpoint of this machine', async () => {
    const proxy = await startConnectProxy(refuse);
    for (const variable of ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY']) vi.stubEnv(variable, proxy.url);
    let requests = 0;
    const endpoint = createServer((request, response) => {
      requests += 1;
      request.resume();
      response.writeHead(400).end('<Response/>');
    });
    await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void endpoint.close());
    await failedRead(`http://127.0.0.1:${(endpoint.address() as AddressInfo).port}`);
    expect(requests).toBe(1);
    expect([...proxy.targets, ...proxy.forwarded]).toEqual([]);
  });
});
