import type { NatGateway } from '../nat-gateway/gateway.ts';
import type { Finding } from '../nat-gateway/preflight.ts';
import { displayName, visibleLine } from '../vocabulary/text.ts';

/** All that a human is shown, and that a yes is for. */
export interface Question {
  /** Absent where AWS does not tell it. */
  accountId: string | undefined;
  region: string;
  gateway: NatGateway;
  privateIps: readonly string[];
  maxDrainDurationSeconds: number;
  findings: readonly Finding[];
}

/** The text that a human is asked; `again` where an earlier yes was for a state that has moved since. */
export function confirmationText(question: Question, again: boolean): string {
  const { accountId, region, gateway, privateIps, maxDrainDurationSeconds, findings } = question;
  const name = gateway.tags?.find(({ key }) => key === 'Name')?.value;
  const working = gateway.addresses.filter(({ status }) => status === 'succeeded');
  const remain = working.filter(({ private_ip = '' }) => !privateIps.includes(private_ip)).length;
  const lines = [
    again ? 'The gateway has changed since you were asked. This is what it looks like now.' : undefined,
    `Release ${privateIps.length === 1 ? 'this private address' : `these ${privateIps.length} private addresses`} of NAT gateway ${gateway.nat_gateway_id ?? ''}?`,
    '',
    name === undefined ? undefined : `Name: ${displayName(name)}`,
    `Account: ${accountId ?? 'not told by AWS'}`,
    `Region: ${region}`,
    `VPC: ${gateway.vpc_id ?? 'not told by AWS'}`,
    `Addresses: ${privateIps.join(', ')}`,
    `Working addresses that remain: ${remain}`,
    `Drain: at once no new connections; existing ones are served for up to ${maxDrainDurationSeconds} s, then cut. It cannot be cancelled.`,
    ...findings.map(({ message }) => `Warning: ${message}`),
  ];
  return lines.flatMap((line) => (line === undefined ? [] : visibleLine(line))).join('\n');
}
