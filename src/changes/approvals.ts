import { makeRoom } from '../vocabulary/room.ts';

/** What named people have to decide before a change is made. */

/** Approvals are kept for a day, and must expire within it. */
export const APPROVAL_KEPT_MILLISECONDS = 86_400_000;

/** How long an approval can be decided on and used, unless the state moves first. */
export const APPROVAL_OPEN_MILLISECONDS = 3_600_000;

/** How many approvals a process keeps in memory. */
const CAPACITY = 1000;

/** What is to be approved. */
export interface ApprovalRequest {
  /** Digest of what was shown: the approval counts for nothing else. */
  digest: string;
  /** What was shown. */
  plan: string;
  /** The name of the account in the file of --targets, where there is one. */
  target?: string | undefined;
  /** Who asked for the change. */
  requester: string;
  /** How many people have to approve. */
  needed: number;
  /** Milliseconds since the epoch, within a day. */
  expiresAt: number;
}

export interface Decision {
  by: string;
  verdict: 'approve' | 'reject';
  reason: string;
  /** Milliseconds since the epoch. */
  at: number;
  /** Whether the requester decided. */
  isOwn: boolean;
}

export interface Approval extends ApprovalRequest {
  id: string;
  createdAt: number;
  /** In their order; one a person. */
  decisions: readonly Decision[];
  /** The attempt that used it up. */
  usedBy?: string | undefined;
  /** Why it counts no more. */
  voidReason?: string | undefined;
}

/** `open`: further approvals are needed. `approved`: it can be used. The others are final. */
export type ApprovalState = 'open' | 'approved' | 'rejected' | 'used' | 'void' | 'expired';

/** Whether a decision counts; if not: `own_again` that this person has decided before, `closed` that nothing is open. */
export type DecisionAnswer =
  | { kind: 'decided' | 'own_again' | 'closed'; approval: Approval }
  | { kind: 'not_found' };

/** Whether an approval was used; if not, why: its state, or that it belongs to another requester or another plan. */
export type ApprovalUse =
  | { kind: 'used'; approval: Approval }
  | { kind: 'unusable'; why: ApprovalState | 'not_requester' | 'moved'; approval: Approval }
  | { kind: 'not_found' };

/** The requester's use of an approval. */
export interface UseOfApproval {
  id: string;
  attempt: string;
  requester: string;
  digest: string;
}

/** Whose decision it is. `id` is random, so that a decision whose answer was lost can be sent again. */
export interface NewDecision extends Omit<Decision, 'at' | 'isOwn'> {
  id: string;
}

/**
 * Approvals. Whether a requester may decide on their own is the caller's rule; the decision says so. Methods reject with a
 * `Failure` `state_unavailable`, as all of `State`.
 */
export interface Approvals {
  create(request: ApprovalRequest): Promise<Approval>;
  get(id: string): Promise<Approval | undefined>;
  /** The approvals that people can still decide on, oldest first. */
  open(): Promise<Approval[]>;
  /** Approves, where approvals are still needed, or rejects, until it is used. Each person decides once. */
  decide(approvalId: string, decision: NewDecision): Promise<DecisionAnswer>;
  /** Uses an approval for one attempt, if enough people approved what the attempt is about to do. */
  use(use: UseOfApproval): Promise<ApprovalUse>;
  /** Ends an approval that was not used, because what was shown is not so any more. */
  revoke(id: string, reason: string): Promise<void>;
}

export function approvalState(approval: Approval, now: number): ApprovalState {
  const { decisions, needed, usedBy, voidReason, expiresAt } = approval;
  if (usedBy !== undefined) return 'used';
  if (decisions.some(({ verdict }) => verdict === 'reject')) return 'rejected';
  if (voidReason !== undefined) return 'void';
  if (now >= expiresAt) return 'expired';
  return decisions.length >= needed ? 'approved' : 'open';
}

/** Whether an approval can still be used, or rejected. */
export function isAlive(state: ApprovalState): boolean {
  return state === 'open' || state === 'approved';
}

/** Why a decision does not count; `undefined` if it does. */
export function undecidable(
  approval: Approval,
  { by, verdict }: Pick<Decision, 'by' | 'verdict'>,
  now: number,
): 'own_again' | 'closed' | undefined {
  if (approval.decisions.some((each) => each.by === by)) return 'own_again';
  const state = approvalState(approval, now);
  return state === 'open' || (state === 'approved' && verdict === 'reject') ? undefined : 'closed';
}

/** Why an approval cannot be used; `undefined` if it can, or was by the same attempt. */
export function unusable(
  approval: Approval,
  { attempt, requester, digest }: UseOfApproval,
  now: number,
): ApprovalState | 'not_requester' | 'moved' | undefined {
  if (approval.requester !== requester) return 'not_requester';
  if (approval.usedBy === attempt) return undefined;
  const state = approvalState(approval, now);
  if (state === 'approved' && approval.digest !== digest) return 'moved';
  return state === 'approved' ? undefined : state;
}

/** An id that sorts by its time. */
export function approvalId(createdAt: number): string {
  const random = Buffer.from(crypto.getRandomValues(new Uint8Array(8)));
  return `${approvalIdsFrom(createdAt)}-${random.toString('hex')}`;
}

/** The ids that `approvalId` makes; callers send any text. */
export const APPROVAL_ID = /^apr-[0-9a-z]{9}-[0-9a-f]{16}$/;

/** What the ids of approvals begin with, or come after, that were created at this time or later. */
export function approvalIdsFrom(time: number): string {
  return `apr-${Math.max(0, Math.floor(time)).toString(36).padStart(9, '0')}`;
}

/** The approvals of one process. */
export class MemoryApprovals implements Approvals {
  readonly #now: () => number;
  readonly #approvals = new Map<string, Approval>();
  readonly #decided = new Set<string>();

  constructor(now: () => number) {
    this.#now = now;
  }

  async create(request: ApprovalRequest): Promise<Approval> {
    const createdAt = this.#now();
    const approval = { ...request, id: approvalId(createdAt), createdAt, decisions: [] };
    if (this.#approvals.size >= CAPACITY) this.#dropOne(request.requester);
    this.#approvals.set(approval.id, approval);
    return approval;
  }

  async get(id: string): Promise<Approval | undefined> {
    return this.#find(id);
  }

  async open(): Promise<Approval[]> {
    const isOpen = (approval: Approval): boolean => approvalState(approval, this.#now()) === 'open';
    return [...this.#approvals.values()].filter(isOpen);
  }

  async decide(approvalId: string, { id, ...decision }: NewDecision): Promise<DecisionAnswer> {
    const approval = this.#find(approvalId);
    if (approval === undefined) return { kind: 'not_found' };
    if (this.#decided.has(id)) return { kind: 'decided', approval };
    const kind = undecidable(approval, decision, this.#now());
    if (kind !== undefined) return { kind, approval };
    makeRoom(this.#decided, CAPACITY);
    this.#decided.add(id);
    const isOwn = decision.by === approval.requester;
    const decisions = [...approval.decisions, { ...decision, at: this.#now(), isOwn }];
    return { kind: 'decided', approval: this.#set({ ...approval, decisions }) };
  }

  async use(use: UseOfApproval): Promise<ApprovalUse> {
    const approval = this.#find(use.id);
    if (approval === undefined) return { kind: 'not_found' };
    const why = unusable(approval, use, this.#now());
    if (why !== undefined) return { kind: 'unusable', why, approval };
    return { kind: 'used', approval: this.#set({ ...approval, usedBy: use.attempt }) };
  }

  async revoke(id: string, reason: string): Promise<void> {
    const approval = this.#find(id);
    if (approval !== undefined && approval.usedBy === undefined) {
      this.#set({ ...approval, voidReason: approval.voidReason ?? reason });
    }
  }

  /** Drops the oldest that cannot be used any more, else of this requester, so that nobody can drop those of others. */
  #dropOne(requester: string): void {
    const all = [...this.#approvals.values()];
    const isOver = (each: Approval): boolean => !isAlive(approvalState(each, this.#now()));
    const [oldest] = all;
    const least = all.find(isOver) ?? all.find((each) => each.requester === requester) ?? oldest;
    if (least !== undefined) this.#approvals.delete(least.id);
  }

  #find(id: string): Approval | undefined {
    const approval = this.#approvals.get(id);
    if (approval === undefined || this.#now() < approval.createdAt + APPROVAL_KEPT_MILLISECONDS)
      return approval;
    this.#approvals.delete(id);
    return undefined;
  }

  #set(approval: Approval): Approval {
    this.#approvals.set(approval.id, approval);
    return approval;
  }
}
