/** The smallest server that the MCP SDK and the AWS SDK make over stdio: what MCP itself adds to a call. */
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import * as z from 'zod';

serveStdio(() => {
  const server = new McpServer({ name: 'one-tool', version: '1.0.0' });
  server.registerTool(
    'describe',
    { description: 'Describe a NAT gateway', inputSchema: z.object({ natGatewayId: z.string() }) },
    async ({ natGatewayId }) => {
      const { describe } = await import('./sdk-client.ts');
      const { NatGateways } = await describe(natGatewayId);
      const structuredContent = { natGateways: NatGateways };
      return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };
    },
  );
  return server;
});
