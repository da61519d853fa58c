import { createHash, randomUUID } from 'node:crypto';
import {
  CLIENT_CAPABILITIES_META_KEY,
  createRequestStateCodec,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type McpRequestContext,
  type McpServer,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  type ServerContext,
} from '@modelcontextprotocol/server';
import * as z from 'zod';
import { CHANGE_TOOLS, type ConfirmMode, RESTORE } from '../vocabulary/names.ts';
import { confirmationText, evidenceWarnings, type Question, type StaleReason } from './confirmation-text.ts';

export type { Question } from './confirmation-text.ts';

/** How long a question may stay open. */
const OPEN_SECONDS = 600;

/** How far the clocks of replicas may be apart, in milliseconds; AWS accepts no more either. */
const CLOCK_SKEW = 300_000;

/**
 * How long signed state is accepted at all. The age of a question is judged here and not by the codec, so that a late yes
 * gets a result like any other.
 */
const SIGNED_SECONDS = 100 * 365 * 86_400;

const KEY = 'confirm';

/** A question as the client carries it to the answer: signed, readable, and good for one use. */
const pendingSchema = z.object({
  purpose: z.enum(CHANGE_TOOLS),
  /** Digests of what was shown, by the cause that a difference has. */
  shown: z.object({ request: z.string(), account: z.string(), gateway: z.string() }),
  /** The warnings of evidence that were shown. */
  warned: z.array(z.string()),
  nonce: z.string(),
  /** When it was asked, in milliseconds since the epoch, and by the monotonic clock of the process that asked. */
  asked: z.number(),
  process: z.string(),
  uptime: z.number(),
});

type Pending = z.infer<typeof pendingSchema>;

/** Any object: `#read` judges the answers of both eras alike. */
const anyAnswer = z.looseObject({});

/** The answer of the client to a question asked before, if there is one; `isLate` if another answer came before it. */
export type Answer =
  | { kind: 'none' }
  | { kind: 'no'; how: 'declined' | 'cancelled' | 'unticked' | 'expired'; isLate?: boolean }
  | { kind: 'unusable'; why: string }
  | { kind: 'yes'; pending: Pending };

/** A question that has to be asked before the change; `stale` where an earlier yes does not count. */
export interface Asking {
  question: Question;
  stale: StaleReason | undefined;
}

/** A yes that counts, once: for the attempt that uses its nonce first. */
export interface Yes {
  nonce: string;
  /** Milliseconds after which it has expired anyway. */
  rememberFor: number;
}

interface Options {
  /** A clock in milliseconds that nobody can set. */
  uptime?: () => number;
  openSeconds?: number;
  /** A key that signs no more, and whose questions may still be open. */
  earlierKey?: string | undefined;
}

/** A yes: asked for, and bound to what was shown. One instance for all connections of a process. */
export class Confirmation {
  readonly #codec: Codec;
  /** Of the key that was replaced, where there is one. */
  readonly #earlier: Codec | undefined;
  readonly #now: () => number;
  readonly #uptime: () => number;
  readonly #openMilliseconds: number;
  /** Tells questions of this process from those of replicas, whose monotonic clocks mean nothing here. */
  readonly #process = randomUUID();

  /** Replicas share `key`, so that one may ask and another be answered. That a yes is used once is for the state. */
  constructor(key: Uint8Array | string, now: () => number, options: Options = {}) {
    this.#codec = codecOf(key);
    this.#earlier = options.earlierKey === undefined ? undefined : codecOf(options.earlierKey);
    this.#now = now;
    this.#uptime = options.uptime ?? (() => performance.now());
    this.#openMilliseconds = (options.openSeconds ?? OPEN_SECONDS) * 1000;
  }

  /**
   * Checks signed state and returns its content, however old it is.
   *
   * @throws where it was tampered with, or belongs to another principal
   */
  async verify(state: string, context: ServerContext): Promise<unknown> {
    try {
      return await this.#codec.verify(state, context);
    } catch (error) {
      if (this.#earlier === undefined) throw error;
      return this.#earlier.verify(state, context);
    }
  }

  /** Reads the answer that a call carries. An answer without state signed here is none. */
  answer({ mcpReq }: ServerContext): Answer {
    const pending = pendingSchema.safeParse(mcpReq.requestState());
    const response = mcpReq.inputResponses?.[KEY];
    const isUnreadable = mcpReq.droppedInputResponseKeys?.includes(KEY) === true;
    if (!pending.success || (response === undefined && !isUnreadable)) return { kind: 'none' };
    return this.#read(response, pending.data);
  }

  /** What a yes to the question would use that a call carries, whatever its answer is: a client can send it again. */
  carried({ mcpReq }: ServerContext): Yes | undefined {
    const pending = pendingSchema.safeParse(mcpReq.requestState());
    return pending.success ? this.#useOf(pending.data) : undefined;
  }

  /** The question as the result of a call, which the client repeats with the answer: for the modern era. */
  async ask(asking: Asking, context: ServerContext): Promise<InputRequiredResult> {
    return inputRequired({
      requestState: await this.#codec.mint(this.#pending(asking.question), context),
      inputRequests: { [KEY]: form(asking) },
    });
  }

  /**
   * Asks within the call, for the 2025 era, and returns the client's answer; none where `giveUp` was aborted first. Not
   * left to the SDK, which ends the call with a sentence of its own when the client answers with an error or never.
   */
  async askWithin(asking: Asking, { mcpReq }: ServerContext, giveUp: AbortSignal): Promise<Answer> {
    const pending = this.#pending(asking.question);
    const { method, params } = form(asking);
    const options = { signal: giveUp, timeout: this.#openMilliseconds };
    try {
      const response = await mcpReq.send({ method, params: { mode: 'form', ...params } }, anyAnswer, options);
      return this.#read(response, pending);
    } catch (error) {
      if (giveUp.aborted) return { kind: 'none' };
      if (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout) {
        return { kind: 'no', how: 'expired' };
      }
      return { kind: 'unusable', why: failureOf(error) };
    }
  }

  /** Judges a yes. Returns what has to be asked where there is none, or it does not count. */
  judgeYes(answer: Answer, question: Question): Asking | Yes {
    if (answer.kind !== 'yes') return { question, stale: undefined };
    const stale = staleReason(answer.pending, question);
    if (stale !== undefined) return { question, stale };
    return this.#useOf(answer.pending);
  }

  #useOf({ nonce }: Pending): Yes {
    return { nonce, rememberFor: this.#openMilliseconds + CLOCK_SKEW };
  }

  #pending(question: Question): Pending {
    return {
      purpose: question.tool,
      shown: digests(question),
      warned: warningsOf(question),
      nonce: randomUUID(),
      asked: this.#now(),
      process: this.#process,
      uptime: this.#uptime(),
    };
  }

  #read(response: unknown, pending: Pending): Answer {
    const answer = inputResponse({ [KEY]: response }, KEY);
    if (answer.kind !== 'elicit') return { kind: 'unusable', why: 'its answer is none to a form' };
    if (answer.action === 'decline') return { kind: 'no', how: 'declined' };
    if (answer.action === 'cancel') return { kind: 'no', how: 'cancelled' };
    if (answer.content?.[KEY] !== true) return { kind: 'no', how: 'unticked' };
    return this.#isOpen(pending) ? { kind: 'yes', pending } : { kind: 'no', how: 'expired' };
  }

  /**
   * Whether a question is young enough for a yes. Both clocks count in the process that asked: the wall clock can be set
   * back, and the monotonic one stands still while the machine sleeps.
   */
  #isOpen({ asked, process, uptime }: Pending): boolean {
    const age = this.#now() - asked;
    const isOwn = process === this.#process;
    const youngest = isOwn ? Number.NEGATIVE_INFINITY : -CLOCK_SKEW;
    const ownAge = isOwn ? this.#uptime() - uptime : 0;
    return age >= youngest && age <= this.#openMilliseconds && ownAge <= this.#openMilliseconds;
  }
}

type Codec = ReturnType<typeof createRequestStateCodec>;

function codecOf(key: Uint8Array | string): Codec {
  return createRequestStateCodec({
    key,
    ttlSeconds: SIGNED_SECONDS,
    bind: (context) => context.http?.authInfo?.clientId ?? '',
  });
}

function staleReason({ shown, warned }: Pending, question: Question): StaleReason | undefined {
  const current = digests(question);
  if (current.request !== shown.request) return 'request';
  if (current.account !== shown.account) return 'account';
  if (current.gateway !== shown.gateway) return 'gateway';
  // Metrics move all the time: only a warning that nobody was shown makes a difference.
  if (warningsOf(question).some((warning) => !warned.includes(warning))) return 'evidence';
  return undefined;
}

/** The form that a client is asked to show. */
function form({ question, stale }: Asking) {
  const isRestore = question.tool === RESTORE;
  return inputRequired.elicit({
    message: confirmationText(question, stale),
    requestedSchema: {
      type: 'object',
      properties: {
        [KEY]: {
          type: 'boolean',
          title: isRestore ? 'Give these addresses back' : 'Release these addresses',
          description: `Tick to ${isRestore ? 'give them back' : 'release them'}; nothing happens otherwise.`,
        },
      },
      required: [KEY],
    },
  });
}

/** Completes "The client could not be asked: …". What the client wrote itself is left out. */
function failureOf(error: unknown): string {
  if (error instanceof ProtocolError) return `it answered with the error ${error.code}`;
  return 'the question did not reach it, or its answer could not be read';
}

/** The generation of MCP that a connection, or a request over HTTP, is of. */
export type Era = McpRequestContext['era'];

/** Whether a yes is needed before a change, and can be asked for. */
export type Need = 'needed' | 'unavailable' | 'not_possible' | 'disabled';

export function confirmationNeed(
  mode: ConfirmMode,
  server: McpServer,
  context: ServerContext,
  era: Era,
): Need {
  if (mode === 'never') return 'disabled';
  if (canAsk(server, context, era)) return 'needed';
  return mode === 'always' ? 'unavailable' : 'not_possible';
}

/**
 * Whether this client can show a form, as it declared with the request or, in the 2025 era, at its handshake. In that era
 * the request's own envelope counts for nothing: it would take the question away, or ask a client that cannot be asked.
 */
function canAsk(server: McpServer, context: ServerContext, era: Era): boolean {
  // The SDK does not type the reserved keys of the envelope.
  const envelope = context.mcpReq.envelope as Record<string, unknown> | undefined;
  const declared =
    era === 'modern' ? envelope?.[CLIENT_CAPABILITIES_META_KEY] : server.server.getClientCapabilities();
  const { elicitation } = (declared ?? {}) as { elicitation?: Record<string, unknown> };
  return elicitation !== undefined && (Object.keys(elicitation).length === 0 || 'form' in elicitation);
}

/** The digest of what is shown of a change: its request, its account and its gateway, and the warnings of evidence. */
export function digestOf(question: Question): string {
  return [digest(digests(question)), ...warningsOf(question)].join('\n');
}

/** Whether all that a question shows was shown when `shown` was made. */
export function wasShown(shown: string, question: Question): boolean {
  const [state, ...warned] = shown.split('\n');
  return state === digest(digests(question)) && warningsOf(question).every((each) => warned.includes(each));
}

function digests(question: Question) {
  const { tool, target, accountId, region, gateway, privateIps, maxDrainDurationSeconds, findings } =
    question;
  // EC2 promises no order of tags and addresses.
  const tags = sorted(gateway.tags ?? [], ({ key }) => key);
  const addresses = sorted(gateway.addresses, ({ private_ip = '' }) => private_ip);
  return {
    request: digest([tool, region, gateway.nat_gateway_id, [...privateIps].sort(), maxDrainDurationSeconds]),
    account: digest(target === undefined ? [accountId] : [accountId, target]),
    gateway: digest([{ ...gateway, tags, addresses }, findings]),
  };
}

function warningsOf({ evidence }: Question): string[] {
  return evidenceWarnings(evidence).map(({ code, private_ip = '' }) => `${code} ${private_ip}`.trim());
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url');
}

function sorted<T>(values: readonly T[], keyOf: (value: T) => string): T[] {
  return [...values].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
