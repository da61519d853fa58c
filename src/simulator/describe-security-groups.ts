import { type Listing, tagSet } from './describe-list.ts';
import type { Element } from './envelope.ts';
import type { FilterField } from './filters.ts';
import type { SimulatedRule, SimulatedSecurityGroup } from './network.ts';

/** `DescribeSecurityGroups` in an account. Filters by range compare texts, as in EC2: no range finds another that covers it. */
export function describeSecurityGroups(accountId: string): Listing<SimulatedSecurityGroup> {
  return {
    set: 'securityGroupInfo',
    idOf: ({ groupId }) => groupId,
    notFound: 'InvalidGroup.NotFound',
    pages: {
      kind: 'security-groups',
      idParameter: 'GroupId',
      smallest: 5,
      largest: 1000,
      byDefault: Infinity,
    },
    fields: new Map<string, FilterField<SimulatedSecurityGroup>>([
      ['description', ({ description }) => [description]],
      ['egress.ip-permission.cidr', ({ outbound }) => cidrsOf(outbound)],
      ['egress.ip-permission.prefix-list-id', ({ outbound }) => prefixListsOf(outbound)],
      ['group-id', ({ groupId }) => [groupId]],
      ['group-name', ({ groupName }) => [groupName]],
      ['ip-permission.cidr', ({ inbound }) => cidrsOf(inbound)],
      ['ip-permission.prefix-list-id', ({ inbound }) => prefixListsOf(inbound)],
      ['owner-id', () => [accountId]],
      ['vpc-id', ({ vpcId }) => [vpcId]],
    ]),
    element: ({ groupId, groupName, description, vpcId, inbound, outbound, tags }) => ({
      ownerId: accountId,
      groupId,
      groupName,
      groupDescription: description,
      vpcId,
      ipPermissions: { item: inbound.map(ruleElement) },
      ipPermissionsEgress: { item: outbound.map(ruleElement) },
      tagSet: tagSet(tags),
    }),
  };
}

function cidrsOf(rules: readonly SimulatedRule[]): string[] {
  return rules.flatMap(({ cidrs = [] }) => cidrs);
}

function prefixListsOf(rules: readonly SimulatedRule[]): string[] {
  return rules.flatMap(({ prefixListIds = [] }) => prefixListIds);
}

function ruleElement({ port, cidrs = [], prefixListIds = [], description }: SimulatedRule): Element {
  return {
    ipProtocol: port === undefined ? '-1' : 'tcp',
    fromPort: port,
    toPort: port,
    groups: {},
    ipRanges: { item: cidrs.map((cidrIp) => ({ cidrIp, description })) },
    ipv6Ranges: {},
    prefixListIds: { item: prefixListIds.map((prefixListId) => ({ prefixListId, description })) },
  };
}
