import { DEFAULT_DRAIN_SECONDS } from './drain.ts';
import {
  isChanging,
  isPrimary,
  type NatGateway,
  type NatGatewayAddress,
  workingAddresses,
} from './gateway.ts';
import type { Denial, PolicyRule } from './policy.ts';

/** Reasons why an address cannot be unassigned, and warnings. */
export const FINDING_CODES = [
  'regional_gateway',
  'public_gateway',
  'connectivity_unknown',
  'state_unknown',
  'gateway_not_available',
  'primary',
  'primary_unknown',
  'not_on_gateway',
  'unassigning',
  'change_in_progress',
  'status_unknown',
  'address_failed',
  'policy',
  'min_remaining',
  'managed_by_cloudformation',
  'managed_by_terraform',
  'short_drain',
  'capacity',
  'last_secondary',
  'not_released_here',
  'on_gateway',
  'gateway_full',
  'ports_exhausted',
  'capacity_short',
  'capacity_ample',
  'allow_listed',
  'routed_from',
  'no_traffic_seen',
  'evidence_unavailable',
] as const;

export type FindingCode = (typeof FINDING_CODES)[number];

/** One reason or warning, about the gateway or, with `private_ip`, about one address. */
export interface Finding {
  code: FindingCode;
  severity: 'blocks' | 'warns' | 'informs';
  private_ip?: string | undefined;
  /** The operator's rule that forbids it, that makes it block, where `code` is `policy` or comes from evidence. */
  rule?: PolicyRule | undefined;
  message: string;
  /** How many of the requested addresses may go, where some may and all together may not. */
  mayGo?: number | undefined;
}

/** The result of preflight for one attempt. */
export interface Preflight {
  /**
   * `clear`: nothing blocks. `already_unassigning`: every requested address is draining, so that nothing is left to do.
   * `blocked`: at least one finding blocks.
   */
  verdict: 'clear' | 'already_unassigning' | 'blocked';
  /** All findings, not only the first. */
  findings: Finding[];
  /** The requested addresses that the gateway has, in the order they were asked for. */
  requested: NatGatewayAddress[];
  /** The gateway's other addresses. */
  others: NatGatewayAddress[];
}

/**
 * Checks the state of a gateway, and takes the policy's denials along, before some of its addresses are unassigned.
 * Fails closed: a state, status or connectivity that is absent or unknown blocks.
 */
export function preflight(
  gateway: NatGateway,
  privateIps: readonly string[],
  maxDrainDurationSeconds: number,
  denials: readonly Denial[],
): Preflight {
  const findings = [...policyFindings(denials), ...gatewayFindings(gateway)];
  const requested: NatGatewayAddress[] = [];
  for (const privateIp of privateIps) {
    const address = gateway.addresses.find((candidate) => candidate.private_ip === privateIp);
    if (address === undefined) {
      findings.push(notOnGateway(gateway, privateIp));
    } else {
      requested.push(address);
      findings.push(...addressFindings(gateway, address));
    }
  }
  const blocks = findings.filter((finding) => finding.severity === 'blocks');
  const allDraining =
    blocks.length === privateIps.length && blocks.every(({ code }) => code === 'unassigning');
  if (blocks.length === 0) findings.push(...warnings(gateway, requested, maxDrainDurationSeconds));
  return {
    verdict: blocks.length === 0 ? 'clear' : allDraining ? 'already_unassigning' : 'blocked',
    findings,
    requested,
    others: gateway.addresses.filter((address) => !requested.includes(address)),
  };
}

/**
 * For each address of the gateway, the finding for which it, alone and now, cannot be unassigned; `undefined` where it
 * can. The most lasting reason comes first: the state of the gateway, the operator's policy, and last what
 * `evidenceAgainst` says.
 */
export function reasonsAgainst(
  gateway: NatGateway,
  denialsOf: (address: NatGatewayAddress) => readonly Denial[],
  evidenceAgainst: (address: NatGatewayAddress) => Finding | undefined = () => undefined,
): (Finding | undefined)[] {
  const ofAll = blocker(gatewayFindings(gateway));
  return gateway.addresses.map(
    (address) =>
      ofAll ??
      blocker(addressFindings(gateway, address)) ??
      blocker(policyFindings(denialsOf(address))) ??
      evidenceAgainst(address),
  );
}

/** The first finding that blocks. */
export function blocker(findings: readonly Finding[]): Finding | undefined {
  return findings.find(({ severity }) => severity === 'blocks');
}

/** The policy's denials as findings. */
export function policyFindings(denials: readonly Denial[]): Finding[] {
  return denials.map(({ rule, message, mayGo, isOfCall }) =>
    isOfCall
      ? { code: 'min_remaining', severity: 'blocks', message, mayGo }
      : { code: 'policy', severity: 'blocks', rule, message, mayGo },
  );
}

/** Findings that block every address of the gateway, the most lasting first. */
export function gatewayFindings(gateway: NatGateway): Finding[] {
  const findings: Finding[] = [];
  const id = gateway.nat_gateway_id ?? 'the gateway';
  if (gateway.availability_mode === 'regional') {
    findings.push({
      code: 'regional_gateway',
      severity: 'blocks',
      message: `${id} is a regional NAT gateway. Those are always public: their addresses are released with their Elastic IPs (DisassociateNatGatewayAddress), not unassigned.`,
    });
  } else if (gateway.connectivity_type === 'public' || hasPublicAddress(gateway)) {
    findings.push({
      code: 'public_gateway',
      severity: 'blocks',
      message: `${id} is a public NAT gateway. Its secondary addresses are released with their Elastic IPs (DisassociateNatGatewayAddress), not unassigned.`,
    });
  } else if (gateway.connectivity_type !== 'private') {
    findings.push({
      code: 'connectivity_unknown',
      severity: 'blocks',
      message: `EC2 did not say that ${id} is private (connectivity_type: ${shown(gateway.connectivity_type)}), and only private NAT gateways can have addresses unassigned.`,
    });
  }
  if (gateway.state === undefined) {
    findings.push({
      code: 'state_unknown',
      severity: 'blocks',
      message: `EC2 did not say in what state ${id} is; it must be available.`,
    });
  } else if (gateway.state !== 'available') {
    findings.push({
      code: 'gateway_not_available',
      severity: 'blocks',
      message: `${id} is ${shown(gateway.state)}; it must be available.`,
    });
  }
  return findings;
}

/** Findings about one address of the gateway, the most lasting first. */
function addressFindings(gateway: NatGateway, address: NatGatewayAddress): Finding[] {
  const findings: Finding[] = [];
  const private_ip = address.private_ip;
  const name = private_ip ?? 'this address';
  const blocks = (code: FindingCode, message: string): void => {
    findings.push({ code, severity: 'blocks', private_ip, message });
  };

  const primary = isPrimary(gateway, address);
  if (primary === true) {
    blocks('primary', `${name} is the primary address, which stays for as long as the gateway exists.`);
  } else if (primary === undefined) {
    blocks('primary_unknown', `EC2 marks no address of this gateway as primary, so ${name} could be it.`);
  }

  const changing = gateway.addresses.filter((other) => other !== address && isChanging(other));
  const unclear = gateway.addresses.find((other) => !isChanging(other) && !isSettled(other));
  if (address.status === 'unassigning') {
    blocks('unassigning', `${name} is being unassigned already; it is released when its drain ends.`);
  } else if (isChanging(address)) {
    blocks('change_in_progress', `${name} is ${address.status} now.`);
  } else if (changing.length > 0) {
    const list = changing.map((other) => `${other.private_ip ?? 'another address'} is ${other.status}`);
    blocks(
      'change_in_progress',
      `EC2 accepts one change at a time on a gateway, and ${list.join(', ')}: ${name} has to wait until that is over.`,
    );
  } else if (unclear !== undefined) {
    blocks(
      'status_unknown',
      `EC2 gave ${unclear.private_ip ?? 'an address'} of this gateway no status that is known here (${shown(unclear.status)}), so a change may be in progress.`,
    );
  }
  if (address.status === 'failed') {
    blocks(
      'address_failed',
      `The latest change of ${name} failed. AWS does not say whether such an address can be unassigned.`,
    );
  }
  return findings;
}

/** Simultaneous connections of one address to one destination (address, port, protocol). Source: VPC User Guide. */
export const CONNECTIONS_PER_ADDRESS = 55_000;

/** Findings that forbid nothing, for whoever decides. */
function warnings(
  gateway: NatGateway,
  requested: readonly NatGatewayAddress[],
  maxDrainDurationSeconds: number,
): Finding[] {
  const findings = managementFindings(gateway);
  const warns = (code: FindingCode, message: string): void => {
    findings.push({ code, severity: 'warns', message });
  };
  if (maxDrainDurationSeconds < DEFAULT_DRAIN_SECONDS) {
    warns(
      'short_drain',
      `A drain of ${maxDrainDurationSeconds} s is shorter than the ${DEFAULT_DRAIN_SECONDS} s for which a NAT gateway keeps idle connections: connections open at its end are cut.`,
    );
  }
  const working = workingAddresses(gateway);
  const left = working.filter((address) => !requested.includes(address));
  const before = working.length * CONNECTIONS_PER_ADDRESS;
  const after = left.length * CONNECTIONS_PER_ADDRESS;
  if (after < before) {
    warns(
      'capacity',
      `Simultaneous connections to one destination: at most ${after} afterwards, ${before} now.`,
    );
  }
  if (left.every((address) => isPrimary(gateway, address) === true)) {
    warns('last_secondary', 'No working secondary address remains afterwards.');
  }
  return findings;
}

/** Warnings that something else manages the gateway, and may undo a change of it. */
export function managementFindings({ tags = [] }: NatGateway): Finding[] {
  const findings: Finding[] = [];
  const warns = (code: FindingCode, message: string): void => {
    findings.push({ code, severity: 'warns', message });
  };
  if (tags.some(({ key }) => key.startsWith('aws:cloudformation:'))) {
    warns(
      'managed_by_cloudformation',
      'The gateway belongs to a CloudFormation stack. Change the template too, or a later update may undo this or replace the gateway.',
    );
  }
  if (tags.some(({ key, value }) => /terraform/i.test(key) || /^(terraform|opentofu)$/i.test(value))) {
    warns(
      'managed_by_terraform',
      'A tag says that Terraform manages the gateway. Change its configuration too, or a later apply may undo this or replace the gateway.',
    );
  }
  return findings;
}

function notOnGateway(gateway: NatGateway, privateIp: string): Finding {
  return {
    code: 'not_on_gateway',
    severity: 'blocks',
    private_ip: privateIp,
    message: `${privateIp} is not on ${gateway.nat_gateway_id ?? 'the gateway'}: either it has been released already, or it is mistyped.`,
  };
}

function isSettled(address: NatGatewayAddress): boolean {
  return address.status === 'succeeded' || address.status === 'failed';
}

function hasPublicAddress(gateway: NatGateway): boolean {
  return gateway.addresses.some(
    (address) => address.public_ip ?? address.allocation_id ?? address.association_id,
  );
}

function shown(value: string | undefined): string {
  return value === undefined ? 'absent' : value;
}
