import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { deferred } from '../support/http.ts';
import { HttpProcess } from '../support/http-process.ts';
import { changeAtOnce, exceedLimit, PER_HOUR, startReplicas, useOneYes } from '../support/replica-trials.ts';
import { ForwardClock } from '../support/state-contract.ts';

/** The soak run has 200 trials of each, of two processes and of four. */

describe('processes that share a table', () => {
  it('use a yes once, keep one limit an hour, and change a gateway one at a time', async () => {
    const replicas = await startReplicas({ count: 12, replicas: 2 });
    for (const n of [0, 1]) {
      expect(await useOneYes(replicas, n, 4)).toEqual({ sent: 1, confirmed: 1, state: 'input_required' });
    }
    expect(await exceedLimit(replicas, 2, 2, 6)).toEqual({
      sent: PER_HOUR,
      accepted: PER_HOUR,
      limited: 6 - PER_HOUR,
    });
    for (const n of [9, 10]) {
      const { sent, outcomes } = await changeAtOnce(replicas, n, 4);
      expect([sent, outcomes.filter((each) => each === 'unassigning').length]).toEqual([1, 1]);
    }
    expect(replicas.overlaps()).toBe(0);
  });
});

describe('a process that is killed', () => {
  const directory = (): string => {
    const made = mkdtempSync(join(tmpdir(), 'killed-'));
    onTestFinished(() => rmSync(made, { recursive: true, force: true }));
    return made;
  };

  it.each(['before it sends', 'before it records'] as const)(
    'leaves its gateway free a minute later, and its change on record: %s',
    async (when) => {
      const reached = deferred();
      const hold = deferred();
      const audit = join(directory(), 'audit.jsonl');
      const replicas = await startReplicas({
        count: 1,
        replicas: 1,
        args: ['--audit-log', audit],
        intercept: async (exchange) => {
          const answer = exchange.apply();
          reached.resolve();
          await hold.promise;
          return answer;
        },
      });
      const { table, processes, call, ids, sentTo, environment } = replicas;
      const [victim] = processes;
      const [id = ''] = ids;
      if (when === 'before it sends') {
        table.spoil(({ body }) => {
          if (!JSON.stringify(body).includes('limit#') || body.Item === undefined) return 'none';
          reached.resolve();
          return 'slow';
        });
      }
      const lost = call(0, id, '10.9.0.2').catch(() => 'lost');
      await reached.promise;
      victim?.child.kill('SIGKILL');
      expect(await victim?.exit).toBe('SIGKILL');
      hold.resolve();
      await lost;
      expect(sentTo(id)).toHaveLength(when === 'before it sends' ? 0 : 1);

      table.heal();
      const clock = new ForwardClock();
      const other = table.replica({ clocks: clock.clocks });
      const key = { region: 'us-east-1', natGatewayId: id };
      await expect(other.holds.acquire(key, 'another', AbortSignal.timeout(100))).rejects.toThrow('given up');
      table.secondsAhead = 62;
      clock.advance(62);
      const next = await other.holds.acquire(key, 'another', new AbortController().signal);
      expect(next.fence).toBe(2);
      const isOnRecord = (await other.changes.of(key)).isReleased('10.9.0.2');
      expect(isOnRecord || when === 'before it sends').toBe(true);
      await next.free();

      const restarted = await HttpProcess.start(['--confirm', 'auto', '--audit-log', audit], environment);
      const report = 'another process started this change and recorded no outcome';
      expect(restarted.log.includes(report)).toBe(when === 'before it records');
    },
  );
});
