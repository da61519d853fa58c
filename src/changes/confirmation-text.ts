import { evidenceLine } from '../nat-gateway/evidence-text.ts';
import type { NatGateway } from '../nat-gateway/gateway.ts';
import type { JudgedEvidence } from '../nat-gateway/judge-evidence.ts';
import type { Finding } from '../nat-gateway/preflight.ts';
import { type ChangeTool, RESTORE } from '../vocabulary/names.ts';
import { displayName, visibleLine } from '../vocabulary/text.ts';

/** All that is shown, and that a yes is for. */
export interface Question {
  tool: ChangeTool;
  /** The name of the account in the file of --targets, where there is one. */
  target?: string | undefined;
  /** Absent where AWS does not tell it. */
  accountId: string | undefined;
  region: string;
  gateway: NatGateway;
  privateIps: readonly string[];
  /** Of a release. */
  maxDrainDurationSeconds?: number | undefined;
  /** Of the state and the rules. */
  findings: readonly Finding[];
  /** What was looked up beside it. */
  evidence?: JudgedEvidence | undefined;
}

/** Why an earlier yes does not count: the part that is not what was shown, or that the yes was used before. */
export type StaleReason = 'request' | 'account' | 'gateway' | 'evidence' | 'used';

const STALE: Record<StaleReason, string> = {
  request: 'This is not the request that you were asked about before.',
  account: 'The account is not the one that you were shown before.',
  gateway: 'The gateway has changed since you were asked. This is what it looks like now.',
  evidence: 'More speaks against it than when you were asked. This is what is known now.',
  used: 'The question before this one has been answered already. A yes is good for one change.',
};

/**
 * The text of a question; `stale` where an earlier yes does not count. Some hosts show two lines, others join all lines
 * into one paragraph: the first line alone says what a yes is for, and each line ends as a sentence. What others can make
 * long, the name and the list of addresses, comes last in its line.
 */
export function confirmationText(question: Question, stale?: StaleReason): string {
  const { gateway, privateIps, findings, evidence } = question;
  const addresses = privateIps.length === 1 ? '1 private address' : `${privateIps.length} private addresses`;
  const isRestore = question.tool === RESTORE;
  const what = isRestore ? `Give ${addresses} back to` : `Release ${addresses} of`;
  const lines = [
    `${what} NAT gateway ${whereabouts(question)}: ${privateIps.join(', ')}?`,
    ...(stale === undefined ? [] : [STALE[stale]]),
    ...(isRestore ? ['They take new connections as soon as they are assigned'] : consequences(question)),
    `VPC: ${gateway.vpc_id ?? 'not told by AWS'}`,
    ...[...findings, ...evidenceWarnings(evidence)].map(({ message }) => `Warning: ${message}`),
    ...(evidence === undefined ? [] : [evidenceLine(evidence.evidence)]),
  ];
  return lines.map(asSentence).join('\n');
}

/**
 * The warnings that evidence gives. What could not be looked up is left out: the line of evidence names it, and no yes
 * depends on it.
 */
export function evidenceWarnings(evidence: JudgedEvidence | undefined): Finding[] {
  const { findings = [] } = evidence ?? {};
  return findings.filter(({ code, severity }) => severity === 'warns' && code !== 'evidence_unavailable');
}

/** What a release does, and what it leaves. */
function consequences({ gateway, privateIps, maxDrainDurationSeconds }: Question): string[] {
  const working = gateway.addresses.filter(({ status }) => status === 'succeeded');
  const remain = working.filter(({ private_ip = '' }) => !privateIps.includes(private_ip)).length;
  return [
    `New connections stop at once; existing ones are served for up to ${maxDrainDurationSeconds} s, then cut. This cannot be cancelled.`,
    `Working addresses that remain: ${remain}`,
  ];
}

function whereabouts({ target, accountId, region, gateway }: Question): string {
  const name = gateway.tags?.find(({ key }) => key === 'Name')?.value;
  const account = `account ${accountId ?? 'not told by AWS'}`;
  const place = target === undefined ? [] : [`target ${target}`];
  const named = name === undefined ? [] : [`named ${displayName(name)}`];
  return `${gateway.nat_gateway_id ?? ''} (${[...place, account, region, ...named].join(', ')})`;
}

function asSentence(line: string): string {
  const text = visibleLine(line);
  return /[.?!]$/.test(text) ? text : `${text}.`;
}
