import * as z from 'zod';
import { type Evidence, evidenceSchema } from '../nat-gateway/evidence.ts';
import { isPrimary, type NatGateway, type NatGatewayAddress } from '../nat-gateway/gateway.ts';
import { enoughAddresses, judgeEvidence } from '../nat-gateway/judge-evidence.ts';
import type { Finding } from '../nat-gateway/preflight.ts';
import type { PlacedCall } from './define-tool.ts';
import { findingSchema } from './results.ts';

/** Evidence as a describe shows it, without a certain release in mind. */
export const shownEvidenceSchema = evidenceSchema.extend({
  enough_addresses: z.number().optional(),
  findings: z.array(findingSchema).optional(),
});

type ShownEvidence = z.infer<typeof shownEvidenceSchema>;

/** The most gateways of a page with evidence. */
export const EVIDENCE_GATEWAYS = 10;

export const EVIDENCE_OFF =
  'No evidence is read, because the operator of this server has switched it off (--evidence off).';

/** Looks up evidence about gateways, and judges it for the release of any one of their secondary addresses. */
export async function showEvidence(
  { ec2, region, context, dependencies }: PlacedCall<unknown>,
  gateways: readonly NatGateway[],
): Promise<ReadonlyMap<NatGateway, ShownEvidence>> {
  if (dependencies.policy.evidence === 'off' || gateways.length === 0) return new Map();
  const questions = gateways.flatMap((gateway) => {
    const { nat_gateway_id: natGatewayId } = gateway;
    return natGatewayId === undefined ? [] : [{ natGatewayId, privateIps: privateIpsOf(gateway.addresses) }];
  });
  const evidence = await ec2.evidence(region, questions, context.mcpReq.signal);
  return new Map(
    gateways.flatMap((gateway) => {
      const read = evidence.get(gateway.nat_gateway_id ?? '');
      return read === undefined ? [] : [[gateway, shown(read, gateway)]];
    }),
  );
}

function secondaries(gateway: NatGateway): string[] {
  return privateIpsOf(gateway.addresses.filter((address) => isPrimary(gateway, address) !== true));
}

function privateIpsOf(addresses: readonly NatGatewayAddress[]): string[] {
  return addresses.flatMap(({ private_ip }) => private_ip ?? []);
}

/** What stands against the release of one address, whichever it is. */
function shown(read: Evidence, gateway: NatGateway): ShownEvidence {
  const judged = secondaries(gateway).map((privateIp) =>
    judgeEvidence(onlyOf(read, privateIp), { gateway, privateIps: [privateIp], isRequired: false }),
  );
  const [first] = judged;
  const ranges = (kind: 'security_groups' | 'prefix_lists') =>
    judged.flatMap(({ evidence }) => evidence[kind].ranges ?? []);
  return {
    ...(first?.evidence ?? read),
    enough_addresses: enoughAddresses(read.traffic),
    security_groups: { ...read.security_groups, ranges: ranges('security_groups') },
    prefix_lists: { ...read.prefix_lists, ranges: ranges('prefix_lists') },
    findings: distinct(judged.flatMap(({ findings }) => findings)),
  };
}

function onlyOf(read: Evidence, privateIp: string): Evidence {
  const only = <N extends Evidence['security_groups']>(names: N): N => ({
    ...names,
    ranges: names.ranges?.filter(({ private_ip }) => private_ip === privateIp),
  });
  return { ...read, security_groups: only(read.security_groups), prefix_lists: only(read.prefix_lists) };
}

function distinct(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()];
}
