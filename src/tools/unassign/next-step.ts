import type { UnassignRequest } from '../../aws/unassign.ts';
import type { Need } from '../../changes/confirmation.ts';
import {
  beyondWait,
  DEFAULT_DRAIN_SECONDS,
  disassociateCommand,
  latestEnd,
} from '../../nat-gateway/drain.ts';
import { addressOf, isPrimary, type NatGateway } from '../../nat-gateway/gateway.ts';
import { nearMissQuestion } from '../../nat-gateway/near-misses.ts';
import type { Finding, FindingCode } from '../../nat-gateway/preflight.ts';
import type { ErrorReport } from '../../vocabulary/failure.ts';
import { DESCRIBE, UNASSIGN } from '../../vocabulary/names.ts';
import type { Dependencies, PlacedCall } from '../define-tool.ts';
import { describeCall, holdersCall, type Next, waitCall } from '../results.ts';

/**
 * What the caller of the unassign tool may do next. A hint and a `next` are about the gateway and the addresses that the
 * call named and no others, and `next` keeps to the rules in force, so that they can be followed blindly.
 */
export interface Step {
  hint?: string;
  next?: Next | undefined;
}

/** A step after a refusal, which always has a hint. */
export type Advice = Step & { hint: string };

/** A request and the gateway that it is about, as far as it was read. */
interface Subject {
  request: UnassignRequest;
  gateway?: NatGateway;
  dependencies?: Dependencies;
}

/** The call that makes the change, once its dry run has passed; none where the rules would refuse it. */
export function afterDryRun(call: PlacedCall<object>, need: Need): Step {
  const { input, region, context, dependencies } = call;
  const { policy, changeLimit, now } = dependencies;
  if (policy.readOnly) {
    return { hint: 'This server is read-only (--read-only), so it makes no real call: ask its operator.' };
  }
  if (need === 'unavailable') {
    return {
      hint: 'A real call needs a confirmation (--confirm always), which this client cannot ask for: use one that supports MCP elicitation, or ask the operator of this server.',
    };
  }
  const seconds = changeLimit.secondsLeft(context.http?.authInfo?.clientId);
  const next = {
    tool: UNASSIGN,
    arguments: { ...input, region, mode: 'execute' },
    when: 'the user asked for the release itself',
    not_before: seconds === 0 ? undefined : new Date(now() + seconds * 1000).toISOString(),
  };
  return { next };
}

/** The wait for the release of the requested addresses; `not_before` is the end of their drain where it is far away. */
export function waitForRelease({
  request,
  dependencies,
}: Pick<PlacedCall<unknown>, 'dependencies'> & Subject): Next {
  const { region, natGatewayId, privateIps } = request;
  const started = dependencies.drains.of(region, natGatewayId);
  const end = latestEnd(privateIps.map((privateIp) => started.get(privateIp)));
  return waitCall(region, natGatewayId, privateIps, beyondWait(end, dependencies.ec2Clock.now()));
}

/** The search for the gateway that holds the addresses, where no gateway has the id. */
export function afterFailedRead({ code }: ErrorReport, { region, privateIps }: UnassignRequest): Step {
  return code === 'gateway_not_found' ? { next: holdersCall(region, privateIps) } : {};
}

/** What to do after findings that block, by the most lasting of them. */
export function afterBlocking(findings: readonly Finding[], subject: Subject): Advice {
  const blocking = findings.filter(({ severity }) => severity === 'blocks');
  const codes = new Set(blocking.map(({ code }) => code));
  const decisive = ORDER.find(([code]) => codes.has(code));
  const step = decisive?.[1](blocking, subject) ?? lookAgain(blocking, subject);
  const more = codes.size > 1 ? 'findings has every reason. ' : '';
  return { ...step, hint: `${more}${step.hint}` };
}

type StepOf = (blocking: readonly Finding[], subject: Subject) => Advice;

/** The steps by the finding that decides, the most lasting first. */
const ORDER: readonly (readonly [FindingCode, StepOf])[] = [
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
  ['min_remaining', askOperator],
  ['unassigning', waitForChange],
  ['change_in_progress', waitForChange],
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

function byState(_: readonly Finding[], { request, gateway }: Subject): Advice {
  const { region, natGatewayId } = request;
  const wait = waitCall(region, natGatewayId, undefined);
  switch (gateway?.state) {
    case 'pending':
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
      return lookAgain([], { request });
  }
}

function lookAgain(_: readonly Finding[], { request }: Subject): Advice {
  return {
    hint: `EC2's answer leaves out what has to be known before a change. Look again with ${DESCRIBE} (next); if it stays so, ask whoever runs what answers as EC2.`,
    next: describeCall(request.region, request.natGatewayId),
  };
}

function askForAddress(blocking: readonly Finding[], { request, gateway }: Subject): Advice {
  const missing = blocking.flatMap(({ code, private_ip }) =>
    code === 'not_on_gateway' && private_ip !== undefined ? [private_ip] : [],
  );
  const held = gateway?.addresses.flatMap(({ private_ip }) => private_ip ?? []) ?? [];
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

function askOperator(blocking: readonly Finding[], { request }: Subject): Advice {
  const { length } = request.privateIps;
  const most = Math.min(...blocking.flatMap(({ mayGo }) => mayGo ?? []));
  const isOfCall = blocking.every(({ code }) => code === 'min_remaining');
  const some = Number.isFinite(most)
    ? `At most ${most} of these ${length} may go at once: ask the user which. `
    : '';
  return {
    hint: isOfCall
      ? `${some}The limit is min_remaining of this call: ask the user before you call with a lower one.`
      : `${some}The operator of this server has set what may be changed; findings names each rule. Do not look for a way around it, nor for another address: ask the operator.`,
  };
}

function waitForChange(_: readonly Finding[], { request, dependencies }: Subject): Advice {
  const { region, natGatewayId } = request;
  const end = latestEnd(dependencies?.drains.of(region, natGatewayId).values() ?? []);
  const notBefore = beyondWait(end, dependencies?.ec2Clock.now() ?? 0);
  return {
    hint: 'EC2 accepts one change at a time on a gateway: next waits for the one that is going on. Then call again for the addresses that are still there.',
    next: waitCall(region, natGatewayId, undefined, notBefore),
  };
}
