import { keyAndValue } from '../nat-gateway/filters.ts';
import type { Policy } from '../nat-gateway/policy.ts';

/**
 * Returns the IAM policy with the fewest permissions that the server's credentials need. It includes the operator's
 * rules as far as IAM can express them, so that AWS enforces them too.
 *
 * Source of actions, resource types and condition keys: Service Authorization Reference, Amazon EC2. A dry run needs
 * the permission of its real call. `sts:GetCallerIdentity` needs no permission.
 */
export function iamPolicy(policy: Policy, canRestore: boolean): IamPolicy {
  const describe: Statement = {
    Sid: 'DescribeNatGateways',
    Effect: 'Allow',
    Action: 'ec2:DescribeNatGateways',
    Resource: '*',
  };
  if (policy.readOnly) return { Version: '2012-10-17', Statement: [describe] };
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
  return { Version: '2012-10-17', Statement: [describe, ...changes, ...tagDenials(policy, actions)] };
}

export interface IamPolicy {
  Version: '2012-10-17';
  Statement: Statement[];
}

interface Statement {
  Sid: string;
  Effect: 'Allow' | 'Deny';
  Action: string | string[];
  Resource: string | string[];
  Condition?: Record<string, Record<string, string>>;
}

function gatewayArns({ allowAccount, allowRegion, allowGateway }: Policy): string[] {
  const anyOr = (list: readonly string[]): readonly string[] => (list.length === 0 ? ['*'] : list);
  return anyOr(allowRegion).flatMap((region) =>
    anyOr(allowAccount).flatMap((account) =>
      anyOr(allowGateway).map((id) => `arn:${partitionOf(region)}:ec2:${region}:${account}:natgateway/${id}`),
    ),
  );
}

function partitionOf(region: string): string {
  return PARTITIONS.find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'aws';
}

/** The partitions other than `aws` and how their regions begin. Source: partitions.json of the AWS SDKs. */
const PARTITIONS: readonly (readonly [prefix: string, partition: string])[] = [
  ['cn-', 'aws-cn'],
  ['eusc-', 'aws-eusc'],
  ['us-iso-', 'aws-iso'],
  ['us-isob-', 'aws-iso-b'],
  ['eu-isoe-', 'aws-iso-e'],
  ['us-isof-', 'aws-iso-f'],
  ['us-gov-', 'aws-us-gov'],
];

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
