import type { ChangeAnswer, Permit } from '../../aws/permit.ts';
import type { UnassignRequest } from '../../aws/unassign.ts';
import type { AuditFields } from '../../changes/audit-log.ts';
import {
  type Answer,
  type Asking,
  confirmationNeed,
  type Need,
  type Question,
} from '../../changes/confirmation.ts';
import { NotBegun } from '../../changes/queue.ts';
import { type Drain, drainFrom, undoCommand } from '../../nat-gateway/drain.ts';
import { type ChangeRequest, denials, denialsBeforeReading } from '../../nat-gateway/policy.ts';
import { policyFindings, preflight } from '../../nat-gateway/preflight.ts';
import { cancelled, type ErrorReport, Failure, reportOf } from '../../vocabulary/failure.ts';
import { TIMEOUTS } from '../../vocabulary/timeouts.ts';
import type { FailedCall, PlacedCall } from '../define-tool.ts';
import { orCutShort } from '../grace.ts';
import { observeGateway } from '../observe-gateway.ts';
import { describeCall, waitCall } from '../results.ts';
import { canChange, withoutYes } from './asking.ts';
import { afterBlocking, afterDryRun, afterFailedRead, waitForRelease } from './next-step.ts';
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
  decisive,
  dryRunIgnored,
  dryRunMembers,
  type Progress,
  preflightMembers,
  told,
  type UnassignResult,
  withStatus,
} from './result.ts';

/** When an address that looks untouched after a lost answer is worth another look. */
const LOOK_AGAIN_SECONDS = 60;

export interface UnassignArguments {
  nat_gateway_id: string;
  private_ip_addresses: string[];
  max_drain_duration_seconds: number;
  mode: ChangeRequest['mode'];
  min_remaining?: number | undefined;
  region?: string | undefined;
}

type Timed = Pick<PlacedCall<unknown>, 'dependencies' | 'began'>;

/** One attempt on its way down this page. */
interface Attempt extends PlacedCall<UnassignArguments> {
  request: UnassignRequest;
  need: Need;
  /** The client's answer to a question asked before, if there is one. */
  answer: Answer;
  audit: AuditFields;
}

/**
 * Arguments to result: policy, then observation and dry run at the same time, preflight, a yes where one is needed, the
 * intent, the real call once, and what became of it. A question ends the attempt; the answer starts another that goes
 * through all of it again.
 */
export async function attempt(
  call: PlacedCall<UnassignArguments>,
  answer: Answer,
): Promise<UnassignResult | Asking> {
  const { id, input, region, server, context, era, dependencies } = call;
  const audit = auditFields(input, server, context, id);
  const request: UnassignRequest = {
    region,
    natGatewayId: input.nat_gateway_id,
    privateIps: input.private_ip_addresses,
    maxDrainDurationSeconds: input.max_drain_duration_seconds,
  };
  const need = confirmationNeed(dependencies.confirmMode, server, context, era);
  const result = await beforeReading({ ...call, request, need, answer, audit });
  if ('question' in result) return result;
  recordOutcome(call, audit, result);
  return told(result);
}

/** The result of a call that failed before the real call; on record, unless its arguments made it no attempt. */
export function failedAttempt(
  call: FailedCall,
  region: string | undefined,
  error: ErrorReport,
): UnassignResult {
  const { id, input, server, context } = call;
  const progress = {
    nat_gateway_id: input.nat_gateway_id || undefined,
    region: region ?? input.region,
    confirmation: 'not_reached' as const,
    next: call.next,
  };
  const result = refused(progress, error);
  if (call.argumentsFit) recordOutcome(call, auditFields(input, server, context, id), result);
  return told(result);
}

function recordOutcome(call: Timed, fields: AuditFields, result: UnassignResult): void {
  const { audit, logger, monotonic } = call.dependencies;
  const { outcome } = result;
  const duration_ms = Math.round(monotonic() - call.began);
  const record = { ...fields, outcome, ...decisive(result), duration_ms };
  if (!audit.outcome(record)) logger.error({ id: fields.id, outcome }, 'audit record not written');
}

/** The rules and the answer that need nothing read, then the queue: one change at a time on a gateway. */
async function beforeReading(attempt: Attempt): Promise<UnassignResult | Asking> {
  const { request, input, need, answer, context, dependencies } = attempt;
  const progress: Progress = { nat_gateway_id: request.natGatewayId, region: request.region };
  const forbidden = denialsBeforeReading(dependencies.policy, changeRequest(request, input));
  if (forbidden.length > 0) {
    const findings = policyFindings(forbidden);
    const refusal = blocked(findings, afterBlocking(findings, { request }));
    return { ...progress, confirmation: 'not_reached', findings, ...refusal };
  }
  const unconfirmed = withoutYes(answer, progress);
  if (unconfirmed !== undefined) return unconfirmed;
  if (!canChange(input.mode, need, answer)) return check(attempt);

  const { signal } = context.mcpReq;
  const giveUp = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUTS.queue)]);
  try {
    const gateway = `${request.region}/${request.natGatewayId}`;
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
async function check(attempt: Attempt): Promise<UnassignResult | Asking> {
  const { request, input, ec2, dependencies, context } = attempt;
  const { signal } = context.mcpReq;
  const [observed, dryRun] = await Promise.all([
    observeGateway(attempt, request.natGatewayId),
    ec2.unassign.dryRun(request, signal),
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

  const { region, privateIps, maxDrainDurationSeconds } = request;
  const gateway = dependencies.drains.judge(region, observed, dependencies.ec2Clock.monotonic());
  const forbidden = denials(dependencies.policy, changeRequest(request, input), { gateway, accountId });
  const preflighted = preflight(gateway, privateIps, maxDrainDurationSeconds, forbidden);
  Object.assign(progress, preflightMembers(preflighted, privateIps));
  if (ignored !== undefined) return { ...progress, ...ignored };
  if (preflighted.verdict === 'already_unassigning') {
    return { ...progress, outcome: 'already_unassigning', next: waitForRelease(attempt) };
  }
  if (preflighted.verdict === 'blocked') {
    const step = afterBlocking(preflighted.findings, { ...attempt, gateway });
    return { ...progress, ...blocked(preflighted.findings, step, dryRun) };
  }
  if (!dryRun.passed) return refused(progress, dryRun.error);
  if (input.mode === 'dry_run') {
    return { ...progress, outcome: 'dry_run_passed', ...afterDryRun(attempt, attempt.need) };
  }
  return decide(
    attempt,
    { ...request, accountId, gateway, findings: preflighted.findings },
    dryRun.permit,
    progress,
  );
}

/** The hourly limit and the yes. The limit is looked at before anybody is asked, and counted before sending. */
async function decide(
  attempt: Attempt,
  question: Question,
  permit: Permit,
  progress: Progress,
): Promise<UnassignResult | Asking> {
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

function limitReached({ dependencies, context }: Attempt, progress: Progress): UnassignResult {
  const { changeLimit } = dependencies;
  const seconds = changeLimit.secondsLeft(context.http?.authInfo?.clientId);
  const { findings, error } = changesSpent(changeLimit.perHour, seconds);
  return refused({ ...progress, findings: [...(progress.findings ?? []), ...findings] }, error);
}

/** The intent, the real call, and what became of it. Nobody can cancel this part, and no fault hides that it was sent. */
async function execute(attempt: Attempt, permit: Permit, progress: Progress): Promise<UnassignResult> {
  const { ec2, audit, dependencies, context } = attempt;
  try {
    dependencies.audit.intent({ ...audit, ...decisive(progress) });
  } catch (error) {
    dependencies.changeLimit.refund(context.http?.authInfo?.clientId);
    return refused(progress, reportOf(error));
  }
  const sentAt = dependencies.ec2Clock.now();
  try {
    const answer = await ec2.unassign.send(permit);
    if (answer.kind === 'accepted') return accepted(attempt, answer, progress);
    if (answer.kind === 'refused' && answer.isUnsent) {
      dependencies.changeLimit.refund(context.http?.authInfo?.clientId);
      return refused(progress, answer.error);
    }
    const sent = { ...progress, unassign: { request_id: answer.error.request_id } };
    if (answer.kind === 'refused') return refused(sent, answer.error);
    return await reconcile(attempt, { ...answer, sentAt }, sent);
  } catch (error) {
    dependencies.logger.error({ err: error }, 'attempt failed after its intent');
    return unknown(attempt, progress, unresolved('unclear', reportOf(error)));
  }
}

function accepted(
  attempt: Attempt,
  { addresses, request_id }: ChangeAnswer & { kind: 'accepted' },
  progress: Progress,
): UnassignResult {
  const { request, dependencies } = attempt;
  const drain = drainFrom(dependencies.ec2Clock.now(), request.maxDrainDurationSeconds);
  const sent = { ...progress, unassign: { request_id }, addresses: withStatus(progress, addresses) };
  return unassigning(attempt, drain, sent);
}

/** Establishes by reading what became of a real call whose answer does not tell. */
async function reconcile(
  attempt: Attempt,
  { error, origin, sentAt }: ChangeAnswer & { kind: 'ambiguous' } & { sentAt: number },
  progress: Progress,
): Promise<UnassignResult> {
  const { ec2, request, dependencies } = attempt;
  const { verdict, gateway } = await ec2.unassign.reconcile(request, origin);
  const seen =
    gateway === undefined ? progress : { ...progress, addresses: withStatus(progress, gateway.addresses) };
  if (verdict === 'accepted') {
    // EC2 may have accepted at any time since the call was sent.
    const drain = {
      ...drainFrom(dependencies.ec2Clock.now(), request.maxDrainDurationSeconds),
      started_at: new Date(sentAt).toISOString(),
    };
    return unassigning(attempt, drain, { ...seen, reconciled: true });
  }
  const partial = verdict === 'partial' ? { partial_change: true } : {};
  return unknown(attempt, { ...seen, ...partial }, unresolved(verdict, error));
}

/** The result of an accepted request; its drain is remembered, so that waits can tell when it ends. */
function unassigning({ request, dependencies }: Attempt, drain: Drain, progress: Progress): UnassignResult {
  dependencies.drains.remember(request, drain, dependencies.ec2Clock.monotonic());
  return {
    ...progress,
    outcome: 'unassigning',
    drain,
    undo_command: undoCommand(request.region, request.natGatewayId, request.privateIps),
    next: waitForRelease({ request, dependencies }),
  };
}

/** The result where it could not be established what became of the real call. */
function unknown({ request, dependencies }: Attempt, progress: Progress, error: ErrorReport): UnassignResult {
  const not_before = new Date(dependencies.ec2Clock.now() + LOOK_AGAIN_SECONDS * 1000).toISOString();
  return {
    ...progress,
    outcome: 'unknown',
    error,
    next: { ...describeCall(request.region, request.natGatewayId), not_before },
  };
}

function refused(progress: Progress, error: ErrorReport): UnassignResult {
  return { ...progress, outcome: 'refused', error };
}

function changeRequest(
  { region, natGatewayId, privateIps }: UnassignRequest,
  { mode, min_remaining: minRemaining }: UnassignArguments,
): ChangeRequest {
  return { mode, region, natGatewayId, privateIps, minRemaining };
}
