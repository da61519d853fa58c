import type { Settings } from '../config/options.ts';
import type { Policy } from '../nat-gateway/policy.ts';
import type { Rules } from '../nat-gateway/stricter.ts';

/** Picks the policy out of the settings; no other setting may reach results. */
export function policyOf(settings: Settings): Policy {
  const { allowAccount, readOnly, allowRegion, allowGateway } = settings;
  const { requireTag, protectTag, protectAddress, evidence, minRemaining, maxAddresses } = settings;
  return {
    allowAccount,
    readOnly,
    allowRegion,
    allowGateway,
    requireTag,
    protectTag,
    protectAddress,
    evidence,
    minRemaining,
    maxAddresses,
  };
}

/** The rules that a target may make stricter. */
export function rulesOf(settings: Settings): Rules {
  return { ...policyOf(settings), maxChangesPerHour: settings.maxChangesPerHour };
}

/** The table that replicas share, where there is one. */
export function tableOf({ stateTable: name, stateRegion, region }: Settings) {
  return name === undefined ? undefined : { name, region: stateRegion ?? region };
}

/** How many people have to approve a change, where any have to. */
export function approvalRuleOf({ approvals, allowSelfApproval: allowsOwn }: Settings) {
  return approvals === undefined ? undefined : { needed: approvals, allowsOwn };
}
