import {
  CallToolRequestSchema,
  GetPromptRequestSchema,
  InitializeRequestSchema,
  JSONRPCNotificationSchema,
  JSONRPCRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
} from '@modelcontextprotocol/core';
import {
  type JSONRPCMessage,
  PROTOCOL_VERSION_META_KEY,
  parseJSONRPCMessage,
  type StandardSchemaV1,
} from '@modelcontextprotocol/server';

/** The members of a message that are read before MCP sees it. */
export interface Message {
  jsonrpc?: unknown;
  method?: unknown;
  id?: unknown;
  params?: unknown;
}

/** What the JSON-RPC error says that answers a message which MCP does not see. */
export interface Fault {
  code: number;
  message: string;
  /** The caller's next step. */
  hint: string;
  /** Given if the same message may be taken later. */
  retryAfterSeconds?: number;
}

const INVALID_REQUEST = -32600;
const INVALID_PARAMS = -32602;

const NOT_A_MESSAGE: Fault = {
  code: INVALID_REQUEST,
  message: 'Not a JSON-RPC 2.0 message: it is neither a request, nor a notification, nor a response.',
  hint: 'Send a JSON-RPC 2.0 message.',
};

const REQUESTS: ReadonlyMap<unknown, StandardSchemaV1> = new Map<unknown, StandardSchemaV1>([
  ['initialize', InitializeRequestSchema],
  ['prompts/get', GetPromptRequestSchema],
  ['prompts/list', ListPromptsRequestSchema],
  ['resources/list', ListResourcesRequestSchema],
  ['resources/read', ReadResourceRequestSchema],
  ['resources/templates/list', ListResourceTemplatesRequestSchema],
  ['tools/call', CallToolRequestSchema],
  ['tools/list', ListToolsRequestSchema],
]);

/** How many faults of a message are named, and how much is said about each. */
const [MAX_FAULTS, MAX_FAULT_LENGTH] = [5, 120];

/** Whether a value can be a message. */
export function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Some clients send null for no params, which JSON-RPC does not know. */
export function withoutNullParams(message: Message): Message {
  const { params, ...rest } = message;
  return params === null ? rest : message;
}

/** A value as a message for MCP, or what is wrong with it. */
export function readMessage(value: unknown): { message: JSONRPCMessage } | { fault: Fault } {
  if (!isMessage(value)) return { fault: NOT_A_MESSAGE };
  const message = withoutNullParams(value);
  const fault = faultOf(message);
  if (fault !== undefined) return { fault };
  if (message.method !== undefined) return { message: message as JSONRPCMessage };
  try {
    return { message: parseJSONRPCMessage(message) };
  } catch {
    return { fault: NOT_A_MESSAGE };
  }
}

/**
 * The faults of a request or notification, if it has any. The SDK's own answer would be that the server failed, with the
 * validator's dump, or that the message is not JSON-RPC, without a reason.
 */
export function faultOf(message: Message): Fault | undefined {
  const { method, id, params } = message;
  if (method === undefined) return undefined;
  // In the revision 2026-07-28 there is no initialize, as MCP will say.
  const isKnown = id !== undefined && !(method === 'initialize' && isModern(params));
  const schema = isKnown ? REQUESTS.get(method) : undefined;
  if (schema === undefined || !isFramed(message)) {
    const form = id === undefined ? JSONRPCNotificationSchema : JSONRPCRequestSchema;
    const faults = faultsOf(message, form);
    if (faults.length > 0) return malformed(faults);
  }
  if (schema === undefined) return undefined;
  const faults = faultsOf({ method, params }, schema);
  return faults.length > 0 ? invalidParams(String(method), faults) : undefined;
}

/** Whether a request is well-formed as far as the schema of its method does not tell. */
function isFramed({ jsonrpc, id, method: _, params, ...others }: Message): boolean {
  const hasId = typeof id === 'string' || Number.isSafeInteger(id);
  const hasParams = params === undefined || isMessage(params);
  return jsonrpc === '2.0' && hasId && hasParams && Object.keys(others).length === 0;
}

function malformed(faults: readonly string[]): Fault {
  const message = `The message is malformed: ${faults.join('; ')}.`;
  return { code: INVALID_REQUEST, message, hint: 'Send a JSON-RPC 2.0 message.' };
}

function invalidParams(method: string, faults: readonly string[]): Fault {
  const message = `The params of ${method} are invalid: ${faults.join('; ')}.`;
  return { code: INVALID_PARAMS, message, hint: 'Correct the params and send the request again.' };
}

function faultsOf(value: unknown, schema: StandardSchemaV1): readonly string[] {
  const result = schema['~standard'].validate(value);
  if (result instanceof Promise || result.issues === undefined) return [];
  return result.issues.slice(0, MAX_FAULTS).map(({ path = [], message }) => {
    const name = path.map((part) => (typeof part === 'object' ? part.key : part)).join('.') || 'message';
    const fault = message.replace(/^Invalid input: /, '').replace('expected record', 'expected object');
    return `${name}: ${fault}`.slice(0, MAX_FAULT_LENGTH);
  });
}

function isModern(params: unknown): boolean {
  const meta = typeof params === 'object' && params !== null && '_meta' in params ? params._meta : undefined;
  return typeof meta === 'object' && meta !== null && PROTOCOL_VERSION_META_KEY in meta;
}
