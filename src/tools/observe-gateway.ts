import type { NatGateway } from '../nat-gateway/gateway.ts';
import { nearMissQuestion } from '../nat-gateway/near-misses.ts';
import { Failure, failureThrown, gatewayNotFound } from '../vocabulary/failure.ts';
import type { PlacedCall } from './define-tool.ts';

/** EC2's largest page, and the most of them that are read to find what may have been meant. */
const PAGE = 1000;
const MOST_PAGES = 3;

/** The gateway as EC2 shows it now, or the failure to read it. */
export async function observeGateway(
  call: PlacedCall<unknown>,
  natGatewayId: string,
): Promise<NatGateway | Failure> {
  const { ec2, region, context } = call;
  try {
    const gateway = await ec2.readGateway(region, natGatewayId, context.mcpReq.signal);
    if (gateway !== undefined) return gateway;
    const [question] = await mistypedIds(call, [natGatewayId]);
    return gatewayNotFound(region, natGatewayId, question);
  } catch (error) {
    return failureThrown(error);
  }
}

/** For ids that no gateway has, the questions whether others of the region are meant that are like them. */
export async function mistypedIds(
  call: PlacedCall<unknown>,
  natGatewayIds: readonly string[],
): Promise<string[]> {
  if (natGatewayIds.length === 0) return [];
  try {
    const existing = await idsOfRegion(call);
    return natGatewayIds.flatMap((each) => nearMissQuestion(each, existing) ?? []);
  } catch (error) {
    // They are only advice: the caller gets the answer without them.
    if (error instanceof Failure) return [];
    throw error;
  }
}

async function idsOfRegion({ ec2, region, context }: PlacedCall<unknown>): Promise<string[]> {
  const ids: string[] = [];
  let nextToken: string | undefined;
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const query = { filters: [], maxResults: PAGE, nextToken };
    const page = await ec2.readPage(region, query, context.mcpReq.signal);
    ids.push(...page.natGateways.flatMap(({ nat_gateway_id }) => nat_gateway_id ?? []));
    nextToken = page.nextToken;
    if (nextToken === undefined) break;
  }
  return ids;
}
