import { isChanging, isPrimary, type NatGateway, type NatGatewayAddress } from './model.ts';

/** Why an address cannot be unassigned, or what else preflight has to say. */
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
] as const;

export type FindingCode = (typeof FINDING_CODES)[number];

/** One thing preflight has to say, about the gateway or, with `private_ip`, about one address. */
export interface Finding {
  code: FindingCode;
  severity: 'blocks' | 'warns';
  private_ip?: string | undefined;
  message: string;
}

/** What preflight found for one attempt. */
export interface Preflight {
  /**
   * `clear`: nothing blocks. `already_unassigning`: every requested address is draining, there is nothing to
   * do. `blocked`: at least one finding blocks.
   */
  verdict: 'clear' | 'already_unassigning' | 'blocked';
  /** Everything there is to say, not only the first thing. */
  findings: Finding[];
  /** The requested addresses that the gateway has, in the order they were asked for. */
  requested: NatGatewayAddress[];
  /** The gateway's other addresses. */
  others: NatGatewayAddress[];
}

/**
 * Checks the observed state of a gateway before some of its addresses are unassigned.
 *
 * Pure: it reads nothing and decides only from what it is given. It fails closed: a state, status or
 * connectivity that is absent or unknown blocks.
 */
export function preflight(gateway: NatGateway, privateIps: readonly string[]): Preflight {
  const findings = gatewayFindings(gateway);
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
  return {
    verdict: blocks.length === 0 ? 'clear' : allDraining ? 'already_unassigning' : 'blocked',
    findings,
    requested,
    others: gateway.addresses.filter((address) => !requested.includes(address)),
  };
}

/** Why this address, alone and now, cannot be unassigned; `undefined` when it can. The most lasting reason wins. */
export function reasonAgainst(gateway: NatGateway, address: NatGatewayAddress): FindingCode | undefined {
  return [...gatewayFindings(gateway), ...addressFindings(gateway, address)].find(
    (finding) => finding.severity === 'blocks',
  )?.code;
}

/** What blocks every address of the gateway, the most lasting first. */
function gatewayFindings(gateway: NatGateway): Finding[] {
  const findings: Finding[] = [];
  const id = gateway.nat_gateway_id ?? 'the gateway';
  if (gateway.availability_mode === 'regional') {
    findings.push({
      code: 'regional_gateway',
      severity: 'blocks',
      message: `${id} is a regional NAT gateway. Those are always public: their addresses belong to Elastic IPs and are released with DisassociateNatGatewayAddress, not unassigned.`,
    });
  } else if (gateway.connectivity_type === 'public' || hasPublicAddress(gateway)) {
    findings.push({
      code: 'public_gateway',
      severity: 'blocks',
      message: `${id} is a public NAT gateway. Its secondary addresses are released with their Elastic IPs: use DisassociateNatGatewayAddress with their association_id.`,
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

/** What there is to say about one address of the gateway, the most lasting first. */
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
    findings.push({
      code: 'address_failed',
      severity: 'warns',
      private_ip,
      message: `${name} was never assigned properly (status failed); EC2 may not accept to unassign it.`,
    });
  }
  return findings;
}

function notOnGateway(gateway: NatGateway, privateIp: string): Finding {
  const held = gateway.addresses.flatMap((address) => address.private_ip ?? []);
  return {
    code: 'not_on_gateway',
    severity: 'blocks',
    private_ip: privateIp,
    message: `${privateIp} is not on ${gateway.nat_gateway_id ?? 'the gateway'}: either it has been released already, or it is mistyped. The gateway holds ${held.length > 0 ? held.join(', ') : 'no address'}.`,
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
