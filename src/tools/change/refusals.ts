import type { DryRun } from '../../aws/permit.ts';
import type { Limit } from '../../changes/state.ts';
import { type Finding, policyFindings } from '../../nat-gateway/preflight.ts';
import { type ErrorReport, errorReport } from '../../vocabulary/failure.ts';
import { DESCRIBE } from '../../vocabulary/names.ts';
import type { Advice } from './next-step.ts';
import type { Progress } from './result.ts';

/** What the caller of a change is told when it is refused, or cannot be told. */

/** The refusal for findings that block: all of them in `findings`, the next step in `step`. */
export function blocked(
  findings: readonly Finding[],
  step: Advice,
  dryRun?: DryRun,
): Pick<Progress, 'error' | 'next'> & { outcome: 'refused'; error: ErrorReport } {
  const blocking = findings.filter(({ severity }) => severity === 'blocks');
  const codes = new Set(blocking.map(({ code }) => code));
  const passes = [...codes].every((code) => code === 'unassigning' || code === 'change_in_progress');
  const list = blocking.map(({ code, rule, private_ip }) => {
    const about = rule === undefined ? private_ip : `--${rule}`;
    return about === undefined ? code : `${code} (${about})`;
  });
  const failed =
    dryRun === undefined || dryRun.passed ? '' : ` The dry run failed too: ${dryRun.error.message}`;
  const error = {
    // A state that forbids it is the firmer reason.
    code:
      codes.size === 1 && codes.has('policy') ? ('policy_denied' as const) : ('precondition_failed' as const),
    message: `Nothing was changed. Blocked by: ${list.join(', ')}.${failed}`,
    retryable: passes,
    hint: step.hint,
  };
  return { outcome: 'refused', error, next: step.next };
}

/** The refusal of a call whose caller has sent as many real calls in the last hour as allowed. */
export function changesSpent(
  { perHour, perHourInAll }: Pick<Limit, 'perHour' | 'perHourInAll'>,
  seconds: number,
): { findings: Finding[]; error: ErrorReport } {
  const sent = perHour === 1 ? 'One real call has' : `${perHour} real calls have`;
  const spent =
    perHourInAll === undefined
      ? `${sent} been sent for this caller within an hour, which is the limit.`
      : `As many real calls have been sent for this caller within an hour as it may make: ${perHour} in this target, ${perHourInAll} in all.`;
  const message = `${spent} Only the operator of this server can change that (--max-changes-per-hour).`;
  const findings = policyFindings([{ rule: 'max-changes-per-hour', message }]);
  const hint = `Check that the changes so far are what was meant. The next one is allowed in ${seconds} s; mode "dry_run" works meanwhile.`;
  const { error } = blocked(findings, { hint });
  return { findings, error: { ...error, retryable: true, retry_after_seconds: seconds } };
}

/** The refusal of a call that waited too long behind others on the same gateway, which may have changed nothing. */
export function callsAhead(seconds: number, ahead: number): ErrorReport {
  const calls =
    ahead === 1 ? '1 other call on this gateway was' : `${ahead} other calls on this gateway were`;
  return {
    code: 'precondition_failed',
    message: `${calls} ahead of this one, which did not get its turn within ${seconds} s. Nothing was changed by this one.`,
    retryable: true,
    hint: 'next waits for what is changing on the gateway. Then call again if the addresses are still there.',
  };
}

/** The refusal where a confirmation is required and the client declares no way to ask for one. */
export function noConfirmation(): ErrorReport {
  return errorReport({
    code: 'confirmation_unavailable',
    message:
      'A confirmation is required, and this client cannot ask for one (it declares no form elicitation). Nothing was changed.',
    retryable: false,
  });
}

/** The refusal where the client was asked and gave no answer that can be used; `why` completes the sentence. */
export function askingFailed(why: string): ErrorReport {
  return {
    code: 'confirmation_unavailable',
    message: `The client declares that it can ask for a confirmation, and could not: ${why}. Nothing was changed.`,
    retryable: false,
    hint: 'Use a client whose MCP elicitation works, or have the operator of this server start it with --confirm never and rely on its policy. Mode "dry_run" needs no confirmation.',
  };
}

/** The refusal of a call whose question had to be asked anew `times` times, because what it showed had changed. */
export function askedTooOften(times: number): ErrorReport {
  return {
    code: 'precondition_failed',
    message: `The gateway changed after each of ${times} questions. Nothing was changed by this call.`,
    retryable: true,
    hint: `Look with ${DESCRIBE} what is changing it, then call again.`,
  };
}

/** What to do after an answer other than yes. It is the client's: whether its user saw the question is not known. */
export function notConfirmedHint(how: 'declined' | 'cancelled' | 'unticked' | 'expired'): string {
  if (how === 'expired') {
    return 'Nothing was changed: no yes came within ten minutes. Call again when the user is there to answer.';
  }
  return 'Nothing was changed. This is the answer of the client; its user may not have been asked, because some hosts answer by themselves (run without a person, or by a hook). Call again only if the user wants the change, in a host that shows the question; or the operator of this server starts it with --confirm never and relies on its policy.';
}

/** What to do after a no to a question that was answered before. */
export function answeredBefore(): string {
  return 'This call changed nothing, but its question had been answered before, and the first answer counts: next shows what became of it.';
}

/** The refusal of a call that was not sent when the server was told to end. */
export function stopping(): ErrorReport {
  return {
    code: 'precondition_failed',
    message: 'This server is shutting down and starts no further change. Nothing was changed.',
    retryable: true,
    hint: 'Call again once it has been started again.',
  };
}

/** The refusal of a change whose target went, or has other rules than when the call began. */
export function rulesChanged(): ErrorReport {
  return {
    code: 'precondition_failed',
    message: 'The targets of this server were changed while this call was under way. Nothing was sent.',
    retryable: true,
    hint: 'Call again: everything is checked by the rules that are in force now.',
  };
}

/** The refusal of a change for which the gateway was not held long enough. Nothing was sent. */
export function tooLate(): ErrorReport {
  return errorReport({
    code: 'timed_out',
    message:
      'The answers of AWS or of the shared state took too long to send the change in time. Nothing was changed.',
    retryable: true,
  });
}

/** The report of a real call whose outcome reading could not establish. */
export function unresolved(verdict: 'partial' | 'unchanged' | 'unclear', error: ErrorReport): ErrorReport {
  const finding = {
    partial:
      'Some of the addresses have changed since and some have not; addresses says which. Someone may have changed them at the same time.',
    unchanged:
      'Read several times since, the addresses look untouched: the request was probably not accepted, but EC2 may still show it late.',
    unclear: 'Reading the gateway since could not tell either.',
  };
  return errorReport({
    code: 'outcome_unknown',
    message: `The request was sent, and its answer does not tell what became of it (${error.message}) ${finding[verdict]}`,
    retryable: false,
    aws_code: error.aws_code,
    request_id: error.request_id,
  });
}

/** The report of a real call whose outcome was not known yet when the server had to exit. */
export function cutShort(): ErrorReport {
  return errorReport({
    code: 'outcome_unknown',
    message: 'This server shut down during the real call, before its outcome was known.',
    retryable: false,
  });
}
