import type { Remembered } from '../changes/state.ts';
import {
  countWorking,
  isChanging,
  type NatGateway,
  type NatGatewayAddress,
  privateIpsOf,
} from '../nat-gateway/gateway.ts';
import { canReleaseNow, denials, type PolicyRule } from '../nat-gateway/policy.ts';
import { type FindingCode, reasonsAgainst } from '../nat-gateway/preflight.ts';
import type { Dependencies } from './define-tool.ts';
import type { GatewayEvidence } from './show-evidence.ts';

/** An address with whether it, alone and now, could be unassigned. */
type ShownAddress = NatGatewayAddress & {
  can_unassign: boolean;
  reason?: FindingCode | undefined;
  rule?: PolicyRule | undefined;
  drain?: Record<string, unknown> | undefined;
};

/** A gateway as tools and resource show it. An interface that all addresses share stands once, on the gateway. */
export type ShownGateway = NatGateway & {
  network_interface_id?: string | undefined;
  working_addresses: number;
  min_remaining: number;
  can_release_now: number;
  addresses: ShownAddress[];
};

/** Where a gateway was read, and the account it belongs to, absent where AWS does not tell. */
interface Place {
  region: string;
  accountId: string | undefined;
  /** What is remembered of the changes of each gateway. */
  recalled: (natGatewayId: string) => Remembered;
  /** Where it was asked for. */
  evidence?: GatewayEvidence | undefined;
  dependencies: Dependencies;
}

/** Judges every address by the same rules as preflight, the operator's policy included, and evidence where there is some. */
export function showGateway(
  gateway: NatGateway,
  { region, accountId, recalled, evidence, dependencies: { policy, ec2Clock } }: Place,
): ShownGateway {
  const natGatewayId = gateway.nat_gateway_id;
  const remembered = recalled(natGatewayId ?? '');
  const judged = remembered.judge(gateway, ec2Clock.monotonic());
  const started = remembered.drains;
  const drainOf = (address: NatGatewayAddress = {}) => {
    const drain = isChanging(address) ? started.get(address.private_ip ?? '')?.drain : undefined;
    return drain && { ...drain };
  };
  const denialsOf = (address: NatGatewayAddress) => {
    const request = { mode: 'execute' as const, region, natGatewayId, privateIps: privateIpsOf([address]) };
    return denials(policy, request, { gateway: judged, accountId });
  };
  const reasons = reasonsAgainst(judged, denialsOf, (address) => evidence?.against(privateIpsOf([address])));
  const { addresses, ...members } = gateway;
  const shared = sharedInterface(addresses);
  const candidates = judged.addresses.filter((_, index) => reasons[index] === undefined);
  return {
    ...members,
    // The age of a working gateway decides nothing here, and costs every model tokens.
    create_time: members.state === 'available' ? undefined : members.create_time,
    network_interface_id: shared,
    working_addresses: countWorking(judged),
    min_remaining: policy.minRemaining,
    can_release_now: mostAtOnce(candidates, canReleaseNow(policy, judged, candidates.length), evidence),
    addresses: addresses.map((address, index) => {
      const reason = reasons[index];
      const drain = drainOf(judged.addresses[index]);
      // A page has hundreds of addresses: members without a value would take as long as those with one.
      const shown: ShownAddress = Object.assign({}, address, { can_unassign: reason === undefined });
      if (shared !== undefined) shown.network_interface_id = undefined;
      if (reason !== undefined) Object.assign(shown, { reason: reason.code, rule: reason.rule });
      if (drain !== undefined) shown.drain = drain;
      return shown;
    }),
  };
}

/** How many of the candidates may go together: `most`, or as many as evidence does not forbid. */
function mostAtOnce(
  candidates: readonly NatGatewayAddress[],
  most: number,
  evidence: GatewayEvidence | undefined,
): number {
  const isForbidden = (count: number): boolean =>
    evidence?.against(privateIpsOf(candidates.slice(0, count))) !== undefined;
  let count = most;
  while (count > 0 && isForbidden(count)) count -= 1;
  return count;
}

function sharedInterface(addresses: readonly NatGatewayAddress[]): string | undefined {
  const [first, ...others] = addresses.map(({ network_interface_id }) => network_interface_id);
  return others.every((each) => each === first) ? first : undefined;
}
