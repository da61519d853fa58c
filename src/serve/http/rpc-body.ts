import {
  APPROVAL_TOOLS,
  APPROVE_SCOPE,
  CHANGE_TOOLS,
  type ChangeTool,
  READ_SCOPE,
  type Scope,
  WAIT,
  WRITE_SCOPE,
} from '../../vocabulary/names.ts';
import { faultOf, isMessage, type Message, withoutNullParams } from '../message-faults.ts';
import { badMessage, notJson, notMessages } from './refusal.ts';

/** The tools whose calls may take longer than a minute. */
const LONG_TOOLS: readonly string[] = [...CHANGE_TOOLS, WAIT];

/** Methods that every token may call: they describe this server, and nothing in AWS. */
const FOR_ALL = new Set(['initialize', 'ping', 'server/discover']);

/** The body of a request, parsed once, so that the checks decide by exactly what MCP gets. */
export class RpcBody {
  readonly json: unknown;
  readonly isBatch: boolean;
  readonly #messages: readonly Message[];

  /** @throws Refusal 400 if it is no JSON-RPC message and no array of them */
  constructor(bytes: Uint8Array) {
    const json = parse(bytes);
    const messages: readonly unknown[] = Array.isArray(json) ? json : [json];
    if (messages.length === 0 || !messages.every(isMessage)) throw notMessages();
    this.isBatch = Array.isArray(json);
    this.#messages = messages.map(withoutNullParams);
    this.json = this.isBatch ? this.#messages : this.#messages[0];
  }

  /** The number of requests to answer. */
  get calls(): number {
    return this.#messages.filter(isRequest).length;
  }

  /** The id to answer with: that of a single request. */
  get id(): string | number | null {
    const [{ id } = {}] = this.isBatch ? [] : this.#messages;
    return typeof id === 'string' || typeof id === 'number' ? id : null;
  }

  /** Whether a call waits for people or for a drain, for which a client gives up after minutes of silence. */
  get mayTakeLong(): boolean {
    return this.#messages.some((message) => LONG_TOOLS.some((tool) => tool === toolOf(message)));
  }

  /** The scopes that a token needs for all the requests. */
  get scopes(): readonly Scope[] {
    return [...new Set(this.#messages.flatMap((message) => scopeOf(message) ?? []))];
  }

  /** The calls that would change something, with arguments that nobody has checked. */
  get changes(): readonly { tool: ChangeTool; given: unknown }[] {
    return this.#messages.flatMap((message) => {
      const tool = isRequest(message) ? changeToolOf(message) : undefined;
      return tool === undefined ? [] : { tool, given: (message.params as { arguments?: unknown }).arguments };
    });
  }

  /** @throws Refusal 400 if a message is malformed, with its first faults */
  checkMessages(): void {
    for (const message of this.#messages) {
      const fault = faultOf(message);
      if (fault !== undefined) throw badMessage(fault);
    }
  }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw notJson();
  }
}

/** Every request needs the read scope at least; calls that change something or decide on it have scopes of their own. */
function scopeOf(message: Message): Scope | undefined {
  const { method } = message;
  if (!isRequest(message) || (typeof method === 'string' && FOR_ALL.has(method))) return undefined;
  if (changeToolOf(message) !== undefined) return WRITE_SCOPE;
  return APPROVAL_TOOLS.some((tool) => tool === toolOf(message)) ? APPROVE_SCOPE : READ_SCOPE;
}

function changeToolOf(message: Message): ChangeTool | undefined {
  const name = toolOf(message);
  return CHANGE_TOOLS.find((tool) => tool === name);
}

/** The name of the tool that a message calls, which nobody has checked. */
function toolOf({ method, params }: Message): unknown {
  if (method !== 'tools/call') return undefined;
  return typeof params === 'object' && params !== null && 'name' in params ? params.name : undefined;
}

/** Notifications have no id, and responses have no method. */
function isRequest({ method, id }: Message): boolean {
  return method !== undefined && id !== undefined;
}
