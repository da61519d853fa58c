import { NAT_GATEWAY_ID, REGION } from '../../vocabulary/ids.ts';
import { partitionOf } from '../../vocabulary/partition.ts';

/** Session policies: a session may do what both its role and its policy allow. */

/** What reads may do. None of it changes anything. */
const READS = [
  'ec2:DescribeNatGateways',
  'ec2:DescribeRegions',
  'ec2:DescribeRouteTables',
  'ec2:DescribeSubnets',
  'ec2:DescribeSecurityGroups',
  'ec2:DescribeManagedPrefixLists',
  'ec2:GetManagedPrefixListEntries',
  'cloudwatch:GetMetricData',
];

export const READ_POLICY = policyOf({ Effect: 'Allow', Action: READS, Resource: '*' });

/** The one action on the one gateway that a session is for. */
export interface Permission {
  /** Without `ec2:`. */
  action: string;
  region: string;
  accountId: string;
  natGatewayId: string;
}

/**
 * Allows to describe in the region, and one action on one gateway.
 *
 * @throws Error if a member could widen the ARN, by a wildcard for instance
 */
export function changePolicy({ action, region, accountId, natGatewayId }: Permission): string {
  const isExact =
    /^[A-Za-z]+$/.test(action) &&
    REGION.test(region) &&
    /^\d{12}$/.test(accountId) &&
    NAT_GATEWAY_ID.test(natGatewayId);
  if (!isExact) throw new Error('a session policy is for one action on one gateway');
  const gateway = `arn:${partitionOf(region)}:ec2:${region}:${accountId}:natgateway/${natGatewayId}`;
  return policyOf(
    {
      Effect: 'Allow',
      Action: 'ec2:DescribeNatGateways',
      Resource: '*',
      Condition: { StringEquals: { 'ec2:Region': region } },
    },
    { Effect: 'Allow', Action: `ec2:${action}`, Resource: gateway },
  );
}

interface Statement {
  Effect: 'Allow';
  Action: string | string[];
  Resource: string;
  Condition?: Record<string, Record<string, string>>;
}

/** Without white space: AWS counts the characters. */
function policyOf(...statements: Statement[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements });
}
