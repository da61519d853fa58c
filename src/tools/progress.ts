import type { ServerContext } from '@modelcontextprotocol/server';

/** Tells a client that asked for progress; each value is larger than the one before. */
export function progressReporter(
  context: ServerContext,
): (seconds: number, message: string) => Promise<void> {
  const progressToken = context.mcpReq._meta?.progressToken;
  let last = 0;
  return async (seconds, message) => {
    if (progressToken === undefined) return;
    last = Math.max(seconds, last + 0.001);
    const params = { progressToken, progress: last, message };
    // A client that is gone is noticed by the signal.
    await context.mcpReq.notify({ method: 'notifications/progress', params }).catch(() => {});
  };
}
