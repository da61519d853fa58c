import { type McpServer, ResourceTemplate } from '@modelcontextprotocol/server';
import type { Dependencies } from '../tools/define-tool.ts';

/**
 * One gateway as a resource, read when asked for, by code that loads then. None is listed: hosts list resources at every
 * start, and that must not call AWS. With targets, the target comes first.
 */
export function registerNatGatewayResource(server: McpServer, dependencies: Dependencies): void {
  const place = dependencies.targets === undefined ? '{region}' : '{target}/{region}';
  server.registerResource(
    'nat-gateway',
    new ResourceTemplate(`nat-gateway://${place}/{nat_gateway_id}`, { list: undefined }),
    {
      title: 'NAT gateway',
      description: 'A NAT gateway with the status of each private IP address, as describe shows it',
      mimeType: 'application/json',
    },
    async (uri, variables, context) => {
      const { readNatGateway } = await import('./read-nat-gateway.ts');
      return readNatGateway(dependencies, uri, variables, context);
    },
  );
}
