import type { MiddlewareStack } from '@smithy/types';
import { Failure } from '../vocabulary/failure.ts';

/** What the attempts of one request leave behind, and what they have to keep to. */
export interface RequestState {
  /** Why the latest attempt failed, so that a deadline in a pause between attempts can tell. */
  latestError?: unknown;
  /** The access key that signed the latest attempt, by which AWS knows whose request it is. */
  accessKeyId?: string | undefined;
  /** The only access key that may sign: any other fails the attempt before it leaves. */
  onlyAs?: string | undefined;
}

/** A command of the SDK, as far as its middleware goes. */
interface Command<Input extends object, Output extends object> {
  readonly middlewareStack: MiddlewareStack<Input, Output>;
}

/** `trackAttempts` with the state of one request. */
export type Track = <Input extends object, Output extends object, C>(
  command: C & Command<Input, Output>,
) => C;

/** Keeps `state` up to date around every attempt of `command`, between its signing and its leaving. */
export function trackAttempts<Input extends object, Output extends object, C>(
  command: C & Command<Input, Output>,
  state: RequestState,
): C {
  command.middlewareStack.add(
    (next) => async (args) => {
      state.accessKeyId = signerOf(args.request);
      if (state.onlyAs !== undefined && state.onlyAs !== state.accessKeyId) throw credentialsChanged();
      return next(args).catch((error: unknown) => {
        state.latestError = error;
        throw error;
      });
    },
    { step: 'finalizeRequest', priority: 'low', name: 'trackAttempts' },
  );
  return command;
}

/** The access key in a request's signature (Signature Version 4). */
function signerOf(request: unknown): string | undefined {
  const { headers } = request as { headers?: Record<string, string | undefined> };
  return /Credential=([^/,\s]+)\//.exec(headers?.authorization ?? '')?.[1];
}

/** The failure of a real call that other credentials would have signed than its dry run; nothing was sent. */
function credentialsChanged(): Failure {
  return new Failure({
    code: 'credentials_expired',
    message: 'The credentials changed between the dry run and the real call, which was not sent.',
    retryable: true,
    hint: 'Nothing was changed. Call again: everything is checked anew with the credentials there are now.',
  });
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
