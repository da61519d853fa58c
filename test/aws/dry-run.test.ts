import { describe, expect, it } from 'vitest';
import {
  accepted,
  answer,
  dryRunPassed,
  ec2Error,
  html,
  type Reply,
  resetWithinBody,
} from '../support/ec2-replies.ts';
import { BY, connectToStub, neverAborted, permitFor, REQUEST, sent } from '../support/ec2-stub.ts';

describe.concurrent('a dry run', () => {
  it('passes on DryRunOperation and reports the request id', async ({ onTestFinished }) => {
    const { ec2, requests } = await connectToStub(onTestFinished, dryRunPassed);
    expect(await ec2.unassign.dryRun(REQUEST, neverAborted, BY)).toMatchObject({
      passed: true,
      aws_code: 'DryRunOperation',
      request_id: 'request-1',
    });
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 0 });
  });

  it('that passes is not logged as a failure', async ({ onTestFinished }) => {
    const { ec2, log } = await connectToStub(onTestFinished, dryRunPassed);
    await ec2.unassign.dryRun(REQUEST, neverAborted, BY);
    expect(log.text).not.toContain('failed');
  });

  it.for<[string, Reply]>([
    ['the answer to a real call', accepted],
    ['200 without a body', answer(200, '')],
    ['200 in HTML', html(200)],
    ['200 that is not XML', answer(200, '{"ok":true}')],
    ['204', answer(204, '')],
  ])('reports dry_run_not_honoured for %s', async ([, reply], { onTestFinished }) => {
    const { ec2 } = await connectToStub(onTestFinished, reply);
    const dryRun = await ec2.unassign.dryRun(REQUEST, neverAborted, BY);
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

  it('reports the request id of an answer with success', async ({ onTestFinished }) => {
    const { ec2 } = await connectToStub(onTestFinished, accepted);
    expect(await ec2.unassign.dryRun(REQUEST, neverAborted, BY)).toMatchObject({
      request_id: 'request-1',
      error: { request_id: 'request-1' },
    });
  });

  it.for<[string, Reply, string]>([
    ['UnauthorizedOperation', ec2Error(403, 'UnauthorizedOperation'), 'not_authorized'],
    ['NatGatewayNotFound', ec2Error(400, 'NatGatewayNotFound'), 'gateway_not_found'],
    ['a code that begins with DryRunOperation', ec2Error(412, 'DryRunOperations'), 'aws_error'],
    ['412 without a body', answer(412, ''), 'bad_response'],
    ['500 InternalError', ec2Error(500, 'InternalError'), 'aws_error'],
  ])('gives no permit for %s', async ([, reply, code], { onTestFinished }) => {
    const { ec2 } = await connectToStub(onTestFinished, reply);
    const dryRun = await ec2.unassign.dryRun(REQUEST, neverAborted, BY);
    expect(dryRun).toMatchObject({ passed: false, error: { code } });
    expect(dryRun).not.toHaveProperty('permit');
  });

  it('answered with success closes its endpoint to the real call of one that has passed before', async (context) => {
    let passes = true;
    const { ec2, requests } = await connectToStub(context.onTestFinished, (response, request) =>
      (passes ? dryRunPassed : accepted)(response, request),
    );
    const permit = await permitFor(ec2);
    passes = false;
    expect(await ec2.unassign.dryRun(REQUEST, neverAborted, BY)).toMatchObject({
      passed: false,
      mayHaveChanged: true,
    });
    expect(await ec2.unassign.send(permit)).toMatchObject({
      kind: 'refused',
      error: { code: 'dry_run_not_honoured', message: expect.stringContaining('Nothing was sent') },
    });
    expect(await ec2.unassign.dryRun(REQUEST, neverAborted, BY)).toMatchObject({
      passed: false,
      mayHaveChanged: false,
    });
    expect(sent(requests)).toEqual({ dryRuns: 2, realCalls: 0 });
  });

  it('answered with a success status is not repeated, however its body ends', async ({ onTestFinished }) => {
    const { ec2, requests } = await connectToStub(onTestFinished, resetWithinBody);
    expect(await ec2.unassign.dryRun(REQUEST, neverAborted, BY)).toMatchObject({
      passed: false,
      error: { code: 'dry_run_not_honoured' },
      mayHaveChanged: true,
    });
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 0 });
  });
});
