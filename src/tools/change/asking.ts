import type { InputRequiredResult } from '@modelcontextprotocol/server';
import type { Answer, Asking, Need } from '../../changes/confirmation.ts';
import { cancelled, Failure } from '../../vocabulary/failure.ts';
import type { ChangeTool } from '../../vocabulary/names.ts';
import type { Call, PlacedCall } from '../define-tool.ts';
import { anyOf } from '../grace.ts';
import { inOnePlace, type OnePlace } from '../one-place.ts';
import type { AnyAttempt } from './kind.ts';
import { askedTooOften, askingFailed, notConfirmedHint, stopping } from './refusals.ts';
import { auditFields, type ChangeResult, type Progress } from './result.ts';

/** Asking for a yes around the attempts of one call. */

/** The most questions within one call, each because what the one before showed has changed since. */
const MOST_QUESTIONS = 8;

/**
 * Attempts until there is a result. A question ends an attempt; its answer starts another, which goes through everything
 * again, with the targets and rules that are in force by then. A client of the modern era is asked by the result, and
 * repeats the call with its answer.
 *
 * @throws Failure where nobody waits for the answer any more
 */
export async function untilAnswered<Input extends OnePlace, Own extends string>(
  tool: ChangeTool,
  call: Call<Input>,
  attempt: (call: PlacedCall<Input>, answer: Answer) => Promise<ChangeResult<Own> | Asking>,
): Promise<ChangeResult<Own> | InputRequiredResult> {
  const { context, era, dependencies } = call;
  const { audit, inputEnded, monotonic, stopping: ending } = dependencies;
  const { signal } = context.mcpReq;
  const confirmation = await dependencies.confirmation();
  let answer = confirmation.answer(context);
  for (let asked = 0; ; asked += 1) {
    const placed = { ...(await inOnePlace(call)), began: monotonic() };
    const result = await attempt(placed, answer);
    if (!('question' in result)) return result;
    if (asked === MOST_QUESTIONS) throw new Failure(askedTooOften(asked));
    audit.outcome({ ...auditFields(tool, placed.input, placed), outcome: 'confirmation_asked' });
    if (era === 'modern') return confirmation.ask(result, context);
    // After stdin has ended no answer can come.
    const giveUp = anyOf([signal, ending, inputEnded]);
    answer = await confirmation.askWithin(result, context, giveUp.signal).finally(giveUp.letGo);
    if (signal.aborted) throw cancelled();
    if (giveUp.signal.aborted) throw new Failure(stopping());
  }
}

/** The result of an attempt whose question was answered, and not with yes. A no ends the question. */
export async function withoutYes(
  { answer, change, request, ec2, dependencies }: AnyAttempt,
  progress: Progress,
): Promise<ChangeResult<never> | undefined> {
  if (answer.kind !== 'no' && answer.kind !== 'unusable') return undefined;
  const identity = await ec2.identity(request.region);
  const addresses = request.privateIps.map((private_ip) => ({ private_ip }));
  const named = { ...progress, account_id: identity?.account_id, addresses };
  if (answer.kind === 'unusable') {
    const error = askingFailed(answer.why);
    return { ...named, outcome: 'refused', confirmation: 'not_possible', error };
  }
  const { how, ended } = answer;
  if (ended !== undefined) {
    // Where it cannot be written, no yes can be used either.
    await dependencies.state.yeses.use(ended.nonce, change.attempt, ended.rememberFor).catch(() => {});
  }
  return { ...named, outcome: 'not_confirmed', confirmation: how, hint: notConfirmedHint(how) };
}

/** Whether an attempt can get as far as the real call. One that can only ask, or be refused, waits for no other. */
export function canChange(mode: 'execute' | 'dry_run', need: Need, answer: Answer): boolean {
  if (mode === 'dry_run' || need === 'unavailable') return false;
  return need !== 'needed' || answer.kind === 'yes';
}
