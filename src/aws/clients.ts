import type { EC2Client, EC2ClientConfig } from '@aws-sdk/client-ec2';
import { abortAt } from '../vocabulary/abort-at.ts';
import { cancelled, Failure } from '../vocabulary/failure.ts';
import type { Logger } from '../vocabulary/logger.ts';
import { orAborted } from '../vocabulary/or-aborted.ts';
import { keep } from '../vocabulary/room.ts';
import { withoutSecrets } from '../vocabulary/secrets.ts';
import type { Timeouts } from '../vocabulary/timeouts.ts';
import { ChangeOrigins, type RequestState, type Track, trackAttempts } from './attempts.ts';
import { REGIONS_KEPT, type Transport } from './client-config.ts';
import { CredentialSourceError } from './credential-sources.ts';
import { concernsSession, type FailureContext, failureFrom, outOfTime } from './failure-from.ts';
import { Identities, type Identity } from './identity.ts';
import { ProxyAwareHandler } from './proxy.ts';
import { type AttemptBy, AttemptSigner } from './roles/attempt-signer.ts';
import type { Permission } from './roles/session-policy.ts';
import { openSession, type Session } from './session.ts';
import type { Ec2Target, Service } from './settings.ts';

/** Options for one `client.send`. */
export interface SendOptions {
  abortSignal: AbortSignal;
  requestTimeout: number;
  /** Called by `ProxyAwareHandler` as soon as the request has its connection. */
  onConnected: () => void;
  /** Called by `ProxyAwareHandler` with the name of the proxy, where there is one. */
  onProxy: (name: string) => void;
}

/** One `client.send`. The command it sends has to go through `track`. */
export type Request<T> = (client: EC2Client, options: SendOptions, track: Track) => Promise<T>;

/** What a read is bounded by, and what it leaves behind. */
export interface ReadOptions {
  /** The caller's; it cancels the read. */
  signal: AbortSignal;
  /** In milliseconds of `performance.now()`; several reads may share one. Default: that of a single read. */
  deadline?: number | undefined;
  state?: RequestState | undefined;
  /** Signs it in place of the credentials of all reads. */
  signer?: AttemptSigner | undefined;
}

/** Where and how `#send` sends. */
interface Sending {
  region: string;
  session: Session;
  client: EC2Client;
  state: RequestState;
  /** In milliseconds of `performance.now()`. */
  deadline: number;
  /** Of the deadline, and of one attempt, in milliseconds. */
  timeout: number;
  attemptTimeout: number;
  /** Absent on the real call, which nobody can cancel. */
  signal?: AbortSignal;
}

/** The EC2 clients of this process, kept by region, and the credentials they share. */
export class Ec2Clients {
  readonly timeouts: Timeouts;
  /** Where dry runs are ignored, for as long as this process lives. */
  readonly changeOrigins = new ChangeOrigins();
  readonly #target: Ec2Target;
  readonly #logger: Logger;
  readonly #transport: Transport;
  readonly #identities: Identities;
  /** By region: the key of the latest request that was answered, and the latest identity that was told whole. */
  readonly #signedBy = new Map<string, string | undefined>();
  readonly #signers = new Map<string, Identity>();
  #opening: Promise<Session> | undefined;
  #current: Session | undefined;
  /** The latest reason in the log why there are no credentials. */
  #complaint: string | undefined;

  constructor(target: Ec2Target, version: string, logger: Logger, timeouts: Timeouts) {
    this.timeouts = timeouts;
    this.#target = target;
    this.#logger = logger;
    this.#identities = new Identities(logger, timeouts.read);
    const sdkLogger = this.#sdkLogger();
    this.#transport = {
      // The request timeout is that of STS and the like; requests to EC2 have their own.
      requestHandler: new ProxyAwareHandler({
        connectionTimeout: timeouts.connect,
        requestTimeout: timeouts.readAttempt,
        throwOnRequestTimeout: true,
        logger: sdkLogger,
      }),
      logger: sdkLogger,
      customUserAgent: [['nat-gateway-mcp', version]],
    };
  }

  /**
   * The region of a call: `requested`, else the configured one, else that of the instance. Files are read again if they
   * name none.
   *
   * @throws Failure `region_unknown`
   */
  async region(requested: string | undefined): Promise<string> {
    if (requested !== undefined) return requested;
    const session = await this.#session();
    try {
      return await session.region();
    } catch (error) {
      this.#forget(session);
      throw error;
    }
  }

  /**
   * Sends a request that changes nothing. The SDK retries it; when it fails on credentials, it is sent once more with
   * credentials resolved afresh, so that a login in another window is picked up.
   *
   * @throws Failure
   */
  async read<T>(region: string, request: Request<T>, options: ReadOptions): Promise<T> {
    const { signal, deadline, state, signer } = options;
    const clientOf = (session: Session) => (signer?.pair(session) ?? session.pair(region)).reads;
    const { read: timeout, readAttempt: attemptTimeout } = this.timeouts;
    const until = deadline ?? this.readDeadline();
    const session = await this.#session();
    const sending = { region, state: state ?? {}, deadline: until, timeout, attemptTimeout, signal };
    try {
      return await this.#send(request, { ...sending, session, client: clientOf(session) });
    } catch (error) {
      if (!(error instanceof Failure) || !concernsSession(error)) throw error;
      this.#drop(session, region, error);
      if (signal.aborted || performance.now() >= until) throw error;
      const renewed = await this.#session();
      return await this.#send(request, { ...sending, session: renewed, client: clientOf(renewed) });
    }
  }

  /** The deadline of one read, retries included. */
  readDeadline(): number {
    return performance.now() + this.timeouts.read;
  }

  /**
   * Sends the real call exactly once, whatever happens to it, if `state` allows its destination. No caller can cancel it:
   * a request that has left cannot be called back, only lost sight of.
   *
   * @throws Failure
   */
  async sendOnce<T>(
    region: string,
    state: RequestState,
    request: Request<T>,
    signer: AttemptSigner | undefined,
  ): Promise<T> {
    const { change } = this.timeouts;
    const session = signer?.made?.of ?? (await this.#session());
    return this.#send(request, {
      region,
      session,
      client: (signer?.pair(session) ?? session.pair(region)).changes,
      state,
      deadline: performance.now() + change,
      timeout: change,
      attemptTimeout: change,
    });
  }

  /** Signs one attempt of a change in the role of the target; `undefined` where the credentials of reads sign it. */
  signerFor(by: AttemptBy, permission: Omit<Permission, 'accountId'>): AttemptSigner | undefined {
    const { role } = this.#target;
    return role === undefined ? undefined : new AttemptSigner(role, by, permission);
  }

  /**
   * Whose key signed the latest request to `region`, or signs the first; or whose key `accessKeyId` is. `undefined` if there
   * are no credentials. Takes a few seconds at most, and never longer than `deadline`.
   */
  async identity(
    region: string,
    accessKeyId?: string,
    deadline = this.readDeadline(),
  ): Promise<Identity | undefined> {
    const known = this.#signers.get(region);
    if (known !== undefined && known.access_key_id === (accessKeyId ?? this.#signedBy.get(region)))
      return known;
    const ask = async (): Promise<Identity> => {
      const session = await this.#session();
      const ofRole = await session.roleIdentity(region);
      if (ofRole !== undefined) return ofRole;
      const key = accessKeyId ?? (await session.accessKeyId(region));
      return this.#identities.of(session.question(region, key));
    };
    const until = this.#identities.deadline(deadline);
    const identity = await orAborted(ask(), until.signal)
      .catch(() => undefined)
      .finally(until.letGo);
    if (identity?.account_id !== undefined) keep(this.#signers, region, identity, REGIONS_KEPT);
    return identity;
  }

  /**
   * The configuration of a client for requests that a call can do without. Whatever becomes of them, credentials are not
   * resolved afresh, and the reason why there are none is left for the call itself to log.
   *
   * @throws Failure `precondition_failed` if a setting cannot be understood
   */
  async config(service: Service, region: string) {
    return (await this.#session()).config(service, region);
  }

  /** Logs why something that a call can do without was not read. */
  noteGap(region: string, gap: object): void {
    this.#logger.debug({ region, ...gap }, 'evidence was not read');
  }

  /** The configuration of a client of DynamoDB, as of now: a client with refused credentials asks again. */
  async tableConfig(requested: string | undefined) {
    const region = await this.region(requested);
    return (await this.#session()).config('dynamodb', region);
  }

  /** Closes every connection. */
  close(): void {
    this.#transport.requestHandler.destroy();
  }

  async #send<T>(request: Request<T>, sending: Sending): Promise<T> {
    const { region, session, client, state, deadline, timeout, attemptTimeout, signal } = sending;
    const until = abortAt(deadline, signal);
    delete state.latestError;
    state.stage ??= 'preparing';
    const onConnected = (): void => {
      state.stage = 'connected';
    };
    const onProxy = (name: string): void => {
      state.proxy = name;
    };
    try {
      const options = {
        abortSignal: until.signal,
        requestTimeout: attemptTimeout,
        onConnected,
        onProxy,
      };
      const answer = await orAborted(
        request(client, options, (command) => trackAttempts(command, state)),
        until.signal,
      );
      this.#complaint = undefined;
      keep(this.#signedBy, region, state.destination?.accessKeyId, REGIONS_KEPT);
      return answer;
    } catch (error) {
      if (signal?.aborted) throw cancelled();
      const source = error instanceof CredentialSourceError ? error.source : session.source;
      const { stage, proxy } = state;
      const now = Date.now();
      const context: FailureContext = { region, ...session.configured, source, now, stage, proxy };
      const failure = until.isLate()
        ? outOfTime(timeout / 1000, state.latestError, context)
        : failureFrom(error, context);
      // A source that hangs is asked anew by the next call; a process is not started twice.
      const isHanging =
        until.isLate() && state.stage === 'preparing' && source?.kind !== 'credential_process';
      if (isHanging) this.#drop(session, region, failure);
      if (error instanceof CredentialSourceError || (isHanging && source)) this.#complain(failure, context);
      this.#log(region, failure, error);
      throw failure;
    } finally {
      until.letGo();
    }
  }

  /** Logs why there are no credentials, once for as long as nothing else is the reason. */
  #complain({ report: { code, message } }: Failure, { region, profile, source }: FailureContext): void {
    if (message === this.#complaint) return;
    this.#complaint = message;
    this.#logger.warn({ region, code, profile, provider: source?.kind }, message);
  }

  #log(region: string, { report: { code, aws_code, request_id } }: Failure, error: unknown): void {
    this.#logger.debug({ region, code, aws_code, request_id }, 'EC2 request failed');
    if (code !== 'internal') return;
    const { name, stack = '' } = error instanceof Error ? error : new Error(typeof error);
    this.#logger.error(
      { region, name, stack: withoutSecrets(stack) },
      'EC2 request failed in an unknown way',
    );
  }

  #session(): Promise<Session> {
    this.#opening ??= openSession(this.#target, this.#transport, this.timeouts).then((session) => {
      this.#current = session;
      return session;
    });
    return this.#opening;
  }

  /** Has environment and files read anew, unless another call that failed with `session` has done so already. */
  #drop(session: Session, region: string, { report: { code } }: Failure): void {
    if (this.#forget(session)) this.#logger.info({ region, code }, 'credentials resolved afresh');
  }

  #forget(session: Session): boolean {
    if (session !== this.#current) return false;
    this.#current = undefined;
    this.#opening = undefined;
    this.#signers.clear();
    return true;
  }

  /**
   * Passes on the SDK's warnings, without the inputs and outputs that it logs at `info` and below. Without an `info`
   * function the SDK does not even prepare them, which takes longer than a read's own work.
   */
  #sdkLogger(): NonNullable<EC2ClientConfig['logger']> {
    const silent = (): void => {};
    const warn = (...content: unknown[]): void => {
      this.#logger.warn({ from: 'aws-sdk' }, content.filter((each) => typeof each === 'string').join(' '));
    };
    return { trace: silent, debug: silent, warn, error: silent } as NonNullable<EC2ClientConfig['logger']>;
  }
}
