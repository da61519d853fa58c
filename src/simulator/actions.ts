import type { Action } from './action.ts';
import { assignPrivateNatGatewayAddress } from './assign.ts';
import { describeNatGateways } from './describe.ts';
import type { ReadOptions } from './reads.ts';
import { unassignPrivateNatGatewayAddress } from './unassign.ts';

/** Returns the actions by name; any other is `InvalidAction`. */
export function createActions(options: ReadOptions): ReadonlyMap<string, Action> {
  return new Map([
    ['DescribeNatGateways', describeNatGateways(options)],
    ['AssignPrivateNatGatewayAddress', assignPrivateNatGatewayAddress],
    ['UnassignPrivateNatGatewayAddress', unassignPrivateNatGatewayAddress],
  ]);
}
