import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { createServer } from './server.ts';
import { endWith, GRACE_MILLISECONDS, settled } from './shutdown.ts';
import { StdioTransport } from './stdio.ts';
import type { Dependencies } from './tools/dependencies.ts';

/** Serves MCP over stdin and stdout until the client goes away or a signal comes. */
export async function serveOverStdio(dependencies: Dependencies, simulate: boolean): Promise<void> {
  const { changes, logger, version } = dependencies;
  const transport = new StdioTransport(process.stdin, process.stdout, GRACE_MILLISECONDS);
  endWith(() => transport.end(), logger);
  serveStdio(() => createServer(dependencies), {
    transport,
    onerror: (error) => logger.warn({ reason: error.message }, 'protocol error'),
  });
  logger.info({ version, simulate }, 'serving MCP over stdio');
  await transport.ending;
  await settled(transport.closed, changes);
}
