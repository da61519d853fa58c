import type { ServerContext } from '@modelcontextprotocol/server';

/** The name of a caller, as its token has it; `undefined` where callers have no tokens. */
export function callerOf({ http }: Pick<ServerContext, 'http'>): string | undefined {
  return http?.authInfo?.clientId;
}
