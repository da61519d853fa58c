/** Until then most first calls are answered. */
const FIRST_CALL_MILLISECONDS = 1000;

/**
 * Keeps the part of the heap for new objects as small as it is after the first call. V8 doubles it under load, however
 * little of it is alive: on Node 24 up to 128 MB, which 2,000 requests reach even one after the other. Collecting more
 * often costs less than that.
 *
 * Not before that call: once a flag has changed, V8 compiles each of Node's own modules that is loaded, in the place of
 * taking it from Node's cache, and loading those for a request to AWS takes three times as long.
 */
export function limitYoungGeneration(): void {
  setTimeout(async () => {
    const { setFlagsFromString } = await import('node:v8');
    setFlagsFromString('--semi-space-growth-factor=1');
  }, FIRST_CALL_MILLISECONDS).unref();
}
