import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Call } from './endpoint.ts';
import type { Answer } from './envelope.ts';
import { Ec2Error } from './errors.ts';
import { actionOfTarget, decodeJson, JSON_MEDIA_TYPE } from './json-protocol.ts';
import { decodeQuery } from './query.ts';

const LARGEST_BODY = 1024 * 1024;

const MEDIA_TYPES: readonly string[] = ['application/x-www-form-urlencoded', JSON_MEDIA_TYPE];

/**
 * Reads a request to its end: of the EC2 Query protocol, or of AWS JSON 1.0. Any other becomes a call with a `fault`,
 * whose code and status are made up: no SDK sends such requests.
 *
 * @throws Error if the client disconnects meanwhile
 */
export async function readCall(request: IncomingMessage): Promise<Call> {
  const { authorization } = request.headers;
  const securityToken = request.headers['x-amz-security-token']?.toString();
  const signed = { authorization, securityToken };
  const body = await readBody(request);
  const isJson = mediaTypeOf(request) === JSON_MEDIA_TYPE;
  try {
    checkHead(request);
    if (body === undefined) {
      throw new Ec2Error('RequestEntityTooLarge', `The request is larger than ${LARGEST_BODY} bytes.`, 413);
    }
    if (isJson) {
      const action = actionOfTarget(request.headers['x-amz-target']);
      return { action, parameters: {}, json: decodeJson(body), dryRun: false, ...signed };
    }
    const parameters = decodeQuery(body);
    const { Action = '', DryRun = '' } = parameters;
    return { action: Action, parameters, dryRun: DryRun.toLowerCase() === 'true', ...signed };
  } catch (fault) {
    if (!(fault instanceof Ec2Error)) throw fault;
    const json = isJson ? {} : undefined;
    return { action: '', parameters: {}, json, dryRun: false, ...signed, fault };
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

function mediaTypeOf({ headers }: IncomingMessage): string {
  const [mediaType = ''] = (headers['content-type'] ?? '').split(';');
  return mediaType.trim().toLowerCase();
}

function checkHead(request: IncomingMessage): void {
  const { method, url } = request;
  if (method !== 'POST') {
    throw new Ec2Error('InvalidRequest', `The method ${method} is not supported; use POST.`, 405);
  }
  if (url !== '/') throw new Ec2Error('InvalidRequest', 'The path must be "/".', 404);
  if (!MEDIA_TYPES.includes(mediaTypeOf(request))) {
    throw new Ec2Error('InvalidRequest', `The content type must be ${MEDIA_TYPES.join(' or ')}.`, 415);
  }
}

/** Sends an answer unless the client has disconnected. */
export function send(response: ServerResponse, { status, headers, body }: Answer): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, headers).end(body);
}
