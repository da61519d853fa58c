import { matches } from './filters.ts';
import type { NatGateway } from './gateway.ts';

/** What the operator allows, whoever asks. Empty lists allow everything. */
export interface Policy {
  /** Only these AWS accounts. */
  allowAccount: readonly string[];
  /** No real call at all; dry runs work. */
  readOnly: boolean;
  allowRegion: readonly string[];
  /** Only these gateways, by id. */
  allowGateway: readonly string[];
  /** `KEY` or `KEY=VALUE`: a gateway must have every one of these tags. */
  requireTag: readonly string[];
  /** `KEY` or `KEY=VALUE`: a gateway with any of these tags is left alone. */
  protectTag: readonly string[];
  /** How many addresses with status `succeeded` must remain on a gateway, the primary counted. */
  minRemaining: number;
  /** How many addresses one call may unassign. */
  maxAddresses: number;
}

/** The rules by the name of their flag. */
export const POLICY_RULES = [
  'allow-account',
  'read-only',
  'allow-region',
  'allow-gateway',
  'require-tag',
  'protect-tag',
  'min-remaining',
  'max-addresses',
  'max-changes-per-hour',
] as const;

export type PolicyRule = (typeof POLICY_RULES)[number];

/** A rule that says no, and why. */
export interface Denial {
  rule: PolicyRule;
  message: string;
}

/** What is wanted. */
export interface ChangeRequest {
  mode: 'execute' | 'dry_run';
  region: string;
  natGatewayId: string | undefined;
  privateIps: readonly string[];
}

/** What was read of AWS: the gateway, and the account, whose id AWS may have refused to tell. */
export interface Observed {
  gateway: NatGateway;
  accountId: string | undefined;
}

/**
 * Every rule that forbids the request. Without `observed` only the rules that need nothing read are asked; with it,
 * all of them. Pure, and closed where something is not known: an account that AWS does not tell is not an allowed
 * one.
 */
export function denials(policy: Policy, request: ChangeRequest, observed?: Observed): Denial[] {
  const found: Denial[] = [];
  const deny = (rule: PolicyRule, message: string): void => {
    found.push({ rule, message: `${message} Only the operator of this server can change that (--${rule}).` });
  };

  if (policy.readOnly && request.mode === 'execute') {
    deny('read-only', 'This server is read-only: mode "dry_run" works, the real call does not.');
  }
  if (!allows(policy.allowRegion, request.region))
    deny('allow-region', `${request.region} is not an allowed region.`);
  if (!allows(policy.allowGateway, request.natGatewayId)) {
    deny('allow-gateway', `${request.natGatewayId ?? 'A gateway without an id'} is not an allowed gateway.`);
  }
  if (request.privateIps.length > policy.maxAddresses) {
    deny(
      'max-addresses',
      `One call may unassign ${policy.maxAddresses} ${policy.maxAddresses === 1 ? 'address' : 'addresses'}, not ${request.privateIps.length}.`,
    );
  }
  if (observed === undefined) return found;

  const { gateway, accountId } = observed;
  if (!allows(policy.allowAccount, accountId)) {
    deny(
      'allow-account',
      accountId === undefined
        ? 'Only some accounts are allowed, and AWS did not tell which account this is.'
        : `${accountId} is not an allowed account.`,
    );
  }
  const missing = policy.requireTag.filter((tag) => !hasTag(gateway, tag));
  if (missing.length > 0) deny('require-tag', `The gateway lacks the tag ${missing.join(', ')}.`);
  const protecting = policy.protectTag.filter((tag) => hasTag(gateway, tag));
  if (protecting.length > 0)
    deny('protect-tag', `The gateway is protected by its tag ${protecting.join(', ')}.`);
  const remaining = gateway.addresses.filter(
    ({ status, private_ip }) =>
      status === 'succeeded' && !(private_ip !== undefined && request.privateIps.includes(private_ip)),
  ).length;
  if (remaining < policy.minRemaining) {
    deny(
      'min-remaining',
      `${remaining} working ${remaining === 1 ? 'address' : 'addresses'} would remain, and at least ${policy.minRemaining} must.`,
    );
  }
  return found;
}

function allows(list: readonly string[], value: string | undefined): boolean {
  return list.length === 0 || (value !== undefined && list.includes(value));
}

/** Matched exactly, key and value; a tag is the only text of the account that decides anything. */
function hasTag(gateway: NatGateway, tag: string): boolean {
  return matches(gateway, { tags: [tag] });
}
