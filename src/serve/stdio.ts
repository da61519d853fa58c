import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { createServer, type Dependencies } from '../server.ts';
import { endWith, GRACE_MILLISECONDS, settled } from './shutdown.ts';
import { StdioTransport } from './stdio-transport.ts';

/** What is left of the grace period for the answers of waits. */
const ANSWER_MILLISECONDS = 2000;

/** Serves MCP over stdin and stdout until the client goes away or a signal comes. */
export async function serveOverStdio(dependencies: Dependencies, simulate: boolean): Promise<void> {
  const { changes, logger, version } = dependencies;
  const transport = new StdioTransport(process.stdin, process.stdout, GRACE_MILLISECONDS);
  endWith(() => transport.end(), logger);
  // At the end of stdin a wait goes on for as long as anybody may still read its answer, and then says how to go on.
  const handOver = new AbortController();
  void transport.ending.then(() =>
    setTimeout(() => handOver.abort(), GRACE_MILLISECONDS - ANSWER_MILLISECONDS),
  );
  const waits = { handOver: AbortSignal.any([dependencies.stopping, handOver.signal]) };
  serveStdio(({ era }) => createServer({ ...dependencies, ...waits }, era), {
    transport,
    onerror: (error) => logger.warn({ reason: error.message }, 'protocol error'),
  });
  logger.info({ version, simulate }, 'serving MCP over stdio');
  await transport.ending;
  await settled(transport.closed, changes);
}
