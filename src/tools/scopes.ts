import type { ServerContext } from '@modelcontextprotocol/server';
import { Ec2Failure } from '../ec2/errors.ts';

/** What a caller's token may allow: to look, and to change. To change does not include to look. */
export const READ_SCOPE = 'nat:read';
export const WRITE_SCOPE = 'nat:write';
export const SCOPES = [READ_SCOPE, WRITE_SCOPE] as const;
export type Scope = (typeof SCOPES)[number];

/**
 * Refuses a call whose token lacks a scope: the last line, behind the check of the HTTP front. Without
 * authorization (over stdio, or on a loopback host) there is no token, and nothing is refused.
 *
 * @throws Ec2Failure `policy_denied`
 */
export function requireScope(context: ServerContext, scope: Scope): void {
  const authInfo = context.http?.authInfo;
  if (authInfo === undefined || authInfo.scopes.includes(scope)) return;
  throw new Ec2Failure({
    code: 'policy_denied',
    message: `This needs the scope ${scope}, which the token of this call does not have. Nothing was changed.`,
    retryable: false,
    hint: `Call with a token that has the scope ${scope}, or ask whoever runs this server for one.`,
  });
}
