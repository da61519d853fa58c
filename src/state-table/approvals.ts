import {
  APPROVAL_ID,
  APPROVAL_KEPT_MILLISECONDS,
  type Approval,
  type ApprovalRequest,
  type Approvals,
  type ApprovalUse,
  approvalId,
  approvalIdsFrom,
  approvalState,
  type Decision,
  type DecisionAnswer,
  type NewDecision,
  type UseOfApproval,
  undecidable,
  unusable,
} from '../changes/approvals.ts';
import { CLOCK_MARGIN } from './clock-watch.ts';
import type { Item, Key, Table } from './table.ts';

const PARTITION = 'approvals';

/** Neither used, nor ended, nor too old. */
const STANDS =
  'attribute_exists(#pk) AND attribute_not_exists(#used) AND attribute_not_exists(#voided) AND attribute_not_exists(#rejected) AND #expires > :now';

type RecordedDecision = Decision & { id: string };

/** Approvals, an item each. */
export class TableApprovals implements Approvals {
  readonly #table: Table;
  readonly #now: () => number;

  constructor(table: Table, now: () => number) {
    this.#table = table;
    this.#now = now;
  }

  async create(request: ApprovalRequest): Promise<Approval> {
    const created = this.#now();
    const id = approvalId(created);
    const { digest, plan, target, requester, needed, expiresAt: expires } = request;
    const ttl = Math.ceil((created + APPROVAL_KEPT_MILLISECONDS + CLOCK_MARGIN) / 1000);
    const place = target === undefined ? {} : { target };
    const item = { digest, plan, ...place, requester, needed, expires, created, decisions: [], ttl };
    await this.#table.put(keyOf(id), item);
    return { ...request, id, createdAt: created, decisions: [] };
  }

  async get(id: string): Promise<Approval | undefined> {
    if (!APPROVAL_ID.test(id)) return undefined;
    const item = await this.#table.get(keyOf(id));
    return item === undefined || this.#isOld(item) ? undefined : approvalOf(item);
  }

  async open(): Promise<Approval[]> {
    const from = approvalIdsFrom(this.#now() - APPROVAL_KEPT_MILLISECONDS);
    const items = await this.#table.query('#pk = :pk AND #sk > :from', { pk: PARTITION, from });
    return items.map(approvalOf).filter((approval) => approvalState(approval, this.#now()) === 'open');
  }

  async decide(approvalId: string, { id, ...decision }: NewDecision): Promise<DecisionAnswer> {
    const before = await this.get(approvalId);
    if (before === undefined) return { kind: 'not_found' };
    const at = this.#now();
    const recorded = { ...decision, id, at, isOwn: decision.by === before.requester };
    const isApproval = decision.verdict === 'approve';
    const places = ' AND (attribute_not_exists(#approvers) OR size(#approvers) < #needed)';
    const item = await this.#table.update(
      keyOf(approvalId),
      `SET #decisions = list_append(#decisions, :decision)${isApproval ? '' : ', #rejected = :one'} ADD #deciders :by${isApproval ? ', #approvers :by' : ''}`,
      {
        condition: `${STANDS} AND NOT contains(#deciders, :name)${isApproval ? places : ''}`,
        values: {
          decision: [JSON.stringify(recorded)],
          by: new Set([decision.by]),
          name: decision.by,
          now: at,
          ...(isApproval ? {} : { one: 1 }),
        },
      },
    );
    if (item !== undefined) return { kind: 'decided', approval: approvalOf(item) };
    return this.#whyNotDecided(approvalId, { id, ...decision });
  }

  async use(use: UseOfApproval): Promise<ApprovalUse> {
    const { id, attempt, requester, digest } = use;
    if (!APPROVAL_ID.test(id)) return { kind: 'not_found' };
    const item = await this.#table.update(keyOf(id), 'SET #used = :me', {
      condition: `#requester = :requester AND (#used = :me OR (${STANDS} AND #digest = :digest AND attribute_exists(#approvers) AND size(#approvers) >= #needed))`,
      values: { me: attempt, requester, digest, now: this.#now() },
    });
    if (item !== undefined) return { kind: 'used', approval: approvalOf(item) };
    const approval = await this.get(id);
    if (approval === undefined) return { kind: 'not_found' };
    // Approved since it was refused: the next call can use it.
    return { kind: 'unusable', why: unusable(approval, use, this.#now()) ?? 'open', approval };
  }

  async revoke(id: string, reason: string): Promise<void> {
    if (!APPROVAL_ID.test(id)) return;
    await this.#table.update(keyOf(id), 'SET #voided = :reason', {
      condition: 'attribute_exists(#pk) AND attribute_not_exists(#used) AND attribute_not_exists(#voided)',
      values: { reason },
    });
  }

  /** A decision that is there already is the same one, whose answer was lost. */
  async #whyNotDecided(approvalId: string, { id, ...decision }: NewDecision): Promise<DecisionAnswer> {
    const item = await this.#table.get(keyOf(approvalId));
    if (item === undefined) return { kind: 'not_found' };
    const approval = approvalOf(item);
    if (decisionsOf(item).some((each) => each.id === id)) return { kind: 'decided', approval };
    return { kind: undecidable(approval, decision, this.#now()) ?? 'closed', approval };
  }

  /** Items stay for days after their time. */
  #isOld({ created }: Item): boolean {
    return this.#now() >= Number(created) + APPROVAL_KEPT_MILLISECONDS;
  }
}

function keyOf(id: string): Key {
  return { pk: PARTITION, sk: id };
}

function approvalOf(item: Item): Approval {
  return {
    id: String(item.sk),
    digest: String(item.digest),
    plan: String(item.plan),
    ...(item.target === undefined ? {} : { target: String(item.target) }),
    requester: String(item.requester),
    needed: Number(item.needed),
    createdAt: Number(item.created),
    expiresAt: Number(item.expires),
    decisions: decisionsOf(item).map(({ id: _, ...decision }) => decision),
    ...(item.used === undefined ? {} : { usedBy: String(item.used) }),
    ...(item.voided === undefined ? {} : { voidReason: String(item.voided) }),
  };
}

function decisionsOf({ decisions }: Item): RecordedDecision[] {
  return (decisions as readonly string[]).map((each) => JSON.parse(each) as RecordedDecision);
}
