import { keyAndValue } from '../nat-gateway/filters.ts';
import type { Policy } from '../nat-gateway/policy.ts';
import { partitionOf } from '../vocabulary/partition.ts';

/**
 * Returns the IAM policy with the fewest permissions that the server's credentials need. It includes the operator's
 * rules as far as IAM can express them, so that AWS enforces them too.
 *
 * Source of actions, resource types and condition keys: Service Authorization Reference, Amazon EC2. A dry run needs
 * the permission of its real call. `sts:GetCallerIdentity` needs no permission.
 */
export function iamPolicy(policy: Policy, canRestore: boolean, table?: StateTable): IamPolicy {
  const describe: Statement = {
    Sid: 'DescribeNatGateways',
    Effect: 'Allow',
    // The regions are read for a describe of all of them.
    Action: ['ec2:DescribeNatGateways', 'ec2:DescribeRegions'],
    Resource: '*',
  };
  const access = table === undefined ? [] : [tableAccess(table)];
  const reads = [describe, ...evidenceReads(policy), ...access];
  if (policy.readOnly) return { Version: '2012-10-17', Statement: reads };
  const names = [
    'UnassignPrivateNatGatewayAddress',
    ...(canRestore ? ['AssignPrivateNatGatewayAddress'] : []),
  ];
  const changes = names.map(
    (name): Statement => ({
      Sid: name,
      Effect: 'Allow',
      Action: `ec2:${name}`,
      Resource: gatewayArns(policy),
    }),
  );
  const actions = changes.map(({ Action }) => Action);
  return { Version: '2012-10-17', Statement: [...reads, ...changes, ...tagDenials(policy, actions)] };
}

/**
 * What evidence is read with. None of it can be limited to a gateway. GetMetricData has no resource and no condition key
 * at all; the look-ups know the region, and the entries of a prefix list its ARN.
 */
function evidenceReads({ evidence, allowRegion, allowAccount }: Policy): Statement[] {
  if (evidence === 'off') return [];
  const Condition =
    allowRegion.length === 0 ? {} : { Condition: { StringEquals: { 'ec2:Region': [...allowRegion] } } };
  return [
    { Sid: 'EvidenceTraffic', Effect: 'Allow', Action: 'cloudwatch:GetMetricData', Resource: '*' },
    { Sid: 'EvidenceLookUps', Effect: 'Allow', Action: LOOK_UPS, Resource: '*', ...Condition },
    {
      Sid: 'EvidencePrefixLists',
      Effect: 'Allow',
      Action: 'ec2:GetManagedPrefixListEntries',
      Resource: arnsOf(allowRegion, allowAccount, ['prefix-list/*']),
    },
  ];
}

const LOOK_UPS = [
  'ec2:DescribeRouteTables',
  'ec2:DescribeSubnets',
  'ec2:DescribeSecurityGroups',
  'ec2:DescribeManagedPrefixLists',
];

export interface IamPolicy {
  Version: '2012-10-17';
  Statement: Statement[];
}

export interface Statement {
  Sid: string;
  Effect: 'Allow' | 'Deny';
  Action: string | string[];
  Resource: string | string[];
  Condition?: Record<string, Record<string, string | string[]>>;
}

/** The table that replicas share; any region where none is configured. */
interface StateTable {
  name: string;
  region: string | undefined;
}

/** The policy of the server's own credentials for the state table, where it works in roles of targets. */
export function tablePolicy(table: StateTable): IamPolicy {
  return { Version: '2012-10-17', Statement: [tableAccess(table)] };
}

function tableAccess({ name, region = '*' }: StateTable): Statement {
  return {
    Sid: 'StateTable',
    Effect: 'Allow',
    Action: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:Query'],
    Resource: `arn:${partitionOf(region)}:dynamodb:${region}:*:table/${name}`,
  };
}

function gatewayArns({ allowAccount, allowRegion, allowGateway }: Policy): string[] {
  const gateways = anyOr(allowGateway).map((id) => `natgateway/${id}`);
  return arnsOf(allowRegion, allowAccount, gateways);
}

function arnsOf(regions: readonly string[], accounts: readonly string[], resources: readonly string[]) {
  return anyOr(regions).flatMap((region) =>
    anyOr(accounts).flatMap((account) =>
      resources.map((resource) => `arn:${partitionOf(region)}:ec2:${region}:${account}:${resource}`),
    ),
  );
}

function anyOr(list: readonly string[]): readonly string[] {
  return list.length === 0 ? ['*'] : list;
}

/** Denies by each tag rule in a statement of its own, because all conditions of one statement must hold together. */
function tagDenials(
  { requireTag, protectTag }: Policy,
  actions: readonly (string | string[])[],
): Statement[] {
  const deny = (Sid: string, operator: string, [key, value]: readonly [string, string]): Statement => ({
    Sid,
    Effect: 'Deny',
    Action: actions.length === 1 ? (actions[0] as string) : actions.flat(),
    Resource: '*',
    Condition: { [operator]: { [`aws:ResourceTag/${key}`]: value } },
  });
  return [
    ...requireTag.map((tag, index) => {
      const [key, value] = keyAndValue(tag);
      const sid = `RequireTag${index + 1}`;
      // A negated operator also matches a gateway without the tag.
      return value === undefined
        ? deny(sid, 'Null', [key, 'true'])
        : deny(sid, 'StringNotEquals', [key, value]);
    }),
    ...protectTag.map((tag, index) => {
      const [key, value] = keyAndValue(tag);
      const sid = `ProtectTag${index + 1}`;
      return value === undefined
        ? deny(sid, 'Null', [key, 'false'])
        : deny(sid, 'StringEquals', [key, value]);
    }),
  ];
}
