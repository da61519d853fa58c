import type { AddressChange, ChangeAnswer, Permit } from '../../aws/permit.ts';
import type { AuditFields } from '../../changes/audit-log.ts';
import {
  type Answer,
  type Asking,
  confirmationNeed,
  type Need,
  type Question,
} from '../../changes/confirmation.ts';
import { NotBegun } from '../../changes/queue.ts';
import { type ChangeRequest, denials, denialsBeforeReading } from '../../nat-gateway/policy.ts';
import { policyFindings } from '../../nat-gateway/preflight.ts';
import { cancelled, type ErrorReport, Failure, reportOf } from '../../vocabulary/failure.ts';
import type { ChangeTool } from '../../vocabulary/names.ts';
import { TIMEOUTS } from '../../vocabulary/timeouts.ts';
import type { FailedCall, PlacedCall } from '../define-tool.ts';
import { orCutShort } from '../grace.ts';
import { observeGateway } from '../observe-gateway.ts';
import { describeCall, waitCall } from '../results.ts';
import { canChange, withoutYes } from './asking.ts';
import type { ChangeArguments, ChangeKind } from './kind.ts';
import { afterDryRun, afterFailedRead } from './next-step.ts';
import {
  blocked,
  callsAhead,
  changesSpent,
  cutShort,
  noConfirmation,
  stopping,
  unresolved,
} from './refusals.ts';
import {
  auditFields,
  type ChangeResult,
  decisive,
  dryRunIgnored,
  dryRunMembers,
  type Progress,
  told,
  withStatus,
} from './result.ts';

/** When an address that looks untouched after a lost answer is worth another look. */
const LOOK_AGAIN_SECONDS = 60;

type Timed = Pick<PlacedCall<unknown>, 'dependencies' | 'began'>;

/** One attempt on its way down this page. */
interface Attempt<I extends ChangeArguments, C extends AddressChange, Own extends string>
  extends PlacedCall<I> {
  kind: ChangeKind<I, C, Own>;
  request: C;
  need: Need;
  /** The client's answer to a question asked before, if there is one. */
  answer: Answer;
  audit: AuditFields;
}

/** An attempt of any kind, where the kind does not matter. */
type AnyAttempt = Pick<
  Attempt<ChangeArguments, AddressChange, string>,
  'request' | 'dependencies' | 'context'
>;

/**
 * Arguments to result: policy, then observation and dry run at the same time, preflight, a yes where one is needed, the
 * intent, the real call once, and what became of it. A question ends the attempt; the answer starts another that goes
 * through all of it again.
 */
export async function attempt<I extends ChangeArguments, C extends AddressChange, Own extends string>(
  kind: ChangeKind<I, C, Own>,
  call: PlacedCall<I>,
  answer: Answer,
): Promise<ChangeResult<Own> | Asking> {
  const { input, region, server, context, era, dependencies } = call;
  const audit = auditFields(kind.tool, input, call);
  const request = kind.requestOf(input, region);
  const need = confirmationNeed(dependencies.confirmMode, server, context, era);
  const result = await beforeReading({ ...call, kind, request, need, answer, audit });
  if ('question' in result) return result;
  recordOutcome(call, audit, result);
  return kind.told(told(result, kind.outcomes.accepted));
}

/** The result of a call that failed before the real call; on record, unless its arguments made it no attempt. */
export function failedAttempt(
  tool: ChangeTool,
  call: FailedCall,
  region: string | undefined,
  error: ErrorReport,
): ChangeResult<never> {
  const { input } = call;
  const progress = {
    nat_gateway_id: input.nat_gateway_id || undefined,
    region: region ?? input.region,
    confirmation: 'not_reached' as const,
    next: call.next,
  };
  const result = refused(progress, error);
  if (call.argumentsFit) recordOutcome(call, auditFields(tool, input, call), result);
  return { ...result, changed: false };
}

function recordOutcome(call: Timed, fields: AuditFields, result: ChangeResult<string>): void {
  const { audit, logger, monotonic } = call.dependencies;
  const { outcome } = result;
  const duration_ms = Math.round(monotonic() - call.began);
  const record = { ...fields, outcome, ...decisive(result), duration_ms };
  if (!audit.outcome(record)) logger.error({ id: fields.id, outcome }, 'audit record not written');
}

/** The rules and the answer that need nothing read, then the queue: one change at a time on a gateway. */
async function beforeReading<I extends ChangeArguments, C extends AddressChange, Own extends string>(
  attempt: Attempt<I, C, Own>,
): Promise<ChangeResult<Own> | Asking> {
  const { kind, request, input, need, answer, context, dependencies } = attempt;
  const progress: Progress = { nat_gateway_id: request.natGatewayId, region: request.region };
  const forbidden = denialsBeforeReading(kind.rules(dependencies.policy), changeRequest(request, input));
  if (forbidden.length > 0) {
    const findings = policyFindings(forbidden);
    const refusal = blocked(findings, kind.afterBlocking(findings, attempt));
    return { ...progress, confirmation: 'not_reached', findings, ...refusal };
  }
  const unconfirmed = withoutYes(answer, progress);
  if (unconfirmed !== undefined) return unconfirmed;
  if (!canChange(input.mode, need, answer)) return check(attempt);

  const { signal } = context.mcpReq;
  const giveUp = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUTS.queue)]);
  try {
    const gateway = [attempt.where.target ?? '', request.region, request.natGatewayId].join('/');
    return await dependencies.changes.run(gateway, giveUp, () => check(attempt));
  } catch (error) {
    if (!(error instanceof NotBegun)) throw error;
    if (signal.aborted) throw cancelled();
    const next = waitCall(request.region, request.natGatewayId, undefined);
    const refusal = callsAhead(TIMEOUTS.queue / 1000, error.ahead);
    return refused({ ...progress, confirmation: 'not_reached', next }, refusal);
  }
}

/** Describe and dry run at the same time; then preflight and every rule, given the state. */
async function check<I extends ChangeArguments, C extends AddressChange, Own extends string>(
  attempt: Attempt<I, C, Own>,
): Promise<ChangeResult<Own> | Asking> {
  const { kind, request, input, ec2, dependencies, context } = attempt;
  const { signal } = context.mcpReq;
  const [observed, dryRun, evidence] = await Promise.all([
    observeGateway(attempt, request.natGatewayId),
    kind.calls(ec2).dryRun(request, signal, attempt.audit),
    kind.lookUp?.(attempt),
  ]);
  const { accountId } = dryRun;
  attempt.audit.signed_by = dryRun.signer;
  const progress: Progress = {
    nat_gateway_id: request.natGatewayId,
    region: request.region,
    account_id: accountId,
    dry_run: dryRunMembers(dryRun),
    confirmation: 'not_reached',
  };
  const ignored = dryRunIgnored(dryRun, request);
  if (observed instanceof Failure) {
    const { report } = observed;
    return { ...refused(progress, report), ...afterFailedRead(report, request), ...ignored };
  }

  const gateway = dependencies.drains.judge(request.region, observed, dependencies.ec2Clock.monotonic());
  const rules = kind.rules(dependencies.policy);
  const forbidden = denials(rules, changeRequest(request, input), { gateway, accountId });
  const subject = { request, gateway, evidence, dependencies };
  const checked = kind.check(subject, forbidden);
  const { verdict } = checked;
  Object.assign(progress, checked.progress);
  if (ignored !== undefined) return { ...progress, ...ignored };
  if (verdict === 'done') return { ...progress, outcome: kind.outcomes.done, ...kind.afterDone(subject) };
  if (verdict === 'blocked') {
    const findings = [...checked.findings, ...(checked.evidence?.findings ?? [])];
    return { ...progress, ...blocked(findings, kind.afterBlocking(findings, subject), dryRun) };
  }
  if (!dryRun.passed) return refused(progress, dryRun.error);
  if (input.mode === 'dry_run') {
    return { ...progress, outcome: 'dry_run_passed', ...afterDryRun(attempt, kind, attempt.need) };
  }
  const { findings, evidence: judged } = checked;
  const { target } = attempt.where;
  const question = { ...request, tool: kind.tool, target, accountId, gateway, findings, evidence: judged };
  return decide(attempt, question, dryRun.permit, progress);
}

/** The hourly limit and the yes. The limit is looked at before anybody is asked, and counted before sending. */
async function decide<I extends ChangeArguments, C extends AddressChange, Own extends string>(
  attempt: Attempt<I, C, Own>,
  question: Question,
  permit: Permit,
  progress: Progress,
): Promise<ChangeResult<Own> | Asking> {
  const { need, answer, dependencies, context } = attempt;
  const { changeLimit, confirmation } = dependencies;
  const principal = context.http?.authInfo?.clientId;
  if (changeLimit.secondsLeft(principal) > 0) return limitReached(attempt, progress);

  if (need === 'unavailable') return refused(progress, noConfirmation());
  if (need === 'needed') {
    const asking = confirmation.useYes(answer, question);
    if (asking !== undefined) return asking;
  }
  const confirmed = { ...progress, confirmation: need === 'needed' ? ('confirmed' as const) : need };
  if (!(await dependencies.isHeard()) || context.mcpReq.signal.aborted) {
    return refused(confirmed, cancelled().report);
  }
  if (dependencies.stopping.aborted) return refused(confirmed, stopping());
  if (!changeLimit.take(principal)) return limitReached(attempt, confirmed);
  const result = execute(attempt, permit, confirmed);
  return orCutShort(dependencies.graceOver, result, () => unknown(attempt, confirmed, cutShort()));
}

function limitReached({ dependencies, context }: AnyAttempt, progress: Progress): ChangeResult<never> {
  const { changeLimit } = dependencies;
  const seconds = changeLimit.secondsLeft(context.http?.authInfo?.clientId);
  const { findings, error } = changesSpent(changeLimit.perHour, seconds);
  return refused({ ...progress, findings: [...(progress.findings ?? []), ...findings] }, error);
}

/** The intent, the real call, and what became of it. Nobody can cancel this part, and no fault hides that it was sent. */
async function execute<I extends ChangeArguments, C extends AddressChange, Own extends string>(
  attempt: Attempt<I, C, Own>,
  permit: Permit,
  progress: Progress,
): Promise<ChangeResult<Own>> {
  const { kind, ec2, audit, dependencies, context } = attempt;
  try {
    dependencies.audit.intent({ ...audit, ...decisive(progress) });
  } catch (error) {
    dependencies.changeLimit.refund(context.http?.authInfo?.clientId);
    return refused(progress, reportOf(error));
  }
  const sentAt = dependencies.ec2Clock.now();
  try {
    const answer = await kind.calls(ec2).send(permit);
    if (answer.kind === 'refused' && answer.isUnsent) {
      dependencies.changeLimit.refund(context.http?.authInfo?.clientId);
      return refused(progress, answer.error);
    }
    const request_id = answer.kind === 'accepted' ? answer.request_id : answer.error.request_id;
    const sent = { ...progress, [kind.realCall]: { request_id } };
    if (answer.kind === 'refused') return refused(sent, answer.error);
    kind.noteSent(attempt);
    if (answer.kind === 'ambiguous') return await reconcile(attempt, answer, sent, sentAt);
    const addresses = withStatus(progress, answer.addresses);
    return accepted(attempt, { ...sent, addresses }, dependencies.ec2Clock.now());
  } catch (error) {
    dependencies.logger.error({ err: error }, 'attempt failed after its intent');
    kind.noteSent(attempt);
    return unknown(attempt, progress, unresolved('unclear', reportOf(error)));
  }
}

/** Establishes by reading what became of a real call whose answer does not tell. */
async function reconcile<I extends ChangeArguments, C extends AddressChange, Own extends string>(
  attempt: Attempt<I, C, Own>,
  { error, origin }: ChangeAnswer & { kind: 'ambiguous' },
  progress: Progress,
  sentAt: number,
): Promise<ChangeResult<Own>> {
  const { kind, ec2, request } = attempt;
  const { verdict, gateway } = await kind.calls(ec2).reconcile(request, origin);
  const seen =
    gateway === undefined ? progress : { ...progress, addresses: withStatus(progress, gateway.addresses) };
  if (verdict === 'accepted') return accepted(attempt, { ...seen, reconciled: true }, sentAt);
  const partial = verdict === 'partial' ? { partial_change: true } : {};
  return unknown(attempt, { ...seen, ...partial }, unresolved(verdict, error));
}

/** The result of an accepted request, which took effect no earlier than `startedAt`. */
function accepted<I extends ChangeArguments, C extends AddressChange, Own extends string>(
  attempt: Attempt<I, C, Own>,
  progress: Progress,
  startedAt: number,
): ChangeResult<Own> {
  const { kind } = attempt;
  return { ...kind.accepted(attempt, progress, startedAt), outcome: kind.outcomes.accepted };
}

/** The result where it could not be established what became of the real call. */
function unknown(
  { request, dependencies }: AnyAttempt,
  progress: Progress,
  error: ErrorReport,
): ChangeResult<never> {
  const not_before = new Date(dependencies.ec2Clock.now() + LOOK_AGAIN_SECONDS * 1000).toISOString();
  return {
    ...progress,
    outcome: 'unknown',
    error,
    next: { ...describeCall(request.region, request.natGatewayId), not_before },
  };
}

function refused(progress: Progress, error: ErrorReport): ChangeResult<never> {
  return { ...progress, outcome: 'refused', error };
}

function changeRequest(
  { region, natGatewayId, privateIps }: AddressChange,
  { mode, min_remaining: minRemaining }: ChangeArguments,
): ChangeRequest {
  return { mode, region, natGatewayId, privateIps, minRemaining };
}
