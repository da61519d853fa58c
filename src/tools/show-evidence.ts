import * as z from 'zod';
import { type Evidence, evidenceSchema, type Names } from '../nat-gateway/evidence.ts';
import { isPrimary, type NatGateway, privateIpsOf, workingAddresses } from '../nat-gateway/gateway.ts';
import {
  enoughAddresses,
  judgeEvidence,
  NOTHING_READ,
  nameOf,
  narrowest,
} from '../nat-gateway/judge-evidence.ts';
import type { Policy } from '../nat-gateway/policy.ts';
import { blocker, type Finding } from '../nat-gateway/preflight.ts';
import type { PlacedCall } from './define-tool.ts';
import { findingSchema } from './results.ts';

/** Evidence as a describe shows it, without a certain release in mind. */
export const shownEvidenceSchema = evidenceSchema.extend({
  enough_addresses: z.number().optional(),
  findings: z.array(findingSchema).optional(),
});

type ShownEvidence = z.infer<typeof shownEvidenceSchema>;

/** Evidence about a gateway, and what it forbids. */
export interface GatewayEvidence {
  shown: ShownEvidence | undefined;
  /** Why these addresses cannot go together; absent where they can, and where the operator does not demand evidence. */
  against: (privateIps: readonly string[]) => Finding | undefined;
}

/** The most gateways of a page with evidence. */
export const EVIDENCE_GATEWAYS = 10;

const EVIDENCE_OFF =
  'No evidence is read, because the operator of this server has switched it off (--evidence off).';

const EVIDENCE_LEFT_OUT =
  'The operator of this server demands evidence before a release (--evidence require), which can_unassign and can_release_now leave out here: describe with evidence: true counts it.';

/** What to say of evidence that a caller may miss. */
export function evidenceHint({ evidence }: Policy, wantsEvidence: boolean): string | undefined {
  if (wantsEvidence) return evidence === 'off' ? EVIDENCE_OFF : undefined;
  return evidence === 'require' ? EVIDENCE_LEFT_OUT : undefined;
}

/**
 * Looks up evidence about gateways, and judges it for the release of any one of their working secondary addresses, or of
 * those that were `asked` for.
 */
export async function showEvidence(
  { ec2, region, context, dependencies }: PlacedCall<unknown>,
  gateways: readonly NatGateway[],
  asked?: readonly string[],
): Promise<ReadonlyMap<NatGateway, GatewayEvidence>> {
  if (dependencies.policy.evidence === 'off' || gateways.length === 0) return new Map();
  const questions = gateways.flatMap((gateway) => {
    const { nat_gateway_id: natGatewayId } = gateway;
    return natGatewayId === undefined ? [] : [{ natGatewayId, privateIps: privateIpsOf(gateway.addresses) }];
  });
  const evidence = await ec2.evidence(region, questions, context.mcpReq.signal);
  const isRequired = dependencies.policy.evidence === 'require';
  return new Map(
    gateways.map((gateway) => {
      const read = evidence.get(gateway.nat_gateway_id ?? '');
      // Where evidence decides, it is shown for every address that it speaks of.
      const candidates = secondaries(gateway).filter((each) => isRequired || (asked?.includes(each) ?? true));
      const against = (privateIps: readonly string[]) =>
        blocker(judgeEvidence(read ?? NOTHING_READ, { gateway, privateIps, isRequired }).findings);
      return [gateway, { shown: read && shown(read, gateway, candidates, isRequired), against }];
    }),
  );
}

function secondaries(gateway: NatGateway): string[] {
  return privateIpsOf(workingAddresses(gateway).filter((address) => isPrimary(gateway, address) !== true));
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
  const isNone = ranges.length === 0 && covering.length === 0 && read.incomplete === undefined;
  if (isNone) return { status: 'none' };
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
