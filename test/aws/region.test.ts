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

  it.each([
    ['AWS_REGION, AWS_DEFAULT_REGION, the profile', 'eu-west-1', 'eu-west-2', 'eu-west-1'],
    ['AWS_DEFAULT_REGION, the profile', undefined, 'eu-west-2', 'eu-west-2'],
    ['the profile', undefined, undefined, 'eu-north-1'],
    ['the profile, for an empty variable', '', '', 'eu-north-1'],
  ])('is the first of %s', async (_, region, defaultRegion, expected) => {
    home.writeConfig('[profile ops]\nregion = eu-north-1\n');
    vi.stubEnv('AWS_REGION', region);
    vi.stubEnv('AWS_DEFAULT_REGION', defaultRegion);
    expect(await connectIn({ profile: 'ops' }).region(undefined)).toBe(expected);
  });

  it.each<[string, string | undefined, string]>([
    ['AWS_REGION', undefined, 'us-east-1 '],
    ['AWS_REGION', undefined, `\${AWS_REGION}`],
    ['AWS_REGION', undefined, 'us-east-1.example.com/'],
    ['AWS_DEFAULT_REGION', undefined, 'Virginia'],
    ['region of profile ops', 'ops', 'us-east'],
  ])('is region_unknown, by name, when %s is not a region', async (name, profile, value) => {
    home.writeConfig(`[profile ops]\nregion = ${value}\n`);
    vi.stubEnv(name, value);
    const ec2 = connectIn({ profile });
    const report = await failureReport(ec2.region(undefined));
    expect(report).toMatchObject({ code: 'region_unknown', retryable: false });
    expect(report.message).toBe(`${name} is ${JSON.stringify(value)}, which is not an AWS region.`);
    expect(report.hint).toMatch(new RegExp(`^Set ${name} to a region such as us-east-1`));
    expect(await ec2.region('us-east-1')).toBe('us-east-1');
  });
});
