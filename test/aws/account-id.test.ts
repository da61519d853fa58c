import { describe, expect, it } from 'vitest';
import { OPS, useAwsHome } from '../support/aws-home.ts';
import { accepted, afterDryRun, ec2Error, emptyPage, type Reply } from '../support/ec2-replies.ts';
import { type AccountOf, connectToStub, neverAborted, REGION, REQUEST } from '../support/ec2-stub.ts';

const home = useAwsHome();

describe('the account id', () => {
  it('follows the credentials that a dry run was repeated with', async ({ onTestFinished }) => {
    home.writeCredentials('AKIAFIRST');
    const accountOf: AccountOf = (key) => (key === 'AKIAFIRST' ? '111111111111' : '222222222222');
    const reply: Reply = (response, request) => {
      home.writeCredentials('AKIASECOND');
      const isRenewed = request.accessKeyId === 'AKIASECOND';
      (isRenewed ? afterDryRun(accepted) : ec2Error(400, 'RequestExpired'))(response, request);
    };
    const { ec2 } = await connectToStub(onTestFinished, reply, { ...OPS, accountOf });
    expect(await ec2.accountId(REGION)).toBe('111111111111');
    expect(await ec2.unassign.dryRun(REQUEST, neverAborted)).toMatchObject({
      passed: true,
      accountId: '222222222222',
    });
    expect(await ec2.accountId(REGION)).toBe('222222222222');
  });

  it('is absent, and delays no dry run beyond its deadline, while credentials hang', async (context) => {
    home.writeCredentialProcess('process.stdin.resume();');
    const options = { ...OPS, timeouts: { read: 100 } };
    const { ec2, requests } = await connectToStub(context.onTestFinished, emptyPage, options);
    const dryRun = await ec2.unassign.dryRun(REQUEST, neverAborted);
    expect(dryRun).toMatchObject({ passed: false, error: { code: 'timed_out' } });
    expect(dryRun.accountId).toBeUndefined();
    expect(await ec2.accountId(REGION)).toBeUndefined();
    expect(requests).toEqual([]);
  });
});
