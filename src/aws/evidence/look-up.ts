import { setMaxListeners } from 'node:events';
import { EC2Client } from '@aws-sdk/client-ec2';
import { abortAt } from '../../vocabulary/abort-at.ts';
import { atOnce } from '../../vocabulary/at-once.ts';
import { type ErrorCode, Failure } from '../../vocabulary/failure.ts';
import { orAborted } from '../../vocabulary/or-aborted.ts';
import type { Ec2Clients } from '../clients.ts';
import { errorParts } from '../error-parts.ts';
import { failureFrom } from '../failure-from.ts';

/** A gateway that evidence is asked about, and those of its addresses that others may name. */
export interface EvidenceQuestion {
  natGatewayId: string;
  privateIps: readonly string[];
}

/** Why a source, or a part of it, was not read. */
export interface Gap {
  status: 'denied' | 'timed_out' | 'no_data';
  error?: ErrorCode;
  action?: string;
  incomplete?: true;
}

/** Left unread because there is too much of it. */
export const TOO_MUCH: Gap = { status: 'no_data', incomplete: true };

/** AWS's codes for a missing permission: of EC2, and of CloudWatch in its two forms. */
const DENIED: ReadonlySet<string> = new Set([
  'UnauthorizedOperation',
  'AccessDenied',
  'AccessDeniedException',
]);

/** The most pages that are read for one question. */
const MOST_PAGES = 50;

/** Requests of one source that are under way at the same time. */
const AT_ONCE = 8;

/**
 * What the latest look-up of a region found that takes a second round of requests to follow: the next one follows it at
 * once, beside finding it again.
 */
export interface Followed {
  prefixListIds: readonly string[];
  /** VPCs whose main route table points to a gateway. */
  vpcIds: readonly string[];
}

/** The requests of one look-up, which end at its deadline. None is important enough to renew credentials for. */
export class LookUp {
  /** Aborted at the deadline, and when the caller gives up. */
  readonly signal: AbortSignal;
  /** To be called when everything is looked up. */
  readonly letGo: () => void;
  readonly followed: Followed;
  readonly #clients: Ec2Clients;
  readonly #region: string;
  #ec2: Promise<EC2Client> | undefined;

  constructor(clients: Ec2Clients, region: string, followed: Followed, signal: AbortSignal) {
    this.followed = followed;
    this.#clients = clients;
    this.#region = region;
    const until = abortAt(performance.now() + clients.timeouts.evidence, signal);
    this.signal = until.signal;
    this.letGo = until.letGo;
    // Each request listens; Node would warn of more than ten.
    setMaxListeners(0, this.signal);
  }

  /** @throws Failure `precondition_failed` if a setting cannot be understood */
  async config(service: 'ec2' | 'cloudwatch') {
    return { ...(await this.#clients.config(service, this.#region)), maxAttempts: 2 };
  }

  ec2(): Promise<EC2Client> {
    this.#ec2 ??= this.config('ec2').then((config) => new EC2Client(config));
    return this.#ec2;
  }

  /**
   * Reads every page of `action` and hands each to `take`, which throws at what it cannot use. Returns why it ended before
   * the last.
   */
  async pages<Page extends { NextToken?: string | undefined }>(
    action: string,
    request: (token: string | undefined) => Promise<Page>,
    take: (page: Page) => void,
  ): Promise<Gap | undefined> {
    const tokens = new Set<string>();
    let token: string | undefined;
    try {
      for (;;) {
        const page = await orAborted(request(token), this.signal);
        taken(page, take);
        token = page.NextToken || undefined;
        if (token === undefined) return undefined;
        if (tokens.has(token) || tokens.size === MOST_PAGES) throw unusable();
        tokens.add(token);
      }
    } catch (error) {
      return this.#gap(action, error);
    }
  }

  #gap(action: string, error: unknown): Gap {
    const { name, awsCode } = errorParts(error);
    const gap = this.#explained(action, error, awsCode ?? name);
    this.#clients.noteGap(this.#region, { ...gap, action, name, aws_code: awsCode });
    return gap;
  }

  #explained(action: string, error: unknown, name: string): Gap {
    if (this.signal.aborted) return { status: 'timed_out' };
    if (DENIED.has(name)) return { status: 'denied', action };
    const { code } = failureFrom(error, { region: this.#region, now: Date.now() }).report;
    return code === 'timed_out' ? { status: 'timed_out' } : { status: 'no_data', error: code };
  }
}

/** @throws Failure `bad_response` if `take` fails: the SDK checks little of what it parses */
function taken<Page>(page: Page, take: (page: Page) => void): void {
  try {
    take(page);
  } catch {
    throw unusable();
  }
}

/** How a source answered. `none` is said only of what was read whole. */
export function outcome(isFound: boolean, gap: Gap | undefined) {
  if (!isFound) return gap ?? { status: 'none' as const };
  const action = gap?.action === undefined ? {} : { action: gap.action };
  return { status: 'found' as const, ...(gap === undefined ? {} : { incomplete: true as const, ...action }) };
}

/** Runs `task` for every item, some at a time, and returns the first gap. */
export async function everyOne<T>(
  items: readonly T[],
  task: (item: T) => Promise<Gap | undefined>,
): Promise<Gap | undefined> {
  let first: Gap | undefined;
  await atOnce(AT_ONCE, items, async (item) => {
    const gap = await task(item);
    first ??= gap;
  });
  return first;
}

/** The failure of an answer that parses and yet cannot be used: an empty 200 is an output without members. */
export function unusable(): Failure {
  return new Failure({
    code: 'bad_response',
    message: 'What answers as AWS sent no list, values that cannot be, or pages without end.',
    retryable: true,
  });
}
