/** Names that several stages share, as literals in this file alone. */

export const DESCRIBE = 'describe_nat_gateway_addresses';
export const UNASSIGN = 'unassign_private_nat_gateway_address';
export const RESTORE = 'restore_private_nat_gateway_address';
export const WAIT = 'wait_for_nat_gateway_addresses';
export const LIST_APPROVALS = 'list_release_approvals';
export const DECIDE_APPROVAL = 'decide_release_approval';

/** The tools of people who approve changes, which exist with --approvals alone. */
export const APPROVAL_TOOLS = [LIST_APPROVALS, DECIDE_APPROVAL] as const;

/** The tools that change something: a yes, a record and a token's scope are for one of them. */
export const CHANGE_TOOLS = [UNASSIGN, RESTORE] as const;
export type ChangeTool = (typeof CHANGE_TOOLS)[number];

/** Scopes of a caller's token: to read, to change, and to approve changes of others. None includes another. */
export const READ_SCOPE = 'nat:read';
export const WRITE_SCOPE = 'nat:write';
export const APPROVE_SCOPE = 'nat:approve';
export const SCOPES = [READ_SCOPE, WRITE_SCOPE, APPROVE_SCOPE] as const;

/** Those that a server without --approvals asks for. */
export const USUAL_SCOPES = [READ_SCOPE, WRITE_SCOPE] as const;
export type Scope = (typeof SCOPES)[number];

/** When a human is asked: whenever the client can ask one, always (or the call is refused), or never. */
export const CONFIRM_MODES = ['auto', 'always', 'never'] as const;
export type ConfirmMode = (typeof CONFIRM_MODES)[number];

/**
 * The tags of a session that makes a change: who asked for it, the id of the attempt and, where people approved it, who
 * they are. STS allows these characters in the key of a tag, and IAM policies can demand them.
 */
export const SESSION_TAGS = {
  caller: 'nat-gateway-mcp:caller',
  attempt: 'nat-gateway-mcp:attempt',
  approvers: 'nat-gateway-mcp:approvers',
} as const;

/** Stands for every target in the arguments of a call, so no target may have this name. */
export const ALL_TARGETS = 'all';
