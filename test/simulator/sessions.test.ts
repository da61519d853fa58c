import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import {
  DescribeManagedPrefixListsCommand,
  DescribeNatGatewaysCommand,
  DescribeRegionsCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  EC2Client,
  UnassignPrivateNatGatewayAddressCommand,
} from '@aws-sdk/client-ec2';
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  type Credentials,
  GetCallerIdentityCommand,
  STSClient,
} from '@aws-sdk/client-sts';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  ACCOUNT_ID,
  DENIED_ACCESS_KEY_ID,
  defaultAccounts,
  defaultNetwork,
  EXTERNAL_ID,
  PLACES,
  REGIONS,
  type SimulatedAccount,
  type Simulator,
} from '../../src/simulator/simulator.ts';
import { refusal, startEndpoint } from '../support/endpoint.ts';

const ROLE = 'arn:aws:iam::100000000001:role/nat-gateway-mcp';
const GATEWAY = 'nat-00110000000000001';
const arnOf = (gateway: string) => `arn:aws:ec2:us-east-1:100000000001:natgateway/${gateway}`;
const roleOf = (accountId: string) => `arn:aws:iam::${accountId}:role/nat-gateway-mcp`;

const policyFor = (...gateways: string[]) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: 'ec2:DescribeNatGateways', Resource: '*' },
      { Effect: 'Allow', Action: 'ec2:UnassignPrivateNatGatewayAddress', Resource: gateways.map(arnOf) },
    ],
  });

const configOf = (simulator: Simulator, region: string, keys?: Credentials) => ({
  region,
  endpoint: simulator.url,
  maxAttempts: 1,
  credentials: {
    accessKeyId: keys?.AccessKeyId ?? 'AKIATEST',
    secretAccessKey: keys?.SecretAccessKey ?? 'secret',
    ...(keys?.SessionToken && { sessionToken: keys.SessionToken }),
  },
});

function stsOf(simulator: Simulator, keys?: Credentials, region = 'us-east-1') {
  const sts = new STSClient(configOf(simulator, region, keys));
  onTestFinished(() => sts.destroy());
  return sts;
}

function ec2Of(simulator: Simulator, keys: Credentials | undefined, region = 'us-east-1') {
  const ec2 = new EC2Client(configOf(simulator, region, keys));
  onTestFinished(() => ec2.destroy());
  return ec2;
}

const assume = (input: Partial<AssumeRoleCommandInput> = {}) =>
  new AssumeRoleCommand({ RoleArn: ROLE, RoleSessionName: 'attempt-1', ...input });

async function keysOf(simulator: Simulator, input: Partial<AssumeRoleCommandInput> = {}) {
  return (await stsOf(simulator).send(assume(input))).Credentials;
}

const read = new DescribeNatGatewaysCommand({});
const unassign = (NatGatewayId = GATEWAY, DryRun = false) =>
  new UnassignPrivateNatGatewayAddressCommand({ NatGatewayId, PrivateIpAddresses: ['10.0.1.11'], DryRun });

afterEach(() => {
  vi.useRealTimers();
});

describe('AssumeRole', () => {
  it('answers temporary credentials and the assumed role', async () => {
    const { simulator } = await startEndpoint();
    const answer = await stsOf(simulator).send(assume({ DurationSeconds: 900 }));
    expect(answer.Credentials?.AccessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/);
    expect(answer.Credentials?.SessionToken?.length).toBeGreaterThan(300);
    const seconds = (Number(answer.Credentials?.Expiration) - Date.now()) / 1000;
    expect(seconds).toBeGreaterThan(880);
    expect(seconds).toBeLessThanOrEqual(900);
    expect(answer.AssumedRoleUser?.Arn).toBe(
      'arn:aws:sts::100000000001:assumed-role/nat-gateway-mcp/attempt-1',
    );
    const identity = await stsOf(simulator, answer.Credentials).send(new GetCallerIdentityCommand({}));
    expect([identity.Account, identity.Arn, identity.UserId]).toEqual([
      '100000000001',
      answer.AssumedRoleUser?.Arn,
      answer.AssumedRoleUser?.AssumedRoleId,
    ]);
  });

  it.each<[string, Partial<AssumeRoleCommandInput>, string]>([
    ['a short session name', { RoleSessionName: 'a' }, 'ValidationError'],
    ['a session name with |', { RoleSessionName: 'auth0|123' }, 'ValidationError'],
    ['a long session name', { RoleSessionName: 'a'.repeat(65) }, 'ValidationError'],
    ['a source identity with a space', { SourceIdentity: 'a b' }, 'ValidationError'],
    ['a source identity of AWS', { SourceIdentity: 'aws:alice' }, 'ValidationError'],
    ['a tag value with |', { Tags: [{ Key: 'caller', Value: 'auth0|1' }] }, 'ValidationError'],
    [
      'a tag twice, in other letters',
      { Tags: ['caller', 'Caller'].map((Key) => ({ Key, Value: 'x' })) },
      'ValidationError',
    ],
    [
      'too many tags',
      { Tags: Array.from({ length: 51 }, (_, n) => ({ Key: `k${n}`, Value: 'x' })) },
      'ValidationError',
    ],
    ['a long policy', { Policy: policyFor(GATEWAY).padEnd(2049) }, 'ValidationError'],
    ['a policy with a character beyond U+00FF', { Policy: policyFor('nat-€') }, 'ValidationError'],
    ['a policy that is none', { Policy: '{"Statement":[]}' }, 'MalformedPolicyDocument'],
    ['a short duration', { DurationSeconds: 899 }, 'ValidationError'],
    ['a long duration', { DurationSeconds: 43_201 }, 'ValidationError'],
    ['a duration above the role', { DurationSeconds: 3601 }, 'ValidationError'],
    ['a short external id', { ExternalId: 'x' }, 'ValidationError'],
    ['an ARN of no role', { RoleArn: 'arn:aws:iam::100000000001:user/x' }, 'ValidationError'],
  ])('refuses %s', async (_, input, code) => {
    const { simulator } = await startEndpoint();
    const [name, status] = await refusal(stsOf(simulator).send(assume(input)));
    expect([name.replace(/Exception$/, ''), status]).toEqual([code, 400]);
  });

  it('takes what is just within the limits', async () => {
    const { simulator } = await startEndpoint();
    const Tags = Array.from({ length: 50 }, (_, n) => ({ Key: `k${n}`, Value: 'é :/=+-@_.' }));
    const Policy = policyFor(GATEWAY).padEnd(2048);
    const RoleSessionName = 'a'.repeat(64);
    expect(await keysOf(simulator, { Tags, Policy, RoleSessionName })).toBeDefined();
  });

  it('lists all mistakes', async () => {
    const { simulator } = await startEndpoint();
    const input = { RoleSessionName: 'a', DurationSeconds: 1 };
    expect((await refusal(stsOf(simulator).send(assume(input))))[2]).toMatch(
      /^2 validation errors detected: /,
    );
  });

  it.each<[string, string, Partial<AssumeRoleCommandInput>, string | undefined]>([
    ['no permission', 'sts:AssumeRole', {}, DENIED_ACCESS_KEY_ID],
    ['no external id', 'sts:AssumeRole', { RoleArn: roleOf(EXTERNAL_ID.accountId) }, undefined],
    ['no such role', 'sts:AssumeRole', { RoleArn: `${ROLE}-other` }, undefined],
  ])('refuses %s and names %s', async (_, action, input, AccessKeyId) => {
    const { simulator } = await startEndpoint();
    const keys = AccessKeyId && ({ AccessKeyId, SecretAccessKey: 'secret' } as Credentials);
    const [name, status, message] = await refusal(stsOf(simulator, keys || undefined).send(assume(input)));
    expect([name, status]).toEqual(['AccessDenied', 403]);
    expect(message).toMatch(
      new RegExp(
        `^User: arn:aws:iam::${ACCOUNT_ID}:user/\\w+ is not authorized to perform: ${action} on resource: `,
      ),
    );
  });

  it('accepts the external id', async () => {
    const { simulator } = await startEndpoint();
    const { accountId, externalId } = EXTERNAL_ID;
    expect(await keysOf(simulator, { RoleArn: roleOf(accountId), ExternalId: externalId })).toBeDefined();
  });
});

/** Two roles: `hub` may assume `spoke`, whose trust policy allows only the given actions. */
function chain(...actions: string[]): SimulatedAccount[] {
  const trust = (...Action: string[]) => ({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { AWS: [ACCOUNT_ID, '100000000001'] }, Action }],
  });
  const policy = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: ['sts:*', 'ec2:*'], Resource: '*' }],
  };
  const hub = { name: 'nat-gateway-mcp', policy, trust: trust('sts:*'), maxSessionSeconds: 43_200 };
  const spoke = {
    name: 'spoke',
    policy,
    trust: trust('sts:AssumeRole', ...actions),
    maxSessionSeconds: 43_200,
  };
  return [{ accountId: '100000000001', roles: [hub, spoke], regions: { 'us-east-1': {} } }];
}

describe('a trust policy', () => {
  const RoleArn = 'arn:aws:iam::100000000001:role/spoke';

  it.each<[string, Partial<AssumeRoleCommandInput>]>([
    ['sts:TagSession', { Tags: [{ Key: 'caller', Value: 'alice' }] }],
    ['sts:SetSourceIdentity', { SourceIdentity: 'alice' }],
  ])('that lacks %s refuses what needs it', async (action, input) => {
    const { simulator } = await startEndpoint({ accounts: chain() });
    expect(await refusal(stsOf(simulator).send(assume({ RoleArn, ...input })))).toEqual([
      'AccessDenied',
      403,
      `User: arn:aws:iam::${ACCOUNT_ID}:user/AKIATEST is not authorized to perform: ${action} on resource: ${RoleArn}`,
    ]);
  });

  it('needs sts:SetSourceIdentity for an identity that the chain already has, which stays', async () => {
    const refusing = await startEndpoint({ accounts: chain() });
    const SourceIdentity = 'alice';
    const first = await keysOf(refusing.simulator, { SourceIdentity });
    const [code, , message] = await refusal(stsOf(refusing.simulator, first).send(assume({ RoleArn })));
    expect(code).toBe('AccessDenied');
    expect(message).toContain('sts:SetSourceIdentity');

    const { simulator, calls } = await startEndpoint({ accounts: chain('sts:SetSourceIdentity') });
    const hub = stsOf(simulator, await keysOf(simulator, { SourceIdentity }));
    expect((await refusal(hub.send(assume({ RoleArn, SourceIdentity: 'bob' }))))[0]).toBe('AccessDenied');
    const { Credentials: spoke } = await hub.send(assume({ RoleArn }));
    await ec2Of(simulator, spoke).send(read);
    expect(calls.at(-1)?.session).toMatchObject({ roleArn: RoleArn, sourceIdentity: 'alice' });
  });

  it('limits a chain to an hour', async () => {
    const { simulator } = await startEndpoint({ accounts: chain() });
    const hub = stsOf(simulator, await keysOf(simulator, { DurationSeconds: 43_200 }));
    expect((await refusal(hub.send(assume({ RoleArn, DurationSeconds: 3601 }))))[2]).toContain(
      'role chaining',
    );
  });

  it('passes transitive tags on, which cannot be set again', async () => {
    const { simulator, calls } = await startEndpoint({ accounts: chain('sts:TagSession') });
    const Tags = [{ Key: 'caller', Value: 'alice' }];
    const hub = stsOf(simulator, await keysOf(simulator, { Tags, TransitiveTagKeys: ['caller'] }));
    expect((await refusal(hub.send(assume({ RoleArn, Tags }))))[0]).toBe('ValidationError');
    await ec2Of(simulator, (await hub.send(assume({ RoleArn }))).Credentials).send(read);
    expect(calls.at(-1)?.session?.tags).toEqual({ caller: 'alice' });
  });
});

describe('a session', () => {
  it('may do only what both its policy and its role allow', async () => {
    const { simulator, calls } = await startEndpoint();
    const keys = await keysOf(simulator, { Policy: policyFor(GATEWAY) });
    const ec2 = ec2Of(simulator, keys);
    expect((await refusal(ec2.send(unassign(GATEWAY, true))))[0]).toBe('DryRunOperation');
    const [code, status, message] = await refusal(ec2.send(unassign('nat-00110000000000003')));
    expect([code, status]).toEqual(['UnauthorizedOperation', 403]);
    expect(message).toContain(
      `User: arn:aws:sts::100000000001:assumed-role/nat-gateway-mcp/attempt-1 is not authorized to perform: ec2:UnassignPrivateNatGatewayAddress on resource: ${arnOf('nat-00110000000000003')} because no session policy allows the ec2:UnassignPrivateNatGatewayAddress action`,
    );
    expect((await refusal(ec2.send(new DescribeRegionsCommand({}))))[2]).toContain('no session policy');
    await ec2.send(unassign());
    expect(calls.filter(({ changed }) => changed)).toHaveLength(1);
  });

  it('cannot widen its role', async () => {
    const { simulator } = await startEndpoint();
    const { accountId, region } = PLACES.denied;
    const all = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
    const keys = await keysOf(simulator, { RoleArn: roleOf(accountId), Policy: JSON.stringify(all) });
    const [code, , message] = await refusal(ec2Of(simulator, keys, region).send(read));
    expect(code).toBe('UnauthorizedOperation');
    expect(message).toContain('because no identity-based policy allows the ec2:DescribeNatGateways action');
    expect((await ec2Of(simulator, keys).send(read)).NatGateways).toHaveLength(2);
  });

  it('is held to its policy by CloudWatch too', async () => {
    const { simulator } = await startEndpoint();
    const metrics = async (Policy?: string) => {
      const keys = await keysOf(simulator, Policy === undefined ? {} : { Policy });
      const cloudWatch = new CloudWatchClient(configOf(simulator, 'us-east-1', keys));
      onTestFinished(() => cloudWatch.destroy());
      const Metric = { Namespace: 'AWS/NATGateway', MetricName: 'ActiveConnectionCount' };
      return cloudWatch.send(
        new GetMetricDataCommand({
          MetricDataQueries: [{ Id: 'a', MetricStat: { Metric, Period: 60, Stat: 'Maximum' } }],
          StartTime: new Date(0),
          EndTime: new Date(60_000),
        }),
      );
    };
    expect((await metrics()).MetricDataResults).toHaveLength(1);
    expect((await refusal(metrics(policyFor(GATEWAY))))[2]).toContain(
      'no session policy allows the cloudwatch:',
    );
  });

  it('expires by real time, for EC2 and STS', async () => {
    const { simulator } = await startEndpoint();
    const keys = await keysOf(simulator, { DurationSeconds: 900 });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 901_000 });
    expect(await refusal(ec2Of(simulator, keys).send(read))).toEqual([
      'RequestExpired',
      400,
      'Request has expired.',
    ]);
    const answer = await refusal(stsOf(simulator, keys).send(new GetCallerIdentityCommand({})));
    expect(answer.slice(0, 2)).toEqual(['ExpiredToken', 403]);
  });

  it.each([
    ['another token', { SessionToken: 'token' }],
    ['no token', { SessionToken: undefined }],
    ['an unknown key', { AccessKeyId: 'ASIAAAAAAAAAAAAAAAAA' }],
  ])('is refused with %s', async (_, members) => {
    const { simulator, calls } = await startEndpoint();
    const keys = { ...(await keysOf(simulator)), ...members } as Credentials;
    expect((await refusal(ec2Of(simulator, keys).send(read))).slice(0, 2)).toEqual(['AuthFailure', 401]);
    const sts = await refusal(stsOf(simulator, keys).send(assume()));
    expect(sts.slice(0, 2)).toEqual(['InvalidClientTokenId', 403]);
    expect(calls.some(({ action, status }) => action === 'DescribeNatGateways' && status === 200)).toBe(
      false,
    );
  });

  it('is on record with its name, policy, tags and source identity', async () => {
    const { simulator, calls } = await startEndpoint();
    const Policy = policyFor(GATEWAY);
    const Tags = [{ Key: 'caller', Value: 'alice@example.com' }];
    const keys = await keysOf(simulator, { Policy, Tags, SourceIdentity: 'alice' });
    await ec2Of(simulator, keys).send(unassign());
    expect(calls.map(({ action, accessKeyId, accountId }) => [action, accessKeyId, accountId])).toEqual([
      ['AssumeRole', 'AKIATEST', ACCOUNT_ID],
      ['UnassignPrivateNatGatewayAddress', keys?.AccessKeyId, '100000000001'],
    ]);
    expect(calls[0]).not.toHaveProperty('session');
    expect(calls[1]).toMatchObject({
      region: 'us-east-1',
      session: {
        name: 'attempt-1',
        roleArn: ROLE,
        policy: Policy,
        tags: { caller: 'alice@example.com' },
        sourceIdentity: 'alice',
      },
    });
  });
});

describe('the places', () => {
  it('each have gateways of their own', async () => {
    const { simulator } = await startEndpoint();
    const keys = await keysOf(simulator, { RoleArn: roleOf(PLACES.sought.accountId) });
    const lists = await Promise.all(
      REGIONS.map(async (region) => (await ec2Of(simulator, keys, region).send(read)).NatGateways ?? []),
    );
    const ids = lists.flat().map(({ NatGatewayId }) => NatGatewayId);
    expect(new Set(ids).size).toBe(8);
    const holders = lists.filter((list) => JSON.stringify(list).includes('"10.0.1.7"'));
    expect(holders).toEqual([lists[REGIONS.indexOf(PLACES.sought.region)]]);
    await ec2Of(simulator, keys, 'us-west-2').send(unassign('nat-00420000000000001'));
    const [changed, same] = await Promise.all(
      ['us-west-2', 'us-east-1'].map(async (region) =>
        JSON.stringify((await ec2Of(simulator, keys, region).send(read)).NatGateways).includes(
          '"unassigning"',
        ),
      ),
    );
    expect([changed, same]).toEqual([true, false]);
  });

  it('throttle, are not enabled, or do not answer, where they are said to', async () => {
    const { simulator } = await startEndpoint();
    const at = async (name: keyof typeof PLACES) => {
      const { accountId, region } = PLACES[name];
      return ec2Of(simulator, await keysOf(simulator, { RoleArn: roleOf(accountId) }), region);
    };
    expect((await refusal((await at('throttled')).send(read)))[0]).toBe('RequestLimitExceeded');
    expect((await refusal((await at('notEnabled')).send(read)))[0]).toBe('AuthFailure');
    const waiting = (await at('hanging')).send(read).catch((error: unknown) => error);
    expect((await (await at('overlapping')).send(read)).NatGateways).toHaveLength(3);
    await simulator.close();
    expect(await waiting).toBeInstanceOf(Error);
  });

  it('tell the regions that their account has enabled', async () => {
    const { simulator } = await startEndpoint();
    const keys = await keysOf(simulator, { RoleArn: roleOf(PLACES.notEnabled.accountId) });
    const { Regions } = await ec2Of(simulator, keys).send(new DescribeRegionsCommand({}));
    expect(Regions?.map(({ RegionName }) => RegionName).sort()).toEqual([
      'eu-west-1',
      'us-east-1',
      'us-west-2',
    ]);
  });

  it('are the owners of what is in them', async () => {
    const [first] = defaultAccounts(ACCOUNT_ID);
    const { accountId = '', roles = [] } = first ?? {};
    const all = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'ec2:*', Resource: '*' }] };
    const regions = { 'us-east-1': { network: defaultNetwork('us-east-1') } };
    const { simulator } = await startEndpoint({
      accounts: [{ accountId, roles: roles.map((role) => ({ ...role, policy: all })), regions }],
    });
    const ownersSeenBy = async (keys: Credentials | undefined, owner: string): Promise<unknown[]> => {
      const ec2 = ec2Of(simulator, keys);
      const Filters = [{ Name: 'owner-id', Values: [owner] }];
      const [tables, subnets, groups, lists] = await Promise.all([
        ec2.send(new DescribeRouteTablesCommand({ Filters })),
        ec2.send(new DescribeSubnetsCommand({ Filters })),
        ec2.send(new DescribeSecurityGroupsCommand({ Filters })),
        ec2.send(new DescribeManagedPrefixListsCommand({ Filters })),
      ]);
      const kinds = [tables.RouteTables, subnets.Subnets, groups.SecurityGroups, lists.PrefixLists];
      return kinds.map((kind = []) => [
        ...new Set((kind as { OwnerId?: string }[]).map((each) => each.OwnerId)),
      ]);
    };
    const keys = await keysOf(simulator);
    expect(await ownersSeenBy(keys, accountId)).toEqual(Array(4).fill([accountId]));
    expect(await ownersSeenBy(keys, ACCOUNT_ID)).toEqual(Array(4).fill([]));
    expect(await ownersSeenBy(undefined, ACCOUNT_ID)).toEqual(Array(4).fill([ACCOUNT_ID]));
  });

  it('leave static keys at home', async () => {
    const { simulator } = await startEndpoint();
    expect((await ec2Of(simulator, undefined).send(read)).NatGateways?.length).toBeGreaterThan(8);
    expect((await refusal(ec2Of(simulator, undefined, 'eu-west-1').send(read)))[0]).toBe('AuthFailure');
    expect(await stsOf(simulator, undefined, 'eu-west-1').send(assume())).toHaveProperty('Credentials');
  });
});
