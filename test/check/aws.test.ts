import { createServer } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import {
  CHANGER_ACCESS_KEY_ID,
  DENIED_ACCESS_KEY_ID,
  type Exchange,
  privateNatGateway,
  READER_ACCESS_KEY_ID,
  type SimulatorCall,
} from '../../src/simulator/simulator.ts';
import { useAwsHome } from '../support/aws-home.ts';
import { ec2Error, type Reply } from '../support/ec2-replies.ts';
import { EGRESS, LONE, STACK, UNKNOWN } from '../support/endpoint.ts';
import { realCalls } from '../support/session.ts';
import { check, endpointToCheck, statusesOf } from '../support/set-up.ts';

const home = useAwsHome();

/** Gives the requests of one action another reply; all others are applied. */
function instead(action: string, reply: Reply) {
  return async (exchange: Exchange) => {
    if (exchange.action !== action) return exchange.apply();
    reply(exchange.response, {} as never);
    return undefined;
  };
}

/** Shifts the time of every answer. */
function clockApart(seconds: number) {
  return async (exchange: Exchange) => {
    const { headers, ...answer } = exchange.apply();
    const date = new Date(Date.now() + seconds * 1000).toUTCString();
    return { ...answer, headers: { ...headers, date } };
  };
}

const dryRuns = (calls: readonly SimulatorCall[]) =>
  calls
    .filter(({ action }) => action === 'UnassignPrivateNatGatewayAddress')
    .map(({ parameters }) => parameters);

describe('the check of a set-up that works', () => {
  it('has ok for every part, and names the signer, the account, the region and the gateways', async () => {
    const { target, simulator } = await endpointToCheck();
    const report = await check({ target });
    expect(report.ok).toBe(true);
    expect(new Set(Object.values(statusesOf(report)))).toEqual(new Set(['ok']));
    expect(report.of('region')).toMatchObject({ facts: { region: 'us-east-1', from: '--region' } });
    expect(report.of('endpoint').message).toBe(`${simulator.url} answers, without a proxy.`);
    expect(report.of('credentials').facts).toMatchObject({ access_key_id: 'AKIATEST' });
    expect(report.of('account').facts).toEqual({
      account_id: '123456789012',
      arn: 'arn:aws:iam::123456789012:user/AKIATEST',
    });
    expect(report.of('describe').facts).toEqual({ gateways: 8, private_gateways: 6 });
  });

  it('sends one dry run and no real call, with the drain of a call that names none', async () => {
    const { target, calls } = await endpointToCheck();
    await check({ target });
    expect(realCalls(calls)).toEqual([]);
    expect(calls.some(({ changed }) => changed)).toBe(false);
    expect(dryRuns(calls)).toEqual([
      expect.objectContaining({
        NatGatewayId: EGRESS,
        DryRun: 'true',
        MaxDrainDurationSeconds: '350',
        'PrivateIpAddress.1': '10.0.1.11',
      }),
    ]);
  });

  it('says from which variable or profile region and credentials come', async () => {
    const { simulator } = await endpointToCheck();
    home.writeConfig(
      `[profile ops]\nregion = us-east-1\nendpoint_url = ${simulator.url}\naws_access_key_id = AKIAOPS\naws_secret_access_key = secret\n`,
    );
    const report = await check({ target: { profile: 'ops' } });
    expect(report.of('region').message).toBe('us-east-1, from region of profile ops.');
    expect(report.of('credentials').message).toBe(
      'AKIAOPS signs requests, from profile_keys, of profile ops.',
    );
  });
});

describe('the dry run of a check', () => {
  it('asks about the gateway of --gateway', async () => {
    const { target, calls } = await endpointToCheck();
    const report = await check({ target, gateway: STACK });
    expect(report.of('dry_run').status).toBe('ok');
    expect(dryRuns(calls)).toEqual([expect.objectContaining({ NatGatewayId: STACK })]);
  });

  it.each([
    [UNKNOWN, 'There is no NAT gateway'],
    [LONE, 'has no address to ask about'],
  ])('fails for %s without a request, because there is nothing to ask about', async (gateway, reason) => {
    const { target, calls } = await endpointToCheck();
    const report = await check({ target, gateway });
    expect(report.of('dry_run')).toMatchObject({
      status: 'failure',
      message: expect.stringContaining(reason),
    });
    expect(dryRuns(calls)).toEqual([]);
  });

  it('prefers a gateway that the rules allow to change', async () => {
    const { target, calls } = await endpointToCheck();
    const report = await check({ target, args: ['--protect-tag', 'env=test'] });
    expect(report.of('dry_run').status).toBe('ok');
    expect(dryRuns(calls)[0]?.NatGatewayId).not.toBe(EGRESS);
  });

  it('warns of every rule that forbids the release it asks about', async () => {
    const { target } = await endpointToCheck();
    const args = ['--protect-tag', 'env=test', '--allow-region', 'eu-west-1'];
    const report = await check({ target, args, gateway: EGRESS });
    expect(report.of('dry_run').status).toBe('warning');
    expect(report.of('dry_run').message).toMatch(/--allow-region.*--protect-tag/);
  });

  it('warns where no private gateway has a secondary', async () => {
    const { target } = await endpointToCheck({ inventory: [] });
    const report = await check({ target });
    expect(statusesOf(report)).toMatchObject({ describe: 'warning', dry_run: 'warning' });
    expect(report.ok).toBe(true);
  });

  it('fails at an endpoint that ignores DryRun, and says what to look at', async () => {
    const { target } = await endpointToCheck({ ignoresDryRun: true });
    expect((await check({ target })).of('dry_run')).toMatchObject({
      status: 'failure',
      facts: { code: 'dry_run_not_honoured' },
      hint: expect.stringContaining('Look at the gateway'),
    });
  });
});

describe('the evidence of a check', () => {
  it('is ok where all of it can be read', async () => {
    const { target } = await endpointToCheck();
    expect((await check({ target })).of('evidence')).toMatchObject({
      status: 'ok',
      facts: { nat_gateway_id: EGRESS, missing_permissions: [] },
    });
  });

  it.each([
    ['warning', 'auto'],
    ['failure', 'require'],
  ])('is a %s where the credentials may read none, with --evidence %s', async (status, mode) => {
    const { target } = await endpointToCheck({}, CHANGER_ACCESS_KEY_ID);
    const report = await check({ target, args: ['--evidence', mode] });
    expect(statusesOf(report)).toMatchObject({ dry_run: 'ok', evidence: status });
    expect(report.of('evidence')).toMatchObject({
      message: expect.stringContaining('cloudwatch:GetMetricData is denied'),
      hint: expect.stringContaining('iam-policy'),
      facts: {
        missing_permissions: [
          'cloudwatch:GetMetricData',
          'ec2:DescribeRouteTables',
          'ec2:DescribeSecurityGroups',
          'ec2:DescribeManagedPrefixLists',
        ],
      },
    });
  });

  it('is not read with --evidence off', async () => {
    const { target, calls } = await endpointToCheck({}, CHANGER_ACCESS_KEY_ID);
    const report = await check({ target, args: ['--evidence', 'off'] });
    expect(report.of('evidence').status).toBe('ok');
    expect(calls.map(({ action }) => action)).not.toContain('GetMetricData');
  });

  it('of a gateway without data is a warning only where it is required', async () => {
    const inventory = [privateNatGateway(EGRESS, 'egress', ['10.0.1.10', '10.0.1.11'], 0)];
    const { target } = await endpointToCheck({ inventory });
    const statusWith = async (mode: string) =>
      (await check({ target, args: ['--evidence', mode] })).of('evidence').status;
    expect([await statusWith('auto'), await statusWith('require')]).toEqual(['ok', 'warning']);
  });
});

describe('a permission that is missing', () => {
  it('is named where credentials may only describe; the other checks have their results', async () => {
    const { target } = await endpointToCheck({}, READER_ACCESS_KEY_ID);
    const report = await check({ target });
    expect(report.ok).toBe(false);
    expect(statusesOf(report)).toMatchObject({ account: 'ok', describe: 'ok', dry_run: 'failure' });
    expect(report.of('dry_run')).toMatchObject({
      facts: { code: 'not_authorized', missing_permission: 'ec2:UnassignPrivateNatGatewayAddress' },
      hint: expect.stringContaining('nat-gateway-mcp iam-policy'),
    });
    expect(report.of('dry_run').message).not.toContain('Encoded');
  });

  it('is a warning with --read-only, whose IAM policy has no dry runs', async () => {
    const { target } = await endpointToCheck({}, READER_ACCESS_KEY_ID);
    const report = await check({ target, args: ['--read-only'] });
    expect(statusesOf(report).dry_run).toBe('warning');
    expect(report.of('dry_run').hint).toContain('without --read-only');
    expect(report.ok).toBe(true);
  });

  it('is named where credentials may do nothing, and no dry run is sent', async () => {
    const { target, calls } = await endpointToCheck({}, DENIED_ACCESS_KEY_ID);
    const report = await check({ target });
    expect(statusesOf(report)).toMatchObject({ account: 'ok', describe: 'failure', dry_run: 'skipped' });
    expect(report.of('describe').facts).toMatchObject({ missing_permission: 'ec2:DescribeNatGateways' });
    expect(dryRuns(calls)).toEqual([]);
  });
});

describe('credentials', () => {
  it('that have expired fail the describe; endpoint, clock and account have their results', async () => {
    const reply = ec2Error(400, 'RequestExpired');
    const { target } = await endpointToCheck({ intercept: instead('DescribeNatGateways', reply) });
    const report = await check({ target });
    expect(statusesOf(report)).toMatchObject({
      endpoint: 'ok',
      clock: 'ok',
      account: 'ok',
      describe: 'failure',
      dry_run: 'skipped',
    });
    expect(report.of('describe').facts).toMatchObject({ code: 'credentials_expired' });
  });

  it('that are missing are told with the next step; the endpoint is reached without them', async () => {
    const { simulator } = await endpointToCheck();
    const report = await check({ target: { region: 'us-east-1', endpoint: simulator.url } });
    expect(statusesOf(report)).toMatchObject({
      region: 'ok',
      endpoint: 'ok',
      clock: 'ok',
      credentials: 'failure',
      account: 'skipped',
      describe: 'skipped',
      dry_run: 'skipped',
    });
    expect(report.of('credentials').hint).toContain('AWS_ACCESS_KEY_ID');
    expect(report.of('credentials').hint).not.toContain('call again');
  });

  it('of two sources that are both set bring a warning of which one signs', async () => {
    const { simulator } = await endpointToCheck();
    home.writeCredentials('AKIAOPS');
    vi.stubEnv('AWS_PROFILE', 'ops');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAENV');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    const report = await check({ target: { region: 'us-east-1', endpoint: simulator.url } });
    expect(report.of('credentials').facts).toMatchObject({ access_key_id: 'AKIAOPS', profile: 'ops' });
    expect(report.of('log')).toMatchObject({
      status: 'warning',
      message: 'AWS_PROFILE and AWS_ACCESS_KEY_ID are both set; the profile signs',
    });
  });

  it('of a profile that does not exist fail, and the profile is named', async () => {
    const { simulator } = await endpointToCheck();
    const report = await check({ target: { profile: 'gone', region: 'us-east-1', endpoint: simulator.url } });
    expect(report.of('credentials').status).toBe('failure');
    expect(report.of('credentials').message).toContain('gone');
    expect(report.checks.some(({ name }) => name === 'log')).toBe(false);
  });
});

describe('the account', () => {
  it.each([
    ['ok', ['--allow-account', '123456789012']],
    ['failure', ['--allow-account', '111122223333']],
  ])('is %s with %j', async (status, args) => {
    const { target } = await endpointToCheck();
    expect((await check({ target, args })).of('account').status).toBe(status);
  });

  it.each([
    ['warning', []],
    ['failure', ['--allow-account', '123456789012']],
  ])('is %s where STS denies the question, with %j; the reason is shown', async (status, args) => {
    const reply: Reply = (response) =>
      void response
        .writeHead(403, { 'content-type': 'text/xml' })
        .end(
          '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error><RequestId>r</RequestId></ErrorResponse>',
        );
    const { target } = await endpointToCheck({ intercept: instead('GetCallerIdentity', reply) });
    const report = await check({ target, args });
    expect(report.of('account')).toMatchObject({
      status,
      message: expect.stringContaining('AccessDenied'),
      hint: expect.stringContaining('STS was reached and refused'),
    });
    expect(report.of('describe').status).toBe('ok');
  });

  it.each([
    [200, 'text/html', '<html><body>Log in to this network</body></html>'],
    [200, 'text/xml', '<GetCallerIdentityResponse/>'],
    [200, 'text/xml', ''],
    [302, 'text/html', ''],
    [403, 'text/html', '<html><body>Blocked</body></html>'],
    [502, 'application/json', '{"message":"Bad Gateway"}'],
  ])('tells that HTTP %i with %s %j answered in the place of STS', async (status, type, body) => {
    const reply: Reply = (response) => void response.writeHead(status, { 'content-type': type }).end(body);
    const { target } = await endpointToCheck({ intercept: instead('GetCallerIdentity', reply) });
    expect((await check({ target })).of('account')).toMatchObject({
      status: 'warning',
      message: expect.stringContaining(`(HTTP ${status} without its XML)`),
      hint: expect.stringContaining('Something else answered'),
    });
  });
});

describe('the region', () => {
  it('fails where none is configured, and credentials are checked all the same', async () => {
    const report = await check({
      target: { credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' } },
    });
    expect(statusesOf(report)).toMatchObject({
      region: 'failure',
      endpoint: 'skipped',
      clock: 'skipped',
      credentials: 'ok',
      account: 'skipped',
      describe: 'skipped',
      dry_run: 'skipped',
      rules: 'ok',
    });
    expect(report.of('region').hint).toContain('--region');
  });

  it('fails where the profile has none that is one, and the setting is named', async () => {
    home.writeConfig('[profile ops]\nregion = us-esat\n');
    const report = await check({ target: { profile: 'ops' } });
    expect(report.of('region')).toMatchObject({
      status: 'failure',
      hint: expect.stringContaining('profile ops'),
    });
  });

  it('is a warning where --allow-region leaves it out', async () => {
    const { target } = await endpointToCheck();
    const report = await check({ target, args: ['--allow-region', 'eu-west-1'] });
    expect(report.of('region').status).toBe('warning');
  });

  it('without a gateway of --allow-gateway is a warning', async () => {
    const { target } = await endpointToCheck();
    const report = await check({ target, args: ['--allow-gateway', `${EGRESS},${UNKNOWN}`] });
    expect(report.of('describe')).toMatchObject({ status: 'warning' });
    expect(report.of('describe').message).toContain(`${UNKNOWN} is not there`);
  });
});

describe('an endpoint', () => {
  it('that cannot be reached fails; what needs no endpoint has its result', async () => {
    const { port } = await unusedPort();
    const report = await check({
      target: {
        region: 'us-east-1',
        endpoint: `http://127.0.0.1:${port}`,
        credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' },
      },
    });
    expect(statusesOf(report)).toMatchObject({
      region: 'ok',
      endpoint: 'failure',
      clock: 'skipped',
      credentials: 'ok',
      account: 'warning',
      describe: 'failure',
      dry_run: 'skipped',
      audit_log: 'ok',
      rules: 'ok',
    });
  });

  it('that a setting names is named with the setting', async () => {
    const { port } = await unusedPort();
    const url = `http://127.0.0.1:${port}`;
    vi.stubEnv('AWS_ENDPOINT_URL', url);
    const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' };
    const report = await check({ target: { region: 'us-east-1', credentials } });
    for (const name of ['endpoint', 'describe']) {
      expect(report.of(name)).toMatchObject({
        status: 'failure',
        message: `The EC2 endpoint of us-east-1 (${url}, from AWS_ENDPOINT_URL) could not be reached (ECONNREFUSED).`,
        hint: expect.stringContaining('correct or remove AWS_ENDPOINT_URL'),
      });
    }
    expect(report.of('account').hint).toContain('Let the server reach STS');
  });

  it('that speaks no TLS is named with the setting', async () => {
    const { simulator } = await endpointToCheck();
    const url = simulator.url.replace('http:', 'https:');
    home.writeConfig(
      `[profile ops]\nregion = us-east-1\nendpoint_url = ${url}\naws_access_key_id = AKIAOPS\naws_secret_access_key = secret\n`,
    );
    const { message, hint } = (await check({ target: { profile: 'ops' } })).of('endpoint');
    expect(message).toContain(`(${url}, from endpoint_url of profile ops)`);
    expect(hint).toContain('correct or remove endpoint_url of profile ops');
  });

  it('that never answers fails in time', async () => {
    const { target } = await endpointToCheck({ intercept: async () => undefined });
    const report = await check({ target });
    expect(statusesOf(report)).toMatchObject({ endpoint: 'failure', describe: 'failure', rules: 'ok' });
    expect(report.of('describe').facts).toMatchObject({ code: 'timed_out' });
  });

  it('is named with a proxy that does not connect', async ({ onTestFinished: finish }) => {
    const { port } = await unusedPort();
    process.env.HTTPS_PROXY = `http://user:hunter2@127.0.0.1:${port}`;
    finish(() => {
      delete process.env.HTTPS_PROXY;
    });
    const report = await check({
      target: { region: 'us-east-1', credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' } },
    });
    expect(report.of('endpoint')).toMatchObject({ status: 'failure' });
    expect(report.of('endpoint').message).toContain(`127.0.0.1:${port} (HTTPS_PROXY)`);
    expect(JSON.stringify(report)).not.toContain('hunter2');
  });
});

describe('the clock', () => {
  it.each([
    [0, 'ok', 'Less than a minute'],
    [120, 'warning', 'behind'],
    [-120, 'warning', 'ahead of'],
    [3600, 'failure', 'behind'],
    [-3600, 'failure', 'ahead of'],
  ])('that is %i s from the endpoint is %s', async (seconds, status, text) => {
    const { target } = await endpointToCheck({ intercept: clockApart(seconds) });
    const { facts, ...found } = (await check({ target })).of('clock');
    expect(found).toMatchObject({ status, message: expect.stringContaining(text) });
    expect(Math.abs(Number(facts?.offset_seconds) - seconds)).toBeLessThanOrEqual(5);
  });
});

/** A port of this machine where nothing listens. */
async function unusedPort(): Promise<{ port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return { port: address.port };
}
