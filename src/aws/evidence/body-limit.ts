import { addAbortSignal, pipeline, type Readable, Transform } from 'node:stream';
import type { MiddlewareStack } from '@smithy/types';

/** The longest body that is read and parsed, in bytes; 200 security groups of 100 rules each have about half of it. */
const LONGEST_BODY = 8_000_000;

/**
 * Ends bodies that are longer than any page, and those that still arrive when `signal` is aborted: the SDK reads what it
 * is sent, and forgets its signal once it has the headers.
 */
export function boundBodies<Input extends object, Output extends object>(
  stack: MiddlewareStack<Input, Output>,
  signal: AbortSignal,
): void {
  stack.add(
    (next) => async (args) => {
      const result = await next(args);
      const response = result.response as { body: Readable };
      response.body = bounded(response.body, signal);
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'boundBodies' },
  );
}

function bounded(body: Readable, signal: AbortSignal): Readable {
  let length = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      length += chunk.length;
      if (length > LONGEST_BODY) done(new Error(`a body of more than ${LONGEST_BODY} bytes`));
      else done(null, chunk);
    },
  });
  pipeline(body, counted, () => {});
  return addAbortSignal(signal, counted);
}
