import type { IncomingMessage } from 'node:http';
import { isJsonContentType } from '@modelcontextprotocol/server';
import { bodyTooLarge, notJson, unsupportedMediaType } from './refusal.ts';

/**
 * Reads a request's body as JSON, of at most `limit` bytes.
 *
 * @throws Refusal 415, 413 or 400
 */
export async function readJson(request: IncomingMessage, limit: number): Promise<unknown> {
  const { 'content-type': type, 'content-encoding': encoding, 'content-length': length } = request.headers;
  if (!isJsonContentType(type ?? null) || encoding !== undefined) throw unsupportedMediaType();
  if (Number(length) > limit) throw bodyTooLarge(limit);
  const text = await readText(request, limit);
  try {
    return JSON.parse(text);
  } catch {
    throw notJson();
  }
}

async function readText(request: IncomingMessage, limit: number): Promise<string> {
  const chunks = await readChunks(request, limit);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw notJson();
  }
}

/** Reads by events: leaving an iteration early would destroy the connection that the refusal has to go through. */
function readChunks(request: IncomingMessage, limit: number): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    if (request.destroyed) reject(notJson());
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= limit) {
        chunks.push(chunk);
      } else {
        chunks.length = 0;
        reject(bodyTooLarge(limit));
      }
    });
    request.on('end', () => resolve(chunks));
    for (const event of ['error', 'close']) request.on(event, () => reject(notJson()));
  });
}
