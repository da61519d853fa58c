import { beyondWait, latestEnd } from '../nat-gateway/drain.ts';
import type { Dependencies } from './define-tool.ts';
import { type Next, waitCall } from './results.ts';

interface DrainWait {
  region: string;
  natGatewayId: string;
  /** Of the wait; absent for everything that changes on the gateway. */
  privateIps?: readonly string[] | undefined;
  /** Those whose drains count. Default: those of the wait, or all of the gateway. */
  draining?: readonly string[];
}

/** The wait for the end of drains; `not_before` is the latest of their ends where it is known and far away. */
export function drainWait(
  { region, natGatewayId, privateIps, draining = privateIps }: DrainWait,
  { drains, ec2Clock }: Pick<Dependencies, 'drains' | 'ec2Clock'>,
): Next {
  const started = drains.of(region, natGatewayId);
  const end = latestEnd(draining?.map((privateIp) => started.get(privateIp)) ?? started.values());
  return waitCall(region, natGatewayId, privateIps, beyondWait(end, ec2Clock.now()));
}
