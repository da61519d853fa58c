import { describe, expect, it } from 'vitest';
import type { Stage } from '../../src/aws/attempts.ts';
import type { RequestContext } from '../../src/aws/aws-codes.ts';
import { concernsSession, failureFrom, outOfTime } from '../../src/aws/failure-from.ts';
import { ProxyError } from '../../src/proxy/proxy.ts';
import { cancelled } from '../../src/vocabulary/failure.ts';

const NOW = Date.UTC(2026, 0, 2);
const context: RequestContext = { region: 'us-east-1', now: NOW };

interface AnswerOptions {
  status?: number;
  attempts?: number | undefined;
  message?: string;
  headers?: Record<string, string>;
}

/** The error that the SDK makes of EC2's error envelope; answered at the first attempt unless `attempts` is given. */
function answered(code: string, options: AnswerOptions = {}) {
  const { status, attempts, message = 'says EC2', headers = {} } = { attempts: 1, ...options };
  return Object.assign(new Error(message), {
    name: code,
    Code: code,
    $fault: 'client',
    $metadata: { httpStatusCode: status, attempts },
    $response: { headers },
  });
}

/** An error of Node. */
function nodeError(code: string, syscall?: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}

describe('the effect of a failed request', () => {
  it.each<['none' | 'possible', string, unknown]>([
    ['none', 'a 4xx at the only attempt', answered('InvalidParameterValue', { status: 400 })],
    ['none', 'a 499', answered('InvalidParameterValue', { status: 499 })],
    [
      'possible',
      'a 4xx at the second attempt',
      answered('InvalidParameterValue', { status: 400, attempts: 2 }),
    ],
    [
      'possible',
      'a 4xx at an unknown attempt',
      answered('InvalidParameterValue', { status: 400, attempts: undefined }),
    ],
    ['possible', 'no status', answered('InvalidParameterValue')],
    ['possible', 'a 2xx', answered('InvalidParameterValue', { status: 200 })],
    ['possible', 'a 3xx', answered('InvalidParameterValue', { status: 399 })],
    ['possible', 'a 5xx', answered('InternalError', { status: 500 })],
    ['none', 'throttling with a 5xx', answered('RequestLimitExceeded', { status: 503 })],
    [
      'possible',
      'a message about a region in an answer without a code',
      Object.assign(new Error('Region is missing'), { $metadata: { httpStatusCode: 500 } }),
    ],
    [
      'possible',
      'the name of a credential provider in an answer without a code',
      Object.assign(new Error('x'), { name: 'ProviderError', $metadata: { httpStatusCode: 500 } }),
    ],
    ['possible', 'a timeout', Object.assign(new Error('late'), { name: 'TimeoutError' })],
    ['possible', 'an abort', Object.assign(new Error('gone'), { name: 'AbortError' })],
  ])('is "%s" after %s', (effect, _, error) => {
    expect(failureFrom(error, context).effect).toBe(effect);
  });

  it('is possible after a status without EC2 in it, and after none', () => {
    const html = (status?: number): unknown =>
      Object.assign(new Error('no XML'), { $metadata: { httpStatusCode: status } });
    for (const status of [199, 200, 299, 300, 500]) {
      expect(failureFrom(html(status), context)).toMatchObject({
        effect: 'possible',
        report: { code: 'bad_response' },
      });
    }
    expect(failureFrom(html(), context).report.code).toBe('internal');
  });
});

describe('the stage that a failed request reached', () => {
  const at = (stage: Stage, error: unknown) => failureFrom(error, { ...context, stage });
  const hangup = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
  const late = Object.assign(new Error('late'), { name: 'TimeoutError' });

  it.each<[string, unknown]>([
    ['a 503', answered('ServiceUnavailable', { status: 503 })],
    ['a 403 after several attempts', answered('AccessDenied', { status: 403, attempts: 3 })],
    ['a 403 of two sentences', answered('AccessDenied', { status: 403, message: 'No. Not you' })],
    ['HTML', Object.assign(new Error('no XML'), { $metadata: { httpStatusCode: 502 } })],
    ['a reset', hangup],
    ['a timeout', late],
    ['an unknown error', new Error('SQLSTATE 42')],
  ])('decides that nothing was sent without a connection, after %s', (_, error) => {
    for (const stage of ['preparing', 'connecting'] as const) {
      const { effect, report } = at(stage, error);
      expect(effect).toBe('none');
      expect(report.message).toMatch(/[^.]\. Nothing was sent\.$/);
    }
  });

  it.each<[string, unknown, 'none' | 'possible']>([
    ['a reset', hangup, 'possible'],
    ['a failure to connect', nodeError('ECONNREFUSED', 'connect'), 'possible'],
    [
      'the error of a credential provider',
      Object.assign(new Error('x'), { name: 'ProviderError' }),
      'possible',
    ],
    ['a 4xx', answered('InvalidParameterValue', { status: 400 }), 'none'],
    ['a 5xx', answered('InternalError', { status: 500 }), 'possible'],
    ['throttling', answered('RequestLimitExceeded', { status: 503 }), 'none'],
  ])('leaves it to the answer of EC2 alone with a connection, after %s', (_, error, effect) => {
    const failure = at('connected', error);
    expect(failure.effect).toBe(effect);
    expect(failure.report.message).not.toContain('Nothing was sent');
  });

  it('tells what took too long', () => {
    const messages = (stage: Stage) => [
      at(stage, late).report.message,
      outOfTime(10, undefined, { ...context, stage }).report.message,
    ];
    expect(messages('preparing')).toEqual([
      'The credentials were not there in time. Nothing was sent.',
      'The credentials were not there within 10 s. Nothing was sent.',
    ]);
    expect(messages('connecting')).toEqual([
      'There was no connection to EC2 in us-east-1 in time. Nothing was sent.',
      'There was no connection to EC2 in us-east-1 within 10 s. Nothing was sent.',
    ]);
    expect(messages('connected')).toEqual(['EC2 did not answer in time.', 'EC2 did not answer within 10 s.']);
  });

  it.each<Stage>(['preparing', 'connecting', 'connected'])('leaves a timeout retryable: %s', (stage) => {
    expect(at(stage, late).report).toMatchObject({ code: 'timed_out', retryable: true });
  });

  it('makes an unknown error of connecting unreachable, not internal', () => {
    const error = new Error('an unknown text');
    expect(at('connecting', error).report).toMatchObject({ code: 'unreachable', retryable: true });
    expect(at('connecting', error).report.message).not.toContain('unknown text');
    expect(at('preparing', error).report.code).toBe('internal');
    expect(at('connected', error).report.code).toBe('internal');
  });
});

describe('the error of a proxy', () => {
  it.each([
    [false, true, 'unreachable'],
    [false, false, 'unreachable'],
    [true, true, 'timed_out'],
  ])('is passed on with its hint (time ran out: %s, retryable: %s): %s', (isTimeout, isRetryable, code) => {
    const error = new ProxyError('The proxy is away', { hint: 'Start it.', isTimeout, isRetryable });
    const { report, effect } = failureFrom(error, { ...context, stage: 'connecting' });
    expect(report).toEqual({
      code,
      message: 'The proxy is away. Nothing was sent.',
      retryable: isRetryable,
      hint: 'Start it.',
    });
    expect(effect).toBe('none');
  });
});

describe('the error code', () => {
  it.each<[string, string, unknown]>([
    ['timed_out', 'TimeoutError', Object.assign(new Error(), { name: 'TimeoutError' })],
    ['timed_out', 'AbortError', Object.assign(new Error(), { name: 'AbortError' })],
    ['timed_out', 'ETIMEDOUT', nodeError('ETIMEDOUT', 'connect')],
    ['region_unknown', 'a missing region', new Error('Region is missing')],
    ['internal', 'a TLS code in the middle of a word', Object.assign(new Error(), { code: 'XERR_SSL_ODD' })],
    ['internal', 'a code without its envelope', { name: 'NatGatewayNotFound', Code: 'NatGatewayNotFound' }],
    [
      'internal',
      'an envelope with another code',
      { ...answered('X'), name: 'NatGatewayNotFound', Code: 'Y' },
    ],
    ['internal', 'an envelope named Unknown', { ...answered('Unknown'), name: 'Unknown' }],
    ['invalid_argument', 'InvalidParameterValue', answered('InvalidParameterValue', { status: 400 })],
  ])('is %s for %s', (code, _, error) => {
    expect(failureFrom(error, context).report.code).toBe(code);
  });

  it('is region_not_enabled for AuthFailure only with a 401 and in an opt-in region', () => {
    const report = (status: number, region: string, awsCode = 'AuthFailure') =>
      failureFrom(answered(awsCode, { status }), { region, now: NOW }).report;
    expect(report(401, 'ap-east-1')).toMatchObject({
      code: 'region_not_enabled',
      aws_code: 'AuthFailure',
      hint: expect.stringContaining('--region-name ap-east-1'),
    });
    expect(report(403, 'ap-east-1').code).toBe('not_authorized');
    expect(report(401, 'us-east-1').code).toBe('not_authorized');
    expect(report(401, 'ap-east-1', 'InvalidClientTokenId').code).toBe('not_authorized');
  });

  it('is a retryable aws_error for an unknown code with a 5xx only', () => {
    const report = (status?: number) =>
      failureFrom(answered('NeverHeardOf', status === undefined ? {} : { status }), context).report;
    expect(report(500)).toMatchObject({ code: 'aws_error', retryable: true, aws_code: 'NeverHeardOf' });
    expect([report(499).retryable, report().retryable]).toEqual([false, false]);
  });

  it('is clock_skew when the Date of the answer differs by four minutes or more', () => {
    const code = (milliseconds: number): string => {
      const date = new Date(NOW + milliseconds).toUTCString();
      return failureFrom(answered('RequestExpired', { status: 400, headers: { date } }), context).report.code;
    };
    expect([code(239_000), code(240_000), code(-240_000)]).toEqual([
      'credentials_expired',
      'clock_skew',
      'clock_skew',
    ]);
    expect(failureFrom(answered('RequestExpired', { status: 400 }), context).report.code).toBe(
      'credentials_expired',
    );
  });
});

describe('a failure below HTTP', () => {
  const elsewhere = { region: 'eu-wset-1', now: NOW };

  it.each([
    'SELF_SIGNED_CERT_IN_CHAIN',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'CERT_HAS_EXPIRED',
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ])('with %s points to the certificate authority and has no effect', (code) => {
    const { report, effect } = failureFrom(nodeError(code), elsewhere);
    expect(report).toMatchObject({ code: 'unreachable', retryable: false });
    expect(report.hint).toContain('NODE_EXTRA_CA_CERTS');
    expect(effect).toBe('none');
  });

  it.each([
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC',
    'ERR_SSL_SSLV3_ALERT_BAD_RECORD_MAC',
  ])('with %s has a possible effect', (code) => {
    expect(failureFrom(nodeError(code), elsewhere)).toMatchObject({
      effect: 'possible',
      report: { code: 'unreachable' },
    });
  });

  it('in name resolution points to the region, which may be mistyped', () => {
    const { report, effect } = failureFrom(nodeError('ENOTFOUND', 'getaddrinfo'), elsewhere);
    expect(report).toMatchObject({ code: 'unreachable', retryable: true });
    expect(report.hint).toContain('eu-wset-1');
    expect(effect).toBe('none');
  });

  it('has no effect when no address of the endpoint could be connected to', () => {
    const errors = ['ECONNREFUSED', 'ENETUNREACH'].map((code) => nodeError(code, 'connect'));
    expect(failureFrom(new AggregateError(errors), elsewhere)).toMatchObject({
      effect: 'none',
      report: { code: 'unreachable' },
    });
  });

  it('has a possible effect when a host becomes unreachable on a connection', () => {
    for (const error of [nodeError('EHOSTUNREACH', 'read'), nodeError('ENETUNREACH')]) {
      expect(failureFrom(error, elsewhere)).toMatchObject({ effect: 'possible' });
    }
    const errors = [nodeError('ECONNREFUSED', 'connect'), nodeError('EHOSTUNREACH', 'read')];
    expect(failureFrom(new AggregateError(errors), elsewhere)).toMatchObject({
      effect: 'possible',
      report: { code: 'unreachable' },
    });
  });

  it('has a possible effect when one of several connections was reset', () => {
    const errors = ['ECONNREFUSED', 'ECONNRESET'].map((code) => Object.assign(new Error(code), { code }));
    expect(failureFrom(new AggregateError(errors), elsewhere)).toMatchObject({
      effect: 'possible',
      report: { code: 'unreachable' },
    });
  });

  it.each<[string, unknown]>([
    ['an error', new Error('SQLSTATE 42')],
    ['an error of another shape', { name: 1, message: ['SQLSTATE 42'], $metadata: 'x' }],
    ['an error whose status is no number', { message: 'SQLSTATE 42', $metadata: { httpStatusCode: '500' } }],
    ['a string', 'SQLSTATE 42'],
    ['null', null],
    ['undefined', undefined],
  ])(
    'of an unknown kind (%s) is internal, has a possible effect, and keeps its message private',
    (_, thrown) => {
      const { report, effect } = failureFrom(thrown, elsewhere);
      expect(report).toMatchObject({ code: 'internal', retryable: false });
      expect(JSON.stringify(report)).not.toContain('SQLSTATE');
      expect(effect).toBe('possible');
    },
  );

  it('is reported with the innermost error codes', () => {
    const inner = nodeError('ECONNRESET', 'read');
    const outer = Object.assign(new Error('outer', { cause: inner }), { code: 'OUTER' });
    expect(failureFrom(outer, context).report.message).toContain('(ECONNRESET)');
    const deep = [1, 2, 3, 4].reduce((cause: Error) => new Error('wrapped', { cause }), inner);
    expect(failureFrom(deep, context).report.message).toContain('(ECONNRESET)');
    expect(failureFrom(new Error('one more', { cause: deep }), context).report.code).toBe('internal');
  });
});

describe('the message', () => {
  const message = (text: string): string =>
    failureFrom(answered('UnauthorizedOperation', { status: 403, message: text }), context).report.message;

  it('leaves out the encoded authorization message, and nothing else', () => {
    const encoded = 'Encoded authorization failure message:  abc-DEF_123';
    expect(message(`You may not.  ${encoded}`)).toBe('You may not.');
    expect(message(`You may not. ${encoded} Really.`)).toBe('You may not. Really.');
    expect(message(`You may not,${encoded}`)).toBe('You may not,');
  });

  it('is the code when the SDK found no message', () => {
    expect(message('UnknownError')).toBe('UnauthorizedOperation');
    expect(message('No UnknownError')).toBe('No UnknownError');
    expect(message('UnknownError, again')).toBe('UnknownError, again');
  });
});

describe('the hint', () => {
  it('names the profile when there is one, quoted for a shell where it needs that', () => {
    const hint = (profile?: string): string =>
      failureFrom(answered('AuthFailure', { status: 401 }), { ...context, profile }).report.hint;
    expect(hint()).toMatch(/aws sts get-caller-identity$/);
    expect(hint('ops')).toMatch(/ --profile ops$/);
    expect(hint("it's prod")).toMatch(/ --profile 'it'\\''s prod'$/);
  });
});

describe('retry_after_seconds', () => {
  it('is the Retry-After of the answer when it is positive, an hour at most', () => {
    const seconds = (value: string): number | undefined =>
      failureFrom(
        answered('RequestLimitExceeded', { status: 503, headers: { 'retry-after': value } }),
        context,
      ).report.retry_after_seconds;
    expect(['0', '-1', 'soon', '', '1.2', '3600', '1e999'].map(seconds)).toEqual([
      ...[undefined, undefined, undefined, undefined],
      ...[2, 3600, 3600],
    ]);
  });
});

describe('concernsSession', () => {
  const concerns = (error: unknown, region = 'us-east-1'): boolean =>
    concernsSession(failureFrom(error, { region, now: NOW }));

  it('is true when AWS does not accept the credentials, false when it denies a permission', () => {
    expect(concerns(answered('AuthFailure', { status: 401 }))).toBe(true);
    expect(concerns(answered('AuthFailure', { status: 401 }), 'ap-east-1')).toBe(true);
    expect(concerns(answered('OptInRequired', { status: 401 }), 'ap-east-1')).toBe(false);
    expect(concerns(answered('UnauthorizedOperation', { status: 403 }))).toBe(false);
    expect(concerns(answered('InvalidParameterValue', { status: 400 }))).toBe(false);
  });

  it('is false for AuthFailure of a skewed clock', () => {
    const headers = { date: new Date(NOW + 3_600_000).toUTCString() };
    expect(concerns(answered('AuthFailure', { status: 401, headers }), 'ap-east-1')).toBe(false);
  });

  it('is false for a cancelled call, which is retryable', () => {
    expect(concernsSession(cancelled())).toBe(false);
    expect(cancelled().report).toMatchObject({ code: 'timed_out', retryable: true });
  });
});
