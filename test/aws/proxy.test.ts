import { createServer } from 'node:http';
import { type AddressInfo, createServer as createNetServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ErrorReport } from '../../src/vocabulary/failure.ts';
import { emptyPage } from '../support/ec2-replies.ts';
import { connect, connectToStub, failureReport, readAll } from '../support/ec2-stub.ts';
import { startConnectProxy, startTls } from '../support/tunnels.ts';

const AWS = 'https://ec2.us-east-1.amazonaws.com';

beforeEach(() => {
  for (const variable of ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY']) {
    vi.stubEnv(variable, undefined);
    vi.stubEnv(variable.toLowerCase(), undefined);
  }
});

afterEach(() => vi.unstubAllEnvs());

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** A proxy that refuses every request and records its target and its credentials. */
async function startProxy() {
  const targets: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const server = createServer((_, response) => void response.writeHead(400).end());
  server.on('connect', ({ url = '', headers }, socket) => {
    targets.push(url);
    authorizations.push(headers['proxy-authorization']);
    socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });
  server.on('request', ({ url = '' }) => targets.push(`plain ${url}`));
  return { address: `127.0.0.1:${await listen(server)}`, targets, authorizations };
}

/** A port without a listener. */
async function closedPort(): Promise<number> {
  const server = createNetServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The report and the log of a read that has to fail; without `endpoint`, of the region's own. */
async function failedRead(endpoint?: string): Promise<{ report: ErrorReport; log: string }> {
  const { ec2, log } = connect(onTestFinished, { endpoint });
  const report = await failureReport(readAll(ec2));
  return { report, log: log.text };
}

describe('an HTTPS proxy', () => {
  it.each(['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'])(
    'connects to EC2 when %s names it',
    async (variable) => {
      const proxy = await startProxy();
      vi.stubEnv(variable, `http://${proxy.address}`);
      await failedRead();
      expect(new Set(proxy.targets)).toEqual(new Set(['ec2.us-east-1.amazonaws.com:443']));
    },
  );

  it('that refuses is reported as bad_response, which is retryable', async () => {
    const proxy = await startProxy();
    vi.stubEnv('HTTPS_PROXY', `http://${proxy.address}`);
    const { report } = await failedRead(AWS);
    expect(report).toMatchObject({ code: 'bad_response', retryable: true });
    expect(report.message).toContain('502');
    expect(report.hint).toContain('proxy');
  });

  it('gets the credentials in its URL, which stay out of report and log', async () => {
    const proxy = await startProxy();
    vi.stubEnv('HTTPS_PROXY', `http://someone:pa55word@${proxy.address}`);
    const { report, log } = await failedRead(AWS);
    expect(proxy.authorizations[0]).toBe(`Basic ${Buffer.from('someone:pa55word').toString('base64')}`);
    expect(log).toContain('EC2 request failed');
    expect(JSON.stringify(report) + log).not.toContain('pa55word');
  });

  it('that cannot be reached is reported as unreachable, without the credentials in its URL', async () => {
    vi.stubEnv('HTTPS_PROXY', `http://someone:pa55word@127.0.0.1:${await closedPort()}`);
    const { report, log } = await failedRead(AWS);
    expect(report).toMatchObject({ code: 'unreachable', retryable: true });
    expect(report.hint).toContain('HTTPS_PROXY');
    expect(JSON.stringify(report) + log).not.toContain('pa55word');
  });

  it('is looked up again for each request', async () => {
    const [first, second] = [await startProxy(), await startProxy()];
    vi.stubEnv('HTTPS_PROXY', `http://${first.address}`);
    await failedRead(AWS);
    const before = first.targets.length;
    vi.stubEnv('HTTPS_PROXY', `http://${second.address}`);
    await failedRead(AWS);
    expect(first.targets).toHaveLength(before);
    expect(second.targets).toContain('ec2.us-east-1.amazonaws.com:443');
  });

  it('keeps its tunnel for the next request', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const { stub } = await connectToStub(onTestFinished, emptyPage);
    const endpoint = await startTls(stub.url);
    const proxy = await startConnectProxy();
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    const { ec2 } = connect(onTestFinished, { endpoint });
    for (let reads = 0; reads < 3; reads++) await readAll(ec2);
    expect(proxy.targets).toEqual([new URL(endpoint).host]);
  });

  it('connects to the port of an endpoint', async () => {
    const proxy = await startProxy();
    const port = await closedPort();
    vi.stubEnv('HTTPS_PROXY', `http://${proxy.address}`);
    await failedRead(`https://127.0.0.1:${port}`);
    expect(proxy.targets).toContain(`127.0.0.1:${port}`);
  });
});

describe('a direct connection', () => {
  it.each([
    ['the host', 'NO_PROXY', () => '127.0.0.1'],
    ['the host in a list', 'NO_PROXY', () => 'localhost, 127.0.0.1,.example.com'],
    ['the host and port', 'no_proxy', (port: number) => `127.0.0.1:${port}`],
    ['everything', 'NO_PROXY', () => '*'],
  ])('is made to %s named by %s', async (_, variable, value) => {
    const proxy = await startProxy();
    const port = await closedPort();
    vi.stubEnv('HTTPS_PROXY', `http://${proxy.address}`);
    vi.stubEnv(variable, value(port));
    const { report } = await failedRead(`https://127.0.0.1:${port}`);
    expect(report.message).toContain('ECONNREFUSED');
    expect(proxy.targets).toEqual([]);
  });

  it('is made when no proxy is configured', async () => {
    const { report } = await failedRead(`https://127.0.0.1:${await closedPort()}`);
    expect(report.message).toContain('ECONNREFUSED');
  });

  it('is made to a plain HTTP endpoint', async () => {
    const proxy = await startProxy();
    for (const variable of ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY']) {
      vi.stubEnv(variable, `http://${proxy.address}`);
    }
    let requests = 0;
    const endpoint = createServer((request, response) => {
      requests += 1;
      request.resume();
      response.writeHead(400).end('<Response/>');
    });
    await failedRead(`http://127.0.0.1:${await listen(endpoint)}`);
    expect(requests).toBe(1);
    expect(proxy.targets).toEqual([]);
  });
});
