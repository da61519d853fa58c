import { type McpServer, ResourceNotFoundError, ResourceTemplate } from '@modelcontextprotocol/server';
import type { Dependencies } from '../tools/dependencies.ts';
import { describeGateway } from '../tools/describe-nat-gateway-addresses.ts';
import { requireScope } from '../tools/scopes.ts';
import { Failure } from '../vocabulary/failure.ts';
import { NAT_GATEWAY_ID, REGION } from '../vocabulary/ids.ts';
import { READ_SCOPE } from '../vocabulary/names.ts';

/**
 * One gateway as a resource, read when asked for. None is listed: hosts list resources at every start, and that must
 * not call AWS.
 */
export function registerGatewayResource(server: McpServer, dependencies: Dependencies): void {
  server.registerResource(
    'nat-gateway',
    new ResourceTemplate('nat-gateway://{region}/{nat_gateway_id}', { list: undefined }),
    {
      title: 'NAT gateway',
      description: 'A NAT gateway with the status of each private IP address, as describe shows it',
      mimeType: 'application/json',
    },
    async (uri, variables, context) => {
      const { region, nat_gateway_id: natGatewayId } = variables;
      if (typeof region !== 'string' || typeof natGatewayId !== 'string')
        throw new ResourceNotFoundError(uri.href);
      if (!REGION.test(region) || !NAT_GATEWAY_ID.test(natGatewayId))
        throw new ResourceNotFoundError(uri.href);
      requireScope(context, READ_SCOPE);
      const ec2 = await dependencies.ec2();
      const [gateway] = await Promise.all([
        ec2.readGateway(region, natGatewayId, context.mcpReq.signal).catch(explained),
        ec2.accountId(region),
      ]);
      const accountId = await ec2.accountId(region);
      if (gateway === undefined) throw new ResourceNotFoundError(uri.href);
      const text = JSON.stringify(describeGateway(gateway, region, accountId, dependencies));
      return { contents: [{ uri: uri.href, mimeType: 'application/json', text }] };
    },
  );
}

/** A resource has no structured errors: message and hint have to do. */
function explained(error: unknown): never {
  if (error instanceof Failure) throw new Error(`${error.report.message} ${error.report.hint}`);
  throw error;
}
