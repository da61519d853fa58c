import type { ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Ec2Target } from '../../src/aws/settings.ts';
import { OPS, useAwsHome } from '../support/aws-home.ts';
import { type Answer, silence, startEndpoints, sts, stsError } from '../support/credential-endpoints.ts';
import { accepted, afterDryRun, ec2Error, emptyPage, type Reply } from '../support/ec2-replies.ts';
import {
  type AccountOf,
  BY,
  connect,
  connectToStub,
  neverAborted,
  REGION,
  REQUEST,
  readAll,
} from '../support/ec2-stub.ts';

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
    expect((await ec2.identity(REGION))?.account_id).toBe('111111111111');
    expect(await ec2.unassign.dryRun(REQUEST, neverAborted, BY)).toMatchObject({
      passed: true,
      accountId: '222222222222',
    });
    expect((await ec2.identity(REGION))?.account_id).toBe('222222222222');
  });

  it('is absent, and delays no dry run beyond its deadline, while credentials hang', async (context) => {
    home.writeCredentialProcess('process.stdin.resume();');
    const options = { ...OPS, timeouts: { read: 100 } };
    const { ec2, requests } = await connectToStub(context.onTestFinished, emptyPage, options);
    const dryRun = await ec2.unassign.dryRun(REQUEST, neverAborted, BY);
    expect(dryRun).toMatchObject({ passed: false, error: { code: 'timed_out' } });
    expect(dryRun.accountId).toBeUndefined();
    // Nothing was signed.
    expect(dryRun.signer).toBeUndefined();
    expect((await ec2.identity(REGION))?.account_id).toBeUndefined();
    expect(requests).toEqual([]);
  });
});

describe('STS', () => {
  const ACCOUNT = '111122223333';
  const KEYS = 'aws_access_key_id = AKIAOPS\naws_secret_access_key = hush\naws_session_token = hushtoken\n';

  async function start(answer: Answer, target: Ec2Target = {}, read = 10_000) {
    const endpoints = await startEndpoints({ sts: answer });
    home.writeConfig(`[profile ops]\n${KEYS}`);
    vi.stubEnv('AWS_ENDPOINT_URL', endpoints.url);
    const options = { credentials: undefined, profile: 'ops', ...target };
    const asked = () => endpoints.seen.filter(({ role }) => role === 'sts').map(({ region }) => region);
    return { ...connect(onTestFinished, options, { read }), ...endpoints, asked };
  }

  /** Knows only this region, as AWS knows no region that is mistyped or not enabled. */
  const only =
    (region: string): Answer =>
    (response, request) => {
      const isHere = request.headers.authorization?.includes(`/${region}/`);
      (isHere ? sts : stsError(403, 'InvalidClientTokenId'))(response, request);
    };

  it('is asked where the server is configured, whatever region a call names', async () => {
    const { ec2, asked } = await start(only('us-east-1'), { region: 'us-east-1' });
    expect((await ec2.identity('us-west-2'))?.account_id).toBe(ACCOUNT);
    expect((await ec2.identity('eu-wset-1'))?.account_id).toBe(ACCOUNT);
    expect(asked()).toEqual(['us-east-1']);
  });

  it('is asked in the region of the profile, or of AWS_DEFAULT_REGION', async () => {
    const { ec2, asked } = await start(only('eu-west-1'), { region: undefined });
    vi.stubEnv('AWS_DEFAULT_REGION', 'eu-west-1');
    expect((await ec2.identity('us-west-2'))?.account_id).toBe(ACCOUNT);
    expect(asked()).toEqual(['eu-west-1']);
  });

  it('hides the account from nobody else after a region that it does not know', async () => {
    const { ec2 } = await start(only('us-east-1'), { region: undefined });
    expect((await ec2.identity('eu-wset-1'))?.account_id).toBeUndefined();
    expect((await ec2.identity('us-east-1'))?.account_id).toBe(ACCOUNT);
    expect((await ec2.identity('eu-wset-1'))?.account_id).toBe(ACCOUNT);
  });

  it('is asked again after a failure, at once', async () => {
    const { ec2, answers } = await start(stsError(403, 'AccessDenied'));
    expect((await ec2.identity(REGION))?.account_id).toBeUndefined();
    delete answers.sts;
    expect((await ec2.identity(REGION))?.account_id).toBe(ACCOUNT);
  });

  it('is asked once by calls at the same time, and once for a key', async () => {
    const { ec2, asked } = await start(sts);
    await Promise.all([ec2.identity(REGION), ec2.identity('us-west-2'), ec2.identity(REGION)]);
    expect((await ec2.identity('us-west-2'))?.account_id).toBe(ACCOUNT);
    expect(asked()).toEqual([REGION]);
  });

  it('is not waited for where it was silent, and is heard when it answers', async () => {
    const { ec2, answers, asked } = await start(silence, {}, 1500);
    expect((await ec2.identity(REGION))?.account_id).toBeUndefined();
    const held: (() => void)[] = [];
    answers.sts = (response: ServerResponse, request) => {
      held.push(() => sts(response, request));
    };
    await vi.waitFor(async () => {
      expect((await ec2.identity(REGION))?.account_id).toBeUndefined();
      expect(held).toHaveLength(1);
    });
    held[0]?.();
    await vi.waitFor(async () => expect((await ec2.identity(REGION))?.account_id).toBe(ACCOUNT));
    expect(asked()).toHaveLength(2);
  });

  it('tells whose key signs, which the log says once for a key, without secrets', async () => {
    const { ec2, log } = await start(sts);
    await readAll(ec2);
    const identity = {
      access_key_id: 'AKIAOPS',
      account_id: ACCOUNT,
      arn: 'arn:aws:sts::111122223333:assumed-role/ops/me',
      provider: 'profile_keys',
      profile: 'ops',
    };
    expect(await ec2.identity(REGION)).toEqual(identity);
    expect(await ec2.unassign.dryRun(REQUEST, neverAborted, BY)).toMatchObject({ signer: identity });
    const lines = log.text.split('\n').filter((line) => line.includes('requests are signed by'));
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ level: 30, ...identity }),
    ]);
    expect(log.text).not.toContain('hush');
  });

  it('leaves the key and its source to the log where it does not tell the account, once', async () => {
    const { ec2, log } = await start(stsError(403, 'AccessDenied'));
    expect(await ec2.identity(REGION)).toEqual({
      access_key_id: 'AKIAOPS',
      provider: 'profile_keys',
      profile: 'ops',
    });
    await ec2.identity(REGION);
    const lines = log.text.split('\n').filter((line) => line.includes('does not tell its account'));
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({
        access_key_id: 'AKIAOPS',
        provider: 'profile_keys',
        aws_code: 'AccessDenied',
      }),
    ]);
  });
});
