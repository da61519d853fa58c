import { keyAndValue } from '../nat-gateway/filters.ts';
import type { Policy } from '../nat-gateway/policy.ts';

/**
 * The least that the server's credentials have to be allowed, as an IAM policy. The operator's own rules are in it as
 * far as IAM can say them, so that AWS refuses what this server would refuse.
 *
 * Source of actions, resource types and condition keys: Service Authorization Reference, Amazon EC2. A dry run needs
 * what its real call needs. `sts:GetCallerIdentity` needs no permission.
 */
export function iamPolicy(policy: Policy): IamPolicy {
  const look: Statement = {
    Sid: 'DescribeNatGateways',
    Effect: 'Allow',
    Action: 'ec2:DescribeNatGateways',
    Resource: '*',
  };
  if (policy.readOnly) return { Version: '2012-10-17', Statement: [look] };
  const unassign: Statement = {
    Sid: 'UnassignPrivateNatGatewayAddress',
    Effect: 'Allow',
    Action: 'ec2:UnassignPrivateNatGatewayAddress',
    Resource: gatewayArns(policy),
  };
  return { Version: '2012-10-17', Statement: [look, unassign, ...tagDenials(policy)] };
}

export interface IamPolicy {
  Version: '2012-10-17';
  Statement: Statement[];
}

interface Statement {
  Sid: string;
  Effect: 'Allow' | 'Deny';
  Action: string;
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

/** One denial for each rule about tags: conditions within one statement would have to hold together. */
function tagDenials({ requireTag, protectTag }: Policy): Statement[] {
  const deny = (Sid: string, operator: string, [key, value]: readonly [string, string]): Statement => ({
    Sid,
    Effect: 'Deny',
    Action: 'ec2:UnassignPrivateNatGatewayAddress',
    Resource: '*',
    Condition: { [operator]: { [`aws:ResourceTag/${key}`]: value } },
  });
  return [
    ...requireTag.map((tag, index) => {
      const [key, value] = keyAndValue(tag);
      const sid = `RequireTag${index + 1}`;
      // A negated operator holds where the tag is absent as well.
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
