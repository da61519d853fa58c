import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { ApprovalRequest } from '../../src/changes/approvals.ts';
import { NotBegun } from '../../src/changes/queue.ts';
import type { Clocks, GatewayKey, IntendedChange, State } from '../../src/changes/state.ts';
import { drainFrom } from '../../src/nat-gateway/drain.ts';
import { RESTORE, UNASSIGN } from '../../src/vocabulary/names.ts';

/** What every state has to promise, whatever keeps it. */

export const PER_HOUR = 3;
export const HOUR = 3600;
export const never = new AbortController().signal;

export function newGateway(): GatewayKey {
  return { region: 'eu-west-1', natGatewayId: `nat-${randomUUID().replaceAll('-', '').slice(0, 17)}` };
}

/** A clock that goes on by itself and can be set forward. */
export class ForwardClock {
  #ahead = 0;
  readonly now = (): number => Date.now() + this.#ahead;
  readonly monotonic = (): number => performance.now() + this.#ahead;

  advance(seconds: number): void {
    this.#ahead += seconds * 1000;
  }

  get clocks(): Clocks {
    return { now: this.now, monotonic: this.monotonic, ec2: { now: this.now, monotonic: this.monotonic } };
  }
}

/** A state to be tested; `elsewhere` is the same at another replica, or the same one. */
export interface Subject {
  state: State;
  elsewhere: State;
  clock: ForwardClock;
}

export function newRelease(privateIps: readonly string[] = ['10.0.1.11']): IntendedChange {
  return { ...newGateway(), attempt: randomUUID(), tool: UNASSIGN, privateIps };
}

function approvalRequest(clock: ForwardClock, more: Partial<ApprovalRequest> = {}): ApprovalRequest {
  const expiresAt = clock.now() + HOUR * 1000;
  return {
    digest: 'd',
    plan: 'Release 10.0.1.11?',
    target: 'prod',
    requester: 'ann',
    needed: 2,
    expiresAt,
    ...more,
  };
}

function vote(by: string, verdict: 'approve' | 'reject' = 'approve') {
  return { id: randomUUID(), by, verdict, reason: `as ${by} says` };
}

/** The tests of a subject, each with one of its own names: callers, gateways, nonces. */
export function stateContract(subject: () => Subject): void {
  it('lets one attempt use a yes, and the same attempt again', async () => {
    const { state, elsewhere } = subject();
    const [nonce, attempt] = [randomUUID(), randomUUID()];
    expect(await state.yeses.use(nonce, attempt, 1000)).toBe(true);
    expect(await elsewhere.yeses.use(nonce, attempt, 1000)).toBe(true);
    expect(await elsewhere.yeses.use(nonce, randomUUID(), 1000)).toBe(false);
    expect(await state.yeses.use(nonce, randomUUID(), 1000)).toBe(false);
  });

  it('lets one of fifty attempts at once use a yes', async () => {
    const { state, elsewhere } = subject();
    const nonce = randomUUID();
    const uses = Array.from({ length: 50 }, (_, i) =>
      (i % 2 ? state : elsewhere).yeses.use(nonce, randomUUID(), 1000),
    );
    expect((await Promise.all(uses)).filter(Boolean)).toHaveLength(1);
  });

  it('counts as many changes of a caller as may be, of fifty at once', async () => {
    const { state, elsewhere } = subject();
    const caller = randomUUID();
    const takes = Array.from({ length: 50 }, (_, i) =>
      (i % 2 ? state : elsewhere).limit.take(caller, randomUUID()),
    );
    expect((await Promise.all(takes)).filter(Boolean)).toHaveLength(PER_HOUR);
    expect(await state.limit.take(randomUUID(), randomUUID())).toBe(true);
  });

  it('counts the same attempt once', async () => {
    const { state } = subject();
    const [caller, attempt] = [randomUUID(), randomUUID()];
    for (let i = 0; i < 5; i++) expect(await state.limit.take(caller, attempt)).toBe(true);
    for (let i = 1; i < PER_HOUR; i++) expect(await state.limit.take(caller, randomUUID())).toBe(true);
    expect(await state.limit.take(caller, randomUUID())).toBe(false);
    expect(await state.limit.take(caller, attempt)).toBe(true);
  });

  it('counts a change again that was refunded', async () => {
    const { state, elsewhere } = subject();
    const [caller, attempt] = [randomUUID(), randomUUID()];
    for (let i = 1; i < PER_HOUR; i++) await state.limit.take(caller, randomUUID());
    expect(await state.limit.take(caller, attempt)).toBe(true);
    expect(await elsewhere.limit.secondsLeft(caller)).toBeGreaterThan(0);
    await state.limit.refund(caller, attempt);
    expect(await elsewhere.limit.secondsLeft(caller)).toBe(0);
    expect(await elsewhere.limit.take(caller, randomUUID())).toBe(true);
    expect(await state.limit.take(caller, randomUUID())).toBe(false);
  });

  it('counts the changes of a caller in each target and in all of them, whatever is changed at once', async () => {
    const { state, elsewhere } = subject();
    const [caller, a, b] = [randomUUID(), randomUUID(), randomUUID()];
    const takes = Array.from({ length: 24 }, (_, i) => {
      const replica = i % 4 < 2 ? state : elsewhere;
      return replica.forTarget(i % 2 ? a : b, PER_HOUR - 1).limit.take(caller, randomUUID());
    });
    expect((await Promise.all(takes)).filter(Boolean).length).toBeLessThanOrEqual(PER_HOUR);
    const left = [a, b].map((target) => state.forTarget(target, PER_HOUR - 1).limit.secondsLeft(caller));
    expect(Math.min(...(await Promise.all(left)))).toBeGreaterThan(0);
  });

  it('gives back in all targets what was given back in one', async () => {
    const { state, elsewhere } = subject();
    const [caller, attempt, a, b] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
    const inA = state.forTarget(a, 1).limit;
    const inB = elsewhere.forTarget(b, PER_HOUR).limit;
    expect(await inA.take(caller, attempt)).toBe(true);
    expect(await inA.take(caller, randomUUID())).toBe(false);
    for (let i = 1; i < PER_HOUR; i++) expect(await inB.take(caller, randomUUID())).toBe(true);
    expect(await inB.take(caller, randomUUID())).toBe(false);
    await inA.refund(caller, attempt);
    expect(await inB.take(caller, randomUUID())).toBe(true);
    expect(await elsewhere.forTarget(a, 1).limit.take(caller, randomUUID())).toBe(false);
  });

  it('goes on counting in a target whose limit is lowered', async () => {
    const { state, elsewhere, clock } = subject();
    const [caller, a] = [randomUUID(), randomUUID()];
    for (let i = 1; i < PER_HOUR; i++) {
      expect(await state.forTarget(a, PER_HOUR).limit.take(caller, randomUUID())).toBe(true);
      clock.advance(600);
    }
    const [left = 0, same] = await Promise.all(
      [state, elsewhere].map((replica) => replica.forTarget(a, 1).limit.secondsLeft(caller)),
    );
    expect(Math.abs((same ?? 0) - left)).toBeLessThan(2);
    expect(left).toBeGreaterThan(HOUR - 700);
    const { limit } = elsewhere.forTarget(a, 1);
    clock.advance(left - 2);
    expect(await limit.take(caller, randomUUID())).toBe(false);
    clock.advance(2);
    expect(await limit.take(caller, randomUUID())).toBe(true);
  });

  it('lets a caller make the next change an hour after the first, and says when', async () => {
    const { state, elsewhere, clock } = subject();
    const caller = randomUUID();
    for (let i = 0; i < PER_HOUR; i++) {
      expect(await state.limit.secondsLeft(caller)).toBe(0);
      expect(await state.limit.take(caller, randomUUID())).toBe(true);
      clock.advance(60);
    }
    const left = await elsewhere.limit.secondsLeft(caller);
    expect(left).toBeGreaterThan(HOUR - 60 * PER_HOUR - 5);
    clock.advance(left - 2);
    expect(await elsewhere.limit.take(caller, randomUUID())).toBe(false);
    clock.advance(2);
    expect(await elsewhere.limit.take(caller, randomUUID())).toBe(true);
    expect(await state.limit.take(caller, randomUUID())).toBe(false);
  });

  it('gives a gateway to one of fifty attempts at a time, with a rising fence', async () => {
    const { state, elsewhere } = subject();
    const gateway = newGateway();
    let holders = 0;
    const fences: number[] = [];
    const change = async (each: State): Promise<void> => {
      const hold = await each.holds.acquire(gateway, randomUUID(), new AbortController().signal);
      holders += 1;
      expect(holders).toBe(1);
      fences.push(hold.fence);
      expect([await hold.renew(), hold.maySend()]).toEqual([true, true]);
      holders -= 1;
      await hold.free();
    };
    await Promise.all(Array.from({ length: 50 }, (_, i) => change(i % 2 ? state : elsewhere)));
    expect(fences).toEqual(fences.toSorted((a, b) => a - b));
    expect(new Set(fences).size).toBe(50);
    await Promise.all([state.holds.idle(), elsewhere.holds.idle()]);
  });

  it('gives different gateways to different attempts at once', async () => {
    const { state } = subject();
    const first = await state.holds.acquire(newGateway(), randomUUID(), never);
    const second = await state.holds.acquire(newGateway(), randomUUID(), never);
    expect([first.readAgain, second.readAgain]).toEqual([false, false]);
    await Promise.all([first.free(), second.free()]);
  });

  it('rejects an attempt that gives up while it waits for a gateway', async () => {
    const { state, elsewhere } = subject();
    const gateway = newGateway();
    const hold = await state.holds.acquire(gateway, randomUUID(), never);
    const giveUp = AbortSignal.timeout(30);
    await expect(elsewhere.holds.acquire(gateway, randomUUID(), giveUp)).rejects.toThrow(NotBegun);
    await hold.free();
    await (await elsewhere.holds.acquire(gateway, randomUUID(), never)).free();
  });

  it('tells the next holder to read again', async () => {
    const { state, elsewhere } = subject();
    const gateway = newGateway();
    const hold = await state.holds.acquire(gateway, randomUUID(), never);
    const next = elsewhere.holds.acquire(gateway, randomUUID(), never);
    await hold.free();
    const held = await next;
    expect(held.readAgain).toBe(true);
    await held.free();
  });

  it('remembers the drain and the release of an accepted change', async () => {
    const { state, elsewhere, clock } = subject();
    const change = newRelease(['10.0.1.11', '10.0.1.12']);
    await state.changes.intend(change);
    const drain = drainFrom(clock.now(), 350);
    await state.changes.settle(change, { kind: 'accepted', drain });
    const remembered = await elsewhere.changes.of(change);
    expect([...remembered.drains.keys()]).toEqual(['10.0.1.11', '10.0.1.12']);
    const started = remembered.drains.get('10.0.1.12');
    expect(started?.drain).toEqual(drain);
    expect((started?.dueAt ?? 0) - (started?.startedAt ?? 0)).toBeCloseTo(350_000, 3);
    expect(Math.abs((started?.startedAt ?? 0) - clock.monotonic())).toBeLessThan(1000);
    expect(remembered.isReleased('10.0.1.11')).toBe(true);
    expect(remembered.isReleased('10.0.1.13')).toBe(false);
    const inRegion = await elsewhere.changes.in(change.region);
    expect(inRegion(change.natGatewayId).drains.size).toBe(2);
    expect(inRegion(newGateway().natGatewayId).drains.size).toBe(0);
    clock.advance(24 * HOUR);
    expect((await elsewhere.changes.of(change)).isReleased('10.0.1.11')).toBe(false);
  });

  it('remembers a drain without an end where somebody else may have started it', async () => {
    const { state, elsewhere } = subject();
    const change = newRelease();
    await state.changes.intend(change);
    await state.changes.settle(change, { kind: 'accepted' });
    const started = (await elsewhere.changes.of(change)).drains.get('10.0.1.11');
    expect(started?.drain).toBeUndefined();
    expect((started?.dueAt ?? 0) - (started?.startedAt ?? 0)).toBeCloseTo(4_000_000, 3);
  });

  it('remembers a release but no drain of a change whose outcome is unknown', async () => {
    const { state, elsewhere } = subject();
    const change = newRelease();
    await state.changes.intend(change);
    await state.changes.settle(change, { kind: 'unknown' });
    const remembered = await elsewhere.changes.of(change);
    expect([remembered.isReleased('10.0.1.11'), remembered.drains.size]).toEqual([true, 0]);
  });

  it('remembers nothing of a change that was not made', async () => {
    const { state, elsewhere } = subject();
    const change = newRelease();
    await state.changes.intend(change);
    await state.changes.settle(change, { kind: 'not_made' });
    const remembered = await elsewhere.changes.of(change);
    expect([remembered.isReleased('10.0.1.11'), remembered.drains.size]).toEqual([false, 0]);
  });

  it('forgets a drain whose end was read, at every replica', async () => {
    const { state, elsewhere } = subject();
    const change = newRelease(['10.0.1.11', '10.0.1.12']);
    await state.changes.intend(change);
    await state.changes.settle(change, { kind: 'accepted' });
    (await state.changes.of(change)).forget('10.0.1.11');
    await state.close();
    const remembered = await elsewhere.changes.of(change);
    expect([...remembered.drains.keys()]).toEqual(['10.0.1.12']);
    expect(remembered.isReleased('10.0.1.11')).toBe(true);
  });

  it('remembers that an address was given back, and its release no more', async () => {
    const { state, elsewhere, clock } = subject();
    const change = newRelease();
    await state.changes.intend(change);
    await state.changes.settle(change, { kind: 'accepted', drain: drainFrom(clock.now(), 1) });
    clock.advance(60);
    const restore: IntendedChange = { ...change, attempt: randomUUID(), tool: RESTORE };
    await elsewhere.changes.intend(restore);
    expect((await state.changes.of(change)).isReleased('10.0.1.11')).toBe(true);
    await elsewhere.changes.settle(restore, { kind: 'accepted' });
    const remembered = await state.changes.of(change);
    expect([remembered.isReleased('10.0.1.11'), remembered.drains.size]).toEqual([false, 0]);
    const since = clock.monotonic() - (remembered.givenBackAt('10.0.1.11') ?? 0);
    expect(Math.abs(since)).toBeLessThan(1000);

    clock.advance(60);
    const later: IntendedChange = { ...change, attempt: randomUUID() };
    await state.changes.intend(later);
    await state.changes.settle(later, { kind: 'accepted', drain: drainFrom(clock.now(), 1) });
    const afterwards = await elsewhere.changes.of(change);
    expect(afterwards.givenBackAt('10.0.1.11')).toBeUndefined();
    expect([afterwards.isReleased('10.0.1.11'), afterwards.drains.size]).toEqual([true, 1]);
  });

  it('judges a late read by the drain that it remembers', async () => {
    const { state, elsewhere, clock } = subject();
    const change = newRelease();
    await state.changes.intend(change);
    await state.changes.settle(change, { kind: 'accepted' });
    const { natGatewayId: nat_gateway_id } = change;
    const gateway = { nat_gateway_id, addresses: [{ private_ip: '10.0.1.11', status: 'succeeded' }] };
    const remembered = await elsewhere.changes.of(change);
    const [address] = remembered.judge(gateway, clock.monotonic()).addresses;
    expect(address?.status).toBe('unassigning');
  });

  it('counts exactly as many approvals as are needed, of people at once', async () => {
    const { state, elsewhere, clock } = subject();
    const { id } = await state.approvals.create(approvalRequest(clock));
    const votes = Array.from({ length: 10 }, (_, i) =>
      (i % 2 ? state : elsewhere).approvals.decide(id, vote(`person ${i}`)),
    );
    const kinds = (await Promise.all(votes)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'decided')).toHaveLength(2);
    expect(kinds.filter((kind) => kind === 'closed')).toHaveLength(8);
    expect((await elsewhere.approvals.get(id))?.decisions).toHaveLength(2);
  });

  it('counts one decision a person, and the same decision once', async () => {
    const { state, elsewhere, clock } = subject();
    const { id } = await state.approvals.create(approvalRequest(clock));
    const first = vote('bob');
    expect((await state.approvals.decide(id, first)).kind).toBe('decided');
    expect((await elsewhere.approvals.decide(id, vote('bob'))).kind).toBe('own_again');
    expect((await elsewhere.approvals.decide(id, vote('bob', 'reject'))).kind).toBe('own_again');
    expect(await state.approvals.decide(id, first)).toMatchObject({
      kind: 'decided',
      approval: { decisions: [{ by: 'bob', verdict: 'approve', reason: 'as bob says', isOwn: false }] },
    });
  });

  it('records that a requester decided', async () => {
    const { state, clock } = subject();
    const { id } = await state.approvals.create(approvalRequest(clock));
    const answer = await state.approvals.decide(id, vote('ann'));
    expect(answer).toMatchObject({ approval: { decisions: [{ by: 'ann', isOwn: true }] } });
  });

  it('lets one attempt use what enough people approved, and the same attempt again', async () => {
    const { state, elsewhere, clock } = subject();
    const { id } = await state.approvals.create(approvalRequest(clock));
    const use = { id, attempt: randomUUID(), requester: 'ann', digest: 'd' };
    expect(await state.approvals.use(use)).toMatchObject({ kind: 'unusable', why: 'open' });
    for (const by of ['bob', 'cat']) await elsewhere.approvals.decide(id, vote(by));
    const other = { ...use, attempt: randomUUID() };
    expect(await state.approvals.use({ ...use, digest: 'x' })).toMatchObject({ why: 'moved' });
    expect(await state.approvals.use({ ...use, requester: 'bob' })).toMatchObject({ why: 'not_requester' });
    expect(await state.approvals.use(use)).toMatchObject({ kind: 'used', approval: { usedBy: use.attempt } });
    expect(await elsewhere.approvals.use(use)).toMatchObject({ kind: 'used' });
    expect(await elsewhere.approvals.use(other)).toMatchObject({ kind: 'unusable', why: 'used' });
    expect((await state.approvals.decide(id, vote('dan', 'reject'))).kind).toBe('closed');
  });

  it('lets one of fifty attempts at once use an approval', async () => {
    const { state, elsewhere, clock } = subject();
    const { id } = await state.approvals.create(approvalRequest(clock, { needed: 1 }));
    await state.approvals.decide(id, vote('bob'));
    const uses = Array.from({ length: 50 }, (_, i) =>
      (i % 2 ? state : elsewhere).approvals.use({
        id,
        attempt: randomUUID(),
        requester: 'ann',
        digest: 'd',
      }),
    );
    const kinds = (await Promise.all(uses)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'used')).toHaveLength(1);
  });

  it.each(['rejected', 'void', 'expired'])('lets nobody use an approval that is %s', async (why) => {
    const { state, elsewhere, clock } = subject();
    const { id } = await state.approvals.create(approvalRequest(clock));
    for (const by of ['bob', 'cat']) await state.approvals.decide(id, vote(by));
    const end = {
      rejected: () => elsewhere.approvals.decide(id, vote('dan', 'reject')),
      void: () => elsewhere.approvals.revoke(id, 'the gateway has changed'),
      expired: async () => clock.advance(HOUR),
    }[why];
    await end?.();
    const use = { id, attempt: randomUUID(), requester: 'ann', digest: 'd' };
    expect(await state.approvals.use(use)).toMatchObject({ kind: 'unusable', why });
    expect((await state.approvals.decide(id, vote('eve'))).kind).toBe('closed');
  });

  it('lists the approvals that are open, the oldest first', async () => {
    const { state, elsewhere, clock } = subject();
    const digest = randomUUID();
    const make = async (by: string, verdict?: 'approve' | 'reject'): Promise<string> => {
      const { id } = await state.approvals.create(approvalRequest(clock, { digest, needed: 1, plan: by }));
      if (verdict !== undefined) await state.approvals.decide(id, vote(by, verdict));
      clock.advance(1);
      return id;
    };
    await make('approved', 'approve');
    await make('rejected', 'reject');
    const open = [await make('first'), await make('second')];
    const listed = (await elsewhere.approvals.open()).filter((each) => each.digest === digest);
    expect(listed.map(({ id }) => id)).toEqual(open);
    expect(listed.map(({ plan }) => plan)).toEqual(['first', 'second']);
  });

  it.each([
    ['of no text', ''],
    ['of another form', 'nonsense'],
    ['that was never made', 'apr-000000000-0123456789abcdef'],
    ['that is longer than a key', 'x'.repeat(5000)],
  ])('finds no approval by an id %s', async (_, id) => {
    const { state } = subject();
    expect(await state.approvals.get(id)).toBeUndefined();
    const use = { id, attempt: randomUUID(), requester: 'ann', digest: 'd' };
    expect(await state.approvals.use(use)).toEqual({ kind: 'not_found' });
    expect(await state.approvals.decide(id, vote('bob'))).toEqual({ kind: 'not_found' });
    await state.approvals.revoke(id, 'none');
  });

  it('passes a check', async () => {
    await subject().state.check();
  });
}
