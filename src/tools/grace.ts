import type { ServerContext } from '@modelcontextprotocol/server';
import { anyOf } from '../vocabulary/any-of.ts';
import { onAbort } from '../vocabulary/on-abort.ts';

/** What the end of a shutdown's grace does to calls in flight. */

/** Runs a call whose signal is aborted by the end of the grace as well. */
export async function withinGrace<T>(
  graceOver: AbortSignal,
  context: ServerContext,
  run: (context: ServerContext) => Promise<T>,
): Promise<T> {
  const { signal, letGo } = anyOf([context.mcpReq.signal, graceOver]);
  try {
    return await run({ ...context, mcpReq: { ...context.mcpReq, signal } });
  } finally {
    letGo();
  }
}

/** The result of `work`, or that of `cutShort` where the grace is over first. */
export async function orCutShort<T>(graceOver: AbortSignal, work: Promise<T>, cutShort: () => T): Promise<T> {
  let letGo = (): void => {};
  const cut = new Promise<T>((resolve) => {
    letGo = onAbort(graceOver, () => resolve(cutShort()));
  });
  return Promise.race([work, cut]).finally(letGo);
}
