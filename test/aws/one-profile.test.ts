import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Ec2Target } from '../../src/aws/settings.ts';
import { useAwsHome } from '../support/aws-home.ts';
import { inAnHour, ssoToken, startEndpoints, useEndpoints } from '../support/credential-endpoints.ts';
import { connect, failureReport, readAll } from '../support/ec2-stub.ts';

const home = useAwsHome();

const keys = (id: string): string => `aws_access_key_id = ${id}\naws_secret_access_key = secret\n`;
const ROLE = 'arn:aws:iam::111122223333:role/ops';

const connectAs = (target: Ec2Target) =>
  connect(onTestFinished, { credentials: undefined, ...target }, { readAttempt: 500 }).ec2;

/** Everything that a machine can offer instead of a profile: keys, a token, a container's and an instance's role. */
async function machine() {
  const endpoints = await startEndpoints();
  useEndpoints(endpoints.url);
  vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${endpoints.url}/container`);
  vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', home.write('token', 'a.b.c'));
  vi.stubEnv('AWS_ROLE_ARN', ROLE);
  return endpoints;
}

describe('a profile that is named', () => {
  const BROKEN: [string, string][] = [
    ['does not exist', '[profile other]\nregion = us-east-1\n'],
    ['has no credentials', '[profile ops]\nregion = us-east-1\n'],
    [
      'has a source_profile that does not exist',
      `[profile ops]\nrole_arn = ${ROLE}\nsource_profile = gone\n`,
    ],
    ['has a credential_process that fails', '[profile ops]\ncredential_process = exit 3\n'],
  ];

  it.each(BROKEN)('and %s is not replaced by the machine, with --profile', async (_, config) => {
    home.writeConfig(config);
    const { seen } = await machine();
    const report = await failureReport(readAll(connectAs({ profile: 'ops' })));
    expect(report).toMatchObject({ code: 'credentials_missing' });
    expect(`${report.message} ${report.hint}`).toMatch(/profile (ops|gone)/);
    expect(seen).toEqual([]);
  });

  it.each(BROKEN)('and %s is not replaced by the machine, with AWS_PROFILE', async (_, config) => {
    home.writeConfig(config);
    const { seen } = await machine();
    vi.stubEnv('AWS_PROFILE', 'ops');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAENVIRONMENT');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    expect(await failureReport(readAll(connectAs({})))).toMatchObject({ code: 'credentials_missing' });
    expect(seen).toEqual([]);
  });

  it.each([
    ['--profile', { profile: 'ops' }, undefined],
    ['AWS_PROFILE', {}, 'ops'],
  ])('by %s signs, whatever keys the environment has', async (_, target, variable) => {
    home.writeConfig(`[profile ops]\n${keys('AKIAOPS')}`);
    const { signed } = await machine();
    vi.stubEnv('AWS_PROFILE', variable);
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAENVIRONMENT');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    const { ec2, log } = connect(onTestFinished, { credentials: undefined, ...target });
    await readAll(ec2);
    expect(signed('ec2')).toEqual(['AKIAOPS']);
    const warning = 'AWS_PROFILE and AWS_ACCESS_KEY_ID are both set; the profile signs';
    expect(log.text.includes(warning)).toBe(variable !== undefined);
  });
});

describe('without a profile', () => {
  it('the sources are asked in the order of the SDK', async () => {
    home.writeConfig(`[default]\n${keys('AKIADEFAULT')}`);
    const { signed } = await machine();
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAENVIRONMENT');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    await readAll(connectAs({}));
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
    await readAll(connectAs({}));
    home.writeConfig('');
    await readAll(connectAs({}));
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', undefined);
    await readAll(connectAs({}));
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', undefined);
    await readAll(connectAs({}));
    expect(signed('ec2')).toEqual([
      'AKIAENVIRONMENT',
      'AKIADEFAULT',
      'ASIAROLE',
      'ASIACONTAINER',
      'ASIAINSTANCE',
    ]);
  });

  it('a source that is passed over is in the log', async () => {
    home.writeConfig('[default]\ncredential_process = exit 3\n');
    const { signed } = await machine();
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', undefined);
    const { ec2, log } = connect(onTestFinished, { credentials: undefined });
    await readAll(ec2);
    expect(signed('ec2')).toEqual(['ASIACONTAINER']);
    expect(log.text).toContain(
      'the credential_process of profile default (exit) gave no credentials; using the container credential endpoint',
    );
  });
});

describe('settings of one profile', () => {
  /** Two profiles with an endpoint each; the machine's own is left to AWS_PROFILE. */
  async function twoEndpoints(prod: (url: string) => string) {
    const [dev, other] = [await startEndpoints(), await startEndpoints()];
    home.writeConfig(
      `[profile dev]\nregion = eu-west-1\nendpoint_url = ${dev.url}\n${keys('AKIADEV')}${prod(other.url)}`,
    );
    vi.stubEnv('AWS_PROFILE', 'dev');
    return { dev, prod: other };
  }

  it('are used together, although AWS_PROFILE names another', async () => {
    const { dev, prod } = await twoEndpoints(
      (url) => `[profile prod]\nregion = eu-west-2\nendpoint_url = ${url}\n${keys('AKIAPROD')}`,
    );
    const ec2 = connectAs({ profile: 'prod', region: undefined });
    const region = await ec2.region(undefined);
    await readAll(ec2, region);
    expect((await ec2.identity(region))?.account_id).toBe('111122223333');
    expect(dev.seen).toEqual([]);
    expect(prod.seen.map((each) => [each.role, each.accessKeyId, each.region])).toEqual([
      ['ec2', 'AKIAPROD', 'eu-west-2'],
      ['sts', 'AKIAPROD', 'eu-west-2'],
    ]);
  });

  it('are used by the STS that assumes its role', async () => {
    const { dev, prod } = await twoEndpoints(
      (url) =>
        `[profile prod]\nrole_arn = ${ROLE}\nsource_profile = base\nendpoint_url = ${url}\n[profile base]\n${keys('AKIABASE')}`,
    );
    await readAll(connectAs({ profile: 'prod' }));
    expect(dev.seen).toEqual([]);
    expect(prod.seen.map(({ action, accessKeyId }) => [action, accessKeyId])).toEqual([
      ['AssumeRole', 'AKIABASE'],
      ['DescribeNatGateways', 'ASIAROLE'],
    ]);
  });

  it('are used by the portal of IAM Identity Center', async () => {
    home.write(...ssoToken('corp', inAnHour()));
    const { dev, prod } = await twoEndpoints(
      (
        url,
      ) => `[profile prod]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = r\nendpoint_url = ${url}
[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://example.awsapps.com/start\n`,
    );
    await readAll(connectAs({ profile: 'prod' }));
    expect(dev.seen).toEqual([]);
    expect(prod.seen.map(({ role }) => role)).toEqual(['portal', 'ec2']);
  });

  it('may stand in its services section', async () => {
    const { dev, prod } = await twoEndpoints(
      (url) =>
        `[profile prod]\nservices = local\n${keys('AKIAPROD')}[services local]\nec2 =\n  endpoint_url = ${url}\n`,
    );
    await readAll(connectAs({ profile: 'prod' }));
    expect([dev.signed('ec2'), prod.signed('ec2')]).toEqual([[], ['AKIAPROD']]);
  });

  it('refuse a services section that does not exist, and send nothing to AWS', async () => {
    const { dev } = await twoEndpoints(() => `[profile prod]\nservices = gone\n${keys('AKIAPROD')}`);
    const report = await failureReport(readAll(connectAs({ profile: 'prod' })));
    expect(report).toMatchObject({ code: 'precondition_failed', retryable: false });
    expect(report.message).toContain('services of profile prod names [services gone]');
    expect(dev.seen).toEqual([]);
  });

  it('give way to variables, as in the AWS CLI', async () => {
    const { dev, prod } = await twoEndpoints(
      (url) => `[profile prod]\nendpoint_url = ${url}\n${keys('AKIAPROD')}`,
    );
    const third = await startEndpoints();
    vi.stubEnv('AWS_ENDPOINT_URL_EC2', third.url);
    await readAll(connectAs({ profile: 'prod' }));
    expect([dev.seen, prod.seen]).toEqual([[], []]);
    expect(third.signed('ec2')).toEqual(['AKIAPROD']);
  });

  it('are read again after a correction', async () => {
    const { seen, url } = await startEndpoints();
    const ec2 = connectAs({ profile: 'ops' });
    home.writeConfig(`[profile ops]\nendpoint_url = localhost:1\n${keys('AKIAOPS')}`);
    expect(await failureReport(readAll(ec2))).toMatchObject({ code: 'precondition_failed' });
    home.writeConfig(`[profile ops]\nendpoint_url = ${url}\n${keys('AKIAOPS')}`);
    await readAll(ec2);
    expect(seen).toHaveLength(1);
  });
});

describe('a setting that cannot be used', () => {
  const ENDPOINT = 'http://127.0.0.1:9';

  it.each<[string, Record<string, string>, string, RegExp]>([
    [
      'FIPS with an endpoint',
      { AWS_USE_FIPS_ENDPOINT: 'true', AWS_ENDPOINT_URL: ENDPOINT },
      '',
      /AWS_USE_FIPS_ENDPOINT and AWS_ENDPOINT_URL exclude each other/,
    ],
    [
      'dual stack with an endpoint',
      { AWS_USE_DUALSTACK_ENDPOINT: 'true', AWS_ENDPOINT_URL_EC2: ENDPOINT },
      '',
      /AWS_USE_DUALSTACK_ENDPOINT and AWS_ENDPOINT_URL_EC2/,
    ],
    [
      'FIPS of the profile with its endpoint',
      {},
      `use_fips_endpoint = true\nendpoint_url = ${ENDPOINT}\n`,
      /use_fips_endpoint of profile ops and endpoint_url of profile ops/,
    ],
    [
      'FIPS that is neither true nor false',
      { AWS_USE_FIPS_ENDPOINT: 'yes' },
      '',
      /AWS_USE_FIPS_ENDPOINT is "yes"/,
    ],
    [
      'an endpoint without a scheme',
      { AWS_ENDPOINT_URL: 'localhost:4566' },
      '',
      /AWS_ENDPOINT_URL is "localhost:4566"/,
    ],
    [
      'an endpoint that is not expanded',
      { AWS_ENDPOINT_URL: `\${URL}` },
      '',
      /AWS_ENDPOINT_URL is "\$\{URL\}"/,
    ],
    [
      'an endpoint with a password',
      { AWS_ENDPOINT_URL: 'ftp://me:hush@host' },
      '',
      /AWS_ENDPOINT_URL is set to something/,
    ],
  ])('is named: %s', async (_, environment, members, message) => {
    home.writeConfig(`[profile ops]\n${keys('AKIAOPS')}${members}`);
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    const report = await failureReport(readAll(connectAs({ profile: 'ops' })));
    expect(report).toMatchObject({ code: 'precondition_failed', retryable: false });
    expect(report.message).toMatch(message);
    expect(report.hint).toMatch(/^(Set|Remove) \S+/);
  });

  it('is named as one of a group where only the SDK finds it', async () => {
    home.writeConfig(`[profile ops]\n${keys('AKIAOPS')}`);
    vi.stubEnv('AWS_USE_FIPS_ENDPOINT', 'true');
    const report = await failureReport(readAll(connectAs({ profile: 'ops', endpoint: ENDPOINT })));
    expect(report).toMatchObject({ code: 'precondition_failed', retryable: false });
    expect(report.message).toContain('FIPS and custom endpoint are not supported. Nothing was sent.');
    expect(report.hint).toContain('AWS_USE_FIPS_ENDPOINT (use_fips_endpoint)');
  });

  it.each([
    ['AWS_DEFAULTS_MODE', 'bogus'],
    ['AWS_MAX_ATTEMPTS', 'many'],
    ['AWS_RETRY_MODE', 'bogus'],
    ['AWS_AUTH_SCHEME_PREFERENCE', 'sigv4a'],
    ['AWS_SIGV4A_SIGNING_REGION_SET', '*'],
    ['AWS_USE_FIPS_ENDPOINT', 'FALSE'],
    ['AWS_SDK_UA_APP_ID', 'with\nline breaks'],
    ['AWS_DISABLE_CLOCK_SKEW_CORRECTION', 'bogus'],
  ])('decides nothing where this server decides: %s=%s', async (name, value) => {
    home.writeConfig(
      `[profile ops]\nrole_arn = ${ROLE}\nsource_profile = base\n[profile base]\n${keys('AKIABASE')}`,
    );
    const { url, signed } = await startEndpoints();
    vi.stubEnv('AWS_ENDPOINT_URL', url);
    vi.stubEnv(name, value);
    const ec2 = connectAs({ profile: 'ops' });
    await readAll(ec2);
    expect(signed('ec2')).toEqual(['ASIAROLE']);
    expect((await ec2.identity('us-east-1'))?.account_id).toBe('111122223333');
  });
});

describe('an instance that nothing configures', () => {
  it('gives region and credentials, asked for once', async () => {
    const { url, seen } = await startEndpoints();
    useEndpoints(url);
    const ec2 = connectAs({ region: undefined });
    for (let calls = 0; calls < 2; calls++) await readAll(ec2, await ec2.region(undefined));
    expect(seen.filter(({ role }) => role === 'ec2').map((each) => [each.accessKeyId, each.region])).toEqual([
      ['ASIAINSTANCE', 'eu-central-1'],
      ['ASIAINSTANCE', 'eu-central-1'],
    ]);
    // Each is a token and what it is for; the role's name comes before its credentials.
    expect(seen.filter(({ role }) => role === 'instance')).toHaveLength(2 + 3);
  });
});

describe('credentials', () => {
  it('are asked for once for all regions', async () => {
    const { url, seen } = await startEndpoints();
    useEndpoints(url);
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${url}/container`);
    const ec2 = connectAs({});
    await Promise.all([readAll(ec2, 'us-east-1'), readAll(ec2, 'us-east-2')]);
    expect(seen.map(({ role }) => role)).toEqual(['container', 'ec2', 'ec2']);
  });
});
