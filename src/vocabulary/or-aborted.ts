import { onAbort } from './on-abort.ts';

/** The promise's value, or the signal's reason as soon as it is aborted, however slowly the request notices. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const letGo = onAbort(signal, () => reject(signal.reason));
    promise.then(resolve, reject).finally(letGo);
  });
}
