import { setTimeout as sleep } from 'node:timers/promises';
import type { NatGateway } from '../nat-gateway/gateway.ts';
import { latestCounting, type Read, type Verdict } from '../nat-gateway/observations.ts';
import { Failure } from '../vocabulary/failure.ts';
import type { Ec2Clients } from './clients.ts';
import { readGateway } from './describe.ts';
import type { AddressChange } from './permit.ts';

/** The verdict of the reads after a real call whose answer was lost or does not tell its outcome. */
export interface Reconciled {
  verdict: Verdict;
  /** The gateway in the latest read that counts. */
  gateway?: NatGateway | undefined;
}

/**
 * Reads with growing pauses until `verdictOf` the reads is acceptance, or reads or time are used up. It never sends the
 * call again, and reads nowhere but at `origin`, where the call went.
 */
export async function reconcile(
  clients: Ec2Clients,
  { region, natGatewayId }: AddressChange,
  origin: string,
  verdictOf: (reads: readonly Read[]) => Verdict,
): Promise<Reconciled> {
  const { reconcile: timeout, reconcilePauses } = clients.timeouts;
  const deadline = AbortSignal.timeout(timeout);
  const reads: Read[] = [];
  let verdict: Verdict = 'unclear';
  for (const pause of reconcilePauses) {
    await sleep(pause, undefined, { signal: deadline }).catch(() => {});
    if (deadline.aborted) break;
    try {
      const gateway = await readGateway(clients, region, natGatewayId, {
        signal: deadline,
        state: { only: { origin } },
      });
      reads.push({ at: performance.now(), gateway });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
    }
    verdict = verdictOf(reads);
    if (verdict === 'accepted') break;
  }
  return { verdict, gateway: latestCounting(reads) };
}
