import { describe, expect, it } from 'vitest';
import {
  accepted,
  afterDryRun,
  answer,
  closeWithoutAnswer,
  dryRunPassed,
  ec2Error,
  GATEWAY,
  html,
  neverAnswer,
  type Reply,
  reset,
  resetWithinBody,
  unassigned,
} from '../support/ec2-replies.ts';
import { connectToStub, permitFor, REQUEST, SENTENCE, sent } from '../support/ec2-stub.ts';

describe.concurrent('a real call', () => {
  it('has the parameters of its dry run, even if the request object changes in between', async (context) => {
    const { ec2, requests } = await connectToStub(context.onTestFinished, afterDryRun(accepted));
    const privateIps = [...REQUEST.privateIps];
    const request = { ...REQUEST, privateIps };
    const permit = await permitFor(ec2, request);
    privateIps.push('10.0.0.7');
    request.natGatewayId = 'nat-00000000000000000';
    request.maxDrainDurationSeconds = 1;
    expect(await ec2.unassign.send(permit)).toMatchObject({ kind: 'accepted' });
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

  it('names this server and its version in its user agent, as its dry run does', async (context) => {
    const { ec2, requests } = await connectToStub(context.onTestFinished, afterDryRun(accepted));
    expect(await ec2.unassign.send(await permitFor(ec2))).toMatchObject({ kind: 'accepted' });
    expect(requests).toHaveLength(2);
    for (const { userAgent } of requests) expect(userAgent).toMatch(/(^| )nat-gateway-mcp\/0\.0\.0( |$)/);
  });

  it.for<[string, Reply]>([
    ['every address unassigning', accepted],
    ['the addresses in another order', unassigned(GATEWAY, '10.0.0.6 unassigning', '10.0.0.5 unassigning')],
    [
      'one address more',
      unassigned(GATEWAY, '10.0.0.5 unassigning', '10.0.0.6 unassigning', '10.0.0.7 succeeded'),
    ],
  ])('is accepted when EC2 shows the gateway and %s', async ([, reply], { onTestFinished }) => {
    const { ec2, requests } = await connectToStub(onTestFinished, afterDryRun(reply));
    const result = await ec2.unassign.send(await permitFor(ec2));
    expect(result).toMatchObject({ kind: 'accepted', request_id: 'request-1' });
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 1 });
  });

  it('that is accepted leaves its endpoint open to the next change', async ({ onTestFinished }) => {
    const { ec2, requests } = await connectToStub(onTestFinished, afterDryRun(accepted));
    expect(await ec2.unassign.send(await permitFor(ec2))).toMatchObject({ kind: 'accepted' });
    expect(await ec2.unassign.send(await permitFor(ec2))).toMatchObject({ kind: 'accepted' });
    expect(sent(requests)).toEqual({ dryRuns: 2, realCalls: 2 });
  });

  it('is not to be repeated after 200 without one of the addresses', async ({ onTestFinished }) => {
    const reply = afterDryRun(unassigned(GATEWAY, '10.0.0.5 unassigning'));
    const { ec2 } = await connectToStub(onTestFinished, reply);
    expect(await ec2.unassign.send(await permitFor(ec2))).toMatchObject({
      kind: 'ambiguous',
      error: { code: 'bad_response', retryable: false, request_id: 'request-1' },
    });
  });

  it.for<[string, Reply, string]>([
    ['400 InvalidParameterValue', ec2Error(400, 'InvalidParameterValue'), 'invalid_argument'],
    ['400 OperationInProgress', ec2Error(400, 'OperationInProgress'), 'precondition_failed'],
    ['400 NatGatewayNotFound', ec2Error(400, 'NatGatewayNotFound'), 'gateway_not_found'],
    ['400 of an unknown code', ec2Error(400, 'SomethingNew'), 'aws_error'],
    ['401 AuthFailure', ec2Error(401, 'AuthFailure'), 'not_authorized'],
    ['403 UnauthorizedOperation', ec2Error(403, 'UnauthorizedOperation'), 'not_authorized'],
    ['412 DryRunOperation', dryRunPassed, 'aws_error'],
  ])('is refused by %s and sent once', async ([, reply, code], { onTestFinished }) => {
    const { ec2, requests } = await connectToStub(onTestFinished, afterDryRun(reply));
    const result = await ec2.unassign.send(await permitFor(ec2));
    expect(result).toMatchObject({ kind: 'refused', error: { code, request_id: 'request-1' } });
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 1 });
  });

  it.for<[string, Reply, RegExp]>([
    ['a reset', reset, /unreachable/],
    ['a reset within the body', resetWithinBody, /unreachable|bad_response/],
    ['a connection closed without an answer', closeWithoutAnswer, /unreachable/],
    ['500 InternalError', ec2Error(500, 'InternalError'), /aws_error/],
    ['500 of an unknown code', ec2Error(500, 'SomethingNew'), /aws_error/],
    ['503 Unavailable', ec2Error(503, 'Unavailable'), /aws_error/],
    ['502 in HTML', html(502), /bad_response/],
    ['504 without a body', answer(504, ''), /bad_response/],
    ['403 without a body', answer(403, ''), /bad_response/],
    ['404 without a body', answer(404, ''), /bad_response/],
    ['302 to elsewhere', answer(302, '', { location: 'http://127.0.0.1:1/' }), /bad_response/],
    ['200 without a body', answer(200, ''), /bad_response/],
    ['200 in HTML', html(200), /bad_response/],
    ['200 that is not XML', answer(200, '{"ok":true}'), /bad_response/],
    ['200 with an error in it', ec2Error(200, 'InvalidParameterValue'), /bad_response/],
    [
      '200 for another gateway',
      unassigned('nat-0fedcba9876543210', '10.0.0.5 unassigning', '10.0.0.6 unassigning'),
      /bad_response/,
    ],
    ['200 without one of the addresses', unassigned(GATEWAY, '10.0.0.5 unassigning'), /bad_response/],
    ['200 without addresses', unassigned(GATEWAY), /bad_response/],
    [
      '200 without a set of addresses',
      answer(
        200,
        `<UnassignPrivateNatGatewayAddressResponse><natGatewayId>${GATEWAY}</natGatewayId></UnassignPrivateNatGatewayAddressResponse>`,
      ),
      /bad_response/,
    ],
    [
      '200 with an address that is still succeeded',
      unassigned(GATEWAY, '10.0.0.5 unassigning', '10.0.0.6 succeeded'),
      /bad_response/,
    ],
    [
      '200 with a longer address that begins like a requested one',
      unassigned(GATEWAY, '10.0.0.5 unassigning', '10.0.0.60 unassigning'),
      /bad_response/,
    ],
  ])('is ambiguous after %s and sent once', async ([, reply, code], { onTestFinished }) => {
    const { ec2, requests } = await connectToStub(onTestFinished, afterDryRun(reply));
    expect(await ec2.unassign.send(await permitFor(ec2))).toMatchObject({
      kind: 'ambiguous',
      error: { code: expect.stringMatching(code), hint: expect.stringMatching(SENTENCE) },
    });
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 1 });
  });

  it('is ambiguous after no answer within its timeout and sent once', async ({ onTestFinished }) => {
    const options = { timeouts: { change: 1000 } };
    const { ec2, requests } = await connectToStub(onTestFinished, afterDryRun(neverAnswer), options);
    expect(await ec2.unassign.send(await permitFor(ec2))).toMatchObject({
      kind: 'ambiguous',
      error: { code: 'timed_out', hint: expect.stringMatching(SENTENCE) },
    });
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 1 });
  });

  it('is refused when the endpoint has gone since the dry run: nothing was sent', async (context) => {
    const { ec2, stub, requests } = await connectToStub(context.onTestFinished, (response, request) => {
      response.setHeader('connection', 'close');
      dryRunPassed(response, request);
    });
    const permit = await permitFor(ec2);
    await stub.close();
    expect(await ec2.unassign.send(permit)).toMatchObject({
      kind: 'refused',
      error: { code: 'unreachable', message: expect.stringContaining('Nothing was sent') },
    });
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 0 });
  });
});
