import { AsyncLocalStorage } from 'node:async_hooks';
import type { MiddlewareStack } from '@smithy/types';
import { credentialsChanged } from '../vocabulary/failure.ts';

/** What the tries of one request leave behind, and what they have to keep to. */
export interface RequestState {
  /** Why the latest try failed, so that a deadline in a pause between tries can tell. */
  latestError?: unknown;
  /** The access key that signed the latest try, by which AWS knows whose request it is. */
  accessKeyId?: string | undefined;
  /** The only access key that may sign: any other fails the try before it leaves. */
  onlyAs?: string | undefined;
}

const requestStates = new AsyncLocalStorage<RequestState>();

/** Runs a request whose client has `trackAttempts`, keeping `sending` up to date. */
export function withRequestState<T>(sending: RequestState, request: () => Promise<T>): Promise<T> {
  return requestStates.run(sending, request);
}

/** Makes a client's requests heed their `RequestState`: around every try, between its signing and its leaving. */
export function trackAttempts<Input extends object, Output extends object>(
  stack: MiddlewareStack<Input, Output>,
): void {
  stack.add(
    (next) => async (args) => {
      const sending = requestStates.getStore() ?? {};
      sending.accessKeyId = signerOf(args.request);
      if (sending.onlyAs !== undefined && sending.onlyAs !== sending.accessKeyId) throw credentialsChanged();
      return next(args).catch((error: unknown) => {
        sending.latestError = error;
        throw error;
      });
    },
    { step: 'finalizeRequest', priority: 'low', name: 'trackAttempts' },
  );
}

/** The access key in a request's signature (Signature Version 4). */
function signerOf(request: unknown): string | undefined {
  const { headers } = request as { headers?: Record<string, string | undefined> };
  return /Credential=([^/,\s]+)\//.exec(headers?.authorization ?? '')?.[1];
}

/** The promise's value, or the signal's reason as soon as it is aborted, however slowly the request notices. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
