import { PROTOCOL_VERSION_META_KEY, specTypeSchemas } from '@modelcontextprotocol/server';
import { invalidParams, malformedMessage } from './refusal.ts';

/** The members of a message that are read before MCP sees it. */
export interface Message {
  method?: unknown;
  id?: unknown;
  params?: unknown;
}

type Schema = (typeof specTypeSchemas)[keyof typeof specTypeSchemas];

const REQUESTS: ReadonlyMap<unknown, Schema> = new Map<unknown, Schema>([
  ['initialize', specTypeSchemas.InitializeRequest],
  ['prompts/get', specTypeSchemas.GetPromptRequest],
  ['prompts/list', specTypeSchemas.ListPromptsRequest],
  ['resources/list', specTypeSchemas.ListResourcesRequest],
  ['resources/read', specTypeSchemas.ReadResourceRequest],
  ['resources/templates/list', specTypeSchemas.ListResourceTemplatesRequest],
  ['tools/call', specTypeSchemas.CallToolRequest],
  ['tools/list', specTypeSchemas.ListToolsRequest],
]);

/** How many faults of a message are named, and how much is said about each. */
const [MAX_FAULTS, MAX_FAULT_LENGTH] = [5, 120];

/**
 * Checks a request or notification. The SDK's own answer would be that the server failed, with the validator's dump, or
 * that the message is not JSON-RPC, without a reason.
 *
 * @throws Refusal 400 with the first faults
 */
export function checkMessage(message: Message): void {
  const { method, id, params } = message;
  if (method === undefined) return;
  const form = id === undefined ? specTypeSchemas.JSONRPCNotification : specTypeSchemas.JSONRPCRequest;
  const formFaults = faultsOf(message, form);
  if (formFaults.length > 0) throw malformedMessage(formFaults);
  // In the revision 2026-07-28 the method does not exist, as MCP will say.
  if (method === 'initialize' && isModern(params)) return;
  const schema = REQUESTS.get(method);
  if (schema === undefined || id === undefined) return;
  const faults = faultsOf({ method, params }, schema);
  if (faults.length > 0) throw invalidParams(String(method), faults);
}

function faultsOf(value: unknown, schema: Schema): readonly string[] {
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
