import { DescribeSecurityGroupsCommand } from '@aws-sdk/client-ec2';
import type { Names } from '../../nat-gateway/evidence.ts';
import { FILTER_VALUES } from '../../nat-gateway/filters.ts';
import { type EvidenceQuestion, everyOne, type LookUp, unusable } from './look-up.ts';
import { CoveringRanges } from './names.ts';

/** Below the 1,000 that EC2 allows, so that a page of groups with many rules stays small. */
const PAGE = 200;

/**
 * The security groups with an inbound rule whose range covers an address. Outbound rules do not count: hosts behind the
 * gateway arrive at others with its address, and nobody connects to it.
 *
 * EC2 compares filters as text, so that every range that covers an address is a value of the filter. A rule with a prefix
 * list has no range of its own; the prefix lists are read as well.
 */
export async function readSecurityGroups(
  lookUp: LookUp,
  gateways: readonly EvidenceQuestion[],
): Promise<Map<string, Names>> {
  const ranges = new CoveringRanges(gateways);
  const gap = await everyOne(chunks(ranges.possible), (Values) =>
    lookUp.pages(
      'ec2:DescribeSecurityGroups',
      async (NextToken) => {
        const Filters = [{ Name: 'ip-permission.cidr', Values }];
        const command = new DescribeSecurityGroupsCommand({ Filters, MaxResults: PAGE, NextToken });
        return (await lookUp.ec2()).send(command, { abortSignal: lookUp.signal });
      },
      ({ SecurityGroups }) => {
        if (SecurityGroups === undefined) throw unusable();
        for (const { GroupId, IpPermissions = [] } of SecurityGroups) {
          for (const { IpRanges = [] } of IpPermissions) {
            for (const { CidrIp } of IpRanges) ranges.take(GroupId, CidrIp);
          }
        }
      },
    ),
  );
  return new Map(gateways.map((gateway) => [gateway.natGatewayId, ranges.namesOf(gateway, gap)]));
}

function chunks(values: readonly string[]): string[][] {
  const count = Math.ceil(values.length / FILTER_VALUES);
  return Array.from({ length: count }, (_, index) =>
    values.slice(index * FILTER_VALUES, (index + 1) * FILTER_VALUES),
  );
}
