import { matches } from './filters.ts';
import type { NatGateway } from './gateway.ts';

/** The operator's rules for every caller. Empty lists allow everything. */
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
  /** `KEY` or `KEY=VALUE`: a gateway with any of these tags is never changed. */
  protectTag: readonly string[];
  /** Addresses with status `succeeded` that must remain on a gateway, the primary counted. */
  minRemaining: number;
  /** The most addresses that one call may unassign. */
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

/** A rule that forbids a change, with the reason. */
export interface Denial {
  rule: PolicyRule;
  message: string;
}

/** The requested change. */
export interface ChangeRequest {
  mode: 'execute' | 'dry_run';
  region: string;
  natGatewayId: string | undefined;
  privateIps: readonly string[];
}

/** State read from AWS; `accountId` is absent if STS did not answer. */
export interface Observed {
  gateway: NatGateway;
  accountId: string | undefined;
}

/** Every rule that forbids the request, as far as the request alone tells. Pure. */
export function denialsBeforeReading(policy: Policy, request: ChangeRequest): Denial[] {
  const { mode, region, natGatewayId, privateIps } = request;
  const found: Denial[] = [];
  if (policy.readOnly && mode === 'execute') {
    found.push(
      denial('read-only', 'This server is read-only: mode "dry_run" works, the real call does not.'),
    );
  }
  if (!allows(policy.allowRegion, region)) {
    found.push(denial('allow-region', `${region} is not an allowed region.`));
  }
  if (!allows(policy.allowGateway, natGatewayId)) {
    found.push(
      denial('allow-gateway', `${natGatewayId ?? 'A gateway without an id'} is not an allowed gateway.`),
    );
  }
  if (privateIps.length > policy.maxAddresses) {
    const most = `${policy.maxAddresses} ${policy.maxAddresses === 1 ? 'address' : 'addresses'}`;
    found.push(denial('max-addresses', `One call may unassign ${most}, not ${privateIps.length}.`));
  }
  return found;
}

/**
 * Every rule that forbids the request, given the state. Pure, and closed where something is not known: an account that
 * AWS does not tell is not an allowed one.
 */
export function denials(policy: Policy, request: ChangeRequest, observed: Observed): Denial[] {
  const { gateway, accountId } = observed;
  const found = denialsBeforeReading(policy, request);
  if (!allows(policy.allowAccount, accountId)) {
    found.push(
      denial(
        'allow-account',
        accountId === undefined
          ? 'Only some accounts are allowed, and AWS did not tell which account this is.'
          : `${accountId} is not an allowed account.`,
      ),
    );
  }
  const missing = policy.requireTag.filter((tag) => !hasTag(gateway, tag));
  if (missing.length > 0) {
    found.push(denial('require-tag', `The gateway lacks the tag ${missing.join(', ')}.`));
  }
  const protecting = policy.protectTag.filter((tag) => hasTag(gateway, tag));
  if (protecting.length > 0) {
    found.push(denial('protect-tag', `The gateway is protected by its tag ${protecting.join(', ')}.`));
  }
  const working = gateway.addresses.filter(({ status }) => status === 'succeeded');
  const remaining = working.filter(({ private_ip = '' }) => !request.privateIps.includes(private_ip)).length;
  if (remaining < policy.minRemaining) {
    const left = `${remaining} working ${remaining === 1 ? 'address' : 'addresses'}`;
    found.push(denial('min-remaining', `${left} would remain, and at least ${policy.minRemaining} must.`));
  }
  return found;
}

function denial(rule: PolicyRule, message: string): Denial {
  return { rule, message: `${message} Only the operator of this server can change that (--${rule}).` };
}

function allows(list: readonly string[], value: string | undefined): boolean {
  return list.length === 0 || list.some((each) => each === value);
}

/** Matches exactly, key and value. A tag is the only text of the account that decides anything. */
function hasTag(gateway: NatGateway, tag: string): boolean {
  return matches(gateway, { tags: [tag] });
}
