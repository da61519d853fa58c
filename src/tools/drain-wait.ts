import { beyondWait, latestEnd } from '../nat-gateway/drain.ts';
import { changingAddresses, type NatGateway } from '../nat-gateway/gateway.ts';
import type { Dependencies, PlacedCall } from './define-tool.ts';
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

/** The wait for the changes of the only gateway that is shown; among several, which one is meant is not guessed. */
export function waitForChanges(
  { region, dependencies }: PlacedCall<unknown>,
  [gateway, ...others]: readonly NatGateway[],
): Next | undefined {
  const { drains, ec2Clock } = dependencies;
  const natGatewayId = gateway?.nat_gateway_id;
  if (gateway === undefined || natGatewayId === undefined || others.length > 0) return undefined;
  const draining = changingAddresses(drains.judge(region, gateway, ec2Clock.monotonic()));
  return draining.length === 0 ? undefined : drainWait({ region, natGatewayId, draining }, dependencies);
}
