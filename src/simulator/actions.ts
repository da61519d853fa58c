import type { Action } from './action.ts';
import { assignPrivateNatGatewayAddress } from './assign.ts';
import { describeNatGateways } from './describe.ts';
import { describeList } from './describe-list.ts';
import { describeManagedPrefixLists } from './describe-managed-prefix-lists.ts';
import { describeRegions } from './describe-regions.ts';
import { describeRouteTables } from './describe-route-tables.ts';
import { describeSecurityGroups } from './describe-security-groups.ts';
import { describeSubnets } from './describe-subnets.ts';
import { getManagedPrefixListEntries } from './get-managed-prefix-list-entries.ts';
import type { SimulatedNetwork } from './network.ts';
import type { ReadOptions } from './reads.ts';
import { unassignPrivateNatGatewayAddress } from './unassign.ts';

export interface ActionOptions extends ReadOptions {
  accountId: string;
  region: string;
  network: SimulatedNetwork;
  /** Regions that the account has enabled, if not those that every account has. */
  enabledRegions?: readonly string[] | undefined;
}

/** Returns the actions of EC2 by name; any other is `InvalidAction`. */
export function createActions(options: ActionOptions): ReadonlyMap<string, Action> {
  const { accountId, region, network } = options;
  const { routeTables, subnets, securityGroups, prefixLists } = network;
  return new Map([
    ['DescribeNatGateways', describeNatGateways(options)],
    ['AssignPrivateNatGatewayAddress', assignPrivateNatGatewayAddress],
    ['UnassignPrivateNatGatewayAddress', unassignPrivateNatGatewayAddress],
    ['DescribeRouteTables', describeList(routeTables, describeRouteTables(accountId), options)],
    ['DescribeSubnets', describeList(subnets, describeSubnets(accountId), options)],
    ['DescribeSecurityGroups', describeList(securityGroups, describeSecurityGroups(accountId), options)],
    [
      'DescribeManagedPrefixLists',
      describeList(prefixLists, describeManagedPrefixLists(accountId, region), options),
    ],
    ['GetManagedPrefixListEntries', getManagedPrefixListEntries(prefixLists)],
    ['DescribeRegions', describeRegions(region, options)],
  ]);
}
