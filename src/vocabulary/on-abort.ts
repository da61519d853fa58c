import { setMaxListeners } from 'node:events';

/** Calls `listener` once `signal` is aborted, and returns a function that ends this. Any number may listen. */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  setMaxListeners(0, signal);
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
