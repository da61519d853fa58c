import { randomUUID } from 'node:crypto';
import type { InputRequiredResult } from '@modelcontextprotocol/server';
import type { Answer, Asking, Need, Yes } from '../../changes/confirmation.ts';
import { anyOf } from '../../vocabulary/any-of.ts';
import { cancelled, Failure } from '../../vocabulary/failure.ts';
import type { ChangeTool } from '../../vocabulary/names.ts';
import type { Call, PlacedCall } from '../define-tool.ts';
import { inOnePlace, type OnePlace } from '../one-place.ts';
import { describeCall } from '../results.ts';
import type { AnyAttempt } from './kind.ts';
import { answeredBefore, askedTooOften, askingFailed, notConfirmedHint, stopping } from './refusals.ts';
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
  // Before everything else: a no ends its question, whatever becomes of this call.
  if (answer.kind === 'no') answer = { ...answer, isLate: !(await end(confirmation.carried(context), call)) };
  for (let asked = 0; ; asked += 1) {
    const placed = { ...(await inOnePlace(call)), began: monotonic() };
    const result = await attempt(placed, answer);
    if (!('question' in result)) return result;
    // So does a yes that does not count.
    if (answer.kind === 'yes') await end(confirmation.carried(context), call);
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

/**
 * Ends a question: the client could send its state once more, with another answer. False where another answer has ended it.
 *
 * @throws Failure `state_unavailable` where that cannot be written
 */
async function end(question: Yes | undefined, { dependencies }: Pick<Call<unknown>, 'dependencies'>) {
  if (question === undefined) return true;
  return dependencies.state.yeses.use(question.nonce, randomUUID(), question.rememberFor);
}

/** The result of an attempt whose question was answered, and not with yes. */
export async function withoutYes(
  { answer, request, ec2 }: AnyAttempt,
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
  const { how, isLate } = answer;
  const result = { ...named, outcome: 'not_confirmed' as const, confirmation: how };
  if (!isLate) return { ...result, hint: notConfirmedHint(how) };
  const next = describeCall(request.region, request.natGatewayId);
  return { ...result, hint: answeredBefore(), next };
}

/** Whether an attempt can get as far as the real call. One that can only ask, or be refused, waits for no other. */
export function canChange(mode: 'execute' | 'dry_run', need: Need, answer: Answer): boolean {
  if (mode === 'dry_run' || need === 'unavailable') return false;
  return need !== 'needed' || answer.kind === 'yes';
}
