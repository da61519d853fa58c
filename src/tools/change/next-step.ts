import type { AddressChange } from '../../aws/permit.ts';
import type { Need } from '../../changes/confirmation.ts';
import type { Remembered } from '../../changes/state.ts';
import type { Finding, FindingCode } from '../../nat-gateway/preflight.ts';
import type { ErrorReport } from '../../vocabulary/failure.ts';
import { type ChangeTool, DESCRIBE } from '../../vocabulary/names.ts';
import type { Dependencies, PlacedCall } from '../define-tool.ts';
import { drainWait } from '../drain-wait.ts';
import { describeCall, holdersCall, type Next } from '../results.ts';

/**
 * What the caller of a change may do next. A hint and a `next` are about the gateway and the addresses that the call named
 * and no others, and `next` keeps to the rules in force, so that they can be followed blindly.
 */
export interface Step {
  hint?: string;
  next?: Next | undefined;
}

/** A step after a refusal, which always has a hint. */
export type Advice = Step & { hint: string };

/** A change, and what this server remembers of others on its gateway. */
interface Subject {
  request: AddressChange;
  remembered?: Remembered | undefined;
  dependencies: Dependencies;
}

/** Advice on the findings that block; `S` is what it has to know of the change. */
export type AdviceOn<S> = (blocking: readonly Finding[], subject: S) => Advice;

/** The call that makes the change, once its dry run has passed; none where the rules would refuse it. */
export function afterDryRun(
  call: PlacedCall<object>,
  { tool, wish }: { tool: ChangeTool; wish: string },
  need: Need,
  secondsLeft: number,
): Step {
  const { input, region, dependencies } = call;
  const { policy, now } = dependencies;
  if (policy.readOnly) {
    return { hint: 'This server is read-only (--read-only), so it makes no real call: ask its operator.' };
  }
  if (need === 'unavailable') {
    return {
      hint: 'A real call needs a confirmation (--confirm always), which this client cannot ask for: use one that supports MCP elicitation, or ask the operator of this server.',
    };
  }
  const next = {
    tool,
    arguments: { ...input, region, mode: 'execute' },
    when: wish,
    not_before: secondsLeft === 0 ? undefined : new Date(now() + secondsLeft * 1000).toISOString(),
  };
  return { next };
}

/** The search for the gateway that holds the addresses, where no gateway has the id. */
export function afterFailedRead({ code }: ErrorReport, { region, privateIps }: AddressChange): Step {
  return code === 'gateway_not_found' ? { next: holdersCall(region, privateIps) } : {};
}

/** What to do after findings that block: the advice on the first of `order` that is among them. */
export function adviceOn<S extends Subject>(
  findings: readonly Finding[],
  subject: S,
  order: readonly (readonly [FindingCode, AdviceOn<S>])[],
): Advice {
  const blocking = findings.filter(({ severity }) => severity === 'blocks');
  const codes = new Set(blocking.map(({ code }) => code));
  const decisive = order.find(([code]) => codes.has(code));
  const step = decisive?.[1](blocking, subject) ?? lookAgain(blocking, subject);
  const more = codes.size > 1 ? 'findings has every reason. ' : '';
  return { ...step, hint: `${more}${step.hint}` };
}

export function lookAgain(_: readonly Finding[], { request }: Subject): Advice {
  return {
    hint: `EC2's answer leaves out what has to be known before a change. Look again with ${DESCRIBE} (next); if it stays so, ask whoever runs what answers as EC2.`,
    next: describeCall(request.region, request.natGatewayId),
  };
}

export function askOperator(blocking: readonly Finding[], { request }: Subject): Advice {
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

/** Advice to wait for everything that changes on the gateway; `hint` says what for. */
export function waiting<S extends Subject>(hint: string): AdviceOn<S> {
  return (_, subject) => {
    const { region, natGatewayId } = subject.request;
    return { hint, next: drainWait({ region, natGatewayId }, subject) };
  };
}
