import type { UseOfApproval } from '../../changes/approvals.ts';
import type { Yes } from '../../changes/confirmation.ts';
import type { ChangeEnd, Hold, IntendedChange, Remembered } from '../../changes/state.ts';
import { anyOf } from '../../vocabulary/any-of.ts';
import { TIMEOUTS } from '../../vocabulary/timeouts.ts';
import { callerOf } from '../caller.ts';
import type { PlacedCall } from '../define-tool.ts';
import { nothingIf, recall } from '../recall.ts';

/**
 * What an attempt needs of the state that all changes share, in two rounds: what is remembered and the gateway itself
 * beside the reads of EC2, and what it uses up right before the real call.
 */
export interface Claimant extends Pick<PlacedCall<unknown>, 'dependencies' | 'context'> {
  change: IntendedChange;
}

/** Waits for the gateway; `over` gives up. The real call needs it, and no other attempt has it meanwhile. */
export function holdGateway({ change, dependencies, context }: Claimant, over: AbortSignal): Promise<Hold> {
  const giveUp = anyOf([context.mcpReq.signal, over, AbortSignal.timeout(TIMEOUTS.queue)]);
  const holding = dependencies.state.holds
    .acquire(change, change.attempt, giveUp.signal)
    .finally(giveUp.letGo);
  // Whoever waits for it gets the failure; an attempt that ends before does not.
  holding.catch(() => {});
  return holding;
}

/** What is remembered of the gateway, and how long its caller has to wait for the next change. */
export interface Recalled {
  remembered: Remembered;
  secondsLeft: number;
}

/** An attempt that cannot change anything goes on where the state cannot be read. */
export async function recallFor(
  { change, dependencies, context }: Claimant,
  mayChange: boolean,
): Promise<Recalled> {
  const { state } = dependencies;
  const left = state.limit.secondsLeft(callerOf(context));
  const [remembered, secondsLeft] = await Promise.all(
    mayChange ? [state.changes.of(change), left] : [recall(state, change), left.catch(nothingIf(0))],
  );
  return { remembered, secondsLeft };
}

/** What could not be had: the approval counts no more, the yes was used before, the hourly limit is reached, or the gateway is not held. */
export type Missing = 'approval' | 'yes' | 'limit' | 'hold';

/** What people gave for the change, where it was asked of them. */
export interface Given {
  yes: Yes | undefined;
  approval: UseOfApproval | undefined;
}

/** Uses up what a real call needs, all at once. Where one thing is missing, the others are given back. */
export async function claim(
  claimant: Claimant,
  hold: Hold,
  { yes, approval }: Given,
): Promise<Missing | undefined> {
  const { change, dependencies, context } = claimant;
  const { yeses, limit, changes, approvals } = dependencies.state;
  const claiming = [
    approval === undefined ? undefined : approvals.use(approval),
    yes === undefined || yeses.use(yes.nonce, change.attempt, yes.rememberFor),
    limit.take(callerOf(context), change.attempt),
    hold.renew(),
    changes.intend(change),
  ] as const;
  // What is given back must not be claimed afterwards.
  await Promise.allSettled(claiming);
  try {
    const [used, isFirst, isCounted, isHeld] = await Promise.all(claiming);
    const isApproved = used === undefined || used.kind === 'used';
    const missing = missingOf({ approval: isApproved, yes: isFirst, limit: isCounted, hold: isHeld });
    if (missing !== undefined) unclaim(claimant);
    return missing;
  } catch (error) {
    unclaim(claimant);
    throw error;
  }
}

function missingOf(had: Record<Missing, boolean>): Missing | undefined {
  return (['approval', 'yes', 'limit', 'hold'] as const).find((each) => !had[each]);
}

/** Gives back what was claimed for a change that was not sent. A yes and an approval stay used. */
export function unclaim({ change, dependencies, context }: Claimant): void {
  void dependencies.state.limit.refund(callerOf(context), change.attempt);
  settle({ change, dependencies }, { kind: 'not_made' });
}

/** Records what became of a change. The answer need not wait for it. */
export function settle({ change, dependencies }: Omit<Claimant, 'context'>, end: ChangeEnd): void {
  void dependencies.state.changes.settle(change, end);
}
