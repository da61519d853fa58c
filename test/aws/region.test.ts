import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Ec2Target } from '../../src/aws/settings.ts';
import { useAwsHome } from '../support/aws-home.ts';
import { connect, failureReport, SENTENCE } from '../support/ec2-stub.ts';

const home = useAwsHome();

function connectIn(target: Ec2Target) {
  return connect(onTestFinished, { region: undefined, ...target }).ec2;
}

describe('the region of a call', () => {
  it('is the one in the call, else the configured one, else AWS_REGION', async () => {
    vi.stubEnv('AWS_REGION', 'eu-west-3');
    expect(await connectIn({ region: 'eu-west-2' }).region('eu-west-1')).toBe('eu-west-1');
    expect(await connectIn({ region: 'eu-west-2' }).region(undefined)).toBe('eu-west-2');
    expect(await connectIn({}).region(undefined)).toBe('eu-west-3');
  });

  it('is the one of the profile when nothing else sets it', async () => {
    home.writeConfig('[profile ops]\nregion = eu-north-1\n');
    expect(await connectIn({ profile: 'ops' }).region(undefined)).toBe('eu-north-1');
  });

  it('is region_unknown when nothing sets it, and is looked up again by the next call', async () => {
    const ec2 = connectIn({});
    const report = await failureReport(ec2.region(undefined));
    expect(report).toMatchObject({ code: 'region_unknown', retryable: false });
    expect(report.hint).toMatch(SENTENCE);
    expect(report.hint).toContain('--region');
    vi.stubEnv('AWS_REGION', 'eu-west-3');
    expect(await ec2.region(undefined)).toBe('eu-west-3');
  });

  it('is region_unknown when AWS_REGION is not part of a host name', async () => {
    vi.stubEnv('AWS_REGION', 'us-east-1.example.com/');
    expect(await failureReport(connectIn({}).region(undefined))).toMatchObject({ code: 'region_unknown' });
  });
});
