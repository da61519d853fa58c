import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Call } from './endpoint.ts';
import type { Answer } from './envelope.ts';
import { Ec2Error } from './errors.ts';
import { decodeQuery } from './query.ts';

const LARGEST_BODY = 1024 * 1024;

/**
 * Reads a request to its end. A request that is not of the EC2 Query protocol becomes a call with a `fault`, whose code
 * and status are made up: no SDK sends such requests.
 *
 * @throws Error if the client disconnects meanwhile
 */
export async function readCall(request: IncomingMessage): Promise<Call> {
  const { authorization } = request.headers;
  const body = await readBody(request);
  try {
    checkHead(request);
    if (body === undefined) {
      throw new Ec2Error('RequestEntityTooLarge', `The request is larger than ${LARGEST_BODY} bytes.`, 413);
    }
    const parameters = decodeQuery(body);
    const { Action = '', DryRun = '' } = parameters;
    return { action: Action, parameters, dryRun: DryRun.toLowerCase() === 'true', authorization };
  } catch (fault) {
    if (!(fault instanceof Ec2Error)) throw fault;
    return { action: '', parameters: {}, dryRun: false, authorization, fault };
  }
}

/** Returns `undefined` for a body that is too large, but reads it to its end so that the client reads the answer. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size <= LARGEST_BODY) chunks.push(bytes);
  }
  return size <= LARGEST_BODY ? Buffer.concat(chunks) : undefined;
}

function checkHead({ method, url, headers }: IncomingMessage): void {
  if (method !== 'POST') {
    throw new Ec2Error('InvalidRequest', `The method ${method} is not supported; use POST.`, 405);
  }
  if (url !== '/') throw new Ec2Error('InvalidRequest', 'The path must be "/".', 404);
  const [mediaType = ''] = (headers['content-type'] ?? '').split(';');
  if (mediaType.trim().toLowerCase() !== 'application/x-www-form-urlencoded') {
    throw new Ec2Error('InvalidRequest', 'The content type must be application/x-www-form-urlencoded.', 415);
  }
}

/** Sends an answer unless the client has disconnected. */
export function send(response: ServerResponse, { status, headers, body }: Answer): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, headers).end(body);
}
