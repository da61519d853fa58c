import { EVIDENCE_MODES, type EvidenceMode } from './evidence.ts';
import { NOTHING, type Policy } from './policy.ts';

/** Every rule about changes that a target may also have. */
export type Rules = Policy & {
  /** Real calls in an hour. */
  maxChangesPerHour?: number;
};

/** The rules that hold where the operator's rules and those of a target apply. They allow what both allow, and no more. */
export function stricter(policy: Rules, ofTarget: Partial<Rules>): Required<Rules> {
  return {
    ...policy,
    readOnly: policy.readOnly || ofTarget.readOnly === true,
    allowAccount: allowedByBoth(policy.allowAccount, ofTarget.allowAccount),
    allowRegion: allowedByBoth(policy.allowRegion, ofTarget.allowRegion),
    allowGateway: allowedByBoth(policy.allowGateway, ofTarget.allowGateway),
    requireTag: union(policy.requireTag, ofTarget.requireTag),
    protectTag: union(policy.protectTag, ofTarget.protectTag),
    protectAddress: union(policy.protectAddress, ofTarget.protectAddress),
    minRemaining: Math.max(policy.minRemaining, ofTarget.minRemaining ?? 0),
    maxAddresses: Math.min(policy.maxAddresses, ofTarget.maxAddresses ?? Infinity),
    maxChangesPerHour: Math.min(policy.maxChangesPerHour ?? Infinity, ofTarget.maxChangesPerHour ?? Infinity),
    evidence: strictest(policy.evidence, ofTarget.evidence ?? 'off'),
  };
}

/**
 * The rules of a target that are looser than the operator's, by the name of the flag and with the message. They would
 * have no effect, and whoever wrote them believes that they have one.
 */
export function looserRules(policy: Rules, ofTarget: Partial<Rules>): [rule: string, message: string][] {
  const foreign = (ofTarget.allowGateway ?? []).filter((id) => !policy.allowGateway.includes(id));
  const isForeign = policy.allowGateway.length > 0 && foreign.length > 0;
  const { readOnly, minRemaining = Infinity, maxAddresses = 0, maxChangesPerHour = 0, evidence } = ofTarget;
  const most = policy.maxChangesPerHour ?? Infinity;
  const isWeaker = evidence !== undefined && strictest(evidence, policy.evidence) !== evidence;
  const rules: [rule: string, isLooser: boolean, ofTarget: unknown, ofServer: unknown][] = [
    ['read-only', policy.readOnly && readOnly === false, readOnly, policy.readOnly],
    ['allow-gateway', isForeign, foreign.join(', '), policy.allowGateway.join(', ')],
    ['min-remaining', minRemaining < policy.minRemaining, minRemaining, policy.minRemaining],
    ['max-addresses', maxAddresses > policy.maxAddresses, maxAddresses, policy.maxAddresses],
    ['max-changes-per-hour', maxChangesPerHour > most, maxChangesPerHour, most],
    ['evidence', isWeaker, evidence, policy.evidence],
  ];
  return rules
    .filter(([, isLooser]) => isLooser)
    .map(([rule, , own, server]) => [
      rule,
      `${own} is looser than the server's ${server}, so it would have no effect: leave it out`,
    ]);
}

function allowedByBoth(list: readonly string[], other: readonly string[] = []): readonly string[] {
  if (list.length === 0) return other;
  if (other.length === 0) return list;
  const both = list.filter((each) => other.includes(each));
  return both.length === 0 ? [NOTHING] : both;
}

function union(list: readonly string[], other: readonly string[] = []): readonly string[] {
  return [...new Set([...list, ...other])];
}

/** The modes are listed from the loosest on. */
function strictest(one: EvidenceMode, other: EvidenceMode): EvidenceMode {
  return EVIDENCE_MODES.indexOf(one) > EVIDENCE_MODES.indexOf(other) ? one : other;
}
