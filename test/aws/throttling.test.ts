import { describe, expect, it } from 'vitest';
import { afterDryRun, ec2Error, emptyPage } from '../support/ec2-replies.ts';
import { connectToStub, failureReport, permitFor, readAll, SENTENCE, sent } from '../support/ec2-stub.ts';

const throttled = (retryAfter: string) =>
  ec2Error(503, 'RequestLimitExceeded', undefined, { 'retry-after': retryAfter });

describe.concurrent('a throttled read', () => {
  it('reports throttled with the Retry-After of EC2', async ({ onTestFinished }) => {
    const { ec2, requests } = await connectToStub(onTestFinished, throttled('2'));
    expect(await failureReport(readAll(ec2))).toMatchObject({ code: 'throttled', retry_after_seconds: 2 });
    expect(requests).toHaveLength(3);
  });

  it('succeeds when only the first attempt is throttled', async ({ onTestFinished }) => {
    const { ec2, requests } = await connectToStub(onTestFinished, (response, request) =>
      (request.index === 0 ? throttled('1') : emptyPage)(response, request),
    );
    expect(await readAll(ec2)).toEqual({ natGateways: [], nextToken: undefined });
    expect(requests).toHaveLength(2);
  });

  it('is not repeated before Retry-After has passed, and reports throttled, not a timeout', async (context) => {
    const options = { timeouts: { read: 2000 } };
    const { ec2, requests } = await connectToStub(context.onTestFinished, throttled('60'), options);
    expect(await failureReport(readAll(ec2))).toMatchObject({
      code: 'throttled',
      retryable: true,
      retry_after_seconds: 60,
    });
    expect(requests).toHaveLength(1);
  });
});

describe.concurrent('a throttled real call', () => {
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
  ] as const)('is refused with %s (%i) and sent once', async ([awsCode, status], { onTestFinished }) => {
    const reply = afterDryRun(ec2Error(status, awsCode, undefined, { 'retry-after': '7' }));
    const { ec2, requests } = await connectToStub(onTestFinished, reply);
    expect(await ec2.unassign.send(await permitFor(ec2))).toEqual({
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
  });
});
