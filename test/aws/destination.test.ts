import { readFileSync, writeFileSync } from 'node:fs';
import { EC2Client, UnassignPrivateNatGatewayAddressCommand } from '@aws-sdk/client-ec2';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ChangeOrigins, type Destination, type RequestState, trackAttempts } from '../../src/aws/attempts.ts';
import { Failure } from '../../src/vocabulary/failure.ts';
import { useAwsHome } from '../support/aws-home.ts';
import { accepted, afterDryRun, ec2Error, emptyPage, type Reply } from '../support/ec2-replies.ts';
import { connect, connectToStub, permitFor, readAll, sent } from '../support/ec2-stub.ts';

const home = useAwsHome();

const accepting: Reply = (response, request) =>
  (request.action === 'DescribeNatGateways' ? emptyPage : afterDryRun(accepted))(response, request);

/** Refuses the first describe, so that credentials are renewed, and with them all files are read again. */
const renewing = (): Reply => {
  let isRefused = false;
  return (response, request) => {
    if (request.action !== 'DescribeNatGateways' || isRefused) return accepting(response, request);
    isRefused = true;
    ec2Error(400, 'RequestExpired')(response, request);
  };
};

/** Two endpoints, and a profile that names the first; `edit` makes it name the second. */
async function startBoth(credentials: string) {
  const a = await connectToStub(onTestFinished, renewing());
  const b = await connectToStub(onTestFinished, accepting);
  const write = (url: string) => home.writeConfig(`[profile ops]\nendpoint_url = ${url}\n${credentials}\n`);
  write(a.stub.url);
  vi.stubEnv('AWS_PROFILE', 'ops');
  const { ec2 } = connect(onTestFinished, { credentials: undefined }, { reconcilePauses: [1, 1, 1] });
  return { ec2, a, b, edit: () => write(b.stub.url) };
}

const STATIC = 'aws_access_key_id = AKIAFIRST\naws_secret_access_key = secret';

/** Credentials that expire so soon that requests ask for them again, for which the files are read again. */
function expiring(): { profile: string; asked: () => number } {
  const runs = home.path('runs');
  const output = {
    Version: 1,
    AccessKeyId: 'AKIAFIRST',
    SecretAccessKey: 'secret',
    Expiration: new Date(Date.now() + 120_000).toISOString(),
  };
  writeFileSync(runs, '');
  home.writeCredentialProcess(`import { appendFileSync } from 'node:fs';
appendFileSync(${JSON.stringify(runs)}, '.');
console.log(${JSON.stringify(JSON.stringify(output))});`);
  return {
    profile: `credential_process = "${process.execPath}" "${home.path('process.mjs')}"`,
    asked: () => readFileSync(runs, 'utf8').length,
  };
}

describe('an endpoint that changes in the profile after credentials were renewed', () => {
  it('changes for a real call no more than for its dry run', async () => {
    const { profile, asked } = expiring();
    const { ec2, a, b, edit } = await startBoth(profile);
    await readAll(ec2);
    edit();
    const before = asked();
    // The second run from here on has begun after the edit.
    await vi.waitFor(async () => {
      await readAll(ec2);
      expect(asked()).toBeGreaterThan(before + 1);
    }, 10_000);
    const permit = await permitFor(ec2);
    expect(await ec2.unassign.send(permit)).toMatchObject({ kind: 'accepted' });
    expect(sent(a.requests)).toEqual({ dryRuns: 1, realCalls: 1 });
    expect(b.requests).toEqual([]);
  });

  it('refuses a real call whose dry run went to the one before, and sends nothing', async () => {
    const { ec2, a, b, edit } = await startBoth(STATIC);
    const permit = await permitFor(ec2);
    edit();
    await readAll(ec2);
    expect(await ec2.unassign.send(permit)).toEqual({
      kind: 'refused',
      isUnsent: true,
      error: {
        code: 'precondition_failed',
        message: `The endpoint changed between the dry run (${a.stub.url}/, us-east-1) and the real call (${b.stub.url}/, us-east-1). Nothing was sent.`,
        retryable: true,
        hint: expect.stringContaining('Call again'),
      },
    });
    expect(sent(a.requests)).toEqual({ dryRuns: 1, realCalls: 0 });
    expect(sent(b.requests)).toEqual({ dryRuns: 0, realCalls: 0 });
    expect(await ec2.unassign.send(await permitFor(ec2))).toMatchObject({ kind: 'accepted' });
    expect(sent(b.requests)).toEqual({ dryRuns: 1, realCalls: 1 });
  });
});

describe('the reads after a lost answer', () => {
  it('go where the real call went, or nowhere', async () => {
    const { ec2, a, b, edit } = await startBoth(STATIC);
    edit();
    await readAll(ec2);
    const reads = b.requests.length;
    const request = {
      region: 'us-east-1',
      natGatewayId: 'nat-0123456789abcdef0',
      privateIps: ['10.0.0.5'],
      maxDrainDurationSeconds: 350,
    };
    const { origin } = new URL(a.stub.url);
    expect(await ec2.unassign.reconcile(request, origin)).toEqual({ verdict: 'unclear', gateway: undefined });
    expect(b.requests).toHaveLength(reads);
  });
});

describe('a tracked request', () => {
  /** What a command to this endpoint leaves behind; the handler counts what leaves. */
  async function attempt(endpoint: string, state: RequestState = {}, isSigned = true, statusCode = 200) {
    const handle = vi.fn(async () => ({ response: { statusCode, headers: {} } }));
    const client = new EC2Client({
      endpoint,
      region: 'us-east-1',
      maxAttempts: 1,
      credentials: { accessKeyId: 'AKIAFIRST', secretAccessKey: 'secret' },
      requestHandler: { handle } as never,
      ...(isSigned ? {} : { signer: { sign: async (request: object) => request } as never }),
    });
    const input = { NatGatewayId: 'nat-1', PrivateIpAddresses: ['10.0.0.5'] };
    const command = trackAttempts(new UnassignPrivateNatGatewayAddressCommand(input), state);
    const failure = await client.send(command).then(
      () => undefined,
      (error: unknown) => (error instanceof Failure ? error.report : undefined),
    );
    return { state, failure, left: handle.mock.calls.length };
  }

  const first: Destination = {
    origin: 'https://ec2.us-east-1.amazonaws.com:443',
    path: '/',
    region: 'us-east-1',
    accessKeyId: 'AKIAFIRST',
  };

  it.each<[string, Partial<Destination>]>([
    ['https://ec2.us-east-1.amazonaws.com', {}],
    ['http://ec2.us-east-1.amazonaws.com', { origin: 'http://ec2.us-east-1.amazonaws.com:80' }],
    ['https://ec2.us-east-1.amazonaws.com:8443', { origin: 'https://ec2.us-east-1.amazonaws.com:8443' }],
    ['https://ec2.us-east-1.amazonaws.com/stage', { path: '/stage/' }],
  ])('to %s leaves its destination behind', async (endpoint, other) => {
    const { state, left } = await attempt(endpoint);
    expect(state.destination).toEqual({ ...first, ...other });
    expect(left).toBe(1);
  });

  it('leaves when its destination is the only one allowed', async () => {
    expect(await attempt('https://ec2.us-east-1.amazonaws.com', { only: first })).toMatchObject({ left: 1 });
  });

  it.each([
    ['scheme', 'http://ec2.us-east-1.amazonaws.com:443'],
    ['host', 'https://ec2.us-east-2.amazonaws.com:443'],
    ['port', 'https://ec2.us-east-1.amazonaws.com:8443'],
  ])('does not leave when the %s differs', async (_, origin) => {
    const only = { ...first, origin };
    const { failure, left } = await attempt('https://ec2.us-east-1.amazonaws.com', { only });
    expect(failure).toMatchObject({ code: 'precondition_failed', retryable: true });
    expect(left).toBe(0);
  });

  it.each<[keyof Destination, string]>([
    ['path', 'precondition_failed'],
    ['region', 'precondition_failed'],
    ['accessKeyId', 'credentials_expired'],
  ])('does not leave when the %s differs', async (member, code) => {
    const only = { ...first, [member]: 'another' };
    const { failure, left } = await attempt('https://ec2.us-east-1.amazonaws.com', { only });
    expect(failure).toMatchObject({ code, retryable: true });
    expect(left).toBe(0);
  });

  it('does not leave unsigned when only one destination is allowed', async () => {
    const only = { ...first, region: undefined, accessKeyId: undefined };
    const { failure, left } = await attempt('https://ec2.us-east-1.amazonaws.com', { only }, false);
    expect(failure).toMatchObject({ code: 'credentials_expired' });
    expect(left).toBe(0);
  });

  it.each([
    [199, false],
    [200, true],
    [299, true],
    [300, false],
    [500, false],
  ])('that is a dry run, answered with %i, closes its origin to changes: %s', async (status, isClosed) => {
    const origins = new ChangeOrigins();
    const endpoint = 'https://ec2.us-east-1.amazonaws.com';
    const dryRun = () => ({ change: { isDryRun: true, origins } });
    const { state } = await attempt(endpoint, dryRun(), true, status);
    expect(state.saidSuccess ?? false).toBe(isClosed);
    for (const change of [dryRun(), { change: { isDryRun: false, origins } }]) {
      const { failure, left } = await attempt(endpoint, change, true, 412);
      expect(failure?.code).toBe(isClosed ? 'dry_run_not_honoured' : undefined);
      expect(left).toBe(isClosed ? 0 : 1);
    }
    expect(await attempt(endpoint)).toMatchObject({ left: 1 });
    expect(await attempt(`${endpoint}:8443`, dryRun())).toMatchObject({ left: 1 });
  });

  it('that is a real call, answered with success, closes nothing', async () => {
    const change = { isDryRun: false, origins: new ChangeOrigins() };
    await attempt('https://ec2.us-east-1.amazonaws.com', { change });
    expect(await attempt('https://ec2.us-east-1.amazonaws.com', { change })).toMatchObject({ left: 1 });
  });
});
