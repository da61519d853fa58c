import type { ServerResponse } from 'node:http';

const INVALID_REQUEST = -32600;
const PARSE_ERROR = -32700;
const SERVER_ERROR = -32000;

/** What is refused before MCP sees it. */
export interface RefusalDetails {
  status: number;
  /** JSON-RPC's code; by default that of a server's own error. */
  rpcCode?: number;
  message: string;
  /** The caller's next step. */
  hint: string;
  retryAfterSeconds?: number;
  headers?: Readonly<Record<string, string>>;
}

/** A refusal by the HTTP front: an HTTP status, and a JSON-RPC error that says why and what to do. */
export class Refusal extends Error {
  readonly details: RefusalDetails;

  constructor(details: RefusalDetails) {
    super(details.message);
    this.name = 'Refusal';
    this.details = details;
  }
}

/** Answers with a refusal; `id` is that of the request, where it is known. */
export function refuse(response: ServerResponse, { details }: Refusal, id: string | number | null): void {
  const { status, rpcCode = SERVER_ERROR, message, hint, retryAfterSeconds, headers } = details;
  const retryable = retryAfterSeconds !== undefined;
  const data = { retryable, ...(retryable ? { retry_after_seconds: retryAfterSeconds } : {}), hint };
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(retryable ? { 'retry-after': String(retryAfterSeconds) } : {}),
    ...headers,
  });
  response.end(JSON.stringify({ jsonrpc: '2.0', id, error: { code: rpcCode, message, data } }));
}

export function notFound(): Refusal {
  return new Refusal({
    status: 404,
    message: 'There is nothing at this path.',
    hint: 'MCP is served at /mcp; /healthz and /readyz tell how the process is.',
  });
}

export function methodNotAllowed(): Refusal {
  return new Refusal({
    status: 405,
    message: 'Only POST is served at /mcp: there are no sessions, and so no streams to resume or delete.',
    hint: 'Send each MCP message as a POST.',
    headers: { allow: 'POST' },
  });
}

export function unsupportedMediaType(): Refusal {
  return new Refusal({
    status: 415,
    message: 'The Content-Type has to be application/json, without a Content-Encoding.',
    hint: 'Send the message as plain JSON with Content-Type: application/json.',
  });
}

export function bodyTooLarge(limit: number): Refusal {
  return new Refusal({
    status: 413,
    message: `A request may have at most ${limit} bytes.`,
    hint: 'Send less at once; whoever runs this server can raise --max-body-bytes.',
  });
}

export function notJson(): Refusal {
  return new Refusal({
    status: 400,
    rpcCode: PARSE_ERROR,
    message: 'Parse error: the body has to be JSON in UTF-8.',
    hint: 'Send one JSON-RPC 2.0 message as the body.',
  });
}

export function notMessages(): Refusal {
  return new Refusal({
    status: 400,
    rpcCode: INVALID_REQUEST,
    message: 'The body has to be a JSON-RPC 2.0 message, or an array of some.',
    hint: 'Send one JSON-RPC 2.0 message as the body.',
  });
}

export function tooManyCalls(limit: number): Refusal {
  return new Refusal({
    status: 503,
    message: `This server is running as many calls as it may at the same time (${limit} of all callers, a quarter of them for one with a token). Nothing was done.`,
    hint: 'Send the same request again in a few seconds.',
    retryAfterSeconds: 5,
  });
}

export function shuttingDown(): Refusal {
  return new Refusal({
    status: 503,
    message: 'This server is shutting down and takes no more calls. Nothing was done.',
    hint: 'Send the same request again in a few seconds: another process may take it.',
    retryAfterSeconds: 5,
    headers: { connection: 'close' },
  });
}
