import { decideReleaseApproval } from './decide-release-approval.ts';
import type { Tool } from './define-tool.ts';
import { describeNatGatewayAddresses } from './describe-nat-gateway-addresses.ts';
import { listReleaseApprovals } from './list-release-approvals.ts';
import { restorePrivateNatGatewayAddress } from './restore-private-nat-gateway-address.ts';
import { unassignPrivateNatGatewayAddress } from './unassign-private-nat-gateway-address.ts';
import { waitForNatGatewayAddresses } from './wait-for-nat-gateway-addresses.ts';

/** All tools, in the order in which they are listed. */
export const TOOLS: readonly Tool[] = [
  describeNatGatewayAddresses,
  unassignPrivateNatGatewayAddress,
  restorePrivateNatGatewayAddress,
  waitForNatGatewayAddresses,
  listReleaseApprovals,
  decideReleaseApproval,
];

/** @throws Error where there is none */
export function toolNamed(name: string): Tool {
  const tool = TOOLS.find((each) => each.name === name);
  if (tool === undefined) throw new Error(`no tool ${name}`);
  return tool;
}
