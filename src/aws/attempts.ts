import type { MiddlewareStack } from '@smithy/types';
import { Failure } from '../vocabulary/failure.ts';

/** Where a request goes, and the signature it carries there. */
export interface Destination {
  /** Scheme, host and port; the port is always there. */
  origin: string;
  path: string;
  /** The region it is signed for. */
  region: string | undefined;
  /** The access key that signed it, by which AWS knows whose request it is. */
  accessKeyId: string | undefined;
}

/**
 * How far the furthest attempt of a request has come. Its bytes can leave only over a connection, so that `preparing`
 * (endpoint, credentials, signature) and `connecting` (name, socket, proxy, TLS) mean that nothing has left.
 */
export type Stage = 'preparing' | 'connecting' | 'connected';

/** What the attempts of one request leave behind, and what they have to keep to. */
export interface RequestState {
  stage?: Stage;
  /** The name of the proxy on the way of the latest attempt. */
  proxy?: string;
  /** Why the latest attempt failed, so that a deadline in a pause between attempts can tell. */
  latestError?: unknown;
  /** The destination of the latest attempt, whether or not it left. */
  destination?: Destination;
  /** Whether an attempt was answered with a success status, whatever came with it. */
  saidSuccess?: boolean;
  /** The only destination allowed: an attempt to any other fails before it leaves. */
  only?: Partial<Destination>;
  /** Asked last, when a request is signed: whether it may still be sent. */
  maySend?: () => boolean;
  /** Present on requests that could change something. */
  change?: { isDryRun: boolean; origins: ChangeOrigins };
}

/** The origins that have answered a dry run with success, as EC2 never does: dry runs may change something there. */
export class ChangeOrigins {
  readonly #ignoringDryRun = new Set<string>();

  addIgnoringDryRun(origin: string): void {
    this.#ignoringDryRun.add(origin);
  }

  /** @throws Failure `dry_run_not_honoured` if nothing that could change something may be sent to `origin` */
  check(origin: string): void {
    if (this.#ignoringDryRun.has(origin)) throw ignoresDryRun(origin);
  }
}

/** A command of the SDK, as far as its middleware goes. */
interface Command<Input extends object, Output extends object> {
  readonly middlewareStack: MiddlewareStack<Input, Output>;
}

/** `trackAttempts` with the state of one request. */
export type Track = <Input extends object, Output extends object, C>(
  command: C & Command<Input, Output>,
) => C;

/**
 * Keeps `state` up to date around every attempt of `command`, and lets none leave that the state does not allow. It
 * runs between signing and sending, where endpoint and signature are final.
 */
export function trackAttempts<Input extends object, Output extends object, C>(
  command: C & Command<Input, Output>,
  state: RequestState,
): C {
  command.middlewareStack.add(
    (next) => async (args) => {
      const destination = destinationOf(args.request);
      state.destination = destination;
      checkDestination(destination, state);
      if (state.stage !== 'connected') state.stage = 'connecting';
      return next(args).catch((error: unknown) => {
        state.latestError = error;
        throw error;
      });
    },
    { step: 'finalizeRequest', priority: 'low', name: 'trackAttempts' },
  );
  // Inside the SDK's deserializer: the status counts even if the body never arrives.
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      if (isSuccess(result.response)) noteSuccess(state);
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'trackAnswers' },
  );
  return command;
}

function destinationOf(request: unknown): Destination {
  const { protocol, hostname, port, path, headers } = request as {
    protocol: string;
    hostname: string;
    port?: number;
    path: string;
    headers: Record<string, string | undefined>;
  };
  // The credential scope of Signature Version 4: key, date, region, service.
  const scope = /^\S+ Credential=([^/,\s]+)\/[^/,\s]*\/([^/,\s]*)\//.exec(headers.authorization ?? '');
  return {
    origin: `${protocol}//${hostname}:${port ?? (protocol === 'https:' ? 443 : 80)}`,
    path,
    region: scope?.[2],
    accessKeyId: scope?.[1],
  };
}

/** @throws Failure if `state` does not allow an attempt to go there */
function checkDestination(destination: Destination, { only, change, maySend }: RequestState): void {
  if (maySend?.() === false) throw heldTooLong();
  change?.origins.check(destination.origin);
  if (only === undefined) return;
  const isOther = (member: keyof Destination): boolean =>
    member in only && only[member] !== destination[member];
  if (isOther('origin') || isOther('path') || isOther('region')) throw endpointChanged(only, destination);
  if (isOther('accessKeyId') || destination.accessKeyId === undefined) throw credentialsChanged();
}

function isSuccess(response: unknown): boolean {
  const { statusCode = 0 } = response as { statusCode?: number };
  return statusCode >= 200 && statusCode < 300;
}

function noteSuccess(state: RequestState): void {
  state.saidSuccess = true;
  const { change, destination } = state;
  if (change?.isDryRun && destination !== undefined) change.origins.addIgnoringDryRun(destination.origin);
}

/** The failure of a real call for which the gateway may be held by another by now; nothing was sent. */
function heldTooLong(): Failure {
  return new Failure({
    code: 'timed_out',
    message: 'The time for which the gateway was held is over. Nothing was sent.',
    retryable: true,
  });
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

/** The failure of a real call that would have gone elsewhere than its dry run; nothing was sent. */
function endpointChanged(before: Partial<Destination>, now: Destination): Failure {
  const shown = ({ origin = '', path = '', region = 'no region' }: Partial<Destination>) =>
    `${origin}${path}, ${region}`;
  return new Failure({
    code: 'precondition_failed',
    message: `The endpoint changed between the dry run (${shown(before)}) and the real call (${shown(now)}). Nothing was sent.`,
    retryable: true,
    hint: 'Nothing was changed. Call again: everything is checked anew at the endpoint that is configured now (endpoint_url of the profile, AWS_ENDPOINT_URL).',
  });
}

function ignoresDryRun(origin: string): Failure {
  return new Failure({
    code: 'dry_run_not_honoured',
    message: `${origin} has answered a dry run with success, which EC2 never does, so that nothing that could change something is sent to it any more. Nothing was sent.`,
    retryable: false,
    hint: `Reading still works. The operator of this server has to look at what answers at ${origin} in place of EC2 (AWS_ENDPOINT_URL, a proxy, an emulator), and then to restart the server.`,
  });
}
