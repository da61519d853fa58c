import { EC2Client, type EC2ClientConfig } from '@aws-sdk/client-ec2';
import type { Logger } from 'pino';
import { cancelled, Failure } from '../vocabulary/failure.ts';
import { withoutSecrets } from '../vocabulary/secrets.ts';
import type { Timeouts } from '../vocabulary/timeouts.ts';
import { ChangeOrigins, orAborted, type RequestState, type Track, trackAttempts } from './attempts.ts';
import { credentialsOf, type Ec2Target, regionOf } from './credentials.ts';
import { concernsCredentials, failureFrom, outOfTime, regionUnknown } from './failure-from.ts';
import { AccountIds, accountDeadline } from './identity.ts';
import { ProxyAwareHandler } from './proxy.ts';

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
  /** Several reads may share one. Default: that of a single read. */
  deadline?: AbortSignal | undefined;
  state?: RequestState | undefined;
}

/** The SDK clients of one region: same connections, endpoint and credentials, different attempts. */
interface Pair {
  reads: EC2Client;
  changes: EC2Client;
}

/** Where and how `#send` sends. */
interface Sending {
  region: string;
  client: EC2Client;
  state: RequestState;
  deadline: AbortSignal;
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
  readonly #version: string;
  readonly #logger: Logger;
  readonly #handler: ProxyAwareHandler;
  readonly #pairs = new Map<string, Pair>();
  readonly #accounts = new AccountIds();
  #credentials: NonNullable<EC2ClientConfig['credentials']>;
  #defaultRegion: Promise<string | undefined> | undefined;

  constructor(target: Ec2Target, version: string, logger: Logger, timeouts: Timeouts) {
    this.timeouts = timeouts;
    this.#target = target;
    this.#version = version;
    this.#logger = logger;
    this.#handler = new ProxyAwareHandler({
      connectionTimeout: timeouts.connect,
      throwOnRequestTimeout: true,
      logger: this.#sdkLogger(),
    });
    this.#credentials = credentialsOf(target, this.#handler, false);
  }

  /**
   * The region of a call: `requested`, else the configured one, else the one that the SDK's chain finds.
   *
   * @throws Failure `region_unknown`
   */
  async region(requested: string | undefined): Promise<string> {
    const configured = requested ?? this.#target.region;
    if (configured !== undefined) return configured;
    this.#defaultRegion ??= regionOf(this.#target);
    const region = await this.#defaultRegion;
    if (region !== undefined) return region;
    this.#defaultRegion = undefined;
    throw regionUnknown();
  }

  /**
   * Sends a request that changes nothing. The SDK retries it; when it fails on credentials, it is sent once more with
   * credentials resolved afresh, so that a login in another window is picked up.
   *
   * @throws Failure
   */
  async read<T>(region: string, request: Request<T>, { signal, deadline, state }: ReadOptions): Promise<T> {
    const { read: timeout, readAttempt: attemptTimeout } = this.timeouts;
    const until = deadline ?? this.readDeadline();
    const { reads } = this.#pair(region);
    const sending = { region, state: state ?? {}, deadline: until, timeout, attemptTimeout, signal };
    try {
      return await this.#send(request, { ...sending, client: reads });
    } catch (error) {
      if (!(error instanceof Failure) || !concernsCredentials(error)) throw error;
      if (signal.aborted || until.aborted) throw error;
      this.#renewCredentials(region, reads, error);
      return await this.#send(request, { ...sending, client: this.#pair(region).reads });
    }
  }

  /** The deadline of one read, retries included. */
  readDeadline(): AbortSignal {
    return AbortSignal.timeout(this.timeouts.read);
  }

  /**
   * Sends the real call exactly once, whatever happens to it, if `state` allows its destination. No caller can cancel it:
   * a request that has left cannot be called back, only lost sight of.
   *
   * @throws Failure
   */
  async sendOnce<T>(region: string, state: RequestState, request: Request<T>): Promise<T> {
    const { change } = this.timeouts;
    return this.#send(request, {
      region,
      client: this.#pair(region).changes,
      state,
      deadline: AbortSignal.timeout(change),
      timeout: change,
      attemptTimeout: change,
    });
  }

  /**
   * The account of `accessKeyId`, or of the key in use now; `undefined` where AWS does not tell it. Takes a few seconds
   * at most, and never longer than `deadline`.
   */
  async accountId(
    region: string,
    accessKeyId?: string,
    deadline = this.readDeadline(),
  ): Promise<string | undefined> {
    const ask = async (): Promise<string | undefined> => {
      const { credentials } = this.#pair(region).reads.config;
      const key = accessKeyId ?? (await credentials()).accessKeyId;
      return this.#accounts.of(key, this.#config(region));
    };
    return orAborted(ask(), accountDeadline(deadline)).catch(() => undefined);
  }

  /** Closes every connection. */
  close(): void {
    this.#handler.destroy();
  }

  async #send<T>(request: Request<T>, sending: Sending): Promise<T> {
    const { region, client, state, deadline, timeout, attemptTimeout, signal } = sending;
    const abortSignal = signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
    delete state.latestError;
    state.stage ??= 'preparing';
    const onConnected = (): void => {
      state.stage = 'connected';
    };
    const onProxy = (name: string): void => {
      state.proxy = name;
    };
    try {
      const options = { abortSignal, requestTimeout: attemptTimeout, onConnected, onProxy };
      return await orAborted(
        request(client, options, (command) => trackAttempts(command, state)),
        abortSignal,
      );
    } catch (error) {
      if (signal?.aborted) throw cancelled();
      const { stage, proxy } = state;
      const context = { region, profile: this.#target.profile, now: Date.now(), stage, proxy };
      const failure = deadline.aborted
        ? outOfTime(timeout / 1000, state.latestError, context)
        : failureFrom(error, context);
      this.#log(region, failure, error);
      throw failure;
    }
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

  #pair(region: string): Pair {
    const known = this.#pairs.get(region);
    if (known !== undefined) return known;
    const config = this.#config(region);
    const reads = new EC2Client({ ...config, maxAttempts: 3 });
    shareEndpoint(reads);
    const { endpointProvider, credentials } = reads.config;
    const changes = new EC2Client({ ...config, endpointProvider, credentials, maxAttempts: 1 });
    const pair = { reads, changes };
    this.#pairs.set(region, pair);
    return pair;
  }

  #config(region: string) {
    const { profile, endpoint } = this.#target;
    return {
      region,
      requestHandler: this.#handler,
      logger: this.#sdkLogger(),
      customUserAgent: [['nat-gateway-mcp', this.#version]] as [string, string][],
      credentials: this.#credentials,
      ...(profile === undefined ? {} : { profile }),
      ...(endpoint === undefined ? {} : { endpoint }),
    };
  }

  /** Drops clients and credentials, unless another request that failed with the same client has done so already. */
  #renewCredentials(region: string, failed: EC2Client, { report: { code } }: Failure): void {
    if (this.#pairs.get(region)?.reads !== failed) return;
    this.#pairs.clear();
    this.#accounts.forget();
    this.#credentials = credentialsOf(this.#target, this.#handler, true);
    this.#logger.info({ region, code }, 'credentials resolved afresh');
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

/**
 * Makes a client, and every client that gets its `endpointProvider`, keep the endpoint of the first request. Otherwise
 * each client reads profile and environment for itself, at its own first request.
 */
function shareEndpoint({ config }: EC2Client): void {
  const resolve = config.endpointProvider;
  let endpoint: ReturnType<typeof resolve> | undefined;
  config.endpointProvider = (...args) => {
    endpoint ??= resolve(...args);
    return endpoint;
  };
}
