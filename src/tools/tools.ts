import { DECIDE_APPROVAL, DESCRIBE, LIST_APPROVALS, RESTORE, UNASSIGN, WAIT } from '../vocabulary/names.ts';
import type { Tool } from './define-tool.ts';

/** The tools by their names, in the order in which they are listed. Each is loaded by its first call. */
const TOOLS: Readonly<Record<string, () => Promise<Tool>>> = {
  [DESCRIBE]: async () => (await import('./describe-nat-gateway-addresses.ts')).describeNatGatewayAddresses,
  [UNASSIGN]: async () =>
    (await import('./unassign-private-nat-gateway-address.ts')).unassignPrivateNatGatewayAddress,
  [RESTORE]: async () =>
    (await import('./restore-private-nat-gateway-address.ts')).restorePrivateNatGatewayAddress,
  [WAIT]: async () => (await import('./wait-for-nat-gateway-addresses.ts')).waitForNatGatewayAddresses,
  [LIST_APPROVALS]: async () => (await import('./list-release-approvals.ts')).listReleaseApprovals,
  [DECIDE_APPROVAL]: async () => (await import('./decide-release-approval.ts')).decideReleaseApproval,
};

/** Those that are loaded: importing a module once more takes longer than all else that chooses a tool. */
const loaded = new Map<string, Tool>();

/** @throws Error where there is none, or where its code cannot be loaded */
export async function loadTool(name: string): Promise<Tool> {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const load = TOOLS[name];
  if (load === undefined) throw new Error(`no tool ${name}`);
  const tool = await load();
  loaded.set(name, tool);
  return tool;
}

export function loadAllTools(): Promise<Tool[]> {
  return Promise.all(Object.values(TOOLS).map((load) => load()));
}
