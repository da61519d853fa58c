import { describe, expect, it } from 'vitest';
import { cancelled, ERRORS, gatewayNotFound, reportOf } from '../../src/vocabulary/failure.ts';

describe('the report of something thrown', () => {
  it('is that of a failure, with the next step of its code', () => {
    expect(reportOf(gatewayNotFound('us-east-1', 'nat-0123456789abcdef0'))).toEqual({
      code: 'gateway_not_found',
      message: expect.stringMatching(/nat-0123456789abcdef0 in us-east-1/),
      retryable: false,
      hint: ERRORS.gateway_not_found.nextStep,
    });
  });

  it('has the next step of a failure that names its own', () => {
    expect(reportOf(cancelled())).toMatchObject({
      retryable: true,
      hint: 'Call again if it is still wanted.',
    });
  });

  it.each([
    ['an error', new Error('a detail')],
    ['an object like a failure', { report: { code: 'aws_error', message: 'a detail' } }],
    ['a text', 'a detail'],
    ['undefined', undefined],
  ])('is internal, without details, for %s', (_, thrown) => {
    const report = reportOf(thrown);
    expect(report).toMatchObject({ code: 'internal', retryable: false, hint: ERRORS.internal.nextStep });
    expect(JSON.stringify(report)).not.toContain('a detail');
  });
});
