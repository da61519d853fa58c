import type { ServerContext } from '@modelcontextprotocol/server';
import { Failure } from '../vocabulary/failure.ts';
import type { Scope } from '../vocabulary/names.ts';

/**
 * Refuses a call whose token lacks a scope: the last line, behind the check of the HTTP front. Without
 * authorization (over stdio, or on a loopback host) there is no token, and nothing is refused.
 *
 * @throws Failure `policy_denied`
 */
export function requireScope(context: ServerContext, scope: Scope): void {
  const authInfo = context.http?.authInfo;
  if (authInfo === undefined || authInfo.scopes.includes(scope)) return;
  throw new Failure({
    code: 'policy_denied',
    message: `This needs the scope ${scope}, which the token of this call does not have. Nothing was changed.`,
    retryable: false,
    hint: `Call with a token that has the scope ${scope}, or ask whoever runs this server for one.`,
  });
}
