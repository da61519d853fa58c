import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { State } from '../../src/changes/state.ts';
import { Failure } from '../../src/vocabulary/failure.ts';
import { never, newGateway, newRelease } from '../support/state-contract.ts';
import { FAST_TIMES, StateTable, TABLE, type TableFault } from '../support/state-table.ts';

let table: StateTable;

beforeAll(async () => {
  table = await StateTable.start();
});

afterEach(() => {
  table.heal();
  table.secondsAhead = 0;
});

afterAll(() => table.close());

/** Everything that a change depends on, each of its own. */
const PROMISES: Readonly<Record<string, (state: State) => Promise<unknown>>> = {
  'a yes': (state) => state.yeses.use(randomUUID(), randomUUID(), 1000),
  'the seconds until a change': (state) => state.limit.secondsLeft(randomUUID()),
  'a change an hour': (state) => state.limit.take(randomUUID(), randomUUID()),
  'a hold': (state) => state.holds.acquire(newGateway(), randomUUID(), never),
  'an intended change': (state) => state.changes.intend(newRelease()),
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
    const reports = await failures(table.replica(fault === 'slow' ? { times: FAST_TIMES } : {}));
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
    const client = async () => ({ ...table.client(), endpoint: 'http://127.0.0.1:1' });
    const state = table.replica({ client });
    await expect(state.check()).rejects.toMatchObject({
      report: { code: 'state_unavailable', message: expect.stringContaining('(ECONNREFUSED)') },
    });
  });

  it('gives no promise where a source of credentials hangs, or has none', async () => {
    const state = (credentials: () => Promise<never>): State =>
      table.replica({ client: async () => ({ ...table.client(), credentials }), times: FAST_TIMES });
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
    const state = table.replica({ client });
    table.spoil(() => 'expired');
    await expect(state.limit.secondsLeft('a')).rejects.toThrow('ExpiredTokenException');
    table.heal();
    expect(await state.limit.secondsLeft('a')).toBe(0);
    expect(await state.limit.secondsLeft('a')).toBe(0);
    expect(opened).toBe(2);
  });

  it('names the table that does not exist, and how to create it', async () => {
    const { 'a yes': report } = await failures(table.replica({ name: 'another' }));
    expect(report).toMatchObject({
      code: 'state_unavailable',
      retryable: false,
      aws_code: 'ResourceNotFoundException',
      hint: expect.stringContaining('nat-gateway-mcp state-table'),
    });
  });

  it('does not read an answer of something else as an empty table', async () => {
    table.spoil(() => 'empty');
    const reports = await failures(table.replica());
    expect(reports['what is remembered']).toMatchObject({ code: 'state_unavailable' });
    expect(reports['the seconds until a change']).toMatchObject({ code: 'state_unavailable' });
    expect(reports['a hold']).toMatchObject({ code: 'state_unavailable' });
  });
});
