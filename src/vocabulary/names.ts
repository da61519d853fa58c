/** Names that several stages share, as literals in this file alone. */

export const DESCRIBE = 'describe_nat_gateway_addresses';
export const UNASSIGN = 'unassign_private_nat_gateway_address';
export const RESTORE = 'restore_private_nat_gateway_address';
export const WAIT = 'wait_for_nat_gateway_addresses';

/** The tools that change something: a yes, a record and a token's scope are for one of them. */
export const CHANGE_TOOLS = [UNASSIGN, RESTORE] as const;
export type ChangeTool = (typeof CHANGE_TOOLS)[number];

/** Scopes of a caller's token: to read, and to change. Write does not include read. */
export const READ_SCOPE = 'nat:read';
export const WRITE_SCOPE = 'nat:write';
export const SCOPES = [READ_SCOPE, WRITE_SCOPE] as const;
export type Scope = (typeof SCOPES)[number];

/** When a human is asked: whenever the client can ask one, always (or the call is refused), or never. */
export const CONFIRM_MODES = ['auto', 'always', 'never'] as const;
export type ConfirmMode = (typeof CONFIRM_MODES)[number];

/**
 * The tags of a session that makes a change: who asked for it, and the id of the attempt. STS allows these characters in
 * the key of a tag, and IAM policies can demand them.
 */
export const SESSION_TAGS = { caller: 'nat-gateway-mcp:caller', attempt: 'nat-gateway-mcp:attempt' } as const;

/** Stands for every target in the arguments of a call, so no target may have this name. */
export const ALL_TARGETS = 'all';
