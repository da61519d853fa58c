import type { Remembered } from '../changes/state.ts';
import { beyondWait, latestEnd } from '../nat-gateway/drain.ts';
import { changingAddresses, type NatGateway } from '../nat-gateway/gateway.ts';
import type { Dependencies, PlacedCall } from './define-tool.ts';
import { NOTHING_REMEMBERED } from './recall.ts';
import { type Next, waitCall } from './results.ts';

/** What is remembered of the gateway, and the clock of its drains. */
interface Recalling {
  remembered?: Remembered | undefined;
  dependencies: Pick<Dependencies, 'ec2Clock'>;
}

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
  { remembered = NOTHING_REMEMBERED, dependencies: { ec2Clock } }: Recalling,
): Next {
  const started = remembered.drains;
  const end = latestEnd(draining?.map((privateIp) => started.get(privateIp)) ?? started.values());
  return waitCall(region, natGatewayId, privateIps, beyondWait(end, ec2Clock.now()));
}

/** The wait for the changes of the only gateway that is shown; among several, which one is meant is not guessed. */
export function waitForChanges(
  { region, dependencies }: Pick<PlacedCall<unknown>, 'region' | 'dependencies'>,
  recalled: (natGatewayId: string) => Remembered,
  [gateway, ...others]: readonly NatGateway[],
): Next | undefined {
  const natGatewayId = gateway?.nat_gateway_id;
  if (gateway === undefined || natGatewayId === undefined || others.length > 0) return undefined;
  const remembered = recalled(natGatewayId);
  const draining = changingAddresses(remembered.judge(gateway, dependencies.ec2Clock.monotonic()));
  if (draining.length === 0) return undefined;
  return drainWait({ region, natGatewayId, draining }, { remembered, dependencies });
}
