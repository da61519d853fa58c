import { createServer } from 'node:http';
import { type AddressInfo, createServer as createNetServer, type Server } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { connectEc2 } from '../../src/aws/ec2.ts';
import { type ErrorReport, Failure } from '../../src/vocabulary/failure.ts';

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

/** A proxy that records what it is asked to connect to, and with whose credentials, and refuses. */
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

/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createNetServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A describe that has to fail: what it says, and what the log says. */
async function failedRead(endpoint?: string): Promise<{ report: ErrorReport; log: string }> {
  let log = '';
  const write = (line: string): void => {
    log += line;
  };
  const target = {
    region: 'us-east-1',
    endpoint,
    credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' },
  };
  const ec2 = connectEc2(target, '0.0.0', pino({ level: 'trace' }, { write }));
  onTestFinished(() => ec2.close());
  const error = await ec2
    .readPage('us-east-1', { filters: [] }, new AbortController().signal)
    .catch((e) => e);
  if (!(error instanceof Failure)) throw new Error('the read was to fail');
  return { report: error.report, log };
}

describe('a proxy for HTTPS', () => {
  it.each(['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'])(
    'named by %s is asked to connect to EC2',
    async (variable) => {
      const proxy = await startProxy();
      vi.stubEnv(variable, `http://${proxy.address}`);
      await failedRead();
      expect(new Set(proxy.targets)).toEqual(new Set(['ec2.us-east-1.amazonaws.com:443']));
    },
  );

  it('that refuses is told as what answered in place of EC2, which may pass', async () => {
    const proxy = await startProxy();
    vi.stubEnv('HTTPS_PROXY', `http://${proxy.address}`);
    const { report } = await failedRead(AWS);
    expect(report).toMatchObject({ code: 'bad_response', retryable: true });
    expect(report.message).toContain('502');
    expect(report.hint).toContain('proxy');
  });

  it('is given the credentials in its address, which appear in no report and no log', async () => {
    const proxy = await startProxy();
    vi.stubEnv('HTTPS_PROXY', `http://someone:pa55word@${proxy.address}`);
    const { report, log } = await failedRead(AWS);
    expect(proxy.authorizations[0]).toBe(`Basic ${Buffer.from('someone:pa55word').toString('base64')}`);
    expect(log).toContain('EC2 request failed');
    expect(JSON.stringify(report) + log).not.toContain('pa55word');
  });

  it('that cannot be reached is told as unreachable, without the credentials in its address', async () => {
    vi.stubEnv('HTTPS_PROXY', `http://someone:pa55word@127.0.0.1:${await closedPort()}`);
    const { report, log } = await failedRead(AWS);
    expect(report).toMatchObject({ code: 'unreachable', retryable: true });
    expect(report.hint).toContain('HTTPS_PROXY');
    expect(JSON.stringify(report) + log).not.toContain('pa55word');
  });

  it('is looked up for each request, so that a change of the variable counts', async () => {
    const [first, second] = [await startProxy(), await startProxy()];
    vi.stubEnv('HTTPS_PROXY', `http://${first.address}`);
    await failedRead(AWS);
    const before = first.targets.length;
    vi.stubEnv('HTTPS_PROXY', `http://${second.address}`);
    await failedRead(AWS);
    expect(first.targets).toHaveLength(before);
    expect(second.targets).toContain('ec2.us-east-1.amazonaws.com:443');
  });

  it('is asked for an endpoint of its own port as well', async () => {
    const proxy = await startProxy();
    const port = await closedPort();
    vi.stubEnv('HTTPS_PROXY', `http://${proxy.address}`);
    await failedRead(`https://127.0.0.1:${port}`);
    expect(proxy.targets).toContain(`127.0.0.1:${port}`);
  });
});

describe('no proxy is asked', () => {
  it.each([
    ['the host', 'NO_PROXY', () => '127.0.0.1'],
    ['the host in a list', 'NO_PROXY', () => 'localhost, 127.0.0.1,.example.com'],
    ['the host and port', 'no_proxy', (port: number) => `127.0.0.1:${port}`],
    ['everything', 'NO_PROXY', () => '*'],
  ])('where %s is named by %s', async (_, variable, value) => {
    const proxy = await startProxy();
    const port = await closedPort();
    vi.stubEnv('HTTPS_PROXY', `http://${proxy.address}`);
    vi.stubEnv(variable, value(port));
    const { report } = await failedRead(`https://127.0.0.1:${port}`);
    expect(report.message).toContain('ECONNREFUSED');
    expect(proxy.targets).toEqual([]);
  });

  it('where none is configured', async () => {
    const { report } = await failedRead(`https://127.0.0.1:${await closedPort()}`);
    expect(report.message).toContain('ECONNREFUSED');
  });

  it('for a plain HTTP endpoint', async () => {
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

  it('by an endpoint that speaks no TLS, which is told as unreachable', async () => {
    const endpoint = createServer((_, response) => void response.end());
    const { report } = await failedRead(`https://127.0.0.1:${await listen(endpoint)}`);
    expect(report).toMatchObject({ code: 'unreachable' });
  });
});
