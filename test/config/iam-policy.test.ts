import { describe, expect, it } from 'vitest';
import { configure } from '../../src/config/configure.ts';
import { iamPolicy } from '../../src/config/iam-policy.ts';
import { OPEN_POLICY } from '../support/session.ts';

const ACTION = 'ec2:UnassignPrivateNatGatewayAddress';

function statements(policy: Partial<typeof OPEN_POLICY>, canRestore = false) {
  return iamPolicy({ ...OPEN_POLICY, ...policy }, canRestore).Statement;
}

describe('the IAM policy', () => {
  it('allows giving back what was released, under the same rules, unless that is left out', () => {
    const RESTORE = 'ec2:AssignPrivateNatGatewayAddress';
    const rules = { allowRegion: ['eu-west-1'], protectTag: ['keep'] };
    expect(statements(rules, true)).toMatchObject([
      {},
      { Action: ACTION, Resource: ['arn:aws:ec2:eu-west-1:*:natgateway/*'] },
      { Action: RESTORE, Effect: 'Allow', Resource: ['arn:aws:ec2:eu-west-1:*:natgateway/*'] },
      { Action: [ACTION, RESTORE], Effect: 'Deny' },
    ]);
    expect(JSON.stringify(statements(rules))).not.toContain(RESTORE);
  });

  it('allows only describes when the server is read-only', () => {
    expect(statements({ readOnly: true })).toEqual([
      {
        Sid: 'DescribeNatGateways',
        Effect: 'Allow',
        Action: ['ec2:DescribeNatGateways', 'ec2:DescribeRegions'],
        Resource: '*',
      },
    ]);
  });

  it('allows unassigning from NAT gateways only when there are no rules', () => {
    expect(statements({})).toMatchObject([
      { Action: ['ec2:DescribeNatGateways', 'ec2:DescribeRegions'] },
      { Effect: 'Allow', Action: ACTION, Resource: ['arn:aws:ec2:*:*:natgateway/*'] },
    ]);
  });

  it('names the allowed accounts, regions and gateways, each in its partition', () => {
    const [, unassign] = statements({
      allowAccount: ['111122223333'],
      allowRegion: ['eu-west-1', 'cn-north-1', 'us-gov-west-1'],
      allowGateway: ['nat-0123456789abcdef0', 'nat-01234567'],
    });
    expect(unassign?.Resource).toEqual([
      'arn:aws:ec2:eu-west-1:111122223333:natgateway/nat-0123456789abcdef0',
      'arn:aws:ec2:eu-west-1:111122223333:natgateway/nat-01234567',
      'arn:aws-cn:ec2:cn-north-1:111122223333:natgateway/nat-0123456789abcdef0',
      'arn:aws-cn:ec2:cn-north-1:111122223333:natgateway/nat-01234567',
      'arn:aws-us-gov:ec2:us-gov-west-1:111122223333:natgateway/nat-0123456789abcdef0',
      'arn:aws-us-gov:ec2:us-gov-west-1:111122223333:natgateway/nat-01234567',
    ]);
  });

  it('has one denial for each rule about tags', () => {
    const [, , ...denials] = statements({
      requireTag: ['env=test', 'owner'],
      protectTag: ['critical', 'tier=core'],
    });
    expect(denials.map(({ Effect, Action, Condition }) => [Effect, Action, Condition])).toEqual([
      ['Deny', ACTION, { StringNotEquals: { 'aws:ResourceTag/env': 'test' } }],
      ['Deny', ACTION, { Null: { 'aws:ResourceTag/owner': 'true' } }],
      ['Deny', ACTION, { Null: { 'aws:ResourceTag/critical': 'false' } }],
      ['Deny', ACTION, { StringEquals: { 'aws:ResourceTag/tier': 'core' } }],
    ]);
    expect(new Set(denials.map(({ Sid }) => Sid)).size).toBe(4);
  });
});

describe('the IAM policy for evidence', () => {
  const LOOK_UPS = [
    'ec2:DescribeRouteTables',
    'ec2:DescribeSubnets',
    'ec2:DescribeSecurityGroups',
    'ec2:DescribeManagedPrefixLists',
  ];
  const evidence = (policy: Partial<typeof OPEN_POLICY>) =>
    statements(policy).filter(({ Sid }) => Sid.startsWith('Evidence'));
  const traffic = {
    Sid: 'EvidenceTraffic',
    Effect: 'Allow',
    Action: 'cloudwatch:GetMetricData',
    Resource: '*',
  };
  const lookUps = { Sid: 'EvidenceLookUps', Effect: 'Allow', Action: LOOK_UPS, Resource: '*' };
  const lists = (...Resource: string[]) => ({
    Sid: 'EvidencePrefixLists',
    Effect: 'Allow',
    Action: 'ec2:GetManagedPrefixListEntries',
    Resource,
  });

  it.each(['auto', 'require'] as const)(
    'allows what %s reads, also where the server is read-only',
    (mode) => {
      const expected = [traffic, lookUps, lists('arn:aws:ec2:*:*:prefix-list/*')];
      expect(evidence({ evidence: mode })).toEqual(expected);
      expect(evidence({ evidence: mode, readOnly: true })).toEqual(expected);
    },
  );

  it('allows nothing of it with off', () => {
    expect(evidence({ evidence: 'off' })).toEqual([]);
  });

  it('is limited to regions and accounts where AWS can', () => {
    const rules = { allowRegion: ['eu-west-1', 'cn-north-1'], allowAccount: ['111122223333'] };
    expect(evidence({ evidence: 'auto', ...rules })).toEqual([
      traffic,
      { ...lookUps, Condition: { StringEquals: { 'ec2:Region': ['eu-west-1', 'cn-north-1'] } } },
      lists(
        'arn:aws:ec2:eu-west-1:111122223333:prefix-list/*',
        'arn:aws-cn:ec2:cn-north-1:111122223333:prefix-list/*',
      ),
    ]);
  });

  it('is there by default', () => {
    const invocation = configure(['iam-policy'], {});
    if (!('settings' in invocation)) throw new Error('no settings');
    expect(evidence(invocation.settings)).toHaveLength(3);
  });
});

describe('the partition of a region', () => {
  it.each([
    ['us-east-1', 'aws'],
    ['eu-west-1', 'aws'],
    ['mx-central-1', 'aws'],
    ['cn-northwest-1', 'aws-cn'],
    ['us-gov-east-1', 'aws-us-gov'],
    ['eusc-de-east-1', 'aws-eusc'],
    ['us-iso-east-1', 'aws-iso'],
    ['us-iso-west-1', 'aws-iso'],
    ['us-isob-east-1', 'aws-iso-b'],
    ['us-isob-west-1', 'aws-iso-b'],
    ['eu-isoe-west-1', 'aws-iso-e'],
    ['us-isof-south-1', 'aws-iso-f'],
    ['us-isof-east-1', 'aws-iso-f'],
  ])('of %s is %s', (region, partition) => {
    const invocation = configure(['iam-policy', '--allow-region', region], {});
    if (!('settings' in invocation)) throw new Error('no settings');
    const [, unassign] = statements({ allowRegion: invocation.settings.allowRegion });
    expect(unassign?.Resource).toEqual([`arn:${partition}:ec2:${region}:*:natgateway/*`]);
  });

  it.each([
    [undefined, 'arn:aws:dynamodb:*:*:table/nat'],
    ['eu-west-1', 'arn:aws:dynamodb:eu-west-1:*:table/nat'],
    ['us-gov-west-1', 'arn:aws-us-gov:dynamodb:us-gov-west-1:*:table/nat'],
  ])('allows reading and writing the state table in %s', (region, Resource) => {
    const table = {
      Sid: 'StateTable',
      Effect: 'Allow',
      Action: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:Query'],
      Resource,
    };
    const { Statement } = iamPolicy(OPEN_POLICY, false, { name: 'nat', region });
    expect(Statement).toContainEqual(table);
    expect(
      iamPolicy({ ...OPEN_POLICY, readOnly: true }, false, { name: 'nat', region }).Statement,
    ).toContainEqual(table);
  });
});
