import * as z from 'zod';
import { type Evidence, evidenceSchema, type Names } from '../nat-gateway/evidence.ts';
import {
  isPrimary,
  type NatGateway,
  type NatGatewayAddress,
  workingAddresses,
} from '../nat-gateway/gateway.ts';
import { enoughAddresses, judgeEvidence, nameOf, narrowest } from '../nat-gateway/judge-evidence.ts';
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

/**
 * Looks up evidence about gateways, and judges it for the release of any one of their working secondary addresses, or of
 * those that were `asked` for.
 */
export async function showEvidence(
  { ec2, region, context, dependencies }: PlacedCall<unknown>,
  gateways: readonly NatGateway[],
  asked?: readonly string[],
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
      if (read === undefined) return [];
      const candidates = secondaries(gateway).filter((each) => asked?.includes(each) ?? true);
      return [[gateway, shown(read, gateway, candidates, dependencies.policy.evidence === 'require')]];
    }),
  );
}

function secondaries(gateway: NatGateway): string[] {
  return privateIpsOf(workingAddresses(gateway).filter((address) => isPrimary(gateway, address) !== true));
}

function privateIpsOf(addresses: readonly NatGatewayAddress[]): string[] {
  return addresses.flatMap(({ private_ip }) => private_ip ?? []);
}

/** What stands against the release of one address, whichever it is; of the gateway alone where none can go. */
function shown(
  read: Evidence,
  gateway: NatGateway,
  candidates: readonly string[],
  isRequired: boolean,
): ShownEvidence {
  const ofGateway = judgeEvidence(read, { gateway, privateIps: [], isRequired });
  const ofEach = candidates.map((privateIp) =>
    judgeEvidence(read, { gateway, privateIps: [privateIp], isRequired }),
  );
  const judged = ofEach.length === 0 ? [ofGateway] : ofEach;
  const together = (kind: 'security_groups' | 'prefix_lists') =>
    joined(
      read[kind],
      judged.map(({ evidence }) => evidence[kind]),
      candidates,
    );
  return {
    ...read,
    security_groups: together('security_groups'),
    prefix_lists: together('prefix_lists'),
    enough_addresses: enoughAddresses(read.traffic),
    findings: distinct(judged.flatMap(({ findings }) => findings)),
  };
}

/** The ranges of several addresses as one list. */
function joined(read: Names, each: readonly Names[], candidates: readonly string[]): Names {
  if (read.ranges === undefined) return read;
  const ranges = each.flatMap((names) => names.ranges ?? []);
  const more = each.reduce((sum, names) => sum + (names.more ?? 0), 0);
  const decisive = new Set(ranges.map(nameOf));
  const covering = read.ranges
    .filter(({ private_ip }) => candidates.includes(private_ip))
    .filter((range) => !decisive.has(nameOf(range)));
  return narrowest({
    ...read,
    ranges,
    covering_the_rest: new Set(covering.map(nameOf)).size || undefined,
    more: more || undefined,
  });
}

function distinct(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()];
}
