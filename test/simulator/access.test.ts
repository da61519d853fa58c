import {
  AssignPrivateNatGatewayAddressCommand,
  DescribeNatGatewaysCommand,
  UnassignPrivateNatGatewayAddressCommand,
} from '@aws-sdk/client-ec2';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import { ACCOUNT_ID, DENIED_ACCESS_KEY_ID, READER_ACCESS_KEY_ID } from '../../src/simulator/simulator.ts';
import { tokenBuckets } from '../../src/simulator/throttle.ts';
import {
  AUTHORIZATION,
  codeOf,
  EGRESS,
  post,
  refusal,
  startEndpoint,
  statuses,
  UNKNOWN,
} from '../support/endpoint.ts';

const unassign = (DryRun = false, NatGatewayId = EGRESS) =>
  new UnassignPrivateNatGatewayAddressCommand({ NatGatewayId, PrivateIpAddresses: ['10.0.1.11'], DryRun });
const assign = (DryRun = false) =>
  new AssignPrivateNatGatewayAddressCommand({ NatGatewayId: EGRESS, PrivateIpAddressCount: 1, DryRun });
const read = (DryRun = false) => new DescribeNatGatewaysCommand({ DryRun });

describe('authorization', () => {
  it('denies one principal every action, dry runs included, with an encoded message', async () => {
    const { client, calls } = await startEndpoint();
    const denied = client(DENIED_ACCESS_KEY_ID);
    const answers = await Promise.all(
      [denied.send(unassign()), denied.send(unassign(true)), denied.send(assign()), denied.send(read())].map(
        refusal,
      ),
    );
    for (const [code, status, message] of answers) {
      expect([code, status]).toEqual(['UnauthorizedOperation', 403]);
      expect(message).toMatch(
        /^You are not authorized to perform this operation\. User: arn:aws:iam::123456789012:user\/denied is not authorized to perform: (ec2:\w+) because no identity-based policy allows the \1 action\. Encoded authorization failure message: [\w-]{100,}$/,
      );
    }
    expect(calls.some(({ changed }) => changed)).toBe(false);
  });

  it('lets one principal only describe', async () => {
    const { client } = await startEndpoint();
    const reader = client(READER_ACCESS_KEY_ID);
    expect((await reader.send(read())).NatGateways).toHaveLength(10);
    expect((await refusal(reader.send(unassign(true))))[0]).toBe('UnauthorizedOperation');
    expect((await refusal(reader.send(assign())))[0]).toBe('UnauthorizedOperation');
  });

  it('refuses credentials of another region', async () => {
    const { client } = await startEndpoint({ region: 'eu-west-1' });
    expect((await client('AKIATEST').send(read())).NatGateways).toHaveLength(10);
    expect(await refusal(client('AKIATEST', { region: 'us-east-1' }).send(read()))).toEqual([
      'AuthFailure',
      401,
      'AWS was not able to validate the provided access credentials',
    ]);
  });

  it.each([
    ['empty', ''],
    ['a bearer token', 'Bearer abc'],
    ['for another service', AUTHORIZATION.replace('/ec2/', '/s3/')],
    ['without a date', AUTHORIZATION.replace('/20260102/', '//')],
    ['short of a digit of the signature', AUTHORIZATION.slice(0, -1)],
    ['without signed headers', AUTHORIZATION.replace('SignedHeaders', 'Headers')],
  ])('refuses an Authorization header that is %s', async (_, authorization) => {
    const { simulator } = await startEndpoint();
    const response = await post(simulator, 'Action=DescribeNatGateways', { headers: { authorization } });
    expect([response.status, codeOf(await response.text())]).toEqual([401, 'AuthFailure']);
  });

  it('answers GetCallerIdentity as STS does', async () => {
    const { simulator } = await startEndpoint();
    const sts = new STSClient({
      region: simulator.region,
      endpoint: simulator.url,
      credentials: { accessKeyId: DENIED_ACCESS_KEY_ID, secretAccessKey: 'secret' },
    });
    const { Account, Arn } = await sts.send(new GetCallerIdentityCommand({}));
    expect([Account, Arn]).toEqual([ACCOUNT_ID, `arn:aws:iam::${ACCOUNT_ID}:user/denied`]);
  });
});

describe('dry run', () => {
  it('passes for every action and changes nothing', async () => {
    const { ec2, calls } = await startEndpoint();
    for (const command of [unassign(true), assign(true), read(true)]) {
      const answer = await refusal(
        command instanceof DescribeNatGatewaysCommand ? ec2.send(command) : ec2.send(command as never),
      );
      expect(answer).toEqual([
        'DryRunOperation',
        412,
        'Request would have succeeded, but DryRun flag is set.',
      ]);
    }
    expect(calls.map(({ dryRun, changed }) => [dryRun, changed])).toEqual(Array(3).fill([true, false]));
  });

  it('checks required parameters and the format of the id, but not the state', async () => {
    const { ec2 } = await startEndpoint();
    expect((await refusal(ec2.send(unassign(true, UNKNOWN))))[0]).toBe('DryRunOperation');
    expect((await refusal(ec2.send(unassign(true, 'nat-1'))))[0]).toBe('NatGatewayMalformed');
    const missing = new UnassignPrivateNatGatewayAddressCommand({
      NatGatewayId: EGRESS,
      PrivateIpAddresses: [],
      DryRun: true,
    });
    expect((await refusal(ec2.send(missing)))[0]).toBe('MissingParameter');
  });
});

describe('ignoresDryRun', () => {
  it('carries a dry run out and records it as a dry run that changed a gateway', async () => {
    const { ec2, calls } = await startEndpoint({ ignoresDryRun: true });
    const { NatGatewayAddresses } = await ec2.send(unassign(true));
    expect(NatGatewayAddresses).toMatchObject([{ PrivateIp: '10.0.1.11', Status: 'unassigning' }]);
    expect(await statuses(ec2, EGRESS)).toHaveProperty(['10.0.1.11'], 'unassigning');
    expect((await ec2.send(read(true))).NatGateways).toHaveLength(10);
    expect(calls[0]).toMatchObject({ dryRun: true, status: 200, changed: true });
  });

  it('still checks authorization', async () => {
    const { client } = await startEndpoint({ ignoresDryRun: true });
    expect((await refusal(client(DENIED_ACCESS_KEY_ID).send(unassign(true))))[0]).toBe(
      'UnauthorizedOperation',
    );
  });
});

describe('throttling', () => {
  it('refuses requests beyond the bucket of their action', async () => {
    const { ec2 } = await startEndpoint({ throttling: true });
    const answers = await Promise.all(Array.from({ length: 60 }, () => refusal(ec2.send(unassign(true)))));
    const refused = answers.filter(([code]) => code === 'RequestLimitExceeded');
    expect(refused.length).toBeGreaterThan(0);
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(10);
    expect(refused[0]).toEqual(['RequestLimitExceeded', 503, 'Request limit exceeded.']);
    expect((await ec2.send(read())).NatGateways).toHaveLength(10);
  });

  it('allows 10 changes and 1 more per second, 100 reads and 20 more per second', () => {
    const takeToken = tokenBuckets();
    const burst = (action: string, now: number) => {
      let taken = 0;
      while (takeToken(action, now)) taken += 1;
      return taken;
    };
    for (const action of ['UnassignPrivateNatGatewayAddress', 'AssignPrivateNatGatewayAddress']) {
      expect([0, 999, 1000, 3000, 100_000].map((now) => burst(action, now))).toEqual([10, 0, 1, 2, 10]);
    }
    expect([0, 50, 1050, 100_000].map((now) => burst('DescribeNatGateways', now))).toEqual([100, 1, 20, 100]);
  });
});
