import {
  AssignPrivateNatGatewayAddressCommand,
  DescribeRouteTablesCommand,
  EC2Client,
  UnassignPrivateNatGatewayAddressCommand,
} from '@aws-sdk/client-ec2';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { TargetRole } from '../../../src/aws/settings.ts';
import { policiesOfTargets, SERVER_PRINCIPAL } from '../../../src/config/iam-policy-targets.ts';
import { parseTargets } from '../../../src/config/targets.ts';
import {
  ACCOUNT_ID,
  defaultInventory,
  defaultNetwork,
  EXTERNAL_ID,
  type SimulatedAccount,
  type SimulatorCall,
  type SimulatorOptions,
} from '../../../src/simulator/simulator.ts';
import { BY, connect, neverAborted, permitFor, REGION, readAll } from '../../support/ec2-stub.ts';
import { EGRESS, refusal, STACK, startEndpoint } from '../../support/endpoint.ts';
import { OPEN_POLICY, realCalls } from '../../support/session.ts';

/** The product with the role of a target, judged by the endpoint, which keeps sessions and evaluates their policies. */

const ACCOUNT = '100000000001';
const FIRST = 'nat-00110000000000001';
const SECOND = 'nat-00110000000000002';
const UNASSIGN = 'UnassignPrivateNatGatewayAddress';
const ASSIGN = 'AssignPrivateNatGatewayAddress';

const roleOf = (accountId: string, more: Partial<TargetRole> = {}): TargetRole => ({
  arn: `arn:aws:iam::${accountId}:role/nat-gateway-mcp`,
  accountId,
  name: 'team',
  ...more,
});

const release = (natGatewayId: string, privateIp: string, region = REGION) => ({
  ...{ region, natGatewayId, privateIps: [privateIp], maxDrainDurationSeconds: 60 },
});

/** The endpoint, and the product in the role. Keeps the credentials that STS hands out, by the name of the session. */
async function start(role = roleOf(ACCOUNT), options: SimulatorOptions = {}) {
  const credentials = new Map<
    string,
    { accessKeyId: string; secretAccessKey: string; sessionToken: string }
  >();
  const { simulator, calls } = await startEndpoint({
    ...options,
    intercept: async ({ action, parameters, apply }) => {
      const answer = apply();
      const member = (name: string): string => new RegExp(`<${name}>([^<]+)<`).exec(answer.body)?.[1] ?? '';
      if (action === 'AssumeRole') {
        credentials.set(parameters.RoleSessionName ?? '', {
          accessKeyId: member('AccessKeyId'),
          secretAccessKey: member('SecretAccessKey'),
          sessionToken: member('SessionToken'),
        });
      }
      return answer;
    },
  });
  const { ec2 } = connect(onTestFinished, { endpoint: simulator.url, role });
  /** A client without the product, signing with the credentials of a session. */
  const signedBy = (name: string, region = REGION): EC2Client => {
    const keys = credentials.get(name);
    if (keys === undefined) throw new Error(`no session ${name}`);
    const client = new EC2Client({ region, endpoint: simulator.url, credentials: keys, maxAttempts: 1 });
    onTestFinished(() => client.destroy());
    return client;
  };
  return { ec2, calls, signedBy };
}

/** What the policy of a session allows beside describing, as the endpoint recorded it. */
function changesAllowedBy({ session }: SimulatorCall): object[] {
  const { Statement } = JSON.parse(session?.policy ?? '{"Statement":[]}') as {
    Statement: { Effect: string; Action: string | string[]; Resource: string }[];
  };
  return Statement.filter(({ Action }) => ![Action].flat().every((name) => /:(Describe|Get)/.test(name)));
}

describe('the session of an attempt', () => {
  it('may make this one change on this one gateway, in each of several attempts', async () => {
    const { ec2, calls } = await start();
    const attempts = [
      ['unassign', release(FIRST, '10.0.1.11')],
      ['assign', release(SECOND, '10.101.1.20')],
      ['unassign', release('nat-00130000000000001', '10.0.1.12', 'eu-west-1')],
    ] as const;
    for (const [index, [kind, change]] of attempts.entries()) {
      const dryRun = await ec2[kind].dryRun(change, neverAborted, { ...BY, id: `${BY.id}-${index}` });
      expect(dryRun).toMatchObject({ passed: true, accountId: ACCOUNT });
      if (dryRun.passed) await ec2[kind].send(dryRun.permit);
    }
    const changes = calls.filter(({ action }) => /^(Una|A)ssignPrivate/.test(action));
    expect(changes.map(({ action, dryRun, code }) => [action, dryRun, code])).toEqual(
      [UNASSIGN, ASSIGN, UNASSIGN].flatMap((action) => [
        [action, true, 'DryRunOperation'],
        [action, false, undefined],
      ]),
    );
    for (const call of changes) {
      const { action, region, parameters } = call;
      expect(changesAllowedBy(call)).toEqual([
        {
          Effect: 'Allow',
          Action: `ec2:${action}`,
          Resource: `arn:aws:ec2:${region}:${ACCOUNT}:natgateway/${parameters.NatGatewayId}`,
        },
      ]);
    }
    expect(new Set(changes.map(({ accessKeyId }) => accessKeyId)).size).toBe(attempts.length);
  });

  it('is refused what a widened request would do', async () => {
    const { ec2, calls, signedBy } = await start();
    const permit = await permitFor(ec2, release(FIRST, '10.0.1.11'));
    const name = `nat-gateway-mcp-${BY.id}`;
    const elsewhere = { NatGatewayId: 'nat-00130000000000001', PrivateIpAddresses: ['10.0.1.11'] };
    const widened = [
      signedBy(name).send(
        new UnassignPrivateNatGatewayAddressCommand({
          NatGatewayId: SECOND,
          PrivateIpAddresses: ['10.101.1.11'],
        }),
      ),
      signedBy(name, 'eu-west-1').send(new UnassignPrivateNatGatewayAddressCommand(elsewhere)),
      signedBy(name).send(
        new AssignPrivateNatGatewayAddressCommand({ NatGatewayId: FIRST, PrivateIpAddressCount: 1 }),
      ),
    ];
    for (const [code, status, message] of await Promise.all(widened.map(refusal))) {
      expect([code, status]).toEqual(['UnauthorizedOperation', 403]);
      expect(message).toContain(`assumed-role/nat-gateway-mcp/${name} is not authorized`);
      expect(message).toContain('because no session policy allows');
    }
    expect((await refusal(signedBy(name).send(new DescribeRouteTablesCommand({}))))[0]).toBe(
      'UnauthorizedOperation',
    );
    expect(calls.filter(({ changed }) => changed)).toEqual([]);
    // The change itself is what the session may do.
    expect(await ec2.unassign.send(permit)).toMatchObject({ kind: 'accepted' });
    expect(calls.filter(({ changed }) => changed)).toHaveLength(1);
  });

  it('has the external id that the role demands, and source identity and tags as CloudTrail shows them', async () => {
    const { accountId, externalId } = EXTERNAL_ID;
    const { ec2, calls } = await start(roleOf(accountId, { externalId, sourceIdentity: true }));
    await ec2.unassign.send(await permitFor(ec2, release('nat-00210000000000001', '10.0.1.11')));
    expect(realCalls(calls)).toHaveLength(1);
    expect(calls.at(-1)).toMatchObject({
      accountId,
      changed: true,
      session: {
        name: `nat-gateway-mcp-${BY.id}`,
        sourceIdentity: expect.stringMatching(/^token_alice=[0-9a-f]{32}$/),
        tags: { 'nat-gateway-mcp:caller': 'token:alice', 'nat-gateway-mcp:attempt': BY.id },
      },
    });
  });
});

describe('the session of reads', () => {
  it('can change nothing', async () => {
    const { ec2, calls, signedBy } = await start();
    expect((await readAll(ec2)).natGateways).not.toHaveLength(0);
    const client = signedBy('nat-gateway-mcp-read');
    const changes = [
      client.send(
        new UnassignPrivateNatGatewayAddressCommand({
          NatGatewayId: FIRST,
          PrivateIpAddresses: ['10.0.1.11'],
        }),
      ),
      client.send(
        new AssignPrivateNatGatewayAddressCommand({ NatGatewayId: FIRST, PrivateIpAddressCount: 1 }),
      ),
    ];
    for (const [code, , message] of await Promise.all(changes.map(refusal))) {
      expect(code).toBe('UnauthorizedOperation');
      expect(message).toContain('because no session policy allows');
    }
    expect(calls.filter(({ changed }) => changed)).toEqual([]);
  });

  it('signs every read, and carries no tags and no source identity', async () => {
    const { ec2, calls } = await start(roleOf(ACCOUNT, { sourceIdentity: true }));
    await readAll(ec2);
    await ec2.describeRegions();
    await ec2.evidence(REGION, [{ natGatewayId: FIRST, privateIps: ['10.0.1.11'] }], neverAborted);
    const reads = calls.filter(({ action }) => action !== 'AssumeRole');
    expect(reads.length).toBeGreaterThan(5);
    expect(new Set(reads.map(({ accessKeyId }) => accessKeyId)).size).toBe(1);
    for (const call of reads) {
      expect(call.session).toMatchObject({ name: 'nat-gateway-mcp-read', tags: {} });
      expect(call.session).not.toHaveProperty('sourceIdentity');
      expect(changesAllowedBy(call)).toEqual([]);
    }
  });
});

const ENTRY = {
  name: 'team',
  account_id: ACCOUNT,
  role_arn: roleOf(ACCOUNT).arn,
  external_id: 'x-1',
  source_identity: true,
  regions: [REGION],
};

/** The account as `iam-policy --targets` says to set it up; `without`: an action that its trust policy lacks. */
function asPrinted(without?: string): SimulatedAccount {
  const rules = { ...OPEN_POLICY, evidence: 'auto' as const };
  const targets = parseTargets(JSON.stringify({ targets: [ENTRY] }), rules);
  const [printed] = policiesOfTargets(targets, rules, true).targets;
  if (printed?.trust_policy === undefined) throw new Error('no trust policy');
  const trust = {
    ...printed.trust_policy,
    Statement: printed.trust_policy.Statement.filter(({ Action }) => Action !== without),
  };
  const principal = SERVER_PRINCIPAL.replace('PARTITION', 'aws');
  return {
    accountId: ACCOUNT,
    roles: [
      {
        name: 'nat-gateway-mcp',
        policy: printed.permission_policy,
        trust: JSON.parse(JSON.stringify(trust).replaceAll(principal, `arn:aws:iam::${ACCOUNT_ID}:root`)),
      },
    ],
    regions: Object.fromEntries(
      [REGION, 'eu-west-1'].map((region) => [
        region,
        { inventory: (at: number) => defaultInventory(at, region), network: defaultNetwork(region) },
      ]),
    ),
  };
}

describe('the policies that iam-policy prints for a target', () => {
  const role = roleOf(ACCOUNT, { externalId: 'x-1', sourceIdentity: true });
  const clock = { now: Date.now };
  const questions = [
    { natGatewayId: EGRESS, privateIps: ['10.0.1.13'] },
    { natGatewayId: STACK, privateIps: ['10.0.4.11'] },
  ];

  it('are enough for reads, both changes and all evidence, of CloudWatch too', async () => {
    const { ec2, calls } = await start(role, { accounts: [asPrinted()], clock });
    expect((await readAll(ec2)).natGateways).not.toHaveLength(0);
    const evidence = await ec2.evidence(REGION, questions, neverAborted);
    const { ec2: allowedAll } = connect(onTestFinished, {
      endpoint: (await startEndpoint({ clock })).simulator.url,
    });
    expect(evidence).toEqual(await allowedAll.evidence(REGION, questions, neverAborted));
    for (const sources of evidence.values()) {
      expect(sources).toMatchObject({
        traffic: { status: 'found' },
        routes: { status: 'found' },
        security_groups: { status: 'found' },
      });
    }
    expect(evidence.get(STACK)).toMatchObject({ prefix_lists: { status: 'found' } });
    await ec2.unassign.send(await permitFor(ec2, release(EGRESS, '10.0.1.11')));
    const dryRun = await ec2.assign.dryRun(release(EGRESS, '10.0.1.20'), neverAborted, BY);
    expect(dryRun).toMatchObject({ passed: true });
    expect(calls.filter(({ changed }) => changed)).toHaveLength(1);
  });

  it('allow nothing in another region', async () => {
    const { ec2, calls } = await start(role, { accounts: [asPrinted()], clock });
    await expect(readAll(ec2, 'eu-west-1')).rejects.toMatchObject({ report: { code: 'not_authorized' } });
    const dryRun = await ec2.unassign.dryRun(release(EGRESS, '10.0.1.11', 'eu-west-1'), neverAborted, BY);
    expect(dryRun).toMatchObject({ passed: false, aws_code: 'UnauthorizedOperation' });
    expect(calls.filter(({ changed }) => changed)).toEqual([]);
  });

  it.each(['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'])(
    'need %s: without it the refusal names it, and nothing reaches EC2',
    async (action) => {
      const { ec2, calls } = await start(role, { accounts: [asPrinted(action)], clock });
      const dryRun = await ec2.unassign.dryRun(release(EGRESS, '10.0.1.11'), neverAborted, BY);
      expect(dryRun).toMatchObject({ passed: false, error: { code: 'not_authorized' } });
      expect('error' in dryRun && dryRun.error.message).toContain(`not authorized to perform: ${action} on`);
      expect(new Set(calls.map((call) => call.action))).toEqual(new Set(['AssumeRole']));
    },
  );
});
