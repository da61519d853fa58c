import { setTimeout as sleep } from 'node:timers/promises';
import type { NatGateway } from '../nat-gateway/model.ts';
import { conclude, type Sighting, sighting } from '../nat-gateway/reconcile.ts';
import type { Ec2Clients } from './clients.ts';
import { Ec2Failure } from './errors.ts';
import { readGateway } from './read.ts';
import type { UnassignRequest } from './unassign.ts';

/** What reading established after a real call whose answer does not tell what became of it. */
export interface Reconciled {
  verdict: 'accepted' | 'partial' | 'unchanged' | 'unclear';
  /** The gateway in the last read that worked. */
  gateway?: NatGateway | undefined;
}

/** Reads with growing pauses until the state tells, or the reads are used up. It never sends the call again. */
export async function reconcile(clients: Ec2Clients, request: UnassignRequest): Promise<Reconciled> {
  const { region, natGatewayId, privateIps } = request;
  const deadline = AbortSignal.timeout(clients.patience.reconcile);
  const sightings: Sighting[] = [];
  let last: NatGateway | undefined;
  for (const pause of clients.patience.reconcilePauses) {
    if (deadline.aborted) break;
    await sleep(pause);
    try {
      const gateway = await readGateway(clients, region, natGatewayId, deadline);
      if (gateway === undefined) continue;
      last = gateway;
      sightings.push(sighting(gateway, privateIps));
    } catch (error) {
      if (!(error instanceof Ec2Failure)) throw error;
      continue;
    }
    if (conclude(sightings, privateIps) === 'accepted') break;
  }
  return { verdict: conclude(sightings, privateIps), gateway: last };
}
