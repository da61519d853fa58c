import { Readable } from 'node:stream';
import { onAbort } from '../vocabulary/on-abort.ts';

/**
 * The longest body that is read, in bytes: more than a page of 1,000 gateways with 32 addresses and 50 of the longest tags
 * each. Several times as much is in use while it is parsed.
 */
export const LONGEST_BODY = 64_000_000;

/** What answered sent more than any answer of AWS has. */
export class BodyTooLong extends Error {
  override name = 'BodyTooLong';

  constructor() {
    super(`a body of more than ${LONGEST_BODY} bytes`);
  }
}

/** How much of each body has come. */
const lengths = new WeakMap<Readable, number>();

/** One function for all bodies: with one for each, they took a tenth more memory. */
function pushBounded(this: Readable, chunk: Buffer | null, encoding?: BufferEncoding): boolean {
  const length = (lengths.get(this) ?? 0) + (chunk?.length ?? 0);
  lengths.set(this, length);
  if (length > LONGEST_BODY) this.destroy(new BodyTooLong());
  return Readable.prototype.push.call(this, chunk, encoding);
}

/**
 * Ends a body that is longer than any answer, and one that still arrives when `signal` is aborted: the SDK reads what it is
 * sent, and forgets its signal once it has the headers.
 */
export function boundBody(body: Readable, signal: object | undefined): void {
  body.push = pushBounded;
  if (signal instanceof AbortSignal) onAbort(signal, () => body.destroy(signal.reason));
}
