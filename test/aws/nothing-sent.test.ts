import dns from 'node:dns';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { OPS, useAwsHome } from '../support/aws-home.ts';
import { accepted, afterDryRun, answer, dryRunPassed, type Reply } from '../support/ec2-replies.ts';
import { BY, connect, connectToStub, neverAborted, permitFor, REQUEST, sent } from '../support/ec2-stub.ts';
import { clearProxyVariables, type Obstacle, startConnectProxy, startTls } from '../support/tunnels.ts';

const home = useAwsHome();

clearProxyVariables();

/** Every request needs a connection of its own, so that the real call cannot use that of its dry run. */
const closing = (reply: Reply): Reply => {
  return (response, request) => {
    response.setHeader('connection', 'close');
    reply(response, request);
  };
};

/** Sets the clock forward until credentials that expire in some minutes have expired. */
function passMinutes(): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 600_000 });
  onTestFinished(() => void vi.useRealTimers());
}

const inMinutes = (): string => new Date(Date.now() + 360_000).toISOString();

describe('a real call whose credentials have to be renewed first', () => {
  const assumedRole = (): Reply =>
    answer(
      200,
      `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken><Expiration>${inMinutes()}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
    );
  const stsError = (status: number, code: string): Reply =>
    answer(
      status,
      `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Receiver</Type><Code>${code}</Code><Message>says STS</Message></Error><RequestId>sts-1</RequestId></ErrorResponse>`,
    );

  it.each<[string, Reply, string]>([
    ['503 ServiceUnavailable', stsError(503, 'ServiceUnavailable'), 'aws_error'],
    ['500 InternalFailure', stsError(500, 'InternalFailure'), 'aws_error'],
    ['403 AccessDenied', stsError(403, 'AccessDenied'), 'not_authorized'],
    ['502 in HTML', answer(502, '<html><body>Bad<br>Gateway</body></html>'), 'bad_response'],
    ['a reset', (response) => void response.socket?.resetAndDestroy(), 'unreachable'],
  ])('is refused when STS answers %s, and nothing is sent', async (_, refusal, code) => {
    home.writeCredentials('AKIAFIRST');
    home.writeConfig(
      '[profile role]\nrole_arn = arn:aws:iam::111122223333:role/ops\nsource_profile = ops\nregion = us-east-1\n',
    );
    let isExpired = false;
    const { ec2, stub, requests } = await connectToStub(
      onTestFinished,
      (response, request) => {
        const sts = isExpired ? refusal : assumedRole();
        (request.action === 'AssumeRole' ? sts : afterDryRun(accepted))(response, request);
      },
      { target: { credentials: undefined, profile: 'role' } },
    );
    vi.stubEnv('AWS_ENDPOINT_URL_STS', stub.url);
    const permit = await permitFor(ec2);
    isExpired = true;
    passMinutes();
    expect(await ec2.unassign.send(permit)).toMatchObject({
      kind: 'refused',
      error: { code, message: expect.stringMatching(/\. Nothing was sent\.$/) },
    });
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 0 });
  });

  it('is refused when the credential process fails, and nothing is sent', async () => {
    home.writeCredentialProcess(
      `console.log(JSON.stringify({ Version: 1, AccessKeyId: 'AKIA1', SecretAccessKey: 'secret', Expiration: '${inMinutes()}' }));`,
    );
    const { ec2, requests } = await connectToStub(onTestFinished, afterDryRun(accepted), OPS);
    const permit = await permitFor(ec2);
    home.writeCredentialProcess('process.exit(3);');
    passMinutes();
    expect(await ec2.unassign.send(permit)).toMatchObject({
      kind: 'refused',
      error: { code: 'credentials_missing', message: expect.stringMatching(/ Nothing was sent\.$/) },
    });
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 0 });
  });

  it('is refused when they do not arrive in time, and not sent when they arrive later', async () => {
    let arrive: (() => void) | undefined;
    const credentials = {
      accessKeyId: 'AKIA1',
      secretAccessKey: 'secret',
      expiration: new Date(inMinutes()),
    };
    const provider = async () => {
      if (Date.now() > credentials.expiration.getTime() && arrive === undefined) {
        await new Promise<void>((resolve) => {
          arrive = resolve;
        });
      }
      return credentials;
    };
    const { ec2, requests } = await connectToStub(onTestFinished, afterDryRun(accepted), {
      target: { credentials: provider as never },
      timeouts: { change: 200 },
    });
    const permit = await permitFor(ec2);
    passMinutes();
    expect(await ec2.unassign.send(permit)).toMatchObject({
      kind: 'refused',
      error: {
        code: 'timed_out',
        message: 'The credentials were not there within 0.2 s. Nothing was sent.',
        hint: expect.stringContaining('credential_process'),
      },
    });
    arrive?.();
    // A request that left would arrive before this one.
    expect((await ec2.unassign.dryRun(REQUEST, neverAborted, BY)).passed).toBe(true);
    expect(sent(requests).realCalls).toBe(0);
  });
});

describe('a real call whose endpoint is not reached', () => {
  it.each<[string, (answer: () => void) => void]>([
    ['at once', (answer) => answer()],
    ['later', setImmediate],
  ])('is refused when the name does not resolve, told %s, and nothing is sent', async (_, tell) => {
    const { stub, requests } = await connectToStub(onTestFinished, closing(afterDryRun(accepted)));
    const endpoint = stub.url.replace('127.0.0.1', 'ec2.test');
    let isLost = false;
    const lookup = vi.spyOn(dns, 'lookup');
    onTestFinished(() => lookup.mockRestore());
    lookup.mockImplementation(((name: string, _: unknown, done: (...answer: unknown[]) => void) => {
      const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), {
        code: 'ENOTFOUND',
        syscall: 'getaddrinfo',
      });
      if (isLost) tell(() => done(error));
      else done(null, [{ address: '127.0.0.1', family: 4 }]);
    }) as never);
    const { ec2 } = connect(onTestFinished, { endpoint });
    const permit = await permitFor(ec2);
    isLost = true;
    expect(await ec2.unassign.send(permit)).toMatchObject({
      kind: 'refused',
      error: {
        code: 'unreachable',
        message: 'The EC2 endpoint of us-east-1 could not be reached (ENOTFOUND). Nothing was sent.',
      },
    });
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 0 });
  });

  it('is refused when its certificate is not trusted, and nothing is sent within TLS', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const { stub, requests } = await connectToStub(onTestFinished, closing(afterDryRun(accepted)));
    let received = '';
    const endpoint = await startTls(stub.url, (chunk) => {
      received += chunk.toString();
    });
    const { ec2 } = connect(onTestFinished, { endpoint });
    const permit = await permitFor(ec2);
    expect(received).toContain('DryRun=true');
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '1');
    expect(await ec2.unassign.send(permit)).toMatchObject({
      kind: 'refused',
      error: { code: 'unreachable', message: expect.stringMatching(/CERT.* Nothing was sent\.$/) },
    });
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 0 });
    expect(received).not.toContain('DryRun=false');
  });

  it('is refused when its time ends while the proxy connects, and is not sent later', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const { stub, requests } = await connectToStub(onTestFinished, closing(dryRunPassed));
    const endpoint = await startTls(stub.url);
    let isHolding = false;
    const ended: Promise<unknown>[] = [];
    const hold: Obstacle = (socket, letThrough) => {
      ended.push(once(socket.resume(), 'end').then(letThrough));
    };
    const proxy = await startConnectProxy(() => (isHolding ? hold : undefined));
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    const { ec2 } = connect(onTestFinished, { endpoint }, { change: 200 });
    const permit = await permitFor(ec2);
    isHolding = true;
    expect(await ec2.unassign.send(permit)).toMatchObject({
      kind: 'refused',
      error: {
        code: 'timed_out',
        message: `There was no connection to EC2 in us-east-1 through the proxy ${proxy.address} (HTTPS_PROXY) within 0.2 s. Nothing was sent.`,
      },
    });
    isHolding = false;
    expect(ended).toHaveLength(1);
    await Promise.all(ended);
    expect((await ec2.unassign.dryRun(REQUEST, neverAborted, BY)).passed).toBe(true);
    expect(sent(requests)).toEqual({ dryRuns: 2, realCalls: 0 });
  });

  it.each<[string, string, string]>([
    ['names a proxy that is away', 'http://127.0.0.1:1', 'it could not be reached (ECONNREFUSED)'],
    ['names a proxy of SOCKS', 'socks5://127.0.0.1:1', 'HTTPS_PROXY names a proxy of socks5://'],
    ['is malformed', 'http://[', 'HTTPS_PROXY is not the URL of a proxy'],
  ])('is refused when HTTPS_PROXY %s, and nothing is sent', async (_, value, message) => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const { stub, requests } = await connectToStub(onTestFinished, closing(afterDryRun(accepted)));
    const endpoint = await startTls(stub.url);
    const proxy = await startConnectProxy();
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    const { ec2 } = connect(onTestFinished, { endpoint });
    const permit = await permitFor(ec2);
    vi.stubEnv('HTTPS_PROXY', value);
    expect(await ec2.unassign.send(permit)).toMatchObject({
      kind: 'refused',
      error: { code: 'unreachable', message: expect.stringContaining(message) },
    });
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 0 });
  });
});
