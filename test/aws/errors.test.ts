import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TIMEOUTS, type Timeouts } from '../../src/aws/clients.ts';
import type { Ec2Target } from '../../src/aws/credentials.ts';
import { connectEc2 } from '../../src/aws/ec2.ts';
import { failureFrom } from '../../src/aws/failure-from.ts';
import type { Permit, UnassignRequest } from '../../src/aws/unassign.ts';
import { type ErrorReport, Failure } from '../../src/vocabulary/failure.ts';

const REGION = 'us-east-1';
const GATEWAY = 'nat-0123456789abcdef0';
const CREDENTIALS = { accessKeyId: 'AKIAFIRST', secretAccessKey: 'secret' };
const BLOB = 'Xq7bLoB_wWl7Zk1uYg-9VbEncodedPolicies';

const WISH: UnassignRequest = {
  region: REGION,
  natGatewayId: GATEWAY,
  privateIps: ['10.0.0.5', '10.0.0.6'],
  maxDrainDurationSeconds: 60,
};

/** A request as the stub received it. */
interface Received {
  action: string;
  dryRun: boolean;
  form: URLSearchParams;
  accessKeyId: string;
  userAgent: string | undefined;
  /** When the client believes it signed the request, milliseconds since the epoch. */
  signedAt: number;
  /** How many requests came before this one. */
  index: number;
}

type Reply = (response: ServerResponse, request: Received) => void;

type Finish = (callback: () => void | Promise<void>) => void;

/** The account that STS says an access key belongs to; answers nothing where there is none. */
type AccountOf = (accessKeyId: string) => string | undefined;

/** An endpoint in place of EC2 that records what EC2 is sent and answers whatever the case says; STS is beside it. */
async function startStub(reply: Reply, accountOf: AccountOf) {
  const requests: Received[] = [];
  const server = createServer(async (incoming: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
    const stamp = String(incoming.headers['x-amz-date']);
    const request: Received = {
      action: form.get('Action') ?? '',
      dryRun: form.get('DryRun') === 'true',
      form,
      accessKeyId: /Credential=([^/]+)\//.exec(incoming.headers.authorization ?? '')?.[1] ?? '',
      userAgent: incoming.headers['user-agent'],
      signedAt: Date.parse(stamp.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5')),
      index: requests.length,
    };
    if (request.action === 'GetCallerIdentity') return tellAccount(response, accountOf(request.accessKeyId));
    requests.push(request);
    reply(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, close };
}

function tellAccount(response: ServerResponse, account: string | undefined): void {
  const result = `<GetCallerIdentityResult><Account>${account}</Account></GetCallerIdentityResult>`;
  if (account !== undefined) {
    response
      .writeHead(200, { ...XML, connection: 'close' })
      .end(
        `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${result}</GetCallerIdentityResponse>`,
      );
  }
}

/** A logger whose lines are kept. */
function keepLog() {
  const kept = { log: '' };
  const write = (line: string): void => {
    kept.log += line;
  };
  const logger = pino({ level: 'trace' }, { write });
  return { kept, logger };
}

interface Options {
  target?: Ec2Target;
  timeouts?: Partial<Timeouts>;
  accountOf?: AccountOf;
}

/** Our EC2, talking through the real SDK to a stub. */
async function open(finish: Finish, reply: Reply, { target, timeouts, accountOf }: Options = {}) {
  const stub = await startStub(reply, accountOf ?? (() => '123456789012'));
  const { kept, logger } = keepLog();
  const ec2 = connectEc2(
    { region: REGION, endpoint: stub.url, credentials: CREDENTIALS, ...target },
    '0.0.0',
    logger,
    { ...TIMEOUTS, ...timeouts },
  );
  finish(async () => {
    ec2.close();
    await stub.close();
  });
  return { ec2, stub, requests: stub.requests, kept };
}

const patient = new AbortController().signal;

/** Reads a page of all gateways in `region`. */
function read(ec2: ReturnType<typeof connectEc2>, region = REGION) {
  return ec2.readPage(region, { filters: [] }, patient);
}

/** What a call that has to fail failed with. */
async function reportOf(promise: Promise<unknown>): Promise<ErrorReport> {
  const error = await promise.then(
    (value) => new Error(`it succeeded with ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Failure)) throw error;
  return error.report;
}

/** A sentence that says what to do, of four words at least. */
const SENTENCE = /^\S+( \S+){3,}$/;

const XML = { 'content-type': 'text/xml;charset=UTF-8', 'x-amzn-requestid': 'request-1' };

function answer(status: number, body: string, headers: Record<string, string> = {}): Reply {
  return (response) => void response.writeHead(status, { ...XML, ...headers }).end(body);
}

/** EC2's error envelope. */
function refusal(
  status: number,
  code: string,
  message = `says EC2 about ${code}`,
  headers: Record<string, string> = {},
): Reply {
  const error = `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  const body = `<?xml version="1.0" encoding="UTF-8"?>
<Response><Errors>${error}</Errors><RequestID>request-1</RequestID></Response>`;
  return answer(status, body, headers);
}

const emptyPage = answer(
  200,
  '<DescribeNatGatewaysResponse><requestId>request-1</requestId><natGatewaySet/></DescribeNatGatewaysResponse>',
);

const html = (status: number): Reply =>
  answer(status, '<html><body>Bad<br>Gateway</body></html>', { 'content-type': 'text/html' });

const reset: Reply = (response) => void response.socket?.resetAndDestroy();

const close: Reply = (response) => void response.socket?.end();

const hang: Reply = () => {};

/** Promises a long body, sends the beginning and breaks the connection. */
const resetWithinBody: Reply = (response) => {
  response.writeHead(200, { ...XML, 'content-length': '1000' });
  response.write('<DescribeNatGatewaysResponse>', () => response.socket?.resetAndDestroy());
};

const dryRunPassed = refusal(412, 'DryRunOperation', 'Request would have succeeded, but DryRun flag is set.');

/** The answer to a real call, with addresses as `IP status`. */
function unassigned(gateway: string, ...addresses: string[]): Reply {
  const items = addresses.map((address) => {
    const [privateIp, status] = address.split(' ');
    return `<item><privateIp>${privateIp}</privateIp><status>${status}</status></item>`;
  });
  return answer(
    200,
    `<UnassignPrivateNatGatewayAddressResponse><requestId>request-1</requestId><natGatewayId>${gateway}</natGatewayId><natGatewayAddressSet>${items.join('')}</natGatewayAddressSet></UnassignPrivateNatGatewayAddressResponse>`,
  );
}

const accepted = unassigned(GATEWAY, '10.0.0.5 unassigning', '10.0.0.6 unassigning');

/** Lets dry runs pass and gives real calls `reply`. */
function afterDryRun(reply: Reply): Reply {
  return (response, request) => (request.dryRun ? dryRunPassed : reply)(response, request);
}

/** An error of Node's, from a system call. */
function failedIn(syscall: string | undefined, code: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}

/** How many of the requests were dry runs and how many real calls. */
function sent(requests: readonly Received[]): { dryRuns: number; realCalls: number } {
  const unassigns = requests.filter(({ action }) => action === 'UnassignPrivateNatGatewayAddress');
  const dryRuns = unassigns.filter(({ dryRun }) => dryRun).length;
  return { dryRuns, realCalls: unassigns.length - dryRuns };
}

/** A permit by the only way there is. */
async function permitFor(ec2: ReturnType<typeof connectEc2>, request = WISH): Promise<Permit> {
  const dryRun = await ec2.dryRun(request, patient);
  if (!dryRun.passed) throw new Error(dryRun.error.message);
  return dryRun.permit;
}

describe.concurrent('a code of EC2', () => {
  it.for<[string, number, string, boolean, RegExp]>([
    ['NatGatewayNotFound', 400, 'gateway_not_found', false, /us-east-1.*describe_nat_gateway_addresses/],
    ['InvalidNatGatewayID.NotFound', 400, 'gateway_not_found', false, /describe_nat_gateway_addresses/],
    ['NatGatewayMalformed', 400, 'invalid_argument', false, /nat- and 17 hex/],
    ['UnauthorizedOperation', 403, 'not_authorized', false, /ec2:UnassignPrivateNatGatewayAddress/],
    ['AuthFailure', 401, 'not_authorized', false, /aws sts get-caller-identity/],
    ['AuthFailure', 400, 'not_authorized', false, /aws sts get-caller-identity/],
    ['InvalidClientTokenId', 403, 'not_authorized', false, /aws sts get-caller-identity/],
    ['UnrecognizedClientException', 400, 'not_authorized', false, /aws sts get-caller-identity/],
    ['SignatureDoesNotMatch', 403, 'not_authorized', false, /aws sts get-caller-identity/],
    ['Blocked', 400, 'not_authorized', false, /AWS Support/],
    ['PendingVerification', 400, 'not_authorized', true, /verifying/],
    ['OptInRequired', 401, 'region_not_enabled', false, /get-region-opt-status --region-name us-east-1/],
    ['RequestExpired', 400, 'credentials_expired', true, /aws sso login/],
    ['ExpiredToken', 400, 'credentials_expired', true, /aws sso login/],
    ['ExpiredTokenException', 400, 'credentials_expired', true, /no restart is needed/],
    ['TokenRefreshRequired', 400, 'credentials_expired', true, /aws sso login/],
    ['RequestTimeTooSkewed', 403, 'clock_skew', true, /clock/],
    ['RequestInTheFuture', 400, 'clock_skew', true, /NTP/],
    ['OperationInProgress', 400, 'precondition_failed', true, /one change at a time/],
    ['IncorrectState', 400, 'precondition_failed', false, /describe_nat_gateway_addresses/],
    ['UnsupportedOperation', 400, 'precondition_failed', false, /describe_nat_gateway_addresses/],
    ['OperationNotPermitted', 400, 'precondition_failed', false, /describe_nat_gateway_addresses/],
    ['DependencyViolation', 400, 'precondition_failed', false, /describe_nat_gateway_addresses/],
    ['InvalidParameter', 400, 'invalid_argument', false, /call again/],
    ['InvalidParameterValue', 400, 'invalid_argument', false, /call again/],
    ['InvalidParameterCombination', 400, 'invalid_argument', false, /call again/],
    ['MissingParameter', 400, 'invalid_argument', false, /call again/],
    ['UnknownParameter', 400, 'invalid_argument', false, /call again/],
    ['InvalidAddress.Malformed', 400, 'invalid_argument', false, /call again/],
    ['InvalidMaxResults', 400, 'invalid_argument', false, /call again/],
    ['FilterLimitExceeded', 400, 'invalid_argument', false, /fewer/],
    ['InvalidPaginationToken', 400, 'invalid_argument', false, /without next_token/],
    ['Unavailable', 503, 'aws_error', true, /call again/],
    ['ServiceUnavailable', 503, 'aws_error', true, /call again/],
    ['InternalError', 500, 'aws_error', true, /call again/],
    ['InternalFailure', 500, 'aws_error', true, /call again/],
    ['ServerInternal', 500, 'aws_error', true, /call again/],
  ])(
    '%s with status %i is told as %s',
    async ([awsCode, status, code, retryable, hint], { onTestFinished }) => {
      const { ec2, kept } = await open(onTestFinished, refusal(status, awsCode));
      const report = await reportOf(read(ec2));
      expect(report).toEqual({
        code,
        message: `says EC2 about ${awsCode}`,
        retryable,
        retry_after_seconds: undefined,
        hint: expect.stringMatching(hint),
        aws_code: awsCode,
        request_id: 'request-1',
      });
      expect(report.hint).toMatch(SENTENCE);
      expect(kept.log).toContain(awsCode);
    },
  );

  it.for([
    ['RequestLimitExceeded', 503],
    ['RequestLimitExceeded', 400],
    ['Throttling', 400],
    ['ThrottlingException', 400],
    ['ThrottledException', 400],
    ['RequestThrottled', 400],
    ['RequestThrottledException', 400],
    ['EC2ThrottledException', 503],
    ['TooManyRequestsException', 429],
    ['SlowDown', 503],
    ['BandwidthLimitExceeded', 503],
  ] as const)(
    '%s with status %i is told as throttled, which changed nothing',
    async ([awsCode, status], context) => {
      const { ec2, requests } = await open(
        context.onTestFinished,
        afterDryRun(refusal(status, awsCode, undefined, { 'retry-after': '7' })),
      );
      expect(await ec2.unassign(await permitFor(ec2))).toEqual({
        kind: 'refused',
        error: {
          code: 'throttled',
          message: `says EC2 about ${awsCode}`,
          retryable: true,
          retry_after_seconds: 7,
          hint: expect.stringMatching(SENTENCE),
          aws_code: awsCode,
          request_id: 'request-1',
        },
      });
      expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 1 });
    },
  );

  it('is passed on with its message and without advice where it is unknown', async ({ onTestFinished }) => {
    const { ec2 } = await open(onTestFinished, refusal(400, 'SomethingNew', 'Something new is in the way.'));
    expect(await reportOf(read(ec2))).toEqual({
      code: 'aws_error',
      message: 'Something new is in the way.',
      retryable: false,
      hint: expect.stringContaining('SomethingNew'),
      aws_code: 'SomethingNew',
      request_id: 'request-1',
    });
  });

  it('may pass where it is unknown and AWS says that the fault is its own', async ({ onTestFinished }) => {
    const { ec2 } = await open(onTestFinished, refusal(500, 'SomethingNew'));
    expect(await reportOf(read(ec2))).toMatchObject({
      code: 'aws_error',
      retryable: true,
      aws_code: 'SomethingNew',
    });
  });

  it.for(['toString', 'constructor', '__proto__'])(
    'named like a member of every object, %s, is unknown like any other',
    async (awsCode, { onTestFinished }) => {
      const { ec2 } = await open(onTestFinished, refusal(400, awsCode));
      expect(await reportOf(read(ec2))).toMatchObject({ code: 'aws_error', aws_code: awsCode });
    },
  );

  it('stands in for a message that is empty', async ({ onTestFinished }) => {
    const { ec2 } = await open(onTestFinished, refusal(400, 'InvalidParameterValue', ''));
    expect((await reportOf(read(ec2))).message).toBe('InvalidParameterValue');
  });

  it('comes with a message of bounded length', async ({ onTestFinished }) => {
    const { ec2 } = await open(onTestFinished, refusal(400, 'InvalidParameterValue', 'x'.repeat(50_000)));
    expect((await reportOf(read(ec2))).message.length).toBeLessThan(1100);
  });

  it('AuthFailure in a region that has to be enabled is told as region_not_enabled', async (context) => {
    const { ec2 } = await open(context.onTestFinished, refusal(401, 'AuthFailure'));
    expect(await reportOf(read(ec2, 'ap-east-1'))).toMatchObject({
      code: 'region_not_enabled',
      aws_code: 'AuthFailure',
      hint: expect.stringContaining('--region-name ap-east-1'),
    });
  });

  it('without a request id comes without one', async ({ onTestFinished }) => {
    const { ec2 } = await open(onTestFinished, (response) => {
      response
        .writeHead(400, { 'content-type': 'text/xml' })
        .end('<Response><Errors><Error><Code>A</Code><Message>b</Message></Error></Errors></Response>');
    });
    expect((await reportOf(read(ec2))).request_id).toBeUndefined();
  });
});

describe.concurrent('an encoded authorization message', () => {
  const forms: [string, string][] = [
    [
      'alone',
      `You are not authorized to perform this operation. Encoded authorization failure message: ${BLOB}`,
    ],
    [
      'behind the reason',
      `You are not authorized to perform this operation. User: arn:aws:iam::111122223333:user/a is not authorized to perform: ec2:X because no identity-based policy allows the ec2:X action. Encoded authorization failure message: ${BLOB}`,
    ],
    ['on a line of its own', `You are not authorized.\nEncoded authorization failure message:\n${BLOB}`],
    ['in other case', `You are not authorized. ENCODED AUTHORIZATION FAILURE MESSAGE: ${BLOB}`],
  ];

  it.for(forms)('%s reaches neither the report of a read nor the log', async ([, message], context) => {
    const { ec2, kept } = await open(context.onTestFinished, refusal(403, 'UnauthorizedOperation', message));
    const report = await reportOf(read(ec2));
    expect(report.code).toBe('not_authorized');
    expect(report.message).toMatch(/^You are not authorized/);
    expect(JSON.stringify(report)).not.toContain(BLOB);
    expect(kept.log).toContain('UnauthorizedOperation');
    expect(kept.log).not.toContain(BLOB);
  });

  it.for(forms)('%s reaches neither the report of a dry run nor the log', async ([, message], context) => {
    const { ec2, kept } = await open(context.onTestFinished, refusal(403, 'UnauthorizedOperation', message));
    const dryRun = await ec2.dryRun(WISH, patient);
    expect(dryRun).toMatchObject({ passed: false, error: { code: 'not_authorized' } });
    expect(JSON.stringify(dryRun)).not.toContain(BLOB);
    expect(kept.log).toContain('UnauthorizedOperation');
    expect(kept.log).not.toContain(BLOB);
  });

  it.for(forms)('%s reaches neither the report of a real call nor the log', async ([, message], context) => {
    const { ec2, kept } = await open(
      context.onTestFinished,
      afterDryRun(refusal(403, 'UnauthorizedOperation', message)),
    );
    const result = await ec2.unassign(await permitFor(ec2));
    expect(result).toMatchObject({ kind: 'refused', error: { code: 'not_authorized' } });
    expect(JSON.stringify(result)).not.toContain(BLOB);
    expect(kept.log).not.toContain(BLOB);
  });
});

describe.concurrent('an answer that is not in the words of EC2', () => {
  it.for<[string, Reply]>([
    ['503 in HTML', html(503)],
    ['502 in HTML', html(502)],
    ['200 in HTML', html(200)],
    ['200 without a body', answer(200, '')],
    ['200 of another shape', answer(200, '<Something><else/></Something>')],
    ['200 with an error in it', refusal(200, 'InternalError')],
    ['200 that is no XML', answer(200, '{"ok":true}')],
    ['403 without a body', answer(403, '')],
    ['404 without a body', answer(404, '')],
    ['504 without a body', answer(504, '')],
    ['400 without a code', answer(400, '<Response><Errors/></Response>')],
  ])('%s is told as bad_response', async ([, reply], { onTestFinished }) => {
    const { ec2 } = await open(onTestFinished, reply);
    const report = await reportOf(read(ec2));
    expect(report).toMatchObject({ code: 'bad_response', retryable: true });
    expect(report.aws_code).toBeUndefined();
    expect(report.hint).toMatch(SENTENCE);
    expect(report.hint).toContain('AWS_ENDPOINT_URL');
  });

  it.for<[string, Reply]>([
    ['200 without a body', answer(200, '')],
    ['403 without a body', answer(403, '')],
  ])('%s keeps its request id', async ([, reply], { onTestFinished }) => {
    const { ec2 } = await open(onTestFinished, reply);
    expect((await reportOf(read(ec2))).request_id).toBe('request-1');
  });

  it('but in no HTTP at all is told as bad_response', async ({ onTestFinished }) => {
    const server = createNetServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('220 mail.example.com ESMTP\r\n'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { logger } = keepLog();
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ec2 = connectEc2({ region: REGION, endpoint, credentials: CREDENTIALS }, '0.0.0', logger);
    onTestFinished(() => {
      ec2.close();
      server.close();
    });
    expect(await reportOf(read(ec2))).toMatchObject({ code: 'bad_response', retryable: true });
  });
});

describe.concurrent('a connection', () => {
  it.for<[string, Reply]>([
    ['that is reset', reset],
    ['that is closed without an answer', close],
  ])('%s is told as unreachable, and not as late', async ([, reply], { onTestFinished }) => {
    const { ec2 } = await open(onTestFinished, reply);
    const report = await reportOf(read(ec2));
    expect(report).toMatchObject({ code: 'unreachable', retryable: true });
    expect(report.message).toContain('ECONNRESET');
    expect(report.hint).toMatch(SENTENCE);
  });

  it('that is reset within the body is told as an answer that could not be read', async (context) => {
    const { ec2 } = await open(context.onTestFinished, resetWithinBody);
    expect(await reportOf(read(ec2))).toMatchObject({ code: 'bad_response', retryable: true });
  });

  it('that is refused is told as unreachable, with nothing sent', async ({ onTestFinished }) => {
    const { ec2, stub } = await open(onTestFinished, emptyPage);
    await stub.close();
    const report = await reportOf(read(ec2));
    expect(report).toMatchObject({ code: 'unreachable', retryable: true });
    expect(report.message).toContain('ECONNREFUSED');
    expect(report.message).toContain('Nothing was sent');
    expect(report.hint).toMatch(SENTENCE);
  });

  it('on which every try goes unanswered is told as timed_out, after three tries', async (context) => {
    const { ec2, requests } = await open(context.onTestFinished, hang, { timeouts: { readAttempt: 1000 } });
    const report = await reportOf(read(ec2));
    expect(report).toMatchObject({ code: 'timed_out', retryable: true });
    expect(report.hint).toMatch(SENTENCE);
    expect(requests).toHaveLength(3);
  });

  it('on which a read takes too long in all is told as timed_out, with how long it was', async (context) => {
    const { ec2 } = await open(context.onTestFinished, hang, { timeouts: { read: 500 } });
    expect(await reportOf(read(ec2))).toMatchObject({
      code: 'timed_out',
      message: expect.stringContaining('0.5 s'),
    });
  });

  it('that its caller gives up is told as cancelled, and the request is not repeated', async (context) => {
    const caller = new AbortController();
    const { ec2, requests } = await open(context.onTestFinished, () => caller.abort());
    const report = await reportOf(ec2.readPage(REGION, { filters: [] }, caller.signal));
    expect(report).toMatchObject({ code: 'timed_out', message: expect.stringContaining('cancelled') });
    expect(requests).toHaveLength(1);
  });
});

describe('a refusal that EC2 gave to a later try than the first', () => {
  it.each([
    [1, 'none'],
    [2, 'possible'],
    [undefined, 'possible'],
  ])('tells nothing of the tries before it (attempts: %s, effect: %s)', (attempts, effect) => {
    const refused = {
      name: 'InvalidParameterValue',
      Code: 'InvalidParameterValue',
      $fault: 'client',
      $metadata: { httpStatusCode: 400, attempts },
    };
    expect(failureFrom(refused, { region: REGION, now: Date.now() })).toMatchObject({
      effect,
      report: { code: 'invalid_argument', aws_code: 'InvalidParameterValue' },
    });
  });
});

describe('a failure below HTTP', () => {
  const context = { region: 'eu-wset-1', now: Date.now() };

  function withCode(code: string, more: object = {}) {
    return failureFrom(Object.assign(new Error(`failed with ${code}`), { code, ...more }), context);
  }

  it.each([
    'SELF_SIGNED_CERT_IN_CHAIN',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'CERT_HAS_EXPIRED',
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ])('of TLS, %s, points to the certificate authority', (code) => {
    const { report, effect } = withCode(code);
    expect(report).toMatchObject({ code: 'unreachable', retryable: false });
    expect(report.hint).toContain('NODE_EXTRA_CA_CERTS');
    expect(effect).toBe('none');
  });

  it.each([
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC',
    'ERR_SSL_SSLV3_ALERT_BAD_RECORD_MAC',
  ])('of TLS, %s, may have come after something was sent', (code) => {
    expect(withCode(code)).toMatchObject({ effect: 'possible', report: { code: 'unreachable' } });
  });

  it('of name resolution points to the region, which may be mistyped', () => {
    const { report, effect } = withCode('ENOTFOUND', { syscall: 'getaddrinfo' });
    expect(report).toMatchObject({ code: 'unreachable', retryable: true });
    expect(report.hint).toContain('eu-wset-1');
    expect(effect).toBe('none');
  });

  it('is told as nothing sent where every address of the endpoint refused', () => {
    const errors = ['ECONNREFUSED', 'ENETUNREACH'].map((code) => failedIn('connect', code));
    expect(failureFrom(new AggregateError(errors), context)).toMatchObject({
      effect: 'none',
      report: { code: 'unreachable' },
    });
  });

  it('may have sent something where a host became unreachable after the connection was made', () => {
    for (const error of [failedIn('read', 'EHOSTUNREACH'), failedIn(undefined, 'ENETUNREACH')]) {
      expect(failureFrom(error, context)).toMatchObject({ effect: 'possible' });
    }
    const errors = [failedIn('connect', 'ECONNREFUSED'), failedIn('read', 'EHOSTUNREACH')];
    expect(failureFrom(new AggregateError(errors), context)).toMatchObject({
      effect: 'possible',
      report: { code: 'unreachable' },
    });
  });

  it('may have sent something where one of several connections was reset', () => {
    const errors = ['ECONNREFUSED', 'ECONNRESET'].map((code) => Object.assign(new Error(code), { code }));
    expect(failureFrom(new AggregateError(errors), context)).toMatchObject({
      effect: 'possible',
      report: { code: 'unreachable' },
    });
  });

  it.each<[string, unknown]>([
    ['an error', new Error('SQLSTATE 42')],
    ['an error of another shape', { name: 1, message: ['SQLSTATE 42'], $metadata: 'x' }],
    ['a string', 'SQLSTATE 42'],
    ['null', null],
    ['undefined', undefined],
  ])(
    'that nobody knows (%s) is internal, may have had an effect, and says nothing of itself',
    (_, thrown) => {
      const { report, effect } = failureFrom(thrown, context);
      expect(report).toMatchObject({ code: 'internal', retryable: false });
      expect(JSON.stringify(report)).not.toContain('SQLSTATE');
      expect(effect).toBe('possible');
    },
  );
});

describe.concurrent('a clock that is wrong', () => {
  const hoursOff = (hours: number): Record<string, string> => ({
    date: new Date(Date.now() + hours * 3_600_000).toUTCString(),
  });

  it.for<[string, number, number]>([
    ['RequestExpired', 400, 5],
    ['RequestExpired', 400, -5],
    ['AuthFailure', 401, 5],
    ['SignatureDoesNotMatch', 403, -5],
  ])(
    'is told as clock_skew for %s (%i) of an endpoint %i hours away',
    async ([code, status, hours], context) => {
      const { ec2 } = await open(context.onTestFinished, refusal(status, code, undefined, hoursOff(hours)));
      const report = await reportOf(read(ec2));
      expect(report).toMatchObject({ code: 'clock_skew', retryable: true, aws_code: code });
      expect(report.hint).toMatch(SENTENCE);
    },
  );

  it('is not blamed for other refusals', async ({ onTestFinished }) => {
    const { ec2 } = await open(onTestFinished, refusal(400, 'NatGatewayNotFound', undefined, hoursOff(5)));
    expect((await reportOf(read(ec2))).code).toBe('gateway_not_found');
  });

  it('is absorbed by a read, which is signed again with the time of the endpoint', async (context) => {
    const ahead = 5 * 3_600_000;
    const { ec2, requests } = await open(context.onTestFinished, (response, request) => {
      const skewed = Math.abs(request.signedAt - (Date.now() + ahead)) > 300_000;
      const reply = skewed ? refusal(400, 'RequestExpired', undefined, hoursOff(5)) : emptyPage;
      reply(response, request);
    });
    expect(await read(ec2)).toEqual({ natGateways: [], nextToken: undefined });
    expect(requests.length).toBeGreaterThan(1);
  });

  it('does not make a real call be sent again', async ({ onTestFinished }) => {
    const { ec2, requests } = await open(
      onTestFinished,
      afterDryRun(refusal(400, 'RequestExpired', undefined, hoursOff(5))),
    );
    const result = await ec2.unassign(await permitFor(ec2));
    expect(result).toMatchObject({ kind: 'refused', error: { code: 'clock_skew' } });
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 1 });
  });
});

describe.concurrent('throttling', () => {
  it('of a read is told with the time EC2 asks to wait', async ({ onTestFinished }) => {
    const { ec2, requests } = await open(
      onTestFinished,
      refusal(503, 'RequestLimitExceeded', undefined, { 'retry-after': '2' }),
    );
    expect(await reportOf(read(ec2))).toMatchObject({ code: 'throttled', retry_after_seconds: 2 });
    expect(requests).toHaveLength(3);
  });

  it('of a read that strikes once is absorbed', async ({ onTestFinished }) => {
    const { ec2, requests } = await open(onTestFinished, (response, request) => {
      const throttled = refusal(503, 'RequestLimitExceeded', undefined, { 'retry-after': '1' });
      (request.index === 0 ? throttled : emptyPage)(response, request);
    });
    expect(await read(ec2)).toEqual({ natGateways: [], nextToken: undefined });
    expect(requests).toHaveLength(2);
  });

  const longWait = refusal(503, 'RequestLimitExceeded', undefined, { 'retry-after': '60' });

  it('of a read is not met with another try before EC2 takes one', async ({ onTestFinished }) => {
    const { ec2, requests } = await open(onTestFinished, longWait, { timeouts: { read: 2000 } });
    await reportOf(read(ec2));
    expect(requests).toHaveLength(1);
  });

  it('that outlasts the timeouts of a read is still told as throttling', async ({ onTestFinished }) => {
    const { ec2 } = await open(onTestFinished, longWait, { timeouts: { read: 2000 } });
    expect(await reportOf(read(ec2))).toMatchObject({
      code: 'throttled',
      retryable: true,
      retry_after_seconds: 60,
    });
  });

  it('with a waiting time that is no number is told without one', async ({ onTestFinished }) => {
    const { ec2 } = await open(
      onTestFinished,
      afterDryRun(refusal(503, 'RequestLimitExceeded', undefined, { 'retry-after': 'soon' })),
    );
    const result = await ec2.unassign(await permitFor(ec2));
    expect(result).toMatchObject({ kind: 'refused', error: { code: 'throttled' } });
    expect(result).not.toHaveProperty('error.retry_after_seconds', expect.anything());
  });
});

describe.concurrent('a read', () => {
  it.for<[string, number, Reply]>([
    ['a reset', 3, reset],
    ['a reset within the body', 3, resetWithinBody],
    ['500 InternalError', 3, refusal(500, 'InternalError')],
    ['503 Unavailable', 3, refusal(503, 'Unavailable')],
    ['503 RequestLimitExceeded', 3, refusal(503, 'RequestLimitExceeded')],
    ['502 in HTML', 3, html(502)],
    ['400 InvalidParameterValue', 1, refusal(400, 'InvalidParameterValue')],
    ['403 UnauthorizedOperation', 1, refusal(403, 'UnauthorizedOperation')],
    ['200 in HTML', 1, html(200)],
  ])('that meets %s is sent %i times', async ([, times, reply], { onTestFinished }) => {
    const { ec2, requests } = await open(onTestFinished, reply);
    await reportOf(read(ec2));
    expect(requests.map(({ action }) => action)).toEqual(Array(times).fill('DescribeNatGateways'));
  });

  it.for<[string, Reply]>([
    ['a reset', reset],
    ['500 InternalError', refusal(500, 'InternalError')],
    ['503 in HTML', html(503)],
  ])('succeeds when %s strikes once', async ([, reply], { onTestFinished }) => {
    const { ec2, requests } = await open(onTestFinished, (response, request) =>
      (request.index === 0 ? reply : emptyPage)(response, request),
    );
    expect(await read(ec2)).toEqual({ natGateways: [], nextToken: undefined });
    expect(requests).toHaveLength(2);
  });
});

describe.concurrent('a dry run', () => {
  it('that passes gives a permit, and tells the request id', async ({ onTestFinished }) => {
    const { ec2, requests } = await open(onTestFinished, dryRunPassed);
    expect(await ec2.dryRun(WISH, patient)).toMatchObject({
      passed: true,
      aws_code: 'DryRunOperation',
      request_id: 'request-1',
    });
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 0 });
  });

  it.for<[string, Reply]>([
    ['the answer to a real call', accepted],
    ['200 without a body', answer(200, '')],
    ['200 in HTML', html(200)],
    ['200 that is no XML', answer(200, '{"ok":true}')],
    ['204', answer(204, '')],
  ])('that is answered with success (%s) was not honoured', async ([, reply], { onTestFinished }) => {
    const { ec2 } = await open(onTestFinished, reply);
    const dryRun = await ec2.dryRun(WISH, patient);
    expect(dryRun).toMatchObject({
      passed: false,
      error: {
        code: 'dry_run_not_honoured',
        retryable: false,
        hint: expect.stringMatching(/^Treat it as a possible change\./),
      },
    });
    expect(dryRun).not.toHaveProperty('permit');
  });

  it.for<[string, Reply, string]>([
    ['UnauthorizedOperation', refusal(403, 'UnauthorizedOperation'), 'not_authorized'],
    ['NatGatewayNotFound', refusal(400, 'NatGatewayNotFound'), 'gateway_not_found'],
    ['a code named almost like the right one', refusal(412, 'DryRunOperations'), 'aws_error'],
    ['412 without a body', answer(412, ''), 'bad_response'],
    ['500 InternalError', refusal(500, 'InternalError'), 'aws_error'],
  ])('that is answered with %s gives no permit', async ([, reply, code], { onTestFinished }) => {
    const { ec2 } = await open(onTestFinished, reply);
    const dryRun = await ec2.dryRun(WISH, patient);
    expect(dryRun).toMatchObject({ passed: false, error: { code } });
    expect(dryRun).not.toHaveProperty('permit');
  });
});

describe.concurrent('the real call', () => {
  const QUICK: Partial<Timeouts> = { change: 1000 };

  it('carries the parameters of its dry run, which nobody can change in between', async (context) => {
    const { ec2, requests } = await open(context.onTestFinished, afterDryRun(accepted));
    const privateIps = [...WISH.privateIps];
    const wish = { ...WISH, privateIps };
    const permit = await permitFor(ec2, wish);
    privateIps.push('10.0.0.7');
    wish.natGatewayId = 'nat-00000000000000000';
    wish.maxDrainDurationSeconds = 1;
    expect(await ec2.unassign(permit)).toMatchObject({ kind: 'accepted' });
    const [dryRun, real] = requests.map(({ form }) => Object.fromEntries(form));
    expect(real).toEqual({ ...dryRun, DryRun: 'false' });
    expect(real).toMatchObject({
      NatGatewayId: GATEWAY,
      'PrivateIpAddress.1': '10.0.0.5',
      'PrivateIpAddress.2': '10.0.0.6',
      MaxDrainDurationSeconds: '60',
    });
    expect(real).not.toHaveProperty('PrivateIpAddress.3');
  });

  it.for<[string, Reply]>([
    ['every address unassigning', accepted],
    ['them in another order', unassigned(GATEWAY, '10.0.0.6 unassigning', '10.0.0.5 unassigning')],
    [
      'one more that was not asked for',
      unassigned(GATEWAY, '10.0.0.5 unassigning', '10.0.0.6 unassigning', '10.0.0.7 succeeded'),
    ],
  ])('is accepted when EC2 shows the gateway and %s', async ([, reply], { onTestFinished }) => {
    const { ec2, requests } = await open(onTestFinished, afterDryRun(reply));
    const result = await ec2.unassign(await permitFor(ec2));
    expect(result).toMatchObject({ kind: 'accepted', request_id: 'request-1' });
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 1 });
  });

  it.for<[string, Reply, string, string]>([
    ['400 InvalidParameterValue', refusal(400, 'InvalidParameterValue'), 'invalid_argument', 'none'],
    ['400 OperationInProgress', refusal(400, 'OperationInProgress'), 'precondition_failed', 'none'],
    ['400 NatGatewayNotFound', refusal(400, 'NatGatewayNotFound'), 'gateway_not_found', 'none'],
    ['400 of an unknown code', refusal(400, 'SomethingNew'), 'aws_error', 'none'],
    ['401 AuthFailure', refusal(401, 'AuthFailure'), 'not_authorized', 'none'],
    ['403 UnauthorizedOperation', refusal(403, 'UnauthorizedOperation'), 'not_authorized', 'none'],
    ['412 DryRunOperation', dryRunPassed, 'aws_error', 'none'],
    ['503 RequestLimitExceeded', refusal(503, 'RequestLimitExceeded'), 'throttled', 'none'],
  ])('is refused by %s, and sent once', async ([, reply, code], { onTestFinished }) => {
    const { ec2, requests } = await open(onTestFinished, afterDryRun(reply));
    const result = await ec2.unassign(await permitFor(ec2));
    expect(result).toMatchObject({ kind: 'refused', error: { code, request_id: 'request-1' } });
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 1 });
  });

  it.for<[string, Reply, RegExp]>([
    ['a reset', reset, /unreachable/],
    ['a reset within the body', resetWithinBody, /unreachable|bad_response/],
    ['a connection closed without an answer', close, /unreachable/],
    ['no answer at all', hang, /timed_out/],
    ['500 InternalError', refusal(500, 'InternalError'), /aws_error/],
    ['500 of an unknown code', refusal(500, 'SomethingNew'), /aws_error/],
    ['503 Unavailable', refusal(503, 'Unavailable'), /aws_error/],
    ['502 in HTML', html(502), /bad_response/],
    ['504 without a body', answer(504, ''), /bad_response/],
    ['403 without a body', answer(403, ''), /bad_response/],
    ['404 without a body', answer(404, ''), /bad_response/],
    ['302 to elsewhere', answer(302, '', { location: 'http://127.0.0.1:1/' }), /bad_response/],
    ['200 without a body', answer(200, ''), /bad_response/],
    ['200 in HTML', html(200), /bad_response/],
    ['200 that is no XML', answer(200, '{"ok":true}'), /bad_response/],
    ['200 with an error in it', refusal(200, 'InvalidParameterValue'), /bad_response/],
    [
      '200 for another gateway',
      unassigned('nat-0fedcba9876543210', '10.0.0.5 unassigning', '10.0.0.6 unassigning'),
      /bad_response/,
    ],
    ['200 without one of the addresses', unassigned(GATEWAY, '10.0.0.5 unassigning'), /bad_response/],
    ['200 without addresses', unassigned(GATEWAY), /bad_response/],
    [
      '200 with an address that is still succeeded',
      unassigned(GATEWAY, '10.0.0.5 unassigning', '10.0.0.6 succeeded'),
      /bad_response/,
    ],
    [
      '200 with a longer address that begins like one asked for',
      unassigned(GATEWAY, '10.0.0.5 unassigning', '10.0.0.60 unassigning'),
      /bad_response/,
    ],
  ])('is ambiguous after %s, and sent once', async ([name, reply, code], { onTestFinished }) => {
    const timeouts = name === 'no answer at all' ? QUICK : {};
    const { ec2, requests } = await open(onTestFinished, afterDryRun(reply), { timeouts });
    const result = await ec2.unassign(await permitFor(ec2));
    expect(result).toMatchObject({ kind: 'ambiguous', error: { code: expect.stringMatching(code) } });
    if (result.kind === 'ambiguous') expect(result.error.hint).toMatch(SENTENCE);
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 1 });
  });

  it('is refused when the endpoint is gone since the dry run, because nothing was sent', async (context) => {
    const { ec2, stub, requests } = await open(context.onTestFinished, (response, request) => {
      response.setHeader('connection', 'close');
      dryRunPassed(response, request);
    });
    const permit = await permitFor(ec2);
    await stub.close();
    expect(await ec2.unassign(permit)).toMatchObject({
      kind: 'refused',
      error: { code: 'unreachable', message: expect.stringContaining('Nothing was sent') },
    });
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 0 });
  });
});

describe.concurrent('a permit', () => {
  it('cannot be spent twice', async ({ onTestFinished }) => {
    const { ec2, requests } = await open(onTestFinished, afterDryRun(accepted));
    const permit = await permitFor(ec2);
    await ec2.unassign(permit);
    await expect(ec2.unassign(permit)).rejects.toThrow('spent');
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 1 });
  });

  it('is spent once by a hundred uses at the same time', async ({ onTestFinished }) => {
    const { ec2, requests } = await open(onTestFinished, afterDryRun(accepted));
    const permit = await permitFor(ec2);
    const uses = await Promise.allSettled(Array.from({ length: 100 }, () => ec2.unassign(permit)));
    expect(uses.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 1 });
  });

  it('is spent by a call that failed as well', async ({ onTestFinished }) => {
    const { ec2, requests } = await open(onTestFinished, afterDryRun(refusal(503, 'RequestLimitExceeded')));
    const permit = await permitFor(ec2);
    expect(await ec2.unassign(permit)).toMatchObject({ kind: 'refused' });
    await expect(ec2.unassign(permit)).rejects.toThrow('spent');
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 1 });
  });

  /** What someone could build who has no passed dry run for this request. */
  const forgeries: [string, (genuine: object) => object][] = [
    ['an object with the same method', () => ({ spend: () => WISH })],
    ['an empty object', () => ({})],
    ['an object made from the prototype of a genuine one', (genuine) => Object.create(genuine)],
    [
      'one made by the constructor of a genuine one',
      (genuine) => {
        const { constructor: Kind } = Object.getPrototypeOf(genuine);
        return new Kind({ ...WISH, privateIps: ['10.0.0.9'] });
      },
    ],
    [
      'a genuine one with another method put in front',
      (genuine) => Object.assign(Object.create(genuine), { spend: () => WISH }),
    ],
  ];

  it.for(forgeries)('is not %s', async ([, forge], { onTestFinished }) => {
    const { ec2, requests } = await open(onTestFinished, afterDryRun(accepted));
    const genuine = await permitFor(ec2);
    const use = async () => ec2.unassign(forge(genuine) as Permit);
    await expect(use()).rejects.toThrow();
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 0 });
  });
});

/** Everything by which the SDK finds credentials and regions; undefined takes a variable away. */
const AWS_VARIABLES = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_PROFILE',
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_SDK_LOAD_CONFIG',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_ROLE_ARN',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_ENDPOINT_URL',
  'AWS_ENDPOINT_URL_EC2',
];

describe('credentials and region', () => {
  let home: string;

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'home-'));
    for (const variable of AWS_VARIABLES) vi.stubEnv(variable, undefined);
    vi.stubEnv('HOME', home);
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(home, 'credentials'));
    vi.stubEnv('AWS_CONFIG_FILE', join(home, 'config'));
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  });

  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(home, { recursive: true });
  });

  const writeCredentials = (accessKeyId: string): void =>
    writeFileSync(
      join(home, 'credentials'),
      `[ops]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = secret\n`,
    );

  const ops = { target: { credentials: undefined, profile: 'ops' } };

  it('that nobody gives are told as credentials_missing, and nothing is sent', async ({ onTestFinished }) => {
    const { ec2, requests } = await open(onTestFinished, emptyPage, { target: { credentials: undefined } });
    const report = await reportOf(read(ec2));
    expect(report).toMatchObject({ code: 'credentials_missing', retryable: true });
    expect(report.hint).toMatch(SENTENCE);
    expect(report.hint).toContain('--simulate');
    expect(requests).toEqual([]);
  });

  it('of a profile that does not exist are told as missing from it', async ({ onTestFinished }) => {
    const { ec2, requests } = await open(onTestFinished, emptyPage, ops);
    const report = await reportOf(read(ec2));
    expect(report).toMatchObject({ code: 'credentials_missing', retryable: true });
    expect(report.hint).toContain('in profile ops');
    expect(report.hint).toContain('aws sso login --profile ops');
    expect(requests).toEqual([]);
  });

  it('of an SSO profile that nobody is logged in to are told as expired, with the login', async (context) => {
    writeFileSync(
      join(home, 'config'),
      `[profile ops]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = ReadOnly
[sso-session corp]
sso_region = us-east-1
sso_start_url = https://example.awsapps.com/start
`,
    );
    const { ec2, requests } = await open(context.onTestFinished, emptyPage, ops);
    const report = await reportOf(read(ec2));
    expect(report).toMatchObject({ code: 'credentials_expired', retryable: true });
    expect(report.hint).toContain('aws sso login --profile ops');
    expect(requests).toEqual([]);
  });

  it.for<[string, number]>([
    ['AuthFailure', 401],
    ['ExpiredToken', 400],
    ['RequestExpired', 400],
    ['InvalidClientTokenId', 403],
    ['UnrecognizedClientException', 400],
  ])('that were renewed elsewhere are found after %s (%i)', async ([code, status], { onTestFinished }) => {
    writeCredentials('AKIAFIRST');
    const reply: Reply = (response, request) => {
      writeCredentials('AKIASECOND');
      (request.accessKeyId === 'AKIASECOND' ? emptyPage : refusal(status, code))(response, request);
    };
    const { ec2, requests } = await open(onTestFinished, reply, ops);
    expect(await read(ec2)).toEqual({ natGateways: [], nextToken: undefined });
    expect(requests.map(({ accessKeyId }) => accessKeyId)).toEqual(['AKIAFIRST', 'AKIASECOND']);
    await read(ec2);
    expect(requests.at(-1)?.accessKeyId).toBe('AKIASECOND');
  });

  it('that were renewed elsewhere are found in a region that has to be enabled as well', async (context) => {
    writeCredentials('AKIAFIRST');
    const reply: Reply = (response, request) => {
      writeCredentials('AKIASECOND');
      (request.accessKeyId === 'AKIASECOND' ? emptyPage : refusal(401, 'AuthFailure'))(response, request);
    };
    const { ec2 } = await open(context.onTestFinished, reply, ops);
    expect(await read(ec2, 'ap-east-1')).toEqual({ natGateways: [], nextToken: undefined });
  });

  it('that appear after a call without any are found by the next call', async ({ onTestFinished }) => {
    const { ec2 } = await open(onTestFinished, emptyPage, ops);
    expect((await reportOf(read(ec2))).code).toBe('credentials_missing');
    writeCredentials('AKIAFIRST');
    expect(await read(ec2)).toEqual({ natGateways: [], nextToken: undefined });
  });

  it('are renewed for a dry run, and its real call uses the new ones', async ({ onTestFinished }) => {
    writeCredentials('AKIAFIRST');
    const reply: Reply = (response, request) => {
      writeCredentials('AKIASECOND');
      const known = request.accessKeyId === 'AKIASECOND';
      (known ? afterDryRun(accepted) : refusal(401, 'AuthFailure'))(response, request);
    };
    const { ec2, requests } = await open(onTestFinished, reply, ops);
    expect(await ec2.unassign(await permitFor(ec2))).toMatchObject({ kind: 'accepted' });
    expect(requests.map(({ accessKeyId, dryRun }) => [accessKeyId, dryRun])).toEqual([
      ['AKIAFIRST', true],
      ['AKIASECOND', true],
      ['AKIASECOND', false],
    ]);
  });

  it('of another account, found for a dry run, bring the account they belong to', async (context) => {
    writeCredentials('AKIAFIRST');
    const accountOf: AccountOf = (key) => (key === 'AKIAFIRST' ? '111111111111' : '222222222222');
    const reply: Reply = (response, request) => {
      if (request.action === 'DescribeNatGateways') return emptyPage(response, request);
      writeCredentials('AKIASECOND');
      const known = request.accessKeyId === 'AKIASECOND';
      (known ? afterDryRun(accepted) : refusal(400, 'RequestExpired'))(response, request);
    };
    const { ec2 } = await open(context.onTestFinished, reply, { ...ops, accountOf });
    expect(await ec2.accountId(REGION)).toBe('111111111111');
    expect(await ec2.dryRun(WISH, patient)).toMatchObject({ passed: true, accountId: '222222222222' });
    expect(await ec2.accountId(REGION)).toBe('222222222222');
  });

  it('that change after a dry run sign no real call: they may be of another account', async (context) => {
    writeCredentials('AKIAFIRST');
    const reply: Reply = (response, request) => {
      const isRead = request.action === 'DescribeNatGateways';
      if (isRead && request.accessKeyId === 'AKIAFIRST') refusal(400, 'RequestExpired')(response, request);
      else (isRead ? emptyPage : afterDryRun(accepted))(response, request);
    };
    const { ec2, requests } = await open(context.onTestFinished, reply, ops);
    const permit = await permitFor(ec2);
    writeCredentials('AKIASECOND');
    await read(ec2);
    expect(await ec2.unassign(permit)).toMatchObject({
      kind: 'refused',
      error: { code: 'credentials_expired', retryable: true },
    });
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 0 });
    expect(await ec2.unassign(await permitFor(ec2))).toMatchObject({ kind: 'accepted' });
  });

  it('that hang hold up a call no longer than its read', async ({ onTestFinished }) => {
    const script = join(home, 'hang.mjs');
    writeFileSync(script, 'setTimeout(() => {}, 60_000);');
    writeFileSync(
      join(home, 'config'),
      `[profile ops]\ncredential_process = "${process.execPath}" "${script}"\n`,
    );
    const { ec2, requests } = await open(onTestFinished, emptyPage, { ...ops, timeouts: { read: 100 } });
    const dryRun = await ec2.dryRun(WISH, patient);
    expect(dryRun).toMatchObject({ passed: false, error: { code: 'timed_out' } });
    expect(dryRun.accountId).toBeUndefined();
    expect(await ec2.accountId(REGION)).toBeUndefined();
    expect(requests).toEqual([]);
  });

  it('are those of this server, by its name and version in every user agent', async ({ onTestFinished }) => {
    writeCredentials('AKIAFIRST');
    const { ec2, requests } = await open(onTestFinished, afterDryRun(accepted), ops);
    expect(await ec2.unassign(await permitFor(ec2))).toMatchObject({ kind: 'accepted' });
    expect(requests).toHaveLength(2);
    for (const { userAgent } of requests) expect(userAgent).toMatch(/(^| )nat-gateway-mcp\/0\.0\.0( |$)/);
  });

  it('are renewed once, and the failure is told if that did not help', async ({ onTestFinished }) => {
    writeCredentials('AKIAFIRST');
    const { ec2, requests } = await open(onTestFinished, refusal(401, 'AuthFailure'), ops);
    expect(await reportOf(read(ec2))).toMatchObject({
      code: 'not_authorized',
      aws_code: 'AuthFailure',
      hint: expect.stringContaining('aws sts get-caller-identity --profile ops'),
    });
    expect(requests).toHaveLength(2);
  });

  it('are not renewed for a permission that is lacking', async ({ onTestFinished }) => {
    writeCredentials('AKIAFIRST');
    const { ec2, requests, kept } = await open(onTestFinished, refusal(403, 'UnauthorizedOperation'), ops);
    expect(await reportOf(read(ec2))).toMatchObject({ code: 'not_authorized' });
    expect(requests).toHaveLength(1);
    expect(kept.log).not.toContain('resolved afresh');
  });

  it('are not renewed for a real call, which is sent once', async ({ onTestFinished }) => {
    writeCredentials('AKIAFIRST');
    const { ec2, requests } = await open(onTestFinished, afterDryRun(refusal(401, 'AuthFailure')), ops);
    const result = await ec2.unassign(await permitFor(ec2));
    expect(result).toMatchObject({ kind: 'refused', error: { code: 'not_authorized' } });
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 1 });
  });

  it('are renewed once for reads that fail on them together', async ({ onTestFinished }) => {
    const runs = join(home, 'runs');
    const script = join(home, 'login.mjs');
    writeFileSync(runs, '');
    writeFileSync(
      script,
      `import { appendFileSync, readFileSync } from 'node:fs';
appendFileSync(${JSON.stringify(runs)}, '.');
const AccessKeyId = 'AKIA' + readFileSync(${JSON.stringify(runs)}, 'utf8').length;
console.log(JSON.stringify({ Version: 1, AccessKeyId, SecretAccessKey: 'secret' }));`,
    );
    writeFileSync(
      join(home, 'config'),
      `[profile ops]\ncredential_process = "${process.execPath}" "${script}"\n`,
    );
    const waiting: (() => void)[] = [];
    const reply: Reply = (response, request) => {
      if (request.accessKeyId !== 'AKIA1') return emptyPage(response, request);
      waiting.push(() => refusal(401, 'AuthFailure')(response, request));
      if (waiting.length === 5) for (const go of waiting) go();
    };
    const { ec2, requests } = await open(onTestFinished, reply, ops);
    await Promise.all(Array.from({ length: 5 }, () => read(ec2)));
    expect(requests.map(({ accessKeyId }) => accessKeyId).sort()).toEqual([
      ...Array(5).fill('AKIA1'),
      ...Array(5).fill('AKIA2'),
    ]);
    expect(readFileSync(runs, 'utf8')).toHaveLength(2);
  });

  it('never reach the log, whatever fails', async ({ onTestFinished }) => {
    writeCredentials('AKIAFIRST');
    const { ec2, kept } = await open(onTestFinished, refusal(401, 'AuthFailure'), ops);
    await reportOf(read(ec2));
    expect(kept.log).toContain('resolved afresh');
    expect(kept.log).not.toMatch(/AKIAFIRST|secret/i);
  });

  function regions(target: Ec2Target) {
    return connectEc2(target, '0.0.0', keepLog().logger);
  }

  it('the region of a call is the one it names, else the one configured, else the one AWS_REGION names', async () => {
    vi.stubEnv('AWS_REGION', 'eu-west-3');
    expect(await regions({ region: 'eu-west-2' }).region('eu-west-1')).toBe('eu-west-1');
    expect(await regions({ region: 'eu-west-2' }).region(undefined)).toBe('eu-west-2');
    expect(await regions({}).region(undefined)).toBe('eu-west-3');
  });

  it('the region of the profile is used', async () => {
    writeFileSync(join(home, 'config'), '[profile ops]\nregion = eu-north-1\n');
    expect(await regions({ profile: 'ops' }).region(undefined)).toBe('eu-north-1');
  });

  it('a region that nobody names is told as region_unknown, and looked for again by the next call', async () => {
    const ec2 = regions({});
    const report = await reportOf(ec2.region(undefined));
    expect(report).toMatchObject({ code: 'region_unknown', retryable: false });
    expect(report.hint).toMatch(SENTENCE);
    expect(report.hint).toContain('--region');
    vi.stubEnv('AWS_REGION', 'eu-west-3');
    expect(await ec2.region(undefined)).toBe('eu-west-3');
  });

  it('a region that is no part of a host name is not taken from AWS_REGION', async () => {
    vi.stubEnv('AWS_REGION', 'us-east-1.example.com/');
    expect(await reportOf(regions({}).region(undefined))).toMatchObject({ code: 'region_unknown' });
  });
});
