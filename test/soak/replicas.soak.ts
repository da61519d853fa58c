import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { TABLE_TIMES } from '../../src/state-table/times.ts';
import { atOnce } from '../../src/vocabulary/at-once.ts';
import { changeAtOnce, exceedLimit, PER_HOUR, startReplicas, useOneYes } from '../support/replica-trials.ts';
import { realCalls } from '../support/session.ts';

/** Of each kind, for each number of processes. */
const TRIALS = Number(process.env.TRIALS ?? 200);
const trials = Array.from({ length: TRIALS }, (_, n) => n);
const AT_ONCE = 6;
/** Trials share no gateway, so they run side by side: most of their time they wait for a gateway that another call holds. */
const SIDE_BY_SIDE = 8;

/** How long a hold can be sent with, and how long a request may be on its way, in milliseconds. */
const HOLD_LEAVES = TABLE_TIMES.hold - TABLE_TIMES.change;
const ON_THE_WAY = 500;

/** An update of a hold, as far as the trials read it. */
interface HoldUpdate {
  Key?: { pk?: { S?: string } };
  UpdateExpression?: string;
}

async function eachTrial<T>(trial: (n: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  await atOnce(SIDE_BY_SIDE, trials, async (n) => {
    results.push(await trial(n));
  });
  return results;
}

function told(replicas: number, what: string): void {
  process.stdout.write(`${replicas} processes: ${what}\n`);
}

describe.each([2, 4])('%i processes that share a table', (count) => {
  it('use a yes once', { timeout: 1_800_000 }, async () => {
    const replicas = await startReplicas({ count: TRIALS, replicas: count });
    const results = await eachTrial((n) => useOneYes(replicas, n, 4));
    const doubles = results.filter(({ sent, confirmed }) => sent > 1 || confirmed > 1).length;
    const once = results.filter(({ sent, confirmed }) => sent === 1 && confirmed === 1).length;
    told(count, `${TRIALS} yeses, each sent 4 times at once: ${once} used once, ${doubles} twice or more`);
    expect([once, doubles]).toEqual([TRIALS, 0]);
  });

  it('keep one limit an hour', { timeout: 1_800_000 }, async () => {
    const replicas = await startReplicas({ count: TRIALS * AT_ONCE, replicas: count });
    const results = await eachTrial((n) => exceedLimit(replicas, n, n * AT_ONCE, AT_ONCE));
    const exact = results.filter(({ sent }) => sent === PER_HOUR).length;
    const most = Math.max(...results.map(({ sent }) => sent));
    told(
      count,
      `${TRIALS} callers, ${AT_ONCE} changes at once each: ${exact} times ${PER_HOUR} sent, at most ${most}`,
    );
    expect([exact, most]).toEqual([TRIALS, PER_HOUR]);
  });

  it('change a gateway one at a time', { timeout: 1_800_000 }, async () => {
    const replicas = await startReplicas({
      count: TRIALS,
      replicas: count,
      intercept: async (exchange) => {
        await sleep(20);
        return exchange.apply();
      },
    });
    const sent = (await eachTrial((n) => changeAtOnce(replicas, n, 4))).map((each) => each.sent);
    const real = realCalls(replicas.calls).length;
    told(
      count,
      `${TRIALS} gateways, 4 changes at once each: ${real} real calls, ${replicas.overlaps()} overlapped`,
    );
    expect(replicas.overlaps()).toBe(0);
    expect(sent.every((each) => each === 1)).toBe(true);
  });

  it('send nothing after they stood still for longer than a hold leaves', {
    timeout: 1_800_000,
  }, async () => {
    /** When a hold was last taken or renewed, by gateway and by the request as it came to the table; frees do not count. */
    const written = new Map<string, number>();
    const ages: number[] = [];
    const replicas = await startReplicas({
      count: TRIALS,
      replicas: count,
      intercept: async (exchange) => {
        ages.push(performance.now() - (written.get(exchange.parameters.NatGatewayId ?? '') ?? 0));
        return exchange.apply();
      },
    });
    const { table, processes, call, ids } = replicas;
    let second = 0;
    table.spoil(({ body }) => {
      const { Key = {}, UpdateExpression: update = '' } = body as HoldUpdate;
      const [, natGatewayId] = /^hold#[^/]+\/(.+)$/.exec(Key.pk?.S ?? '') ?? [];
      if (natGatewayId !== undefined && update.includes('#expires = :until')) {
        written.set(natGatewayId, performance.now());
      }
      second += update === 'SET #expires = :until' ? 1 : 0;
      return 'none';
    });
    const perProcess = 10;
    let after = 0;
    for (let from = 0; from < TRIALS; from += perProcess * count) {
      const batch = ids.slice(from, from + perProcess * count);
      second = 0;
      const asked = batch.map((id, i) =>
        call(from + i, id, '10.9.0.2', { at: processes[i % count]?.url ?? '' }).catch(() => undefined),
      );
      while (second < batch.length / 4) await sleep(1);
      for (const { child } of processes) child.kill('SIGSTOP');
      // What had left before is on its way.
      await sleep(500);
      const before = ages.length;
      await sleep(10_500);
      for (const { child } of processes) child.kill('SIGCONT');
      await Promise.all(asked);
      // A change that had not claimed its hold before the stop may do so after it, and then go on.
      after += ages.length - before;
    }
    const stale = ages.filter((age) => age > HOLD_LEAVES + ON_THE_WAY).length;
    told(
      count,
      `${TRIALS} changes about a stop of 11 s: ${ages.length} sent, ${after} of them after it, ${stale} by a hold that left no time`,
    );
    expect(stale).toBe(0);
  });
});
