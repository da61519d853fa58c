import { ResourceNotFoundError, type ServerContext } from '@modelcontextprotocol/server';
import { type Dependencies, requireScope } from '../tools/define-tool.ts';
import { recall } from '../tools/recall.ts';
import { evidenceHint } from '../tools/show-evidence.ts';
import { showGateway } from '../tools/show-gateway.ts';
import { ofTarget, visibleTargets } from '../tools/targets.ts';
import { Failure } from '../vocabulary/failure.ts';
import { NAT_GATEWAY_ID, REGION } from '../vocabulary/ids.ts';
import { READ_SCOPE } from '../vocabulary/names.ts';

/** The variables of the resource's URI, which nobody has checked. */
export type Variables = Readonly<Record<string, string | string[]>>;

/**
 * Reads the gateway that a URI of the resource names.
 *
 * @throws ResourceNotFoundError where the caller can see no such gateway
 */
export async function readNatGateway(
  dependencies: Dependencies,
  uri: URL,
  { target, region, nat_gateway_id: natGatewayId }: Variables,
  context: ServerContext,
) {
  if (typeof region !== 'string' || !REGION.test(region)) throw new ResourceNotFoundError(uri.href);
  if (typeof natGatewayId !== 'string' || !NAT_GATEWAY_ID.test(natGatewayId)) {
    throw new ResourceNotFoundError(uri.href);
  }
  requireScope(context, READ_SCOPE);
  const used = usedIn(dependencies, context, target, region);
  if (used === undefined) throw new ResourceNotFoundError(uri.href);
  const ec2 = await used.ec2();
  const [gateway, remembered] = await Promise.all([
    ec2.readGateway(region, natGatewayId, context.mcpReq.signal).catch(inOneSentence),
    recall(used.state, { region, natGatewayId }),
    ec2.identity(region),
  ]);
  const accountId = (await ec2.identity(region))?.account_id;
  if (gateway === undefined) throw new ResourceNotFoundError(uri.href);
  const shown = showGateway(gateway, { region, accountId, recalled: () => remembered, dependencies: used });
  const text = JSON.stringify({ ...shown, hint: evidenceHint(used.policy, false) });
  return { contents: [{ uri: uri.href, mimeType: 'application/json', text }] };
}

/** What reading in this place uses; `undefined` where the caller may use no such target, or it has no such region. */
function usedIn(
  dependencies: Dependencies,
  context: ServerContext,
  name: string | string[] | undefined,
  region: string,
): Dependencies | undefined {
  if (dependencies.targets === undefined) return dependencies;
  const visible = visibleTargets(dependencies.targets, context);
  const target = visible.find((each) => each.name === name && each.regions.includes(region));
  return target && { ...dependencies, ...ofTarget(target) };
}

/** A resource has no structured errors: message and hint have to do. */
function inOneSentence(error: unknown): never {
  if (error instanceof Failure) throw new Error(`${error.report.message} ${error.report.hint}`);
  throw error;
}
