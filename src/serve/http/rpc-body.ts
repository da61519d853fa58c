import { READ_SCOPE, type Scope, UNASSIGN, WRITE_SCOPE } from '../../vocabulary/names.ts';
import { notMessages } from './refusal.ts';

/** What is known of a message before MCP sees it. */
interface Message {
  method?: unknown;
  id?: unknown;
  params?: unknown;
}

/** Methods that every token may use: they tell what this server is, and nothing of AWS. */
const FOR_ALL = new Set(['initialize', 'ping', 'server/discover']);

/** A request's body, read once: what the front decides by is what MCP gets. */
export class RpcBody {
  readonly #messages: readonly Message[];
  readonly #isBatch: boolean;

  /** @throws Refusal (400) where the body is no JSON-RPC message and no array of some */
  constructor(body: unknown) {
    this.#isBatch = Array.isArray(body);
    const messages: readonly unknown[] = Array.isArray(body) ? body : [body];
    if (messages.length === 0 || !messages.every(isMessage)) throw notMessages();
    this.#messages = messages;
  }

  /** How many requests there are to answer. */
  get calls(): number {
    return this.#messages.filter(isRequest).length;
  }

  /** The id to answer with, where there is one. */
  get id(): string | number | null {
    const [{ id } = {}] = this.#isBatch ? [] : this.#messages;
    return typeof id === 'string' || typeof id === 'number' ? id : null;
  }

  /** Whether this opens a subscription, which stays open for as long as its caller likes; no batch does. */
  get isSubscription(): boolean {
    return !this.#isBatch && this.#messages[0]?.method === 'subscriptions/listen';
  }

  /** The scopes that a token needs for all of them. */
  get scopes(): readonly Scope[] {
    return [...new Set(this.#messages.flatMap((message) => scopeOf(message) ?? []))];
  }
}

/** Whatever is not known here needs to look at least; only the unassign tool changes anything. */
function scopeOf(message: Message): Scope | undefined {
  const { method, params } = message;
  if (!isRequest(message) || (typeof method === 'string' && FOR_ALL.has(method))) return undefined;
  if (method !== 'tools/call') return READ_SCOPE;
  const name = typeof params === 'object' && params !== null && 'name' in params ? params.name : undefined;
  return name === UNASSIGN ? WRITE_SCOPE : READ_SCOPE;
}

/** A notification asks for nothing, and a response was asked for. */
function isRequest({ method, id }: Message): boolean {
  return method !== undefined && id !== undefined;
}

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
