import { describe, expect, it } from 'vitest';
import { afterDryRun, ec2Error, emptyPage } from '../support/ec2-replies.ts';
import { connectToStub, failureReport, permitFor, readAll, SENTENCE, sent } from '../support/ec2-stub.ts';

/** A Date header so many hours from the local clock. */
const hoursOff = (hours: number): Record<string, string> => ({
  date: new Date(Date.now() + hours * 3_600_000).toUTCString(),
});

describe.concurrent('an endpoint whose clock differs by hours', () => {
  it.for<[string, number, number]>([
    ['RequestExpired', 400, 5],
    ['RequestExpired', 400, -5],
    ['AuthFailure', 401, 5],
    ['SignatureDoesNotMatch', 403, -5],
  ])('makes %s (%i) of a read clock_skew at %i hours', async ([code, status, hours], context) => {
    const reply = ec2Error(status, code, undefined, hoursOff(hours));
    const { ec2 } = await connectToStub(context.onTestFinished, reply);
    const report = await failureReport(readAll(ec2));
    expect(report).toMatchObject({ code: 'clock_skew', retryable: true, aws_code: code });
    expect(report.hint).toMatch(SENTENCE);
  });

  it('leaves other refusals their meaning', async ({ onTestFinished }) => {
    const reply = ec2Error(400, 'NatGatewayNotFound', undefined, hoursOff(5));
    const { ec2 } = await connectToStub(onTestFinished, reply);
    expect((await failureReport(readAll(ec2))).code).toBe('gateway_not_found');
  });

  it('makes a read sign again with the time of the endpoint', async ({ onTestFinished }) => {
    const ahead = 5 * 3_600_000;
    const { ec2, requests } = await connectToStub(onTestFinished, (response, request) => {
      const skewed = Math.abs(request.signedAt - (Date.now() + ahead)) > 300_000;
      const reply = skewed ? ec2Error(400, 'RequestExpired', undefined, hoursOff(5)) : emptyPage;
      reply(response, request);
    });
    expect(await readAll(ec2)).toEqual({ natGateways: [], nextToken: undefined });
    expect(requests.length).toBeGreaterThan(1);
  });

  it('never makes a real call repeat', async ({ onTestFinished }) => {
    const reply = afterDryRun(ec2Error(400, 'RequestExpired', undefined, hoursOff(5)));
    const { ec2, requests } = await connectToStub(onTestFinished, reply);
    const result = await ec2.unassign.send(await permitFor(ec2));
    expect(result).toMatchObject({ kind: 'refused', error: { code: 'clock_skew' } });
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 1 });
  });
});
