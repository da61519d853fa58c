import { describe, expect, it } from 'vitest';
import {
  ec2Error,
  emptyPage,
  html,
  neverAnswer,
  type Reply,
  reset,
  resetWithinBody,
} from '../support/ec2-replies.ts';
import { connectToStub, failureReport, REGION, readAll, SENTENCE } from '../support/ec2-stub.ts';

describe.concurrent('a read', () => {
  it.for<[number, string, Reply]>([
    [3, 'a reset', reset],
    [3, 'a reset within the body', resetWithinBody],
    [3, '500 InternalError', ec2Error(500, 'InternalError')],
    [3, '503 Unavailable', ec2Error(503, 'Unavailable')],
    [3, '502 in HTML', html(502)],
    [1, '400 InvalidParameterValue', ec2Error(400, 'InvalidParameterValue')],
    [1, '403 UnauthorizedOperation', ec2Error(403, 'UnauthorizedOperation')],
    [1, '200 in HTML', html(200)],
  ])('takes %i attempt(s) when every answer is %s', async ([times, , reply], { onTestFinished }) => {
    const { ec2, requests } = await connectToStub(onTestFinished, reply);
    await failureReport(readAll(ec2));
    expect(requests.map(({ action }) => action)).toEqual(Array(times).fill('DescribeNatGateways'));
  });

  it.for<[string, Reply]>([
    ['a reset', reset],
    ['500 InternalError', ec2Error(500, 'InternalError')],
    ['503 in HTML', html(503)],
  ])('succeeds when only the first answer is %s', async ([, reply], { onTestFinished }) => {
    const { ec2, requests } = await connectToStub(onTestFinished, (response, request) =>
      (request.index === 0 ? reply : emptyPage)(response, request),
    );
    expect(await readAll(ec2)).toEqual({ natGateways: [], nextToken: undefined });
    expect(requests).toHaveLength(2);
  });
});

describe.concurrent('a read that EC2 does not answer', () => {
  it('reports timed_out after three attempts', async ({ onTestFinished }) => {
    const timeouts = { readAttempt: 1000 };
    const { ec2, requests } = await connectToStub(onTestFinished, neverAnswer, { timeouts });
    const report = await failureReport(readAll(ec2));
    expect(report).toMatchObject({ code: 'timed_out', retryable: true });
    expect(report.hint).toMatch(SENTENCE);
    expect(requests).toHaveLength(3);
  });

  it('reports timed_out with the time allowed for all attempts', async ({ onTestFinished }) => {
    const { ec2 } = await connectToStub(onTestFinished, neverAnswer, { timeouts: { read: 500 } });
    expect(await failureReport(readAll(ec2))).toMatchObject({
      code: 'timed_out',
      message: expect.stringContaining('0.5 s'),
    });
  });

  it('reports the cancellation and is not repeated when its caller cancels', async ({ onTestFinished }) => {
    const caller = new AbortController();
    const { ec2, requests } = await connectToStub(onTestFinished, () => caller.abort());
    const report = await failureReport(ec2.readPage(REGION, { filters: [] }, caller.signal));
    expect(report).toMatchObject({ code: 'timed_out', message: expect.stringContaining('cancelled') });
    expect(requests).toHaveLength(1);
  });
});
