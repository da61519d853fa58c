import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { createServer, type Dependencies } from '../server.ts';
import { finished, GRACE_MILLISECONDS, onTermination } from './shutdown.ts';
import { StdioTransport } from './stdio-transport.ts';

/** The part of the grace period that is kept for the answers of waits, in milliseconds. */
const ANSWER_MILLISECONDS = 2000;

/** Serves MCP over stdin and stdout until the client goes away or a signal comes. */
export async function serveOverStdio(dependencies: Dependencies, simulate: boolean): Promise<void> {
  const { changes, logger, version } = dependencies;
  const transport = new StdioTransport(process.stdin, process.stdout, GRACE_MILLISECONDS);
  onTermination(() => transport.end(), logger);
  // After stdin ends, waits run a little longer, then answer with the call to repeat.
  const handOver = new AbortController();
  void transport.ending.then(() =>
    setTimeout(() => handOver.abort(), GRACE_MILLISECONDS - ANSWER_MILLISECONDS),
  );
  const ofStdio = {
    handOver: AbortSignal.any([dependencies.stopping, handOver.signal]),
    isHeard: () => transport.isHeard(),
  };
  serveStdio(({ era }) => createServer({ ...dependencies, ...ofStdio }, era), {
    transport,
    onerror: (error) => logger.warn({ reason: error.message }, 'protocol error'),
  });
  logger.info({ version, simulate }, 'serving MCP over stdio');
  await transport.ending;
  await finished(transport.closed, changes);
}
