import type { UnassignRequest } from '../../aws/unassign.ts';
import { DEFAULT_DRAIN_SECONDS, disassociateCommand } from '../../nat-gateway/drain.ts';
import { addressOf, isPrimary, privateIpsOf } from '../../nat-gateway/gateway.ts';
import { nearMissQuestion } from '../../nat-gateway/near-misses.ts';
import type { Finding, FindingCode } from '../../nat-gateway/preflight.ts';
import type { Subject as SubjectOf } from '../change/kind.ts';
import {
  type Advice,
  type AdviceOn,
  adviceOn,
  askOperator,
  lookAgain,
  waiting,
} from '../change/next-step.ts';
import { describeCall, holdersCall, waitCall } from '../results.ts';

/** What the caller of the unassign tool may do next, where that is not the same for every change. */

type Subject = SubjectOf<UnassignRequest>;

/** What to do after findings that block, by the most lasting of them. */
export function afterBlocking(findings: readonly Finding[], subject: Subject): Advice {
  return adviceOn(findings, subject, ORDER);
}

const waitForOther = waiting<Subject>(
  'EC2 accepts one change at a time on a gateway: next waits for the one that is going on. Then call again for the addresses that are still there.',
);

/** The steps by the finding that decides, the most lasting first. */
const ORDER: readonly (readonly [FindingCode, AdviceOn<Subject>])[] = [
  ['regional_gateway', releaseElasticIp],
  ['public_gateway', releaseElasticIp],
  ['gateway_not_available', byState],
  ['connectivity_unknown', lookAgain],
  ['state_unknown', lookAgain],
  ['not_on_gateway', askForAddress],
  ['primary', leaveOutPrimary],
  ['primary_unknown', lookAgain],
  ['status_unknown', lookAgain],
  ['address_failed', askAdministrator],
  ['policy', askOperator],
  ['allow_listed', askOperator],
  ['ports_exhausted', askOperator],
  ['capacity_short', askOperator],
  ['evidence_unavailable', askOperator],
  ['min_remaining', askOperator],
  ['unassigning', waitForOther],
  ['change_in_progress', waitForOther],
];

/** States in which a gateway has no address to release any more, or soon. */
const ENDING: ReadonlySet<string | undefined> = new Set(['deleting', 'deleted', 'failed']);

/** Ids in a command that somebody may run: what answers as EC2 could send anything. */
const ASSOCIATION_ID = /^eipassoc-[0-9a-f]+$/;

function releaseElasticIp(blocking: readonly Finding[], subject: Subject): Advice {
  const { request, gateway } = subject;
  const { region, natGatewayId, privateIps, maxDrainDurationSeconds } = request;
  if (gateway === undefined || ENDING.has(gateway.state)) return byState(blocking, subject);
  const asked = privateIps.flatMap((privateIp) => addressOf(gateway, privateIp) ?? []);
  const secondary = asked.filter((each) => isPrimary(gateway, each) !== true);
  const start = 'This tool is for private NAT gateways.';
  if (asked.length > 0 && secondary.length === 0) {
    return { hint: `${start} On a public one the primary address goes only when the gateway is deleted.` };
  }
  const ids = secondary.flatMap(({ association_id: id = '' }) => (ASSOCIATION_ID.test(id) ? [id] : []));
  const isKnown = ids.length > 0;
  const drain = maxDrainDurationSeconds === DEFAULT_DRAIN_SECONDS ? undefined : maxDrainDurationSeconds;
  const command = disassociateCommand(region, natGatewayId, isKnown ? ids : ['ASSOCIATION_ID'], drain);
  const lookUp = isKnown ? '' : ' next shows the association_id of each address.';
  return {
    hint: `${start}${lookUp} An address of a public one is released with its Elastic IP, if the user wants that: ${command}`,
    next: isKnown ? undefined : describeCall(region, natGatewayId),
  };
}

function byState(blocking: readonly Finding[], subject: Subject): Advice {
  const { request, gateway } = subject;
  const { region, natGatewayId } = request;
  const wait = waitCall(region, natGatewayId, undefined);
  switch (gateway?.state) {
    case 'pending':
      if (blocking.some(({ code }) => code === 'primary')) return leaveOutPrimary();
      return { hint: `${natGatewayId} is being created: next waits for it. Then call again.`, next: wait };
    case 'deleting':
      return {
        hint: `${natGatewayId} is being deleted, and its addresses with it: there is nothing to unassign. next follows it.`,
        next: wait,
      };
    case 'deleted':
      return { hint: `${natGatewayId} is deleted, and its addresses with it: nothing is left to release.` };
    case 'failed':
      return {
        hint: `${natGatewayId} failed to be created, and EC2 removes it within about an hour: there is nothing to unassign.`,
      };
    default:
      return lookAgain(blocking, subject);
  }
}

function askForAddress(blocking: readonly Finding[], { request, gateway }: Subject): Advice {
  const missing = blocking.flatMap(({ code, private_ip }) =>
    code === 'not_on_gateway' && private_ip !== undefined ? [private_ip] : [],
  );
  const held = privateIpsOf(gateway?.addresses ?? []);
  const questions = missing.flatMap((each) => nearMissQuestion(each, held) ?? []);
  const hint = [
    'If it has been released already, nothing is left to do. Otherwise ask who wants it which address is meant; next looks for the gateway that holds it.',
    ...questions,
  ].join(' ');
  return { hint, next: holdersCall(request.region, missing) };
}

function leaveOutPrimary(): Advice {
  return {
    hint: 'The primary address cannot be unassigned. Leave it out; to be rid of it, delete the gateway. Take no other address in its place: ask the user.',
  };
}

function askAdministrator(): Advice {
  return {
    hint: 'failure_message of the address says what failed. Ask whoever manages the gateway, or AWS Support, how to be rid of it.',
  };
}
