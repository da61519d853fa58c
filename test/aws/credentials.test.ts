import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { OPS, useAwsHome } from '../support/aws-home.ts';
import { accepted, afterDryRun, ec2Error, emptyPage, type Reply } from '../support/ec2-replies.ts';
import { connectToStub, failureReport, permitFor, readAll, SENTENCE, sent } from '../support/ec2-stub.ts';

const home = useAwsHome();

describe('missing credentials', () => {
  it('are reported as credentials_missing, and nothing is sent', async ({ onTestFinished }) => {
    const options = { target: { credentials: undefined } };
    const { ec2, requests } = await connectToStub(onTestFinished, emptyPage, options);
    const report = await failureReport(readAll(ec2));
    expect(report).toMatchObject({ code: 'credentials_missing', retryable: true });
    expect(report.hint).toMatch(SENTENCE);
    expect(report.hint).toContain('--simulate');
    expect(requests).toEqual([]);
  });

  it('are reported with the profile that does not exist', async ({ onTestFinished }) => {
    const { ec2, requests } = await connectToStub(onTestFinished, emptyPage, OPS);
    const report = await failureReport(readAll(ec2));
    expect(report).toMatchObject({ code: 'credentials_missing', retryable: true });
    expect(report.message).toContain('There is no profile ops');
    expect(report.hint).toContain('aws configure sso --profile ops');
    expect(requests).toEqual([]);
  });

  it('are found by the next call once they exist', async ({ onTestFinished }) => {
    const { ec2 } = await connectToStub(onTestFinished, emptyPage, OPS);
    expect((await failureReport(readAll(ec2))).code).toBe('credentials_missing');
    home.writeCredentials('AKIAFIRST');
    expect(await readAll(ec2)).toEqual({ natGateways: [], nextToken: undefined });
  });
});

describe('an SSO profile without a login', () => {
  it('is reported as credentials_expired with the login command', async ({ onTestFinished }) => {
    home.writeConfig(`[profile ops]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = ReadOnly
[sso-session corp]
sso_region = us-east-1
sso_start_url = https://example.awsapps.com/start
`);
    const { ec2, requests } = await connectToStub(onTestFinished, emptyPage, OPS);
    const report = await failureReport(readAll(ec2));
    expect(report).toMatchObject({ code: 'credentials_expired', retryable: true });
    expect(report.hint).toContain('aws sso login --profile ops');
    expect(requests).toEqual([]);
  });
});

describe('a request refused for its credentials', () => {
  /** Renews the credentials file at each request; gives `reply` to the new key and `refusal` to any other. */
  function renewing(refusal: Reply, reply: Reply = emptyPage): Reply {
    return (response, request) => {
      home.writeCredentials('AKIASECOND');
      (request.accessKeyId === 'AKIASECOND' ? reply : refusal)(response, request);
    };
  }

  it.for<[string, number]>([
    ['AuthFailure', 401],
    ['ExpiredToken', 400],
    ['RequestExpired', 400],
    ['InvalidClientTokenId', 403],
    ['UnrecognizedClientException', 400],
  ])('reads again with renewed credentials after %s (%i)', async ([code, status], { onTestFinished }) => {
    home.writeCredentials('AKIAFIRST');
    const { ec2, requests } = await connectToStub(onTestFinished, renewing(ec2Error(status, code)), OPS);
    expect(await readAll(ec2)).toEqual({ natGateways: [], nextToken: undefined });
    expect(requests.map(({ accessKeyId }) => accessKeyId)).toEqual(['AKIAFIRST', 'AKIASECOND']);
    await readAll(ec2);
    expect(requests.at(-1)?.accessKeyId).toBe('AKIASECOND');
  });

  it('reads again with renewed credentials in an opt-in region', async ({ onTestFinished }) => {
    home.writeCredentials('AKIAFIRST');
    const { ec2 } = await connectToStub(onTestFinished, renewing(ec2Error(401, 'AuthFailure')), OPS);
    expect(await readAll(ec2, 'ap-east-1')).toEqual({ natGateways: [], nextToken: undefined });
  });

  it('repeats a dry run with renewed credentials, which sign its real call', async ({ onTestFinished }) => {
    home.writeCredentials('AKIAFIRST');
    const reply = renewing(ec2Error(401, 'AuthFailure'), afterDryRun(accepted));
    const { ec2, requests } = await connectToStub(onTestFinished, reply, OPS);
    expect(await ec2.unassign.send(await permitFor(ec2))).toMatchObject({ kind: 'accepted' });
    expect(requests.map(({ accessKeyId, dryRun }) => [accessKeyId, dryRun])).toEqual([
      ['AKIAFIRST', true],
      ['AKIASECOND', true],
      ['AKIASECOND', false],
    ]);
  });

  it('renews once and reports the second refusal', async ({ onTestFinished }) => {
    home.writeCredentials('AKIAFIRST');
    const { ec2, requests, log } = await connectToStub(onTestFinished, ec2Error(401, 'AuthFailure'), OPS);
    expect(await failureReport(readAll(ec2))).toMatchObject({
      code: 'not_authorized',
      aws_code: 'AuthFailure',
      hint: expect.stringContaining('aws sts get-caller-identity --profile ops'),
    });
    expect(requests).toHaveLength(2);
    expect(log.text).toContain('resolved afresh');
    expect(log.text).not.toMatch(/secret/i);
  });

  it('renews nothing for a missing permission', async ({ onTestFinished }) => {
    home.writeCredentials('AKIAFIRST');
    const reply = ec2Error(403, 'UnauthorizedOperation');
    const { ec2, requests, log } = await connectToStub(onTestFinished, reply, OPS);
    expect(await failureReport(readAll(ec2))).toMatchObject({ code: 'not_authorized' });
    expect(requests).toHaveLength(1);
    expect(log.text).not.toContain('resolved afresh');
  });

  it('is not repeated when it is a real call', async ({ onTestFinished }) => {
    home.writeCredentials('AKIAFIRST');
    const reply = afterDryRun(ec2Error(401, 'AuthFailure'));
    const { ec2, requests } = await connectToStub(onTestFinished, reply, OPS);
    const result = await ec2.unassign.send(await permitFor(ec2));
    expect(result).toMatchObject({ kind: 'refused', error: { code: 'not_authorized' } });
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 1 });
  });

  it('renews once for reads that are refused together', async ({ onTestFinished }) => {
    const runs = home.path('runs');
    writeFileSync(runs, '');
    home.writeCredentialProcess(`import { appendFileSync, readFileSync } from 'node:fs';
appendFileSync(${JSON.stringify(runs)}, '.');
const AccessKeyId = 'AKIA' + readFileSync(${JSON.stringify(runs)}, 'utf8').length;
console.log(JSON.stringify({ Version: 1, AccessKeyId, SecretAccessKey: 'secret' }));`);
    const held: (() => void)[] = [];
    const reply: Reply = (response, request) => {
      if (request.accessKeyId !== 'AKIA1') return emptyPage(response, request);
      held.push(() => ec2Error(401, 'AuthFailure')(response, request));
      if (held.length === 5) for (const refuse of held) refuse();
    };
    const { ec2, requests } = await connectToStub(onTestFinished, reply, OPS);
    await Promise.all(Array.from({ length: 5 }, () => readAll(ec2)));
    expect(requests.map(({ accessKeyId }) => accessKeyId).sort()).toEqual([
      ...Array(5).fill('AKIA1'),
      ...Array(5).fill('AKIA2'),
    ]);
    expect(readFileSync(runs, 'utf8')).toHaveLength(2);
  });
});

describe('credentials that change between a dry run and its real call', () => {
  it('refuse the real call unsent, because they may belong to another account', async (context) => {
    home.writeCredentials('AKIAFIRST');
    const reply: Reply = (response, request) => {
      const isRead = request.action === 'DescribeNatGateways';
      if (isRead && request.accessKeyId === 'AKIAFIRST') ec2Error(400, 'RequestExpired')(response, request);
      else (isRead ? emptyPage : afterDryRun(accepted))(response, request);
    };
    const { ec2, requests } = await connectToStub(context.onTestFinished, reply, OPS);
    const permit = await permitFor(ec2);
    home.writeCredentials('AKIASECOND');
    await readAll(ec2);
    expect(await ec2.unassign.send(permit)).toMatchObject({
      kind: 'refused',
      error: { code: 'credentials_expired', retryable: true },
    });
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 0 });
    expect(await ec2.unassign.send(await permitFor(ec2))).toMatchObject({ kind: 'accepted' });
  });
});
