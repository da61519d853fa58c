import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { OPS, useAwsHome } from '../../support/aws-home.ts';
import { ec2Error } from '../../support/ec2-replies.ts';
import { BY, failureReport, neverAborted, REGION, REQUEST, readAll } from '../../support/ec2-stub.ts';
import { ACCOUNT, session, startRoleStub } from '../../support/role-stub.ts';

const home = useAwsHome();

const keys = (requests: { accessKeyId: string }[]) => [...new Set(requests.map((each) => each.accessKeyId))];

describe('reads in the role of a target', () => {
  it('share one session, 50 one after the other in two regions', async () => {
    const { ec2, assumed, ofEc2 } = await startRoleStub(onTestFinished);
    for (let read = 0; read < 50; read++) await readAll(ec2, read % 2 === 0 ? REGION : 'eu-west-1');
    expect(assumed()).toHaveLength(1);
    expect(keys(ofEc2())).toEqual(['ASIA1']);
  });

  it('share one session, 20 at once', async () => {
    const { ec2, assumed, ofEc2 } = await startRoleStub(onTestFinished);
    await Promise.all(Array.from({ length: 20 }, () => Promise.all([readAll(ec2), ec2.identity(REGION)])));
    expect(assumed()).toHaveLength(1);
    expect(ofEc2()).toHaveLength(20);
  });

  it('have a session that can only read', async () => {
    const { ec2, assumed } = await startRoleStub(onTestFinished, { externalId: 'x-1', sourceIdentity: true });
    await readAll(ec2);
    expect(assumed()[0]?.form).toMatchObject({ DurationSeconds: '3600', ExternalId: 'x-1' });
    expect(assumed()[0]?.form).not.toHaveProperty('SourceIdentity');
    expect(assumed()[0]?.form).toMatchObject({
      RoleSessionName: 'nat-gateway-mcp-read',
      Policy:
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ec2:DescribeNatGateways","ec2:DescribeRegions","ec2:DescribeRouteTables","ec2:DescribeSubnets","ec2:DescribeSecurityGroups","ec2:DescribeManagedPrefixLists","ec2:GetManagedPrefixListEntries","cloudwatch:GetMetricData"],"Resource":"*"}]}',
    });
  });

  it('go on with the session while it is renewed in the background, once at a time', async () => {
    const { ec2, answers, assumed, ofEc2 } = await startRoleStub(onTestFinished);
    answers.sts = session(1, { seconds: 200 });
    await readAll(ec2);
    let release = (): void => {};
    answers.sts = (response, request) => {
      release = () => session(2)(response, request);
    };
    for (let read = 0; read < 5; read++) await readAll(ec2);
    expect(assumed()).toHaveLength(2);
    expect(keys(ofEc2())).toEqual(['ASIA1']);
    release();
    await vi.waitFor(async () => {
      await readAll(ec2);
      expect(keys(ofEc2())).toEqual(['ASIA1', 'ASIA2']);
    });
    expect(assumed()).toHaveLength(2);
  });

  it('get a new session when the base credentials have changed', async () => {
    // Expires so soon that each request to STS has it renewed.
    const expiration = new Date(Date.now() + 120_000).toISOString();
    home.writeCredentialProcess(`import { appendFileSync, readFileSync } from 'node:fs';
appendFileSync(${JSON.stringify(home.path('runs'))}, '.');
const AccessKeyId = 'AKIABASE' + readFileSync(${JSON.stringify(home.path('runs'))}, 'utf8').length;
console.log(JSON.stringify({ Version: 1, AccessKeyId, SecretAccessKey: 's', Expiration: '${expiration}' }));`);
    const { ec2, assumed, ofEc2 } = await startRoleStub(onTestFinished, {}, {}, OPS.target);
    await readAll(ec2);
    await ec2.unassign.dryRun(REQUEST, neverAborted, BY);
    await vi.waitFor(async () => {
      await readAll(ec2);
      const latest = ofEc2().at(-1)?.accessKeyId;
      expect(latest).not.toBe('ASIA1');
    });
    const reads = assumed().filter(({ form }) => form.RoleSessionName === 'nat-gateway-mcp-read');
    expect(reads[0]?.accessKeyId).toBe('AKIABASE1');
    expect(reads[1]?.accessKeyId).not.toBe('AKIABASE1');
  });

  it('wait for a new session when theirs has expired', async () => {
    const { ec2, answers, ofEc2 } = await startRoleStub(onTestFinished);
    answers.sts = session(1, { seconds: -1 });
    await readAll(ec2);
    answers.sts = session(2);
    await readAll(ec2);
    expect(keys(ofEc2())).toEqual(['ASIA1', 'ASIA2']);
  });

  it('get a new session once when EC2 does not accept theirs', async () => {
    const { ec2, answers, assumed } = await startRoleStub(onTestFinished);
    answers.ec2 = (response, request) => ec2Error(400, 'ExpiredToken')(response, request as never);
    expect(await failureReport(readAll(ec2))).toMatchObject({ code: 'credentials_expired' });
    expect(assumed()).toHaveLength(2);
  });

  it('keep their session when EC2 denies an action, whose code is not that of STS', async () => {
    const { ec2, answers, assumed } = await startRoleStub(onTestFinished);
    answers.ec2 = (response, request) => ec2Error(403, 'UnauthorizedOperation')(response, request as never);
    expect(await failureReport(readAll(ec2))).toMatchObject({
      code: 'not_authorized',
      aws_code: 'UnauthorizedOperation',
    });
    expect(assumed()).toHaveLength(1);
  });

  it('tell account and ARN without asking STS more', async () => {
    const { ec2, seen } = await startRoleStub(onTestFinished);
    expect(await ec2.identity(REGION)).toMatchObject({
      access_key_id: 'ASIA1',
      account_id: ACCOUNT,
      arn: `arn:aws:sts::${ACCOUNT}:assumed-role/nat-operator/nat-gateway-mcp-read`,
    });
    expect(seen.map(({ action }) => action)).toEqual(['AssumeRole']);
  });

  it('end in their time when STS hangs, and name the role', async () => {
    const { ec2, answers } = await startRoleStub(onTestFinished, {}, { read: 300 });
    answers.sts = () => {};
    expect(await failureReport(readAll(ec2))).toMatchObject({
      code: 'timed_out',
      message: expect.stringMatching(/^The role \S+ of target prod did not give credentials within 0.3 s/),
    });
  });
});
