import { describe, expect, it } from 'vitest';
import { type AccessRequest, decide } from '../../src/simulator/policy.ts';
import { parsePolicy } from '../../src/simulator/policy-document.ts';

const ARN = 'arn:aws:ec2:eu-west-1:100000000001:natgateway/nat-00131000000000001';
const UNASSIGN = 'ec2:UnassignPrivateNatGatewayAddress';

const request: AccessRequest = {
  action: UNASSIGN,
  resource: ARN,
  context: new Map([
    ['ec2:region', ['eu-west-1']],
    ['aws:resourcetag/env', ['test']],
    ['aws:principaltag/caller', ['alice']],
    ['aws:principalarn', ['arn:aws:iam::100000000001:role/nat-gateway-mcp']],
    ['aws:tagkeys', ['caller', 'attempt']],
  ]),
};

const allow = (members: object) => ({ Effect: 'Allow', Action: UNASSIGN, Resource: ARN, ...members });

function decided(statements: readonly object[], asked = request, Version = '2012-10-17') {
  return decide(parsePolicy(JSON.stringify({ Version, Statement: statements })), asked);
}

describe('decide', () => {
  it.each([
    ['the same action and resource', allow({}), 'allowed'],
    ['an action in other letters', allow({ Action: 'EC2:unassignprivatenatgatewayaddress' }), 'allowed'],
    ['an action with wildcards', allow({ Action: 'ec2:Unassign*Address?' }), 'not allowed'],
    ['an action with a matching wildcard', allow({ Action: ['s3:*', 'ec2:Un*Addres?'] }), 'allowed'],
    ['every action', allow({ Action: '*' }), 'allowed'],
    ['NotAction with the action', allow({ Action: undefined, NotAction: 'ec2:*' }), 'not allowed'],
    ['NotAction without it', allow({ Action: undefined, NotAction: 's3:*' }), 'allowed'],
    ['every resource', allow({ Resource: '*' }), 'allowed'],
    [
      'a resource in other letters',
      allow({ Resource: ARN.toUpperCase().replace('ARN', 'arn') }),
      'not allowed',
    ],
    ['wildcards in the resource', allow({ Resource: 'arn:aws:ec2:*:1000000000??:natgateway/*' }), 'allowed'],
    ['another gateway', allow({ Resource: ARN.replace(/1$/, '2') }), 'not allowed'],
    ['another region', allow({ Resource: ARN.replace('eu-west-1', 'us-east-1') }), 'not allowed'],
    ['a dot that is no wildcard', allow({ Resource: ARN.replace('/', '.') }), 'not allowed'],
    ['NotResource with it', allow({ Resource: undefined, NotResource: ARN }), 'not allowed'],
    ['a policy variable in the resource', allow({ Resource: `${ARN}\${aws:PrincipalTag/x}` }), 'not allowed'],
  ])('compares %s', (_, statement, decision) => {
    expect(decided([statement])).toBe(decision);
  });

  it('lets an explicit deny win, in either order', () => {
    const deny = allow({ Effect: 'Deny', Action: 'ec2:*', Resource: '*' });
    expect([decided([allow({}), deny]), decided([deny, allow({})])]).toEqual(['denied', 'denied']);
  });

  it('matches an action without a resource only by *', () => {
    const read = { ...request, action: 'ec2:DescribeNatGateways', resource: '*' };
    const statement = { Effect: 'Allow', Action: 'ec2:Describe*' };
    expect(decided([{ ...statement, Resource: '*' }], read)).toBe('allowed');
    expect(decided([{ ...statement, Resource: 'arn:aws:ec2:*:*:natgateway/*' }], read)).toBe('not allowed');
  });

  it.each([
    ['StringEquals', 'ec2:Region', 'eu-west-1', true],
    ['StringEquals', 'EC2:region', ['us-east-1', 'eu-west-1'], true],
    ['StringEquals', 'ec2:Region', 'EU-WEST-1', false],
    ['StringEqualsIgnoreCase', 'ec2:Region', 'EU-WEST-1', true],
    ['StringLike', 'ec2:Region', 'eu-*', true],
    ['StringNotEquals', 'aws:ResourceTag/env', 'prod', true],
    ['StringNotEquals', 'aws:ResourceTag/env', ['prod', 'test'], false],
    ['StringNotEquals', 'aws:ResourceTag/team', 'prod', true],
    ['StringEquals', 'aws:ResourceTag/team', 'a', false],
    ['StringEqualsIfExists', 'aws:ResourceTag/team', 'a', true],
    ['Null', 'aws:ResourceTag/env', 'true', false],
    ['Null', 'aws:ResourceTag/env', 'false', true],
    ['Null', 'aws:ResourceTag/team', true, true],
    ['StringEquals', 'aws:PrincipalTag/caller', 'alice', true],
    ['ArnLike', 'aws:PrincipalArn', 'arn:aws:iam::*:role/nat-*', true],
    ['ArnNotLike', 'aws:PrincipalArn', 'arn:aws:iam::*:role/nat-*', false],
    ['ForAllValues:StringEquals', 'aws:TagKeys', ['caller', 'attempt', 'x'], true],
    ['ForAllValues:StringEquals', 'aws:TagKeys', 'caller', false],
    ['ForAnyValue:StringEquals', 'aws:TagKeys', 'caller', true],
  ])('evaluates %s of %s with %j as %s', (operator, key, value, holds) => {
    const Condition = { [operator]: { [key]: value } };
    const deny = allow({ Effect: 'Deny', Condition });
    expect(decided([allow({ Condition })])).toBe(holds ? 'allowed' : 'not allowed');
    expect(decided([allow({}), deny])).toBe(holds ? 'denied' : 'allowed');
  });

  it.each([
    ['an operator', { IpAddress: { 'ec2:Region': '10.0.0.0/8' } }],
    ['a key', { StringEquals: { 'aws:SourceIp': 'x' } }],
    ['a key, even for what is absent', { StringNotEqualsIfExists: { 'aws:SourceVpc': 'x' } }],
    ['a variable', { StringEquals: { 'ec2:Region': `\${aws:PrincipalTag/region}` } }],
  ])('fails closed on %s that it cannot evaluate', (_, Condition) => {
    expect(decided([allow({ Condition })])).toBe('not allowed');
    expect(decided([allow({}), allow({ Effect: 'Deny', Condition })])).toBe('denied');
  });

  it('requires all conditions of a statement', () => {
    const Condition = { StringEquals: { 'ec2:Region': 'eu-west-1', 'aws:ResourceTag/env': 'prod' } };
    expect(decided([allow({ Condition })])).toBe('not allowed');
  });
});

describe('parsePolicy', () => {
  it.each([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['another version', { Version: '2020-01-01', Statement: [allow({})] }],
    ['no statement', { Version: '2012-10-17', Statement: [] }],
    ['an unknown member', { Statement: allow({ Actions: 'x' }) }],
    ['an effect in other letters', { Statement: allow({ Effect: 'allow' }) }],
    ['an action without a service', { Statement: allow({ Action: 'DescribeNatGateways' }) }],
    ['both Action and NotAction', { Statement: allow({ NotAction: 'ec2:*' }) }],
    ['no resource', { Statement: allow({ Resource: undefined }) }],
    ['a resource that is no ARN', { Statement: allow({ Resource: 'nat-1' }) }],
    ['a principal', { Statement: allow({ Principal: '*' }) }],
    ['an operator that IAM lacks', { Statement: allow({ Condition: { StringIs: { 'ec2:Region': 'x' } } }) }],
  ])('refuses %s', (_, document) => {
    const text = typeof document === 'string' ? document : JSON.stringify(document);
    expect(() => parsePolicy(text)).toThrow();
  });
});
