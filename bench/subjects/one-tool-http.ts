/** The smallest server that the MCP SDK and the AWS SDK make over HTTP: the floor of a call there. Prints its URL. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DescribeNatGatewaysCommand, EC2Client } from '@aws-sdk/client-ec2';
import { getRequestListener } from '@hono/node-server';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';

const client = new EC2Client({});

const mcp = createMcpHandler(() => {
  const server = new McpServer({ name: 'one-tool', version: '1.0.0' });
  server.registerTool(
    'describe',
    { description: 'Describe a NAT gateway', inputSchema: z.object({ natGatewayId: z.string() }) },
    async ({ natGatewayId }) => {
      const Filter = [{ Name: 'nat-gateway-id', Values: [natGatewayId] }];
      const { NatGateways } = await client.send(new DescribeNatGatewaysCommand({ Filter }));
      const structuredContent = { natGateways: NatGateways };
      return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };
    },
  );
  return server;
});

const server = createServer(getRequestListener((request) => mcp.fetch(request)));
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp\n`);
});
