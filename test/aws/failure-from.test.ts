import { describe, expect, it } from 'vitest';
import type { RequestContext } from '../../src/aws/aws-codes.ts';
import { concernsCredentials, failureFrom } from '../../src/aws/failure-from.ts';
import { cancelled } from '../../src/vocabulary/failure.ts';

/** Pure: what is made of an error, however it came about. */

const NOW = Date.UTC(2026, 0, 2);
const context: RequestContext = { region: 'us-east-1', now: NOW };

interface Answered {
  status?: number;
  attempts?: number;
  message?: string;
  headers?: Record<string, string>;
}

/** An error as the SDK makes it of EC2's error envelope. */
function answered(code: string, { status, attempts = 1, message = 'says EC2', headers = {} }: Answered = {}) {
  return Object.assign(new Error(message), {
    name: code,
    Code: code,
    $fault: 'client',
    $metadata: { httpStatusCode: status, attempts },
    $response: { headers },
  });
}

describe('whether a refusal proves that nothing was done', () => {
  it.each<[string, unknown, 'none' | 'possible']>([
    ['a 4xx to the only try', answered('InvalidParameterValue', { status: 400 }), 'none'],
    ['a 499', answered('InvalidParameterValue', { status: 499 }), 'none'],
    ['a 4xx after another try', answered('InvalidParameterValue', { status: 400, attempts: 2 }), 'possible'],
    ['no status', answered('InvalidParameterValue'), 'possible'],
    ['a 2xx', answered('InvalidParameterValue', { status: 200 }), 'possible'],
    ['a 3xx', answered('InvalidParameterValue', { status: 399 }), 'possible'],
    ['a 5xx', answered('InternalError', { status: 500 }), 'possible'],
    ['throttling, whatever the status', answered('RequestLimitExceeded', { status: 503 }), 'none'],
    [
      'words about a region in an answer without a code',
      Object.assign(new Error('Region is missing'), { $metadata: { httpStatusCode: 500 } }),
      'possible',
    ],
    [
      'the name of a provider in an answer without a code',
      Object.assign(new Error('x'), { name: 'ProviderError', $metadata: { httpStatusCode: 500 } }),
      'possible',
    ],
    ['no answer in time', Object.assign(new Error('late'), { name: 'TimeoutError' }), 'possible'],
    ['given up', Object.assign(new Error('gone'), { name: 'AbortError' }), 'possible'],
  ])('%s', (_, error, effect) => {
    expect(failureFrom(error, context).effect).toBe(effect);
  });

  it('says success only of a 2xx', () => {
    const html = (status?: number): unknown =>
      Object.assign(new Error('no XML'), { $metadata: { httpStatusCode: status } });
    for (const [status, saidSuccess] of [
      [200, true],
      [299, true],
      [199, false],
      [300, false],
      [500, false],
    ] as const) {
      expect(failureFrom(html(status), context)).toMatchObject({
        saidSuccess,
        report: { code: 'bad_response' },
      });
    }
    expect(failureFrom(html(), context)).toMatchObject({ saidSuccess: false, report: { code: 'internal' } });
  });
});

describe('what an error is called', () => {
  it.each<[string, unknown, string]>([
    ['TimeoutError', Object.assign(new Error(), { name: 'TimeoutError' }), 'timed_out'],
    ['AbortError', Object.assign(new Error(), { name: 'AbortError' }), 'timed_out'],
    ['ETIMEDOUT', Object.assign(new Error(), { code: 'ETIMEDOUT', syscall: 'connect' }), 'timed_out'],
    ['no region', new Error('Region is missing'), 'region_unknown'],
    [
      'a provider without credentials',
      Object.assign(new Error('none'), { name: 'ProviderError' }),
      'credentials_missing',
    ],
    [
      'a token that is over',
      Object.assign(new Error('Token is expired'), { name: 'TokenProviderError' }),
      'credentials_expired',
    ],
    ['a TLS code in the middle of a word', Object.assign(new Error(), { code: 'XERR_SSL_ODD' }), 'internal'],
    ['a code without its envelope', { name: 'NatGatewayNotFound', Code: 'NatGatewayNotFound' }, 'internal'],
    ['an envelope of another code', { ...answered('X'), name: 'NatGatewayNotFound', Code: 'Y' }, 'internal'],
    ['an envelope called Unknown', { ...answered('Unknown'), name: 'Unknown' }, 'internal'],
  ])('%s', (_, error, code) => {
    expect(failureFrom(error, context).report.code).toBe(code);
  });

  it('takes AuthFailure for a region that is not enabled only where it can be: a 401, and one to opt into', () => {
    const code = (status: number, region: string, awsCode = 'AuthFailure'): string =>
      failureFrom(answered(awsCode, { status }), { region, now: NOW }).report.code;
    expect(code(401, 'ap-east-1')).toBe('region_not_enabled');
    expect(code(403, 'ap-east-1')).toBe('not_authorized');
    expect(code(401, 'us-east-1')).toBe('not_authorized');
    expect(code(401, 'ap-east-1', 'InvalidClientTokenId')).toBe('not_authorized');
  });

  it('calls an unknown code of a server at fault retryable, and another not', () => {
    const retryable = (status?: number): boolean =>
      failureFrom(answered('NeverHeardOf', status === undefined ? {} : { status }), context).report.retryable;
    expect([retryable(500), retryable(499), retryable()]).toEqual([true, false, false]);
  });

  it('takes a skewed clock for what it is, from four minutes on', () => {
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

describe('what an error says', () => {
  const message = (text: string): string =>
    failureFrom(answered('UnauthorizedOperation', { status: 403, message: text }), context).report.message;

  it('leaves out what describes the policies of the account, and nothing else', () => {
    const blob = 'Encoded authorization failure message:  abc-DEF_123';
    expect(message(`You may not.  ${blob}`)).toBe('You may not.');
    expect(message(`You may not. ${blob} Really.`)).toBe('You may not. Really.');
    expect(message(`You may not,${blob}`)).toBe('You may not,');
  });

  it('has the code where AWS has no words, and words that only resemble those of none', () => {
    expect(message('UnknownError')).toBe('UnauthorizedOperation');
    expect(message('No UnknownError')).toBe('No UnknownError');
    expect(message('UnknownError, again')).toBe('UnknownError, again');
  });

  it('names the profile wherever there is one', () => {
    const hint = (profile?: string): string =>
      failureFrom(Object.assign(new Error('none'), { name: 'CredentialsProviderError' }), {
        ...context,
        ...(profile === undefined ? {} : { profile }),
      }).report.hint;
    expect(hint('ops')).toContain('in profile ops.');
    expect(hint('ops')).toContain('aws sso login --profile ops');
    expect(hint()).not.toMatch(/profile undefined|in profile/);
  });

  it('tells when to come again only where AWS does, and not beyond an hour', () => {
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

  it('has the codes of what an error wraps, and its own only where it wraps none', () => {
    const inner = Object.assign(new Error(), { code: 'ECONNRESET', syscall: 'read' });
    const outer = Object.assign(new Error('outer', { cause: inner }), { code: 'OUTER' });
    expect(failureFrom(outer, context).report.message).toContain('(ECONNRESET)');
    const deep = [1, 2, 3, 4].reduce((cause: Error) => new Error('wrapped', { cause }), inner);
    expect(failureFrom(deep, context).report.message).toContain('(ECONNRESET)');
    expect(failureFrom(new Error('one more', { cause: deep }), context).report.code).toBe('internal');
  });
});

describe('what may be mended with other credentials', () => {
  const concerns = (error: unknown, region = 'us-east-1'): boolean =>
    concernsCredentials(failureFrom(error, { region, now: NOW }));

  it('is what AWS does not accept, and not what it does not permit', () => {
    expect(concerns(answered('AuthFailure', { status: 401 }))).toBe(true);
    expect(concerns(answered('AuthFailure', { status: 401 }), 'ap-east-1')).toBe(true);
    expect(concerns(answered('OptInRequired', { status: 401 }), 'ap-east-1')).toBe(false);
    expect(concerns(answered('UnauthorizedOperation', { status: 403 }))).toBe(false);
    expect(concerns(answered('InvalidParameterValue', { status: 400 }))).toBe(false);
  });

  it('is nothing of a call that was cancelled, which may come again', () => {
    expect(concernsCredentials(cancelled())).toBe(false);
    expect(cancelled().report).toMatchObject({ code: 'timed_out', retryable: true });
  });
});
