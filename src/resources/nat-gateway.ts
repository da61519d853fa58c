import { type McpServer, ResourceNotFoundError, ResourceTemplate } from '@modelcontextprotocol/server';
import { type Dependencies, requireScope } from '../tools/define-tool.ts';
import { showGateway } from '../tools/show-gateway.ts';
import { Failure } from '../vocabulary/failure.ts';
import { NAT_GATEWAY_ID, REGION } from '../vocabulary/ids.ts';
import { READ_SCOPE } from '../vocabulary/names.ts';

/**
 * One gateway as a resource, read when asked for. None is listed: hosts list resources at every start, and that must
 * not call AWS.
 */
export function registerNatGatewayResource(server: McpServer, dependencies: Dependencies): void {
  server.registerResource(
    'nat-gateway',
    new ResourceTemplate('nat-gateway://{region}/{nat_gateway_id}', { list: undefined }),
    {
      title: 'NAT gateway',
      description: 'A NAT gateway with the status of each private IP address, as describe shows it',
      mimeType: 'application/json',
    },
    async (uri, { region, nat_gateway_id: natGatewayId }, context) => {
      if (typeof region !== 'string' || !REGION.test(region)) throw new ResourceNotFoundError(uri.href);
      if (typeof natGatewayId !== 'string' || !NAT_GATEWAY_ID.test(natGatewayId)) {
        throw new ResourceNotFoundError(uri.href);
      }
      requireScope(context, READ_SCOPE);
      const ec2 = await dependencies.ec2();
      const [gateway] = await Promise.all([
        ec2.readGateway(region, natGatewayId, context.mcpReq.signal).catch(inOneSentence),
        ec2.identity(region),
      ]);
      const accountId = (await ec2.identity(region))?.account_id;
      if (gateway === undefined) throw new ResourceNotFoundError(uri.href);
      const text = JSON.stringify(showGateway(gateway, { region, accountId, dependencies }));
      return { contents: [{ uri: uri.href, mimeType: 'application/json', text }] };
    },
  );
}

/** A resource has no structured errors: message and hint have to do. */
function inOneSentence(error: unknown): never {
  if (error instanceof Failure) throw new Error(`${error.report.message} ${error.report.hint}`);
  throw error;
}
