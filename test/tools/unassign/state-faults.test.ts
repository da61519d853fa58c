import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { State } from '../../../src/changes/state.ts';
import { DESCRIBE, UNASSIGN } from '../../../src/vocabulary/names.ts';
import { AMBIGUOUS, striking } from '../../support/faults.ts';
import { deferred } from '../../support/http.ts';
import { EGRESS, FAST_TIMEOUTS, openSession, realCalls, type SessionOptions } from '../../support/session.ts';
import { FAST_TIMES, StateTable, type TableFault, type TableRequest } from '../../support/state-table.ts';

/** A change where the table that replicas share fails, in each round of its requests, judged by the endpoint's record. */

const wish = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };
const LASTING: readonly TableFault[] = ['refused', 'slow', 'throttled', 'error', 'lost', 'empty'];

let table: StateTable;

beforeAll(async () => {
  table = await StateTable.start();
});

afterEach(() => table.heal());

afterAll(() => table.close());

/** Where no request has to succeed, none needs its time. */
const SHORT_TIMES = { ...FAST_TIMES, request: 300, attempt: 120 };

/** A session with a table of its own. */
async function open(options: SessionOptions = {}, more: Partial<State> = {}) {
  const state = { ...table.replica({ name: await table.another(), times: FAST_TIMES }), ...more };
  const { dependencies, ...others } = options;
  const session = await openSession({
    timeouts: FAST_TIMEOUTS,
    confirmMode: 'never',
    ...others,
    dependencies: { state, ...dependencies },
  });
  onTestFinished(session.close);
  onTestFinished(() => state.close());
  return session;
}

/** The requests before the real call by their round, and those after it. */
type Round = 'first' | 'second' | 'after';

function roundOf({ action, body }: TableRequest): Round {
  const update = String(body.UpdateExpression);
  if (action === 'Query' || update.includes('#fence')) return 'first';
  return /#end|#freed|#taken/.test(update) ? 'after' : 'second';
}

/** Which promise a request of the second round is about. */
const PROMISES: Readonly<Record<string, (request: TableRequest) => boolean>> = {
  'the count of changes': ({ body }) => JSON.stringify(body).includes('limit#'),
  'the intended change': ({ body }) => JSON.stringify(body).includes('changes#'),
  'the renewed hold': ({ body }) => JSON.stringify(body).includes('hold#'),
};

describe.each(LASTING)('a table whose requests are %s', (fault) => {
  it.each<Round>(['first', 'second'])(
    'refuses a change in the %s round, and sends nothing',
    async (round) => {
      const times = round === 'first' ? SHORT_TIMES : FAST_TIMES;
      const session = await open({}, table.replica({ name: await table.another(), times }));
      table.spoil((request) => (roundOf(request) === round ? fault : 'none'));
      const { content, isError } = await session.call(UNASSIGN, wish);
      expect(content).toMatchObject({
        outcome: 'refused',
        changed: false,
        error: { code: 'state_unavailable', retryable: true },
      });
      expect(isError).toBe(true);
      expect(realCalls(session.calls)).toEqual([]);
      expect(session.audit.records).toMatchObject([{ audit: 'outcome', outcome: 'refused' }]);
      table.heal();
      await session.dependencies.state.holds.idle();
      expect((await session.client.listTools()).tools).not.toEqual([]);
    },
  );

  it('tells what became of a change that it fails after', async () => {
    const session = await open();
    table.spoil((request) => (roundOf(request) === 'after' ? fault : 'none'));
    const { content } = await session.call(UNASSIGN, wish);
    expect(content).toMatchObject({ outcome: 'unassigning', changed: true, drain: expect.anything() });
    expect(realCalls(session.calls)).toHaveLength(1);
  });

  it('lets describe and dry runs go on', async () => {
    const session = await open({}, table.replica({ times: SHORT_TIMES }));
    table.spoil(() => fault);
    const [described, dryRun] = await Promise.all([
      session.call(DESCRIBE, { nat_gateway_ids: [EGRESS] }),
      session.call(UNASSIGN, { ...wish, mode: 'dry_run' }),
    ]);
    expect(described.content.nat_gateways).toHaveLength(1);
    expect(dryRun.content).toMatchObject({ outcome: 'dry_run_passed', changed: false });
  });
});

describe('a table that fails for one promise of the second round', () => {
  it.each(Object.keys(PROMISES))('refuses the change, and not the next: %s', async (name) => {
    const session = await open();
    const isMeant = PROMISES[name];
    table.spoil((request) => (roundOf(request) === 'second' && isMeant?.(request) ? 'error' : 'none'));
    const { content } = await session.call(UNASSIGN, wish);
    expect(content).toMatchObject({
      outcome: 'refused',
      confirmation: 'disabled',
      dry_run: { passed: true },
      error: { code: 'state_unavailable' },
    });
    expect(realCalls(session.calls)).toEqual([]);
    table.heal();
    await session.dependencies.state.holds.idle();
    expect((await session.call(UNASSIGN, wish)).content.outcome).toBe('unassigning');
    expect(realCalls(session.calls)).toHaveLength(1);
  });
});

describe('a dry run that is answered with success', () => {
  const ignoring = striking('dry run', 'before', AMBIGUOUS['204'] as never);

  it('is told where the table fails beside it', async () => {
    const session = await open({ intercept: ignoring });
    table.spoil(() => 'refused');
    const { content } = await session.call(UNASSIGN, wish);
    expect(content).toMatchObject({ outcome: 'unknown', error: { code: 'dry_run_not_honoured' } });
  });

  it('is told where the gateway has to be read again', async () => {
    const session = await open({ intercept: ignoring });
    const { state } = session.dependencies;
    const key = { region: session.simulator.region, natGatewayId: EGRESS };
    await (await state.holds.acquire(key, 'another', AbortSignal.timeout(5000))).free();
    const { content } = await session.call(UNASSIGN, wish);
    expect(content).toMatchObject({ outcome: 'unknown', error: { code: 'dry_run_not_honoured' } });
  });
});

describe('a process that stands still between its second round and the real call', () => {
  it('sends nothing once the time of its hold is over', async () => {
    const times = { ...FAST_TIMES, request: 5000, attempt: 5000, hold: 2000, change: 1500 };
    const state = table.replica({ name: await table.another(), times });
    const isHeard = async (): Promise<boolean> => {
      // As a stopped process: no timer and no answer gets a turn.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);
      return true;
    };
    const session = await open({ dependencies: { isHeard } }, state);
    const { content } = await session.call(UNASSIGN, wish);
    expect(content).toMatchObject({ outcome: 'refused', changed: false, error: { code: 'timed_out' } });
    expect(realCalls(session.calls)).toEqual([]);
    expect(session.audit.records).toMatchObject([{ audit: 'intent', fence: 1 }, { outcome: 'refused' }]);
  });
});

describe('a change that is cut short by the end of the process', () => {
  it('leaves its gateway held for as long as the real call may be on its way', async () => {
    const over = new AbortController();
    const answer = deferred();
    const name = await table.another();
    const session = await open(
      {
        dependencies: { graceOver: over.signal },
        intercept: async (exchange) => {
          if (exchange.action !== 'UnassignPrivateNatGatewayAddress' || exchange.dryRun)
            return exchange.apply();
          over.abort();
          await answer.promise;
          return exchange.apply();
        },
      },
      table.replica({ name, times: FAST_TIMES }),
    );
    const { content } = await session.call(UNASSIGN, wish);
    expect(content).toMatchObject({ outcome: 'unknown', error: { code: 'outcome_unknown' } });
    await session.dependencies.state.holds.idle();
    const other = table.replica({ name });
    const key = { region: session.simulator.region, natGatewayId: EGRESS };
    const soon = AbortSignal.timeout(100);
    await expect(other.holds.acquire(key, 'another', soon)).rejects.toThrow('given up');
    answer.resolve();
  });
});
