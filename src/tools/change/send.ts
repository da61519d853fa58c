import type { AddressChange, ChangeAnswer, Permit } from '../../aws/permit.ts';
import type { Hold } from '../../changes/state.ts';
import { type ErrorReport, reportOf } from '../../vocabulary/failure.ts';
import { orCutShort } from '../grace.ts';
import { describeCall } from '../results.ts';
import { settle, unclaim } from './claims.ts';
import type { AnyAttempt, Attempt, ChangeArguments } from './kind.ts';
import { cutShort, unresolved } from './refusals.ts';
import { type ChangeResult, decisive, type Progress, refused, withStatus } from './result.ts';

/** The real call of an attempt, and what became of it. */

/** What the real call is sent with: the right to, and the gateway. */
export interface Sending {
  permit: Permit;
  hold: Hold;
}

/** Sends the real call. When the process has to exit first, its outcome is unknown. */
export function send<I extends ChangeArguments, C extends AddressChange, Own extends string>(
  attempt: Attempt<I, C, Own>,
  sending: Sending,
  progress: Progress,
): Promise<ChangeResult<Own>> {
  const result = execute(attempt, sending, progress);
  return orCutShort(attempt.dependencies.graceOver, result, () => {
    sending.hold.keep();
    return unknown(attempt, progress, cutShort());
  });
}

/** The intent, the real call, and what became of it. Nobody can cancel this part, and no fault hides that it was sent. */
async function execute<I extends ChangeArguments, C extends AddressChange, Own extends string>(
  attempt: Attempt<I, C, Own>,
  { permit, hold }: Sending,
  progress: Progress,
): Promise<ChangeResult<Own>> {
  const { kind, ec2, audit, dependencies } = attempt;
  try {
    if (dependencies.state.isShared) audit.fence = hold.fence;
    dependencies.audit.intent({ ...audit, ...decisive(progress) });
  } catch (error) {
    unclaim(attempt);
    return refused(progress, reportOf(error));
  }
  const sentAt = dependencies.ec2Clock.now();
  try {
    const answer = await kind.calls(ec2).send(permit, () => hold.maySend());
    if (answer.kind === 'refused' && answer.isUnsent) {
      unclaim(attempt);
      return refused(progress, answer.error);
    }
    const request_id = answer.kind === 'accepted' ? answer.request_id : answer.error.request_id;
    const sent = { ...progress, [kind.realCall]: { request_id } };
    if (answer.kind === 'refused') {
      settle(attempt, { kind: 'not_made' });
      return refused(sent, answer.error);
    }
    if (answer.kind === 'ambiguous') return await reconcile(attempt, answer, sent, sentAt);
    const addresses = withStatus(progress, answer.addresses);
    return accepted(attempt, { ...sent, addresses }, dependencies.ec2Clock.now());
  } catch (error) {
    dependencies.logger.error({ err: error }, 'attempt failed after its intent');
    settle(attempt, { kind: 'unknown' });
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
  settle(attempt, { kind: 'unknown' });
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
  const result = kind.accepted(attempt, progress, startedAt);
  // What was read may be somebody else's drain, which can last longer.
  settle(attempt, { kind: 'accepted', drain: progress.reconciled ? undefined : result.drain });
  return { ...result, outcome: kind.outcomes.accepted };
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

/** When an address that looks untouched after a lost answer is worth another look. */
const LOOK_AGAIN_SECONDS = 60;
