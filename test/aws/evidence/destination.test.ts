import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { useAwsHome } from '../../support/aws-home.ts';
import { connect, neverAborted, REGION } from '../../support/ec2-stub.ts';
import { GATEWAY, QUESTION, startEvidence } from '../../support/evidence-endpoint.ts';

const home = useAwsHome();

async function readFrom(target: { profile?: string; credentials?: undefined } = {}) {
  const { ec2 } = connect(onTestFinished, target);
  return (await ec2.evidence(REGION, [QUESTION], neverAborted)).get(GATEWAY);
}

describe('the destination of look-ups', () => {
  it('is the endpoint of each service that the environment names', async () => {
    const ec2 = await startEvidence(onTestFinished);
    const cloudwatch = await startEvidence(onTestFinished);
    vi.stubEnv('AWS_ENDPOINT_URL_EC2', ec2.endpoint);
    vi.stubEnv('AWS_ENDPOINT_URL_CLOUDWATCH', cloudwatch.endpoint);
    expect(await readFrom()).toMatchObject({ traffic: { status: 'found' }, routes: { status: 'found' } });
    expect(cloudwatch.requests.map(({ action }) => action)).toEqual(['GetMetricData']);
    expect(ec2.requests.map(({ action }) => action)).not.toContain('GetMetricData');
  });

  it("is the endpoint of each service that the profile names, signed by the profile's key", async () => {
    const ec2 = await startEvidence(onTestFinished);
    const cloudwatch = await startEvidence(onTestFinished);
    home.writeConfig(`[profile ops]
aws_access_key_id = AKIAOPS
aws_secret_access_key = secret
services = mine
[services mine]
ec2 =
  endpoint_url = ${ec2.endpoint}
cloudwatch =
  endpoint_url = ${cloudwatch.endpoint}
`);
    expect(await readFrom({ profile: 'ops', credentials: undefined })).toMatchObject({
      traffic: { status: 'found' },
    });
    const signers = [...ec2.requests, ...cloudwatch.requests].map(({ accessKeyId }) => accessKeyId);
    expect(new Set(signers)).toEqual(new Set(['AKIAOPS']));
    expect(cloudwatch.requests).toHaveLength(1);
  });

  it('costs the other sources nothing where it is no URL', async () => {
    const { endpoint } = await startEvidence(onTestFinished);
    vi.stubEnv('AWS_ENDPOINT_URL_EC2', endpoint);
    vi.stubEnv('AWS_ENDPOINT_URL_CLOUDWATCH', 'monitoring');
    expect(await readFrom()).toMatchObject({
      traffic: { status: 'no_data', error: 'precondition_failed' },
      routes: { status: 'found' },
      security_groups: { status: 'found' },
      prefix_lists: { status: 'found' },
    });
  });

  it('is nowhere without credentials', async () => {
    const { endpoint, requests } = await startEvidence(onTestFinished);
    home.writeConfig('[profile ops]\nregion = us-east-1\n');
    vi.stubEnv('AWS_ENDPOINT_URL', endpoint);
    const missing = { status: 'no_data', error: 'credentials_missing' };
    expect(await readFrom({ profile: 'ops', credentials: undefined })).toEqual({
      traffic: missing,
      routes: missing,
      security_groups: missing,
      prefix_lists: missing,
    });
    expect(requests).toEqual([]);
  });
});
