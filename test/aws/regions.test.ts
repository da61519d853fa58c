import { describe, expect, it, onTestFinished } from 'vitest';
import { answer, ec2Error } from '../support/ec2-replies.ts';
import { failureReport } from '../support/ec2-stub.ts';
import { startRoleStub } from '../support/role-stub.ts';

describe('the regions of an account', () => {
  const regions = (...names: [string, string][]) =>
    answer(
      200,
      `<DescribeRegionsResponse><regionInfo>${names.map(([name, state]) => `<item><regionName>${name}</regionName><optInStatus>${state}</optInStatus></item>`).join('')}</regionInfo></DescribeRegionsResponse>`,
    );

  it('are those that it has enabled, asked once for several calls', async () => {
    const { ec2, answers, ofEc2 } = await startRoleStub(onTestFinished);
    answers.ec2 = (response, request) =>
      regions(
        ['us-east-1', 'opt-in-not-required'],
        ['af-south-1', 'not-opted-in'],
        ['ap-east-1', 'opted-in'],
        ['evil.example#', 'opted-in'],
      )(response, request as never);
    const lists = await Promise.all([ec2.describeRegions(), ec2.describeRegions()]);
    expect(lists).toEqual([
      ['ap-east-1', 'us-east-1'],
      ['ap-east-1', 'us-east-1'],
    ]);
    await ec2.describeRegions();
    expect(ofEc2().map(({ form }) => form)).toEqual([
      expect.objectContaining({
        Action: 'DescribeRegions',
        'Filter.1.Name': 'opt-in-status',
        'Filter.1.Value.1': 'opt-in-not-required',
        'Filter.1.Value.2': 'opted-in',
      }),
    ]);
  });

  it('are asked again after a failure', async () => {
    const { ec2, answers } = await startRoleStub(onTestFinished);
    answers.ec2 = (response, request) => ec2Error(403, 'UnauthorizedOperation')(response, request as never);
    expect(await failureReport(ec2.describeRegions())).toMatchObject({ code: 'not_authorized' });
    answers.ec2 = (response, request) =>
      regions(['us-east-1', 'opt-in-not-required'])(response, request as never);
    expect(await ec2.describeRegions()).toEqual(['us-east-1']);
  });
});
