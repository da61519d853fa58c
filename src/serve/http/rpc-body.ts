import type { IncomingMessage } from 'node:http';
import { READ_SCOPE, type Scope, UNASSIGN, WRITE_SCOPE } from '../../vocabulary/names.ts';
import { bodyTooLarge, notJson, notMessages } from './refusal.ts';

/** The members of a message that are read before MCP sees it. */
interface Message {
  method?: unknown;
  id?: unknown;
  params?: unknown;
}

/** Methods that every token may call: they describe this server, and nothing in AWS. */
const FOR_ALL = new Set(['initialize', 'ping', 'server/discover']);

/** The body of a request, parsed once, so that the checks decide by exactly what MCP gets. */
export class RpcBody {
  readonly json: unknown;
  readonly #isBatch: boolean;
  readonly #messages: readonly Message[];

  private constructor(json: unknown) {
    const messages: readonly unknown[] = Array.isArray(json) ? json : [json];
    if (messages.length === 0 || !messages.every(isMessage)) throw notMessages();
    this.json = json;
    this.#isBatch = Array.isArray(json);
    this.#messages = messages;
  }

  /**
   * Reads a body of at most `limit` bytes.
   *
   * @throws Refusal 413 if it is longer, 400 if it is no JSON-RPC message and no array of them
   */
  static async read(request: IncomingMessage, limit: number): Promise<RpcBody> {
    if (Number(request.headers['content-length']) > limit) throw bodyTooLarge(limit);
    const bytes = await readBytes(request, limit);
    let json: unknown;
    try {
      json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    } catch {
      throw notJson();
    }
    return new RpcBody(json);
  }

  /** The number of requests to answer. */
  get calls(): number {
    return this.#messages.filter(isRequest).length;
  }

  /** The id to answer with: that of a single request. */
  get id(): string | number | null {
    const [{ id } = {}] = this.#isBatch ? [] : this.#messages;
    return typeof id === 'string' || typeof id === 'number' ? id : null;
  }

  /** Whether this opens a subscription, which stays open until its caller leaves. A batch opens none. */
  get isSubscription(): boolean {
    return !this.#isBatch && this.#messages[0]?.method === 'subscriptions/listen';
  }

  /** The scopes that a token needs for all the requests. */
  get scopes(): readonly Scope[] {
    return [...new Set(this.#messages.flatMap((message) => scopeOf(message) ?? []))];
  }
}

/**
 * Joins the chunks as they come, so that a body of many small ones costs no more memory than its bytes. Listens to
 * events, because leaving an iteration early would destroy the connection that the refusal has to go through.
 */
function readBytes(request: IncomingMessage, limit: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let joined = new Uint8Array(0);
    let length = 0;
    if (request.destroyed) reject(notJson());
    request.on('data', (chunk: Uint8Array) => {
      const start = length;
      length += chunk.length;
      if (length > limit) {
        joined = new Uint8Array(0);
        reject(bodyTooLarge(limit));
        return;
      }
      if (length > joined.length) {
        const grown = new Uint8Array(Math.min(limit, Math.max(length, 2 * joined.length)));
        grown.set(joined.subarray(0, start));
        joined = grown;
      }
      joined.set(chunk, start);
    });
    request.on('end', () => resolve(joined.subarray(0, length)));
    for (const event of ['error', 'close']) request.on(event, () => reject(notJson()));
  });
}

/** Every request needs the read scope at least. Only the unassign tool changes anything. */
function scopeOf(message: Message): Scope | undefined {
  const { method, params } = message;
  if (!isRequest(message) || (typeof method === 'string' && FOR_ALL.has(method))) return undefined;
  if (method !== 'tools/call') return READ_SCOPE;
  const name = typeof params === 'object' && params !== null && 'name' in params ? params.name : undefined;
  return name === UNASSIGN ? WRITE_SCOPE : READ_SCOPE;
}

/** Notifications have no id, and responses have no method. */
function isRequest({ method, id }: Message): boolean {
  return method !== undefined && id !== undefined;
}

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
