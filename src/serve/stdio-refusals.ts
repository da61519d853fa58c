import type { Fault } from './message-faults.ts';

const INVALID_REQUEST = -32600;
const PARSE_ERROR = -32700;
const SERVER_ERROR = -32000;

export const NOT_JSON: Fault = {
  code: PARSE_ERROR,
  message: 'Parse error: a line must be one JSON message.',
  hint: 'Send each JSON-RPC 2.0 message as one line of JSON.',
};

export const BATCH_NOT_ALLOWED: Fault = {
  code: INVALID_REQUEST,
  message:
    'Revisions after 2025-03-26 have no batches, and this connection has not agreed on an earlier one.',
  hint: 'Send each JSON-RPC 2.0 message as a line of its own.',
};

export const BATCH_IDS: Fault = {
  code: INVALID_REQUEST,
  message:
    'The ids of the requests in a batch must differ, also from those of a batch that is still being answered.',
  hint: 'Give each request an id of its own, and send the batch again.',
};

export function lineTooLong(limit: number): Fault {
  const message = `A message may have at most ${limit} bytes.`;
  return { code: INVALID_REQUEST, message, hint: 'Send a smaller message.' };
}

export function batchSize(limit: number): Fault {
  const message = `A batch must have 1 to ${limit} messages. Nothing was done.`;
  return { code: INVALID_REQUEST, message, hint: `Send batches of at most ${limit} messages.` };
}

export function tooManyCalls(limit: number): Fault {
  const message = `This server runs at most ${limit} calls at the same time, and too many wait already. Nothing was done.`;
  const hint = 'Send the same request again when earlier ones have been answered.';
  return { code: SERVER_ERROR, message, hint, retryAfterSeconds: 5 };
}
