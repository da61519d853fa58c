import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { State } from '../../src/changes/state.ts';
import type { TableTimes } from '../../src/state-table/times.ts';
import { Failure } from '../../src/vocabulary/failure.ts';
import { ForwardClock, never, newGateway, newRelease, PER_HOUR } from '../support/state-contract.ts';
import { FAST_TIMES, PATIENT_TIMES, StateTable, type TableFault } from '../support/state-table.ts';

let table: StateTable;

beforeAll(async () => {
  table = await StateTable.start();
});

afterEach(() => {
  table.heal();
  table.secondsAhead = 0;
});

afterAll(() => table.close());

/** One attempt of a table that does not answer takes as long as it may. */
function timesFor(fault: TableFault): TableTimes {
  return fault === 'slow' ? { ...PATIENT_TIMES, attempt: FAST_TIMES.attempt } : PATIENT_TIMES;
}

describe('a table that fails for a moment', () => {
  it.each<TableFault>(['lost', 'slow', 'throttled', 'error', 'refused'])(
    'keeps each promise once where the first request is %s',
    async (fault) => {
      table.spoil((_, number) => (number === 0 ? fault : 'none'));
      const state = table.replica({ times: timesFor(fault) });
      const [nonce, attempt, caller] = [randomUUID(), randomUUID(), randomUUID()];
      expect(await state.yeses.use(nonce, attempt, 1000)).toBe(true);
      expect(await state.yeses.use(nonce, randomUUID(), 1000)).toBe(false);
      table.spoil(({ action }, number) => (action === 'PutItem' && number < 1 ? fault : 'none'));
      for (let i = 0; i < PER_HOUR; i++) expect(await state.limit.take(caller, randomUUID())).toBe(true);
      expect(await state.limit.take(caller, randomUUID())).toBe(false);
      table.spoil((_, number) => (number === 0 ? fault : 'none'));
      const hold = await state.holds.acquire(newGateway(), randomUUID(), never);
      expect([await hold.renew(), hold.maySend()]).toEqual([true, true]);
      await hold.free();
    },
  );

  it('counts a decision once whose answer was lost', async () => {
    const state = table.replica();
    const expiresAt = Date.now() + 3_600_000;
    const request = { digest: 'd', plan: 'p', requester: 'ann', needed: 1, expiresAt };
    const { id } = await state.approvals.create(request);
    const lostOnce = (): void => {
      let isLost = false;
      table.spoil(({ action }) => {
        const fault = action === 'UpdateItem' && !isLost ? 'lost' : 'none';
        isLost ||= fault === 'lost';
        return fault;
      });
    };
    lostOnce();
    const vote = { id: randomUUID(), by: 'bob', verdict: 'approve' as const, reason: 'fine' };
    expect(await state.approvals.decide(id, vote)).toMatchObject({
      kind: 'decided',
      approval: { decisions: [{ by: 'bob' }] },
    });
    lostOnce();
    const use = { id, attempt: randomUUID(), requester: 'ann', digest: 'd' };
    expect(await state.approvals.use(use)).toMatchObject({ kind: 'used' });
    expect(await state.approvals.use({ ...use, attempt: randomUUID() })).toMatchObject({ why: 'used' });
  });

  it('frees a gateway whose hold was applied but never confirmed', async () => {
    const gateway = newGateway();
    let acquiring = 0;
    table.spoil(({ body }) => {
      const isAcquiring = String(body.UpdateExpression).includes('#fence');
      acquiring += isAcquiring ? 1 : 0;
      return isAcquiring ? 'lost' : 'none';
    });
    const state = table.replica();
    await expect(state.holds.acquire(gateway, randomUUID(), never)).rejects.toThrow(Failure);
    expect(acquiring).toBe(3);
    await state.close();
    table.heal();
    const hold = await table.replica().holds.acquire(gateway, randomUUID(), never);
    expect(hold.fence).toBe(4);
    await hold.free();
  });

  it('forgets an intent that is written after it was given up', async () => {
    const state = table.replica();
    const change = newRelease();
    await state.changes.settle(change, { kind: 'not_made' });
    await state.changes.intend(change);
    expect((await table.replica().changes.of(change)).isReleased('10.0.1.11')).toBe(false);
  });

  it('gives back a change an hour that was counted although its answers were lost', async () => {
    const state = table.replica({ maxChangesPerHour: 1 });
    const [caller, attempt] = [randomUUID(), randomUUID()];
    table.spoil(({ action }) => (action === 'PutItem' ? 'lost' : 'none'));
    await expect(state.limit.take(caller, attempt)).rejects.toThrow(Failure);
    table.heal();
    expect(await state.limit.secondsLeft(caller)).toBeGreaterThan(0);
    await state.limit.refund(caller, attempt);
    expect(await state.limit.secondsLeft(caller)).toBe(0);
  });

  it('tells the next holder what became of the change before', async () => {
    const state = table.replica();
    const change = newRelease();
    await state.changes.intend(change);
    const hold = await state.holds.acquire(change, change.attempt, never);
    const written: string[] = [];
    table.spoil(({ body }) => {
      written.push(String(body.UpdateExpression).includes('#end') ? 'end' : 'free');
      // The SDK sends it again.
      return written.length === 1 ? 'error' : 'none';
    });
    await Promise.all([state.changes.settle(change, { kind: 'accepted' }), hold.free()]);
    expect(written).toEqual(['end', 'end', 'free']);
  });

  it('lets a change of another gateway begin while the end of one is being written', async () => {
    const state = table.replica({ times: { ...PATIENT_TIMES, attempt: FAST_TIMES.attempt } });
    const [slow, other] = [newRelease(), newRelease()];
    await state.changes.intend(slow);
    table.spoil(({ body }, number) =>
      String(body.UpdateExpression).includes('#end') && number === 0 ? 'slow' : 'none',
    );
    const order: string[] = [];
    const settled = state.changes.settle(slow, { kind: 'accepted' }).then(() => order.push('end'));
    const ofSame = state.changes.of(slow).then((remembered) => {
      expect(remembered.isReleased('10.0.1.11')).toBe(true);
      order.push('same gateway');
    });
    await state.changes.of(other).then(() => order.push('other gateway'));
    await (await state.holds.acquire(other, other.attempt, never)).free();
    order.push('other hold');
    await Promise.all([settled, ofSame]);
    expect(order).toEqual(['other gateway', 'other hold', 'end', 'same gateway']);
  });

  it('tells the operator what could not be written after a change', async () => {
    const troubles: string[] = [];
    const state = table.replica({ onTrouble: (message) => troubles.push(message) });
    const change = newRelease();
    await state.changes.intend(change);
    const hold = await state.holds.acquire(change, change.attempt, never);
    table.spoil(() => 'refused');
    await Promise.all([state.changes.settle(change, { kind: 'accepted' }), hold.free()]);
    await state.close();
    expect(troubles.toSorted()).toEqual([
      expect.stringMatching(/^The end of a change could not be written: The state table .*ECONNRESET\)\.$/),
      expect.stringMatching(/^The end of a hold could not be written: The state table/),
    ]);
    table.heal();
    expect((await table.replica().changes.of(change)).isReleased('10.0.1.11')).toBe(true);
  });
});

describe('a hold', () => {
  const taken = async (state: State, gateway = newGateway()) => ({
    gateway,
    hold: await state.holds.acquire(gateway, randomUUID(), never),
  });

  it('is over for its holder before anybody else can take it', async () => {
    const clock = new ForwardClock();
    const { gateway, hold } = await taken(table.replica({ clocks: clock.clocks }));
    expect(hold.maySend()).toBe(true);
    clock.advance(10);
    expect([hold.maySend(), hold.mustNotSendAfter <= clock.monotonic()]).toEqual([false, true]);
    expect([await hold.renew(), hold.maySend()]).toEqual([true, true]);
    table.secondsAhead = 55;
    clock.advance(45);
    expect([await hold.renew(), hold.maySend()]).toEqual([false, false]);
    const other = table.replica({ clocks: clock.clocks });
    const soon = AbortSignal.timeout(50);
    await expect(other.holds.acquire(gateway, randomUUID(), soon)).rejects.toThrow('given up');
    table.secondsAhead = 71;
    clock.advance(16);
    const next = await other.holds.acquire(gateway, randomUUID(), never);
    expect(next.fence).toBe(hold.fence + 1);
    await hold.free();
    expect(await next.renew()).toBe(true);
    await next.free();
  });

  it('is over where the machine slept, and where its clock was set back', async () => {
    const [wall, uptime] = [{ ahead: 0 }, { ahead: 0 }];
    const now = (): number => Date.now() + wall.ahead;
    const monotonic = (): number => performance.now() + uptime.ahead;
    const clocks = { now, monotonic, ec2: { now, monotonic } };
    const state = table.replica({ clocks });
    const { hold } = await taken(state);
    wall.ahead = 60_000;
    expect(hold.maySend()).toBe(false);
    wall.ahead = -3_600_000;
    expect(hold.maySend()).toBe(true);
    uptime.ahead = 60_000;
    expect([hold.maySend(), await hold.renew()]).toEqual([false, false]);
  });

  it('is not given to a machine whose clock differs from that of the table', async () => {
    const clock = new ForwardClock();
    clock.advance(-60);
    const state = table.replica({ clocks: clock.clocks });
    const gateway = newGateway();
    await expect(state.holds.acquire(gateway, randomUUID(), never)).rejects.toMatchObject({
      report: { code: 'state_unavailable', message: expect.stringMatching(/is (59|60|61) s behind that/) },
    });
    await expect(state.check()).rejects.toThrow('clock');
    await state.close();
    await (await taken(table.replica(), gateway)).hold.free();
  });

  it('is not taken away by a machine whose clock is ahead', async () => {
    const { gateway, hold } = await taken(table.replica());
    const clock = new ForwardClock();
    clock.advance(3600);
    const state = table.replica({ clocks: clock.clocks });
    await expect(state.holds.acquire(gateway, randomUUID(), never)).rejects.toThrow('s ahead of that');
    await state.close();
    expect([await hold.renew(), hold.maySend()]).toEqual([true, true]);
    await hold.free();
  });

  it('is kept from other processes after its change was cut short', async () => {
    const clock = new ForwardClock();
    const state = table.replica({ clocks: clock.clocks });
    const { gateway, hold } = await taken(state);
    hold.keep();
    await hold.free();
    await state.holds.idle();
    const other = table.replica({ clocks: clock.clocks });
    const soon = AbortSignal.timeout(50);
    await expect(other.holds.acquire(gateway, randomUUID(), soon)).rejects.toThrow('given up');
    table.secondsAhead = 61;
    clock.advance(61);
    await (await taken(other, gateway)).hold.free();
  });
});

describe('the requests of a change', () => {
  it('are two rounds, and none waits for another of its round', async () => {
    const state = table.replica();
    const change = newRelease();
    const caller = randomUUID();
    table.requests.length = 0;
    const [hold] = await Promise.all([
      state.holds.acquire(change, change.attempt, never),
      state.changes.of(change),
      state.limit.secondsLeft(caller),
    ]);
    expect(table.requests.map(({ action }) => action).toSorted()).toEqual(['Query', 'Query', 'UpdateItem']);
    table.requests.length = 0;
    await Promise.all([
      state.yeses.use(randomUUID(), change.attempt, 1000),
      state.limit.take(caller, change.attempt),
      state.changes.intend(change),
      hold.renew(),
    ]);
    expect(table.requests.map(({ action }) => action).toSorted()).toEqual([
      'PutItem',
      'PutItem',
      'PutItem',
      'UpdateItem',
    ]);
    table.requests.length = 0;
    await Promise.all([state.changes.settle(change, { kind: 'accepted' }), hold.free()]);
    expect(table.requests.map(({ action }) => action)).toEqual(['UpdateItem', 'UpdateItem']);
  });
});
