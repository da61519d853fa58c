import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import {
  type Approval,
  type ApprovalState,
  approvalState,
  type Decision,
  isAlive,
} from '../changes/approvals.ts';
import { Failure } from '../vocabulary/failure.ts';
import { APPROVE_SCOPE, DECIDE_APPROVAL, LIST_APPROVALS } from '../vocabulary/names.ts';
import { approvalSchema, listedApproval, maySee } from './approval-members.ts';
import { approvalId } from './arguments.ts';
import { callerOf } from './caller.ts';
import { auditFields } from './change/result.ts';
import { type Call, defineTool } from './define-tool.ts';
import { errorSchema } from './results.ts';

/** Other characters would break the lines of a log or a terminal. */
const PRINTABLE = /^[^\p{Cc}\p{Zl}\p{Zp}\p{Bidi_C}]*$/u;

const input = {
  approval_id: approvalId,
  verdict: z.enum(['approve', 'reject']),
  reason: z
    .string()
    .trim()
    .min(1, 'Give a reason')
    .max(500)
    .regex(PRINTABLE, 'Write the reason in one line')
    .describe('Why, in the words of the person who decides: 1 to 500 characters'),
};

interface Input extends Pick<Decision, 'verdict' | 'reason'> {
  approval_id: string;
}

export const decideReleaseApproval = defineTool({
  name: DECIDE_APPROVAL,
  title: 'Decide release approval',
  description:
    'Approve or reject a change that waits for people, only as the user said after they read its plan. Each person decides once; a rejection is final.',
  input,
  output: z.object({
    state: z
      .enum(['open', 'approved', 'rejected', 'used', 'void', 'expired'])
      .optional()
      .describe('Of the approval, after the decision'),
    approval: approvalSchema.optional(),
    error: errorSchema.optional(),
  }),
  scope: APPROVE_SCOPE,
  isDestructive: true,
  run: decide,
  failed: (call, _, error) => {
    if (call.argumentsFit) record(call, { outcome: 'refused', error: { code: error.code } });
    return { error };
  },
});

async function decide(call: Call<Input>) {
  const { input, dependencies, context } = call;
  const { approvals } = dependencies.state;
  const by = callerOf(context) ?? '';
  const approval = await approvals.get(input.approval_id);
  if (approval === undefined || !maySee(approval, dependencies.targets, context)) throw notFound();
  if (approval.requester === by && dependencies.approvals?.allowsOwn !== true) throw own();
  const { verdict, reason } = input;
  const answer = await approvals.decide(approval.id, { id: randomUUID(), by, verdict, reason });
  if (answer.kind === 'not_found') throw notFound();
  const state = approvalState(answer.approval, dependencies.now());
  if (answer.kind !== 'decided') throw undecided(answer.kind, state);
  const isOwn = answer.approval.requester === by;
  record(call, {
    outcome: verdict === 'approve' ? 'approved' : 'rejected',
    approval: { ...decided(answer.approval), state, ...(isOwn ? { own: true } : {}) },
  });
  return { state, approval: listedApproval(answer.approval) };
}

function decided({ id, requester, target, needed }: Approval) {
  return { id, requester, target, needed };
}

/** The change itself goes on record with everybody who approved it, so that a lost record here hides nothing. */
function record(
  call: Pick<Call<object>, 'input' | 'dependencies' | 'server' | 'context' | 'id' | 'where'>,
  members: object,
): void {
  const { audit, logger } = call.dependencies;
  const fields = { ...auditFields(DECIDE_APPROVAL, call.input, call), ...members };
  if (!audit.outcome(fields)) logger.error({ id: call.id }, 'audit record not written');
}

function notFound(): Failure {
  return refusal(
    'precondition_failed',
    'There is no such approval.',
    `${LIST_APPROVALS} shows the open ones.`,
  );
}

function own(): Failure {
  return refusal(
    'policy_denied',
    'Whoever asked for a change cannot decide on it.',
    'Another person has to, with a token of their own.',
  );
}

function undecided(kind: 'own_again' | 'closed', state: ApprovalState): Failure {
  const once = 'You have decided on it before, and each person decides once';
  if (!isAlive(state)) {
    const message =
      kind === 'own_again' ? `${once}; it is ${state}.` : `It cannot be decided on any more: it is ${state}.`;
    return refusal('precondition_failed', message, `${LIST_APPROVALS} shows the open ones.`);
  }
  return kind === 'own_again'
    ? refusal('precondition_failed', `${once}.`, 'Somebody else can still reject it until it is used.')
    : refusal(
        'precondition_failed',
        'It has all the approvals that it needs.',
        'Rejecting it still stops it until it is used.',
      );
}

function refusal(code: 'policy_denied' | 'precondition_failed', message: string, hint: string): Failure {
  return new Failure({ code, message: `${message} Nothing was decided.`, retryable: false, hint });
}
