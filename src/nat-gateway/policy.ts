import { coversAddress } from './cidr.ts';
import type { EvidenceMode } from './evidence.ts';
import { matches } from './filters.ts';
import { type NatGateway, workingAddresses } from './gateway.ts';

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
  /** `IP` or `CIDR`: addresses that are never released. */
  protectAddress: readonly string[];
  /** Whether evidence is read before a release, and whether it must speak for it. */
  evidence: EvidenceMode;
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
  'protect-address',
  'evidence',
  'min-remaining',
  'max-addresses',
  'max-changes-per-hour',
] as const;

export type PolicyRule = (typeof POLICY_RULES)[number];

/** A rule that forbids a change, with the reason. */
export interface Denial {
  rule: PolicyRule;
  message: string;
  /** Set where it is the call itself that demands more than the operator. */
  isOfCall?: true;
  /** How many of the requested addresses may go, where some may and all together may not. */
  mayGo?: number;
}

/** The requested change. */
export interface ChangeRequest {
  mode: 'execute' | 'dry_run';
  region: string;
  natGatewayId: string | undefined;
  privateIps: readonly string[];
  /** The working addresses that must remain as the call itself demands; it can only be stricter than the operator. */
  minRemaining?: number | undefined;
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
  for (const privateIp of privateIps) {
    const by = policy.protectAddress.find((range) => coversAddress(range, privateIp));
    if (by === undefined) continue;
    const message = by === privateIp ? `${privateIp} is protected.` : `${privateIp} is protected (${by}).`;
    found.push(denial('protect-address', message));
  }
  if (privateIps.length > policy.maxAddresses) {
    const most = `${policy.maxAddresses} ${policy.maxAddresses === 1 ? 'address' : 'addresses'}`;
    const message = `One call may unassign ${most}, not ${privateIps.length}.`;
    found.push({ ...denial('max-addresses', message), ...mayGo(policy.maxAddresses) });
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
  return [...found, ...denialsByMinimum(policy.minRemaining, request, gateway)];
}

/** The denial where fewer working addresses would remain than the operator or, more strictly, the call demands. */
function denialsByMinimum(ofOperator: number, request: ChangeRequest, gateway: NatGateway): Denial[] {
  const working = workingAddresses(gateway);
  const going = working.filter(({ private_ip = '' }) => request.privateIps.includes(private_ip)).length;
  const remaining = working.length - going;
  const left = `${remaining} working ${remaining === 1 ? 'address' : 'addresses'} would remain`;
  if (remaining < ofOperator) {
    const most = mayGo(working.length - Math.max(ofOperator, request.minRemaining ?? 0));
    return [{ ...denial('min-remaining', `${left}, and at least ${ofOperator} must.`), ...most }];
  }
  const { minRemaining = 0 } = request;
  if (remaining >= minRemaining) return [];
  const message = `${left}, and min_remaining of this call demands ${minRemaining}.`;
  return [{ rule: 'min-remaining', message, isOfCall: true, ...mayGo(working.length - minRemaining) }];
}

function mayGo(most: number): { mayGo?: number } {
  return most > 0 ? { mayGo: most } : {};
}

/** How many of `candidates`, each of which may go alone, may go at once. */
export function canReleaseNow(
  { minRemaining, maxAddresses }: Policy,
  gateway: NatGateway,
  candidates: number,
): number {
  return Math.max(0, Math.min(candidates, maxAddresses, workingAddresses(gateway).length - minRemaining));
}

function denial(rule: PolicyRule, message: string): Denial {
  return { rule, message: `${message} Only the operator of this server can change that (--${rule}).` };
}

/**
 * The only member of a list that allows nothing: an empty one allows everything. It is no account, region or gateway, and
 * in an ARN it matches none.
 */
export const NOTHING = 'none';

function allows(list: readonly string[], value: string | undefined): boolean {
  return list.length === 0 || list.some((each) => each === value && each !== NOTHING);
}

/** Matches exactly, key and value. A tag is the only text of the account that decides anything. */
function hasTag(gateway: NatGateway, tag: string): boolean {
  return matches(gateway, { tags: [tag] });
}
