import type { NatGateway, NatGatewayAddress } from '../nat-gateway/gateway.ts';
import { denials } from '../nat-gateway/policy.ts';
import { type FindingCode, reasonsAgainst } from '../nat-gateway/preflight.ts';
import type { Dependencies } from './define-tool.ts';

/** A gateway as tools and resource show it: each address with whether it, alone and now, could be unassigned. */
export type ShownGateway = NatGateway & {
  addresses: (NatGatewayAddress & { can_unassign: boolean; reason: FindingCode | undefined })[];
};

/** Where a gateway was read, and the account it belongs to, absent where AWS does not tell. */
interface Place {
  region: string;
  accountId: string | undefined;
  dependencies: Dependencies;
}

/** Judges every address by the same rules as preflight, the operator's policy included. */
export function showGateway(
  gateway: NatGateway,
  { region, accountId, dependencies: { policy, drains, ec2Clock } }: Place,
): ShownGateway {
  const natGatewayId = gateway.nat_gateway_id;
  const judged = drains.judge(region, gateway, ec2Clock.monotonic());
  const reasons = reasonsAgainst(judged, ({ private_ip }) => {
    const privateIps = private_ip === undefined ? [] : [private_ip];
    const request = { mode: 'execute' as const, region, natGatewayId, privateIps };
    return denials(policy, request, { gateway: judged, accountId });
  });
  return {
    ...gateway,
    addresses: gateway.addresses.map((address, index) => ({
      ...address,
      can_unassign: reasons[index] === undefined,
      reason: reasons[index],
    })),
  };
}
