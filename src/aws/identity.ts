import { GetCallerIdentityCommand, STSClient, type STSClientConfig } from '@aws-sdk/client-sts';
import { type AbortAt, abortAt } from '../vocabulary/abort-at.ts';
import type { Logger } from '../vocabulary/logger.ts';
import { orAborted } from '../vocabulary/or-aborted.ts';
import { keep, makeRoom } from '../vocabulary/room.ts';
import { trackAttempts } from './attempts.ts';
import type { Source } from './credential-sources.ts';
import { errorParts } from './error-parts.ts';

/** Whose signature requests carry, and where its key came from. Never more of the key than its id. */
export interface Identity {
  access_key_id: string;
  /** As STS tells them. */
  account_id?: string | undefined;
  arn?: string | undefined;
  /** The kind of source. */
  provider?: string | undefined;
  profile?: string | undefined;
  /** Of a session made for one attempt: how AWS's records name it and its caller. */
  session?: SessionNames | undefined;
}

export interface SessionNames {
  name: string;
  source_identity?: string | undefined;
  caller_tag?: string | undefined;
  /** The people who approved the change. */
  approvers_tag?: string | undefined;
  /** The caller's name has characters that STS does not allow, so that the two above are not the name itself. */
  mapped?: boolean | undefined;
}

/** The longest time that a call waits for its identity, in milliseconds; it goes on without it. */
const TIMEOUT = 3000;

/** How many access keys are remembered, and how many places where STS was silent. */
const KEYS = 16;

/** The log's message about a key whose account STS does not tell; `aws_code`, `codes` and `status` say why. */
export const STS_SILENT = 'requests are signed by this key; STS does not tell its account';

type Told = Pick<Identity, 'account_id' | 'arn'>;

/** A question to STS: about which key, and where. */
export interface Question {
  accessKeyId: string;
  source: Source | undefined;
  config: STSClientConfig & { region: string };
}

/**
 * The account and the ARN of each access key, as STS tells them. An answer is kept by key, whose account never changes.
 * A failure is not kept: the next call asks again, but does not wait where STS was silent the last time, so that a
 * network without STS does not slow down every call.
 */
export class Identities {
  readonly #logger: Logger;
  readonly #timeout: number;
  readonly #told = new Map<string, Told>();
  readonly #asking = new Map<string, Promise<Told | undefined>>();
  /** Where STS did not answer in time when it was last asked about a key. */
  readonly #silent = new Set<string>();
  /** Where a failure is in the log already. */
  readonly #warned = new Set<string>();

  constructor(logger: Logger, longest: number) {
    this.#logger = logger;
    this.#timeout = Math.min(TIMEOUT, longest);
  }

  /** The identity behind a key; without account and ARN where STS does not tell them in time. */
  async of(question: Question): Promise<Identity> {
    const { accessKeyId, source } = question;
    const told = this.#told.get(accessKeyId) ?? (await this.#ask(question));
    return { access_key_id: accessKeyId, ...told, provider: source?.kind, profile: source?.profile };
  }

  /** The deadline of a call that waits for an identity: its own, and no later than that of the question. */
  deadline(deadline: number): AbortAt {
    return abortAt(Math.min(deadline, performance.now() + this.#timeout));
  }

  #ask(question: Question): Promise<Told | undefined> | undefined {
    const place = `${question.accessKeyId} ${question.config.region}`;
    const asking = this.#asking.get(place) ?? this.#start(place, question);
    return this.#silent.has(place) ? undefined : asking;
  }

  #start(place: string, question: Question): Promise<Told | undefined> {
    const signal = AbortSignal.timeout(this.#timeout);
    const asking = orAborted(callerIdentity(question, signal), signal)
      .then(
        (told) => this.#remember(place, question, told),
        (error: unknown) => this.#fail(place, question, signal.aborted, error),
      )
      .finally(() => this.#asking.delete(place));
    this.#asking.set(place, asking);
    return asking;
  }

  #remember(place: string, { accessKeyId, source }: Question, told: Told): Told {
    this.#silent.delete(place);
    this.#warned.delete(place);
    keep(this.#told, accessKeyId, told, KEYS);
    const { kind: provider, profile } = source ?? {};
    this.#logger.info({ access_key_id: accessKeyId, ...told, provider, profile }, 'requests are signed by');
    return told;
  }

  #fail(
    place: string,
    { accessKeyId, source, config }: Question,
    isSilent: boolean,
    error: unknown,
  ): undefined {
    this.#silent.delete(place);
    makeRoom(this.#silent, KEYS);
    if (isSilent) this.#silent.add(place);
    if (this.#warned.has(place)) return undefined;
    makeRoom(this.#warned, KEYS);
    this.#warned.add(place);
    const { name, awsCode: aws_code, codes, status } = errorParts(error);
    const { kind: provider, profile } = source ?? {};
    const signer = { access_key_id: accessKeyId, provider, profile };
    this.#logger.warn({ ...signer, region: config.region, name, aws_code, codes, status }, STS_SILENT);
    return undefined;
  }
}

/** Asks STS, which needs no permission, though a policy can deny it. Fails if another key would sign. */
async function callerIdentity({ accessKeyId, config }: Question, abortSignal: AbortSignal): Promise<Told> {
  const client = new STSClient({ ...config, maxAttempts: 2 });
  const command = trackAttempts(new GetCallerIdentityCommand({}), { only: { accessKeyId } });
  const { Account, Arn, $metadata } = await client.send(command, { abortSignal });
  if (Account === undefined || !/^\d{12}$/.test(Account)) {
    throw Object.assign(new Error('STS answered without an account'), { $metadata });
  }
  return { account_id: Account, ...(Arn === undefined ? {} : { arn: Arn }) };
}
