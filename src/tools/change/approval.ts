import {
  APPROVAL_OPEN_MILLISECONDS,
  type Approval,
  type ApprovalState,
  approvalState,
  type UseOfApproval,
} from '../../changes/approvals.ts';
import { digestOf, type Question, wasShown } from '../../changes/confirmation.ts';
import { confirmationText } from '../../changes/confirmation-text.ts';
import { type ErrorReport, errorReport } from '../../vocabulary/failure.ts';
import type { ChangeTool } from '../../vocabulary/names.ts';
import { approvalMembers } from '../approval-members.ts';
import { callerOf } from '../caller.ts';
import type { PlacedCall } from '../define-tool.ts';
import type { Claimant } from './claims.ts';
import { type ChangeResult, type Progress, refused } from './result.ts';

/** The approval of a change by named people, where the server demands one. */

/** How many approvals one requester may have open. */
const MOST_OPEN = 20;

/** An attempt as far as its approval depends on it. */
interface Approvable
  extends Claimant,
    Pick<PlacedCall<{ mode: string; approval_id?: string | undefined }>, 'input' | 'region'> {
  kind: { tool: ChangeTool };
}

/** Whether an attempt can only ask for an approval, as it names none. */
export function lacksApproval({ dependencies, input }: Approvable): boolean {
  return dependencies.approvals !== undefined && input.approval_id === undefined;
}

/** The approval that a call names; `undefined` where it names none, or makes no change. */
export async function namedApproval({ dependencies, input }: Approvable): Promise<Approval | undefined> {
  const { approval_id: id, mode } = input;
  if (dependencies.approvals === undefined || id === undefined || mode !== 'execute') return undefined;
  return dependencies.state.approvals.get(id);
}

/** The people who approved, where the attempt may use their approval. AWS's records name them. */
export function approversOf(attempt: Approvable, approval: Approval | undefined): string[] | undefined {
  if (approval === undefined || approval.requester !== requesterOf(attempt)) return undefined;
  if (approvalState(approval, attempt.dependencies.now()) !== 'approved') return undefined;
  return approval.decisions.map(({ by }) => by);
}

/** The use of an approval that is there, the result of an attempt that cannot go on, or `undefined` where none is needed. */
export async function judgeApproval(
  attempt: Approvable,
  question: Question,
  approval: Approval | undefined,
  progress: Progress,
): Promise<{ use: UseOfApproval; progress: Progress } | ChangeResult<never> | undefined> {
  const { dependencies, input, change } = attempt;
  if (dependencies.approvals === undefined) return undefined;
  if (input.approval_id === undefined) return askForApproval(attempt, question, progress);
  const requester = requesterOf(attempt);
  // An approval of somebody else does not exist for this caller.
  if (approval === undefined || approval.requester !== requester) return refused(progress, notFound());
  const told = { ...progress, approval: approvalMembers(approval) };
  const state = approvalState(approval, dependencies.now());
  const { digest } = approval;
  if ((state === 'open' || state === 'approved') && !wasShown(digest, question)) {
    await dependencies.state.approvals.revoke(approval.id, 'What was shown is not so any more.');
    return refused(told, unusableApproval('moved'));
  }
  if (state === 'open') return awaiting(attempt, approval, progress);
  if (state !== 'approved') return refused(told, unusableApproval(state));
  return { use: { id: approval.id, attempt: change.attempt, requester, digest }, progress: told };
}

/** The refusal of an attempt whose approval could not be used any more, right before the real call. */
export async function approvalGone(
  { dependencies }: Claimant,
  named: Approval | undefined,
  progress: Progress,
): Promise<ChangeResult<never>> {
  const approval = await dependencies.state.approvals.get(named?.id ?? '');
  if (approval === undefined) return refused(progress, notFound());
  const state = approvalState(approval, dependencies.now());
  return refused({ ...progress, approval: approvalMembers(approval) }, unusableApproval(state));
}

/** Asks people to approve. A call that is repeated before they decide gets the approval that it has asked for already. */
async function askForApproval(
  attempt: Approvable,
  question: Question,
  progress: Progress,
): Promise<ChangeResult<never>> {
  const { dependencies } = attempt;
  const { approvals } = dependencies.state;
  const requester = requesterOf(attempt);
  const digest = digestOf(question);
  const own = (await approvals.open()).filter((each) => each.requester === requester);
  const asked = own.find((each) => wasShown(each.digest, question));
  if (asked === undefined && own.length >= MOST_OPEN) return refused(progress, tooManyOpen());
  const request = {
    digest,
    plan: confirmationText(question),
    target: question.target,
    requester,
    needed: dependencies.approvals?.needed ?? 1,
    expiresAt: dependencies.now() + APPROVAL_OPEN_MILLISECONDS,
  };
  return awaiting(attempt, asked ?? (await approvals.create(request)), progress);
}

function awaiting(
  { kind, input, region, dependencies }: Approvable,
  approval: Approval,
  progress: Progress,
): ChangeResult<never> {
  const { needed, decisions, id } = approval;
  const people = needed === 1 ? 'one person has' : `${needed} people have`;
  const others = dependencies.approvals?.allowsOwn === true ? '' : ' other than its requester';
  return {
    ...progress,
    outcome: 'awaiting_approval',
    approval: approvalMembers(approval),
    hint: `Nothing was changed. ${decisions.length} of ${needed} have approved so far: the change waits for people${others} whose token has nat:approve. Tell the user the approval's id, and make the call in next once ${people} approved; if the state of the gateway moves first, the approval counts no more.`,
    next: {
      tool: kind.tool,
      arguments: { ...input, region, approval_id: id },
      when: `${people} approved it`,
    },
  };
}

function requesterOf({ context }: Pick<Claimant, 'context'>): string {
  return callerOf(context) ?? '';
}

const AGAIN = 'Call again without approval_id to ask for a new one, if the user still wants the change.';

const UNUSABLE: Record<ApprovalState | 'moved', string> = {
  moved: 'What people were shown is not so any more: the request, the account or the gateway is another',
  open: 'It was being decided on at the same time',
  approved: 'It was being decided on at the same time',
  rejected: 'Somebody rejected it',
  used: 'It has been used already, and counts for one change',
  void: 'What people were shown is not so any more',
  expired: 'It was not used within an hour',
};

function unusableApproval(state: ApprovalState | 'moved'): ErrorReport {
  const isRejected = state === 'rejected';
  return {
    code: isRejected ? 'policy_denied' : 'precondition_failed',
    message: `The approval cannot be used. ${UNUSABLE[state]}. Nothing was changed.`,
    retryable: false,
    hint: isRejected
      ? 'approval.decisions has the reason. Tell the user, and do not ask again unless they want that.'
      : state === 'open' || state === 'approved'
        ? 'Call again with the same approval_id.'
        : AGAIN,
  };
}

function notFound(): ErrorReport {
  return errorReport({
    code: 'precondition_failed',
    message: 'There is no approval with this id that this caller has asked for. Nothing was changed.',
    retryable: false,
    hint: AGAIN,
  });
}

function tooManyOpen(): ErrorReport {
  return {
    code: 'precondition_failed',
    message: `This caller has ${MOST_OPEN} approvals open, which is the most. Nothing was changed.`,
    retryable: true,
    hint: 'Wait until some are decided on; each expires after an hour.',
  };
}
