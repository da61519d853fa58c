import { EC2Client, type EC2ClientConfig } from '@aws-sdk/client-ec2';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import type { Logger } from 'pino';
import {
  cancelled,
  concernsCredentials,
  type Failure,
  regionUnknown,
  timedOut,
} from '../vocabulary/failure.ts';
import { orAborted, type RequestState, trackAttempts, withRequestState } from './attempts.ts';
import type { RequestContext } from './aws-codes.ts';
import { failureFrom } from './failure-from.ts';
import { accountOf } from './identity.ts';
import { ProxyAwareHandler } from './proxy.ts';

/** Which EC2 to talk to, and as whom. Nothing given means: whatever the SDK's own chain finds. */
export interface Ec2Target {
  region?: string | undefined;
  profile?: string | undefined;
  endpoint?: string | undefined;
  credentials?: { accessKeyId: string; secretAccessKey: string } | undefined;
}

/** How long things may take, in milliseconds. Together they keep a call within the 50 s that clients wait at least. */
export interface Timeouts {
  connect: number;
  /** A read or a dry run, retries included, and one try of it. */
  read: number;
  readAttempt: number;
  /** The real call, which is tried once. */
  change: number;
  /** All reads after an answer that was lost, and the pauses before each: EC2's reads may lag behind its writes. */
  reconcile: number;
  reconcilePauses: readonly number[];
  /** Between two reads of a region that somebody waits for, and until the first read of who has just come. */
  pollPace: number;
  pollFirst: number;
}

export const TIMEOUTS: Timeouts = {
  connect: 4000,
  read: 10_000,
  readAttempt: 5000,
  change: 20_000,
  reconcile: 15_000,
  reconcilePauses: [300, 700, 1500, 2500, 3500, 4000],
  pollPace: 5000,
  pollFirst: 1000,
};

/** How long an account that AWS did not tell is not asked for again, in milliseconds. */
const ASK_ACCOUNT_AGAIN = 60_000;

/** How long an account is waited for; a call goes on without it. */
const ACCOUNT_MILLISECONDS = 3000;

/** Of how many access keys the accounts are remembered; a process has one at a time. */
const ACCOUNTS = 16;

/** Options for one `client.send`. */
export interface SendOptions {
  abortSignal: AbortSignal;
  requestTimeout: number;
}

type Request<T> = (client: EC2Client, options: SendOptions) => Promise<T>;

/** The SDK clients of one region: same connections and credentials, different timeouts. */
interface Pair {
  reads: EC2Client;
  changes: EC2Client;
}

/** The EC2 clients of this process, kept by region, and the credentials they share. */
export class Ec2Clients {
  readonly timeouts: Timeouts;
  readonly #target: Ec2Target;
  readonly #version: string;
  readonly #logger: Logger;
  readonly #handler: ProxyAwareHandler;
  readonly #pairs = new Map<string, Pair>();
  #credentials: EC2ClientConfig['credentials'];
  #defaultRegion: Promise<string | undefined> | undefined;
  /** By access key: accounts differ by who signs, and a process may change that at any time. */
  readonly #accounts = new Map<string, { id: Promise<string | undefined>; askAgainAt: number }>();

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
    this.#credentials = this.#resolveCredentials(false);
  }

  /**
   * The region of a call: the one it names, else the one of the server's configuration, else the one of the
   * SDK's own chain.
   *
   * @throws Failure `region_unknown` where there is none
   */
  async region(requested: string | undefined): Promise<string> {
    const configured = requested ?? this.#target.region;
    if (configured !== undefined) return configured;
    this.#defaultRegion ??= this.#regionOfTheChain();
    const region = await this.#defaultRegion;
    if (region !== undefined) return region;
    this.#defaultRegion = undefined;
    throw regionUnknown();
  }

  /**
   * Sends a request that changes nothing: retried by the SDK, and once more with credentials resolved afresh when
   * it fails on them, so that a login in another window is picked up. Several requests may share one `deadline`.
   *
   * @throws Failure
   */
  async read<T>(
    region: string,
    request: Request<T>,
    signal: AbortSignal,
    deadline = this.readDeadline(),
    sending: RequestState = {},
  ): Promise<T> {
    const { reads } = this.#pair(region);
    try {
      return await this.#send(region, reads, request, sending, deadline, signal);
    } catch (error) {
      const failure = error as Failure;
      if (!concernsCredentials(failure) || signal.aborted || deadline.aborted) throw failure;
      this.#renew(region, reads, failure);
      return await this.#send(region, this.#pair(region).reads, request, sending, deadline, signal);
    }
  }

  /** The time that a read may take, retries included. */
  readDeadline(): AbortSignal {
    return AbortSignal.timeout(this.timeouts.read);
  }

  /**
   * Sends a request exactly once, whatever happens to it, and only if `accessKeyId` is what signs it. No caller can
   * cancel it: a request that has left cannot be called back, only lost sight of.
   *
   * @throws Failure
   */
  async sendOnce<T>(region: string, accessKeyId: string | undefined, request: Request<T>): Promise<T> {
    const deadline = AbortSignal.timeout(this.timeouts.change);
    return this.#send(region, this.#pair(region).changes, request, { onlyAs: accessKeyId ?? '' }, deadline);
  }

  /**
   * The account that `accessKeyId` belongs to, or else the access key in use now. STS is asked once for each key;
   * `undefined` where AWS does not tell, which is asked again only after a while, so that a network without STS does
   * not slow down every call. Takes a few seconds at most, and never longer than `deadline`.
   */
  async accountId(
    region: string,
    accessKeyId?: string,
    deadline = this.readDeadline(),
  ): Promise<string | undefined> {
    const timeouts = AbortSignal.any([deadline, AbortSignal.timeout(ACCOUNT_MILLISECONDS)]);
    const answer = async (): Promise<string | undefined> => {
      const { credentials } = this.#pair(region).reads.config;
      const key = accessKeyId ?? (await credentials()).accessKeyId;
      const known = this.#accounts.get(key);
      const id = await known?.id;
      if (known !== undefined && (id !== undefined || Date.now() < known.askAgainAt)) return id;
      return this.#askAccount(region, key);
    };
    return orAborted(answer(), timeouts).catch(() => undefined);
  }

  /** Closes every connection. */
  close(): void {
    this.#handler.destroy();
  }

  /** Asks STS, once for all who want to know of the key at the same time. */
  #askAccount(region: string, accessKeyId: string): Promise<string | undefined> {
    const abortSignal = AbortSignal.timeout(ACCOUNT_MILLISECONDS);
    const asking = accountOf(this.#config(region), accessKeyId, abortSignal);
    const id = orAborted(asking, abortSignal).catch(() => undefined);
    for (const oldest of this.#accounts.keys()) {
      if (this.#accounts.size >= ACCOUNTS) this.#accounts.delete(oldest);
    }
    this.#accounts.set(accessKeyId, { id, askAgainAt: Date.now() + ASK_ACCOUNT_AGAIN });
    return id;
  }

  async #send<T>(
    region: string,
    client: EC2Client,
    request: Request<T>,
    sending: RequestState,
    deadline: AbortSignal,
    signal?: AbortSignal,
  ): Promise<T> {
    const abortSignal = signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
    const milliseconds = signal === undefined ? this.timeouts.change : this.timeouts.read;
    const requestTimeout = signal === undefined ? milliseconds : this.timeouts.readAttempt;
    delete sending.latestError;
    try {
      const sent = withRequestState(sending, () => request(client, { abortSignal, requestTimeout }));
      return await orAborted(sent, abortSignal);
    } catch (error) {
      if (signal?.aborted) throw cancelled();
      const context = { region, profile: this.#target.profile, now: Date.now() };
      const failure = deadline.aborted
        ? outOfTime(milliseconds / 1000, sending.latestError, context)
        : failureFrom(error, context);
      const { code, aws_code, request_id } = failure.report;
      this.#logger.debug({ region, code, aws_code, request_id }, 'EC2 request failed');
      if (code === 'internal') {
        const { name, stack } = error instanceof Error ? error : new Error(typeof error);
        this.#logger.error({ region, name, stack }, 'EC2 request failed in an unknown way');
      }
      throw failure;
    }
  }

  #pair(region: string): Pair {
    const known = this.#pairs.get(region);
    if (known !== undefined) return known;
    const config = this.#config(region);
    const pair = {
      reads: new EC2Client({ ...config, maxAttempts: 3 }),
      changes: new EC2Client({ ...config, maxAttempts: 1 }),
    };
    for (const client of Object.values(pair)) trackAttempts(client.middlewareStack);
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
      ...(profile === undefined ? {} : { profile }),
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(this.#credentials === undefined ? {} : { credentials: this.#credentials }),
    };
  }

  /** Drops clients and credentials, unless another request that failed with the same client has done so already. */
  #renew(region: string, failed: EC2Client, { report: { code } }: Failure): void {
    if (this.#pairs.get(region)?.reads !== failed) return;
    this.#pairs.clear();
    this.#accounts.clear();
    this.#credentials = this.#resolveCredentials(true);
    this.#logger.info({ region, code }, 'credentials resolved afresh');
  }

  #resolveCredentials(ignoreCache: boolean): EC2ClientConfig['credentials'] {
    const { profile, credentials } = this.#target;
    return (
      credentials ??
      defaultProvider({
        ignoreCache,
        clientConfig: { requestHandler: this.#handler },
        ...(profile === undefined ? {} : { profile }),
      })
    );
  }

  async #regionOfTheChain(): Promise<string | undefined> {
    const { profile } = this.#target;
    const client = new EC2Client(profile === undefined ? {} : { profile });
    return client.config.region().catch(() => undefined);
  }

  /**
   * What the SDK has to say, without the inputs and outputs it would log at `info` and below. With no `info` at all it
   * does not even prepare them, which takes longer than to read them.
   */
  #sdkLogger(): NonNullable<EC2ClientConfig['logger']> {
    const silent = (): void => {};
    const warn = (...content: unknown[]): void => {
      this.#logger.warn({ from: 'aws-sdk' }, content.filter((each) => typeof each === 'string').join(' '));
    };
    return { trace: silent, debug: silent, warn, error: silent } as NonNullable<EC2ClientConfig['logger']>;
  }
}

/** Throttling that outlasts the deadline is told as what it is. */
function outOfTime(seconds: number, latest: unknown, context: RequestContext): Failure {
  const failure = latest === undefined ? undefined : failureFrom(latest, context);
  return failure?.report.code === 'throttled' ? failure : timedOut(seconds);
}
