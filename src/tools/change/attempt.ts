import { randomUUID } from 'node:crypto';
import type { AddressChange } from '../../aws/permit.ts';
import type { Approval } from '../../changes/approvals.ts';
import type { AuditFields } from '../../changes/audit-log.ts';
import { type Answer, type Asking, confirmationNeed, type Question } from '../../changes/confirmation.ts';
import { NotBegun } from '../../changes/queue.ts';
import type { Hold } from '../../changes/state.ts';
import { type ChangeRequest, denials, denialsBeforeReading } from '../../nat-gateway/policy.ts';
import { policyFindings } from '../../nat-gateway/preflight.ts';
import { cancelled, type ErrorReport, Failure, failureThrown } from '../../vocabulary/failure.ts';
import type { ChangeTool } from '../../vocabulary/names.ts';
import { TIMEOUTS } from '../../vocabulary/timeouts.ts';
import { callerOf } from '../caller.ts';
import type { FailedCall, PlacedCall } from '../define-tool.ts';
import { observeGateway } from '../observe-gateway.ts';
import { hasSameRules } from '../one-place.ts';
import { shownFinding, waitCall } from '../results.ts';
import { approvalGone, approversOf, judgeApproval, lacksApproval, namedApproval } from './approval.ts';
import { canChange, withoutYes } from './asking.ts';
import { claim, holdGateway, recallFor, unclaim } from './claims.ts';
import type { AnyAttempt, Attempt, ChangeArguments, ChangeKind } from './kind.ts';
import { afterDryRun, afterFailedRead } from './next-step.ts';
import {
  blocked,
  callsAhead,
  changesSpent,
  noConfirmation,
  rulesChanged,
  stopping,
  tooLate,
} from './refusals.ts';
import {
  auditFields,
  type ChangeResult,
  decisive,
  dryRunIgnored,
  dryRunMembers,
  type Progress,
  refused,
  told,
} from './result.ts';
import { type Sending, send } from './send.ts';

/** The latest times in a call for the second round to a shared state, which takes 3 s, and for sending: 35 s may follow. */
const SHARED_STATE_SECONDS = 11;
const SENDING_SECONDS = 14;

type Timed = Pick<PlacedCall<unknown>, 'dependencies' | 'began'>;

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
  const change = { ...request, attempt: randomUUID(), tool: kind.tool };
  const result = await beforeReading({ ...call, kind, request, change, need, answer, audit });
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
    return { ...progress, confirmation: 'not_reached', findings: findings.map(shownFinding), ...refusal };
  }
  const unconfirmed = await withoutYes(attempt, progress);
  if (unconfirmed !== undefined) return unconfirmed;
  if (!canChange(input.mode, need, answer) || lacksApproval(attempt)) return check(attempt);

  const over = new AbortController();
  const holding = holdGateway(attempt, over.signal);
  try {
    // In one process the second of two changes meets the state that the first left.
    if (!dependencies.state.isShared) await holding;
    return await check({ ...attempt, holding });
  } catch (error) {
    if (!(error instanceof NotBegun)) throw error;
    if (context.mcpReq.signal.aborted) throw cancelled();
    const next = waitCall(request.region, request.natGatewayId, undefined);
    const refusal = callsAhead(TIMEOUTS.queue / 1000, error.ahead);
    return refused({ ...progress, confirmation: 'not_reached', next }, refusal);
  } finally {
    over.abort();
    void holding.then(
      (hold) => hold.free(),
      () => {},
    );
  }
}

/** Describe and dry run at the same time; then preflight and every rule, given the state. */
async function check<I extends ChangeArguments, C extends AddressChange, Own extends string>(
  attempt: Attempt<I, C, Own>,
): Promise<ChangeResult<Own> | Asking> {
  const { kind, request, input, dependencies } = attempt;
  const { dryRun, beside } = await lookAgainIfStale(attempt);
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
  if (beside.status === 'rejected') {
    if (ignored !== undefined) return { ...progress, ...ignored };
    throw beside.reason;
  }
  const { observed, evidence, recalled, hold, approval } = beside.value;
  if (observed instanceof Failure) {
    const { report } = observed;
    return { ...refused(progress, report), ...afterFailedRead(report, request), ...ignored };
  }

  const { remembered } = recalled;
  const gateway = remembered.judge(observed, dependencies.ec2Clock.monotonic());
  const rules = kind.rules(dependencies.policy);
  const forbidden = denials(rules, changeRequest(request, input), { gateway, accountId });
  const subject = { request, gateway, evidence, remembered, dependencies };
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
    return {
      ...progress,
      outcome: 'dry_run_passed',
      ...afterDryRun(attempt, kind, attempt.need, recalled.secondsLeft),
    };
  }
  const { findings, evidence: judgedEvidence } = checked;
  const { target } = attempt.where;
  const question = {
    ...request,
    tool: kind.tool,
    target,
    accountId,
    gateway,
    findings,
    evidence: judgedEvidence,
  };
  if (recalled.secondsLeft > 0) return limitReached(attempt, progress, recalled.secondsLeft);
  return decide(attempt, question, { permit: dryRun.permit, hold, approval }, progress);
}

/** Looks; and once more where a replica held the gateway meanwhile, whose change may not have been seen. */
async function lookAgainIfStale<I extends ChangeArguments, C extends AddressChange, Own extends string>(
  attempt: Attempt<I, C, Own>,
) {
  const first = await look(attempt);
  const { dryRun, beside } = first;
  const isStale = beside.status === 'fulfilled' && beside.value.hold?.readAgain === true;
  if (!attempt.dependencies.state.isShared || !isStale) return first;
  return dryRunIgnored(dryRun, attempt.request) === undefined ? look(attempt) : first;
}

/**
 * Dry run, and beside it describe, evidence, memory and the waiting for the gateway. The dry run tells first, whatever
 * fails beside it: one that was answered with success may have made the change.
 */
async function look<I extends ChangeArguments, C extends AddressChange, Own extends string>(
  attempt: Attempt<I, C, Own>,
) {
  const { kind, request, ec2, context, holding } = attempt;
  const named = namedApproval(attempt);
  const dryRunBy = async () => {
    const { id, principal } = attempt.audit;
    const by = { id, principal, approvers: approversOf(attempt, await named) };
    return kind.calls(ec2).dryRun(request, context.mcpReq.signal, by);
  };
  const looking = Promise.all([
    named,
    observeGateway(attempt, request.natGatewayId),
    kind.lookUp?.(attempt),
    recallFor(attempt, attempt.input.mode === 'execute'),
    holding,
  ]).then(([approval, observed, evidence, recalled, hold]) => ({
    ...{ approval, observed, evidence, recalled, hold },
  }));
  const [dryRun, [beside]] = await Promise.all([dryRunBy(), Promise.allSettled([looking])]);
  return { dryRun, beside };
}

/** What a change is made with, as far as the attempt has it. */
interface Means extends Pick<Sending, 'permit'> {
  hold: Hold | undefined;
  /** The one that the call names. */
  approval: Approval | undefined;
}

/** The yes, and all that is used up by a real call. The limit was looked at before anybody is asked. */
async function decide<I extends ChangeArguments, C extends AddressChange, Own extends string>(
  attempt: Attempt<I, C, Own>,
  question: Question,
  { permit, hold, approval }: Means,
  progress: Progress,
): Promise<ChangeResult<Own> | Asking> {
  const { need, answer, dependencies, context } = attempt;
  if (need === 'unavailable') return refused(progress, noConfirmation());
  const judged = await judgeApproval(attempt, question, approval, progress);
  if (judged !== undefined && 'outcome' in judged) return judged;
  const yes = need === 'needed' ? (await dependencies.confirmation()).judgeYes(answer, question) : undefined;
  if (yes !== undefined && 'question' in yes) return yes;
  const confirmed = {
    ...progress,
    ...judged?.progress,
    confirmation: need === 'needed' ? ('confirmed' as const) : need,
  };
  if (hold === undefined) throw new Error('a change of a gateway that is not held');
  const early = obstacleTo(attempt, SHARED_STATE_SECONDS);
  if (early !== undefined) return refused(confirmed, early);
  const claimed = await claim(attempt, hold, { yes, approval: judged?.use }).catch(failureThrown);
  if (claimed instanceof Failure) return refused(confirmed, claimed.report);
  if (claimed === 'approval') return approvalGone(attempt, approval, confirmed);
  if (claimed === 'yes') return { question, stale: 'used' };
  if (claimed === 'hold') return refused(confirmed, tooLate());
  if (claimed === 'limit') {
    const { limit } = dependencies.state;
    const seconds = await limit.secondsLeft(callerOf(context)).catch(failureThrown);
    if (seconds instanceof Failure) return refused(confirmed, seconds.report);
    return limitReached(attempt, confirmed, seconds);
  }
  const isHeard = (await dependencies.isHeard()) && !context.mcpReq.signal.aborted;
  const obstacle = isHeard ? obstacleTo(attempt, SENDING_SECONDS) : cancelled().report;
  if (obstacle !== undefined) {
    unclaim(attempt);
    return refused(confirmed, obstacle);
  }
  return send(attempt, { permit, hold }, confirmed);
}

/** Why a change that is decided must not be sent, after so much of its call's time. */
function obstacleTo(call: PlacedCall<unknown>, seconds: number): ErrorReport | undefined {
  if (call.dependencies.stopping.aborted) return stopping();
  if (!hasSameRules(call)) return rulesChanged();
  return isLate(call, seconds) ? tooLate() : undefined;
}

/** Whether so much of a call's time is gone, where a shared state takes a part of it. */
function isLate({ dependencies: { state, monotonic }, began }: Timed, seconds: number): boolean {
  return state.isShared && monotonic() - began > seconds * 1000;
}

function limitReached(
  { dependencies }: AnyAttempt,
  progress: Progress,
  seconds: number,
): ChangeResult<never> {
  const { findings, error } = changesSpent(dependencies.state.limit, seconds);
  return refused({ ...progress, findings: [...(progress.findings ?? []), ...findings] }, error);
}

function changeRequest(
  { region, natGatewayId, privateIps }: AddressChange,
  { mode, min_remaining: minRemaining }: ChangeArguments,
): ChangeRequest {
  return { mode, region, natGatewayId, privateIps, minRemaining };
}
