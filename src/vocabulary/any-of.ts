import { onAbort } from './on-abort.ts';

/**
 * A signal that is aborted with the first of `signals`, until `letGo` is called. `AbortSignal.any` would keep something
 * of every call for as long as a signal of the process lasts and, on Node 20, forget an `AbortSignal.timeout` among them, which
 * is collected as garbage before it fires.
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
