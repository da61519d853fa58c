import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { State } from '../../src/changes/state.ts';
import { openStateTable } from '../../src/state-table/state-table.ts';
import type { TableTimes } from '../../src/state-table/times.ts';
import { Failure } from '../../src/vocabulary/failure.ts';
import { ForwardClock, never, newGateway, PER_HOUR } from '../support/state-contract.ts';
import { FAST_TIMES, PATIENT_TIMES, StateTable, TABLE, type TableFault } from '../support/state-table.ts';

let table: StateTable;
const troubles: string[] = [];

beforeAll(async () => {
  table = await StateTable.start();
});

afterEach(() => {
  table.heal();
  table.secondsAhead = 0;
  troubles.length = 0;
});

afterAll(() => table.close());

function replica({ clock = new ForwardClock(), name = TABLE, times = PATIENT_TIMES } = {}): State {
  return openStateTable({
    name,
    client: async () => table.client(),
    clocks: clock.clocks,
    maxChangesPerHour: PER_HOUR,
    onTrouble: (message) => troubles.push(message),
    times,
  });
}

function release() {
  return {
    ...newGateway(),
    attempt: randomUUID(),
    tool: 'unassign_private_nat_gateway_address' as const,
    privateIps: ['10.0.1.11'],
  };
}

/** Everything that a change depends on, each of its own. */
const PROMISES: Readonly<Record<string, (state: State) => Promise<unknown>>> = {
  'a yes': (state) => state.yeses.use(randomUUID(), randomUUID(), 1000),
  'the seconds until a change': (state) => state.limit.secondsLeft(randomUUID()),
  'a change an hour': (state) => state.limit.take(randomUUID(), randomUUID()),
  'a hold': (state) => state.holds.acquire(newGateway(), randomUUID(), never),
  'an intended change': (state) => state.changes.intend(release()),
  'what is remembered': (state) => state.changes.of(newGateway()),
  'what is remembered of a region': (state) => state.changes.in('eu-west-1'),
  'a new approval': (state) =>
    state.approvals.create({
      digest: 'd',
      plan: 'p',
      requester: 'ann',
      needed: 1,
      expiresAt: Date.now() + 1000,
    }),
  'open approvals': (state) => state.approvals.open(),
  'the use of an approval': (state) =>
    state.approvals.use({ id: NO_APPROVAL, attempt: randomUUID(), requester: 'ann', digest: 'd' }),
  'a decision': (state) =>
    state.approvals.decide(NO_APPROVAL, { id: randomUUID(), by: 'bob', verdict: 'approve', reason: 'r' }),
  'a check': (state) => state.check(),
};

const NO_APPROVAL = 'apr-000000000-0123456789abcdef';

/** Only what was not answered in time takes long: the promises are asked at once. */
async function failures(state: State): Promise<Record<string, unknown>> {
  const asked = Object.entries(PROMISES).map(async ([name, ask]) => {
    const answer = await ask(state).catch((error: unknown) => error);
    return [name, answer instanceof Failure ? answer.report : answer] as const;
  });
  return Object.fromEntries(await Promise.all(asked));
}

/** One attempt of a table that does not answer takes as long as it may. */
function timesFor(fault: TableFault): TableTimes {
  return fault === 'slow' ? { ...PATIENT_TIMES, attempt: FAST_TIMES.attempt } : PATIENT_TIMES;
}

const ALL = Object.keys(PROMISES);

describe('a table that fails all the time', () => {
  it.each<[TableFault, string]>([
    ['slow', 'did not answer in time'],
    ['throttled', 'is throttled'],
    ['error', 'answered InternalServerError (HTTP 500)'],
    ['refused', 'could not be reached (ECONNRESET)'],
    ['lost', 'could not be reached (ECONNRESET)'],
  ])('gives no promise where requests are %s', async (fault, cause) => {
    table.spoil(() => fault);
    const reports = await failures(replica({ times: FAST_TIMES }));
    const expected = {
      code: 'state_unavailable',
      message: `The state table ${TABLE} ${cause}, so nothing was changed.`,
    };
    expect(reports).toEqual(
      Object.fromEntries(
        ALL.map((name) => [name, expect.objectContaining({ ...expected, retryable: true })]),
      ),
    );
  });

  it('gives no promise where nothing listens', async () => {
    const clock = new ForwardClock();
    const client = async () => ({ ...table.client(), endpoint: 'http://127.0.0.1:1' });
    const options = { clocks: clock.clocks, maxChangesPerHour: 1, onTrouble: () => {} };
    const state = openStateTable({ name: TABLE, client, ...options });
    await expect(state.check()).rejects.toMatchObject({
      report: { code: 'state_unavailable', message: expect.stringContaining('(ECONNREFUSED)') },
    });
  });

  it('gives no promise where a source of credentials hangs, or has none', async () => {
    const state = (credentials: () => Promise<never>): State =>
      openStateTable({
        name: TABLE,
        client: async () => ({ ...table.client(), credentials }),
        clocks: new ForwardClock().clocks,
        maxChangesPerHour: 1,
        onTrouble: () => {},
        times: FAST_TIMES,
      });
    await expect(state(() => new Promise(() => {})).check()).rejects.toThrow('did not answer in time');
    const none = Object.assign(new Error('none'), { name: 'CredentialsProviderError' });
    await expect(state(() => Promise.reject(none)).check()).rejects.toThrow('no AWS credentials');
  });

  it('takes other credentials after the table refused them', async () => {
    let opened = 0;
    const client = async () => {
      opened += 1;
      return table.client();
    };
    const options = { clocks: new ForwardClock().clocks, maxChangesPerHour: 1, onTrouble: () => {} };
    const state = openStateTable({ name: TABLE, client, times: PATIENT_TIMES, ...options });
    table.spoil(() => 'expired');
    await expect(state.limit.secondsLeft('a')).rejects.toThrow('ExpiredTokenException');
    table.heal();
    expect(await state.limit.secondsLeft('a')).toBe(0);
    expect(await state.limit.secondsLeft('a')).toBe(0);
    expect(opened).toBe(2);
  });

  it('names the table that does not exist, and how to create it', async () => {
    const { 'a yes': report } = await failures(replica({ name: 'another' }));
    expect(report).toMatchObject({
      code: 'state_unavailable',
      retryable: false,
      aws_code: 'ResourceNotFoundException',
      hint: expect.stringContaining('nat-gateway-mcp state-table'),
    });
  });

  it('does not read an answer of something else as an empty table', async () => {
    table.spoil(() => 'empty');
    const reports = await failures(replica());
    expect(reports['what is remembered']).toMatchObject({ code: 'state_unavailable' });
    expect(reports['the seconds until a change']).toMatchObject({ code: 'state_unavailable' });
    expect(reports['a hold']).toMatchObject({ code: 'state_unavailable' });
  });
});

describe('a table that fails for a moment', () => {
  it.each<TableFault>(['lost', 'slow', 'throttled', 'error', 'refused'])(
    'keeps each promise once where the first request is %s',
    async (fault) => {
      table.spoil((_, number) => (number === 0 ? fault : 'none'));
      const state = replica({ times: timesFor(fault) });
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
    const state = replica();
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
    const state = replica();
    await expect(state.holds.acquire(gateway, randomUUID(), never)).rejects.toThrow(Failure);
    expect(acquiring).toBe(3);
    await state.close();
    table.heal();
    const hold = await replica().holds.acquire(gateway, randomUUID(), never);
    expect(hold.fence).toBe(4);
    await hold.free();
  });

  it('tells the operator what could not be written after a change', async () => {
    const state = replica();
    const change = release();
    await state.changes.intend(change);
    const hold = await state.holds.acquire(change, change.attempt, never);
    table.spoil(() => 'refused');
    await Promise.all([state.changes.settle(change, { kind: 'accepted' }), hold.free()]);
    await state.close();
    expect(troubles.toSorted()).toEqual([
      expect.stringMatching(/^The end of a change could not be written: The state table/),
      expect.stringMatching(/^The end of a hold could not be written: The state table/),
    ]);
    table.heal();
    expect((await replica().changes.of(change)).isReleased('10.0.1.11')).toBe(true);
  });
});

describe('a hold', () => {
  const taken = async (state: State, gateway = newGateway()) => ({
    gateway,
    hold: await state.holds.acquire(gateway, randomUUID(), never),
  });

  it('is over for its holder before anybody else can take it', async () => {
    const clock = new ForwardClock();
    const { gateway, hold } = await taken(replica({ clock }));
    expect(hold.maySend()).toBe(true);
    clock.advance(10);
    expect([hold.maySend(), hold.mustNotSendAfter <= clock.monotonic()]).toEqual([false, true]);
    expect([await hold.renew(), hold.maySend()]).toEqual([true, true]);
    table.secondsAhead = 71;
    clock.advance(45);
    expect([await hold.renew(), hold.maySend()]).toEqual([false, false]);
    const other = replica({ clock });
    const soon = AbortSignal.timeout(50);
    await expect(other.holds.acquire(gateway, randomUUID(), soon)).rejects.toThrow('given up');
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
    const state = openStateTable({
      name: TABLE,
      client: async () => table.client(),
      clocks,
      maxChangesPerHour: 1,
      onTrouble: () => {},
      times: PATIENT_TIMES,
    });
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
    const state = replica({ clock });
    const gateway = newGateway();
    await expect(state.holds.acquire(gateway, randomUUID(), never)).rejects.toMatchObject({
      report: { code: 'state_unavailable', message: expect.stringMatching(/is (59|60|61) s behind that/) },
    });
    await expect(state.check()).rejects.toThrow('clock');
    await state.close();
    await (await taken(replica(), gateway)).hold.free();
  });
});

describe('the requests of a change', () => {
  it('are two rounds, and none waits for another of its round', async () => {
    const state = replica();
    const change = release();
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
