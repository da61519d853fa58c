import { onAbort } from './on-abort.ts';

/** A signal that is aborted at a moment, until `letGo` is called. */
export interface AbortAt {
  signal: AbortSignal;
  /** Whether the moment came, and not the end of another signal before it. */
  isLate: () => boolean;
  letGo: () => void;
}

/**
 * A signal that is aborted at `moment`, in milliseconds of `performance.now()`, or with `other`. `AbortSignal.timeout` and
 * `AbortSignal.any` do the same at several times the cost, and keep something of every request until they fire.
 */
export function abortAt(moment: number, other?: AbortSignal): AbortAt {
  const controller = new AbortController();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = !controller.signal.aborted;
    controller.abort(new DOMException('The time is over.', 'TimeoutError'));
  }, moment - performance.now()).unref();
  const letGoOther = other && onAbort(other, () => controller.abort(other.reason));
  return {
    signal: controller.signal,
    isLate: () => isLate,
    letGo: () => {
      clearTimeout(timer);
      letGoOther?.();
    },
  };
}
