import type { ServerContext } from '@modelcontextprotocol/server';
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

/**
 * A signal that is aborted with the first of `signals`, until `letGo` is called. `AbortSignal.any` would keep something
 * of every call for as long as a signal of the process lasts.
 */
export function anyOf(signals: readonly AbortSignal[]): { signal: AbortSignal; letGo: () => void } {
  const controller = new AbortController();
  const listeners = signals.map((each) => onAbort(each, () => controller.abort(each.reason)));
  return {
    signal: controller.signal,
    letGo: () => {
      for (const each of listeners) each();
    },
  };
}

/** The result of `work`, or that of `cutShort` where the grace is over first. */
export async function orCutShort<T>(graceOver: AbortSignal, work: Promise<T>, cutShort: () => T): Promise<T> {
  let letGo = (): void => {};
  const cut = new Promise<T>((resolve) => {
    letGo = onAbort(graceOver, () => resolve(cutShort()));
  });
  return Promise.race([work, cut]).finally(letGo);
}
