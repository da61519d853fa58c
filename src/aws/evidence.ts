import type { Evidence } from '../nat-gateway/evidence.ts';
import { cancelled } from '../vocabulary/failure.ts';
import type { Ec2Clients } from './clients.ts';
import { type EvidenceQuestion, type Followed, LookUp } from './evidence/look-up.ts';
import { readPrefixLists } from './evidence/prefix-lists.ts';
import { readRoutes } from './evidence/routes.ts';
import { readSecurityGroups } from './evidence/security-groups.ts';
import { readTraffic } from './evidence/traffic.ts';

/**
 * Asks every source about the gateways, all at once. A source that fails, or has not answered at the deadline, says so in
 * its status.
 *
 * @throws Failure if the caller gives up
 */
export async function readEvidence(
  clients: Ec2Clients,
  region: string,
  gateways: readonly EvidenceQuestion[],
  followed: Followed,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Evidence>> {
  const lookUp = new LookUp(clients, region, followed, signal);
  const [traffic, routes, securityGroups, prefixLists] = await Promise.all([
    readTraffic(lookUp, gateways),
    readRoutes(lookUp, gateways),
    readSecurityGroups(lookUp, gateways),
    readPrefixLists(lookUp, gateways),
  ]).finally(lookUp.letGo);
  if (signal.aborted) throw cancelled();
  const unread = { status: 'no_data' } as const;
  return new Map(
    gateways.map(({ natGatewayId: id }) => [
      id,
      {
        traffic: traffic.get(id) ?? unread,
        routes: routes.get(id) ?? unread,
        security_groups: securityGroups.get(id) ?? unread,
        prefix_lists: prefixLists.get(id) ?? unread,
      },
    ]),
  );
}
