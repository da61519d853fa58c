import type { Readable } from 'node:stream';
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

/**
 * Ends a body that is longer than any answer, and one that still arrives when `signal` is aborted: the SDK reads what it is
 * sent, and forgets its signal once it has the headers.
 */
export function boundBody(body: Readable, signal: object | undefined): void {
  let length = 0;
  const { push } = body;
  body.push = (chunk: Buffer | null, encoding) => {
    length += chunk?.length ?? 0;
    if (length > LONGEST_BODY) body.destroy(new BodyTooLong());
    return push.call(body, chunk, encoding);
  };
  if (signal instanceof AbortSignal) onAbort(signal, () => body.destroy(signal.reason));
}
