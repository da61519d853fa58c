import { describe, expect, it } from 'vitest';
import { afterDryRun, ec2Error } from '../support/ec2-replies.ts';
import {
  BY,
  connectToStub,
  failureReport,
  neverAborted,
  permitFor,
  REQUEST,
  readAll,
  SENTENCE,
} from '../support/ec2-stub.ts';

describe.concurrent('a read refused by EC2', () => {
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
  ])('with %s (%i) reports %s', async ([awsCode, status, code, retryable, hint], { onTestFinished }) => {
    const { ec2, log } = await connectToStub(onTestFinished, ec2Error(status, awsCode));
    const report = await failureReport(readAll(ec2));
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
    expect(log.text).toContain(awsCode);
  });

  it('with an unknown code passes on code and message', async ({ onTestFinished }) => {
    const reply = ec2Error(400, 'SomethingNew', 'Something new is in the way.');
    const { ec2 } = await connectToStub(onTestFinished, reply);
    expect(await failureReport(readAll(ec2))).toEqual({
      code: 'aws_error',
      message: 'Something new is in the way.',
      retryable: false,
      hint: expect.stringContaining('SomethingNew'),
      aws_code: 'SomethingNew',
      request_id: 'request-1',
    });
  });

  it.for(['toString', 'constructor', '__proto__'])(
    'with the code %s, a member of every object, reports an unknown code',
    async (awsCode, { onTestFinished }) => {
      const { ec2 } = await connectToStub(onTestFinished, ec2Error(400, awsCode));
      expect(await failureReport(readAll(ec2))).toMatchObject({ code: 'aws_error', aws_code: awsCode });
    },
  );

  it('with an empty message reports the code as the message', async ({ onTestFinished }) => {
    const { ec2 } = await connectToStub(onTestFinished, ec2Error(400, 'InvalidParameterValue', ''));
    expect((await failureReport(readAll(ec2))).message).toBe('InvalidParameterValue');
  });

  it('with a long message reports a bounded one', async ({ onTestFinished }) => {
    const reply = ec2Error(400, 'InvalidParameterValue', 'x'.repeat(50_000));
    const { ec2 } = await connectToStub(onTestFinished, reply);
    expect((await failureReport(readAll(ec2))).message.length).toBeLessThan(1100);
  });

  it('without a request id reports none', async ({ onTestFinished }) => {
    const { ec2 } = await connectToStub(onTestFinished, (response) => {
      response
        .writeHead(400, { 'content-type': 'text/xml' })
        .end('<Response><Errors><Error><Code>A</Code><Message>b</Message></Error></Errors></Response>');
    });
    expect((await failureReport(readAll(ec2))).request_id).toBeUndefined();
  });
});

/** EC2 appends an encoded description of the account's policies to the refusal of a request. */
const ENCODED = 'Xq7bLoB_wWl7Zk1uYg-9VbEncodedPolicies';

describe.concurrent('an encoded authorization message', () => {
  const forms: [string, string][] = [
    [
      'alone',
      `You are not authorized to perform this operation. Encoded authorization failure message: ${ENCODED}`,
    ],
    [
      'after the reason',
      `You are not authorized to perform this operation. User: arn:aws:iam::111122223333:user/a is not authorized to perform: ec2:X because no identity-based policy allows the ec2:X action. Encoded authorization failure message: ${ENCODED}`,
    ],
    ['on its own line', `You are not authorized.\nEncoded authorization failure message:\n${ENCODED}`],
    ['in upper case', `You are not authorized. ENCODED AUTHORIZATION FAILURE MESSAGE: ${ENCODED}`],
  ];

  it.for(forms)('%s is left out of the report of a read and of the log', async ([, message], context) => {
    const reply = ec2Error(403, 'UnauthorizedOperation', message);
    const { ec2, log } = await connectToStub(context.onTestFinished, reply);
    const report = await failureReport(readAll(ec2));
    expect(report.code).toBe('not_authorized');
    expect(report.message).toMatch(/^You are not authorized/);
    expect(JSON.stringify(report)).not.toContain(ENCODED);
    expect(log.text).toContain('UnauthorizedOperation');
    expect(log.text).not.toContain(ENCODED);
  });

  it.for(forms)('%s is left out of the report of a dry run and of the log', async ([, message], context) => {
    const reply = ec2Error(403, 'UnauthorizedOperation', message);
    const { ec2, log } = await connectToStub(context.onTestFinished, reply);
    const dryRun = await ec2.unassign.dryRun(REQUEST, neverAborted, BY);
    expect(dryRun).toMatchObject({ passed: false, error: { code: 'not_authorized' } });
    expect(JSON.stringify(dryRun)).not.toContain(ENCODED);
    expect(log.text).toContain('UnauthorizedOperation');
    expect(log.text).not.toContain(ENCODED);
  });

  it.for(forms)(
    '%s is left out of the report of a real call and of the log',
    async ([, message], context) => {
      const reply = afterDryRun(ec2Error(403, 'UnauthorizedOperation', message));
      const { ec2, log } = await connectToStub(context.onTestFinished, reply);
      const result = await ec2.unassign.send(await permitFor(ec2));
      expect(result).toMatchObject({ kind: 'refused', error: { code: 'not_authorized' } });
      expect(JSON.stringify(result)).not.toContain(ENCODED);
      expect(log.text).not.toContain(ENCODED);
    },
  );
});

/** A session token as STS makes them, and what it may stand beside. */
const SESSION_TOKEN = `IQoJb3JpZ2luX2VjE${Buffer.from('a token that nobody may see, '.repeat(20)).toString('base64')}`;

describe.concurrent('a session token in the message of an answer', () => {
  const forms: [string, string][] = [
    [
      'in a canonical request',
      `The request signature we calculated does not match the signature you provided.\n\nThe Canonical String for this request should have been\n'POST\n/\n\nhost:ec2.us-east-1.amazonaws.com\nx-amz-security-token:${SESSION_TOKEN}\n\nhost;x-amz-security-token'`,
    ],
    ['under another label', `You may not do this. Denial details: ${SESSION_TOKEN}`],
    ['under no label', `You may not do this ${SESSION_TOKEN}`],
    [
      'in a presigned URL',
      `See https://example.com/?X-Amz-Security-Token=${encodeURIComponent(SESSION_TOKEN)}`,
    ],
  ];

  it.for(forms)('%s reaches neither report nor log', async ([, message], context) => {
    for (const [code, status] of [
      ['SignatureDoesNotMatch', 403],
      ['SomethingNew', 400],
      ['InternalError', 500],
    ] as const) {
      const reply = ec2Error(status, code, message);
      const { ec2, log } = await connectToStub(context.onTestFinished, reply);
      const report = JSON.stringify([
        await failureReport(readAll(ec2)),
        await ec2.unassign.dryRun(REQUEST, neverAborted, BY),
      ]);
      expect(report).toContain(code);
      for (const text of [report, log.text]) expect(text).not.toContain(SESSION_TOKEN.slice(20, 60));
    }
  });
});
