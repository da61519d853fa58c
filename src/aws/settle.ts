import { setTimeout as sleep } from 'node:timers/promises';
import type { NatGateway } from '../nat-gateway/gateway.ts';
import { conclude, type Sighting, sightingOf } from '../nat-gateway/observations.ts';
import { Failure } from '../vocabulary/failure.ts';
import type { Ec2Clients } from './clients.ts';
import { readGateway } from './describe.ts';
import type { UnassignRequest } from './unassign.ts';

/** The verdict of the reads after a real call whose answer was lost or does not tell its outcome. */
export interface Reconciled {
  verdict: 'accepted' | 'partial' | 'unchanged' | 'unclear';
  /** The gateway in the last read that counted. */
  gateway?: NatGateway | undefined;
}

/**
 * Reads with growing pauses until the reads agree, or reads or time are used up. It never sends the call again.
 * `before` is the gateway as read right before the call.
 */
export async function reconcile(
  clients: Ec2Clients,
  request: UnassignRequest,
  before: NatGateway,
): Promise<Reconciled> {
  const { region, natGatewayId, privateIps } = request;
  const deadline = AbortSignal.timeout(clients.timeouts.reconcile);
  const sightings: Sighting[] = [];
  let last: NatGateway | undefined;
  for (const pause of clients.timeouts.reconcilePauses) {
    await sleep(pause, undefined, { signal: deadline }).catch(() => {});
    if (deadline.aborted) break;
    try {
      const gateway = await readGateway(clients, region, natGatewayId, deadline);
      const seen = gateway === undefined ? undefined : sightingOf(gateway, before, privateIps);
      if (seen === undefined) continue;
      last = gateway;
      sightings.push(seen);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      continue;
    }
    if (conclude(sightings, privateIps) === 'accepted') break;
  }
  return { verdict: conclude(sightings, privateIps), gateway: last };
}
