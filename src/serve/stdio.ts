// First: it sets how zod works before the MCP SDK makes its schemas.
import '../server.ts';
import { setImmediate } from 'node:timers/promises';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import type { Settings } from '../config/options.ts';
import { createServer, type Dependencies } from '../server.ts';
import { anyOf } from '../vocabulary/any-of.ts';
import { onAbort } from '../vocabulary/on-abort.ts';
import {
  ANSWERS_MILLISECONDS,
  delayed,
  finished,
  GRACE_MILLISECONDS,
  REQUESTS_MILLISECONDS,
} from './shutdown.ts';
import { StdioTransport } from './stdio-transport.ts';

/** No list or resource ever changes, so a subscription gets nothing, and only takes memory. */
const MAX_SUBSCRIPTIONS = 16;

/** For a person who started the server in a terminal, where no client will ever speak to it. */
const BY_HAND =
  'nat-gateway-mcp waits for an MCP client on stdin, which is this terminal; to test this set-up run nat-gateway-mcp check, to try the server without AWS let a client start it with --simulate, and for its flags see --help (Ctrl+C ends it).\n';

/**
 * Serves MCP over stdin and stdout until the client goes away or a signal comes. The line of the log that says so has the
 * members of `started`.
 */
export async function serveOverStdio(
  dependencies: Dependencies,
  settings: Settings,
  started: object,
): Promise<void> {
  const { state, logger } = dependencies;
  const limits = { graceMilliseconds: GRACE_MILLISECONDS, maxConcurrentCalls: settings.maxConcurrentCalls };
  const transport = new StdioTransport(process.stdin, process.stdout, limits);
  const ending = new AbortController();
  void transport.ending.then(() => ending.abort());
  // After stdin ends, waits run a little longer, then answer with the call to repeat.
  const waitsOver = delayed(ending.signal, REQUESTS_MILLISECONDS - ANSWERS_MILLISECONDS);
  const ofStdio = {
    inputEnded: ending.signal,
    handOver: anyOf([dependencies.stopping, waitsOver]).signal,
    graceOver: delayed(ending.signal, REQUESTS_MILLISECONDS),
    isHeard: () => transport.isHeard(),
  };
  serveStdio(({ era }) => createServer({ ...dependencies, ...ofStdio }, era), {
    transport,
    maxSubscriptions: MAX_SUBSCRIPTIONS,
    onerror: (error) => logger.warn({ reason: error.message }, 'protocol error'),
  });
  onAbort(dependencies.stopping, () => void transport.end());
  const isByHand = process.stdin.isTTY && process.stdout.isTTY;
  if (isByHand) process.stderr.write(BY_HAND);
  // The line loads pino, for which no answer has to wait.
  await whatHasCome();
  if (!isByHand || !process.stderr.isTTY) logger.info(started, 'serving MCP over stdio');
  await transport.ending;
  await finished(transport.closed, state);
}

/** Resolves when the messages that have come by now are read, and those answered for which nothing has to be waited for. */
async function whatHasCome(): Promise<void> {
  await setImmediate();
  await setImmediate();
}
