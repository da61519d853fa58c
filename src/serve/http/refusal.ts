import { RequestError } from '@hono/node-server';
import type { Fault } from '../message-faults.ts';

const INVALID_REQUEST = -32600;
const INTERNAL_ERROR = -32603;
const PARSE_ERROR = -32700;
const SERVER_ERROR = -32000;

interface Extras {
  /** The code of the JSON-RPC error; -32000 by default. */
  rpcCode?: number;
  retryAfterSeconds?: number;
  headers?: Readonly<Record<string, string>>;
}

/** Refuses a request before MCP sees it: an HTTP status, and a JSON-RPC error with the reason and the next step. */
export class Refusal extends Error {
  readonly status: number;
  readonly #hint: string;
  readonly #extras: Extras;

  /** `hint` is the caller's next step. */
  constructor(status: number, message: string, hint: string, extras: Extras = {}) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.#hint = hint;
    this.#extras = extras;
  }

  /** The refusal that answers an error; an unexpected error is the fault of the server. */
  static of(error: unknown): Refusal {
    if (error instanceof Refusal) return error;
    return error instanceof RequestError ? malformedRequest() : internalError();
  }

  /** `id` is the id of the request, if known. */
  toResponse(id: string | number | null): Response {
    const { rpcCode = SERVER_ERROR, retryAfterSeconds: seconds, headers } = this.#extras;
    const retry = seconds === undefined ? {} : { retry_after_seconds: seconds };
    const data = { retryable: seconds !== undefined, ...retry, hint: this.#hint };
    const error = { code: rpcCode, message: this.message, data };
    return Response.json(
      { jsonrpc: '2.0', id, error },
      {
        status: this.status,
        headers: { ...(seconds === undefined ? {} : { 'retry-after': `${seconds}` }), ...headers },
      },
    );
  }
}

function malformedRequest(): Refusal {
  const message = 'The Host or the target of this request is malformed.';
  const hint =
    'Call /mcp under a host name that this server allows; its operator can add one with --allowed-hosts.';
  return new Refusal(400, message, hint);
}

function internalError(): Refusal {
  const message = 'The server failed to handle this request.';
  const hint = 'Report this to the operator of the server, whose log has the reason.';
  return new Refusal(500, message, hint, { rpcCode: INTERNAL_ERROR });
}

export function hostsDiffer(): Refusal {
  const message = 'The target of this request names another host than its Host header.';
  return new Refusal(
    400,
    message,
    'Send the host of the target as the Host, or only the path as the target.',
  );
}

export function notFound(): Refusal {
  const hint = 'MCP is served at /mcp. /healthz and /readyz report the state of the process.';
  return new Refusal(404, 'Nothing is served at this path.', hint);
}

export function methodNotAllowed(): Refusal {
  const message =
    'Only POST is served at /mcp. There are no sessions, so there is no stream to resume or delete.';
  return new Refusal(405, message, 'Send each MCP message as a POST.', { headers: { allow: 'POST' } });
}

export function unsupportedMediaType(): Refusal {
  const message = 'The Content-Type must be application/json, without a Content-Encoding.';
  const hint = 'Send the message as plain JSON with Content-Type: application/json.';
  return new Refusal(415, message, hint);
}

export function notAcceptable(): Refusal {
  const message = 'Answers may be event streams, which the Accept of this request excludes.';
  return new Refusal(406, message, 'Send Accept: application/json, text/event-stream.');
}

export function bodyTooLarge(limit: number): Refusal {
  const hint = 'Send a smaller request; the operator of this server can raise --max-body-bytes.';
  return new Refusal(413, `The body of a request may have at most ${limit} bytes.`, hint);
}

const ONE_MESSAGE = 'Send one JSON-RPC 2.0 message as the body.';

export function notJson(): Refusal {
  const message = 'Parse error: the body must be JSON in UTF-8.';
  return new Refusal(400, message, ONE_MESSAGE, { rpcCode: PARSE_ERROR });
}

export function notMessages(): Refusal {
  const message = 'The body must be a JSON-RPC 2.0 message, or an array of at least one.';
  return new Refusal(400, message, ONE_MESSAGE, { rpcCode: INVALID_REQUEST });
}

/** A message whose own faults are known. */
export function badMessage({ code, message, hint }: Fault): Refusal {
  return new Refusal(400, message, hint, { rpcCode: code });
}

export function batchNotAllowed(): Refusal {
  const message =
    'Revisions after 2025-03-26 have no batches, and the MCP-Protocol-Version names one of them.';
  return new Refusal(400, message, ONE_MESSAGE, { rpcCode: INVALID_REQUEST });
}

export function batchTooLarge(limit: number): Refusal {
  const message = `A batch may have at most ${limit} requests here. Nothing was done.`;
  const hint = `Send the requests one by one, or in batches of at most ${limit}.`;
  return new Refusal(400, message, hint, { rpcCode: INVALID_REQUEST });
}

const RETRY = 'Send the same request again in a few seconds.';

export function tooManyBytes(): Refusal {
  const message =
    'The requests that this server is reading, or those of this token, are too large together. Nothing was done.';
  return new Refusal(503, message, RETRY, { retryAfterSeconds: 5 });
}

export function tooManyCalls(limit: number): Refusal {
  const message = `This server runs at most ${limit} calls at the same time, and at most a quarter of them for one token. Nothing was done.`;
  return new Refusal(503, message, RETRY, { retryAfterSeconds: 5 });
}

export function shuttingDown(): Refusal {
  const message = 'This server is shutting down and takes no more calls. Nothing was done.';
  const hint = 'Send the same request again in a few seconds: another process may take it.';
  return new Refusal(503, message, hint, { retryAfterSeconds: 5 });
}
