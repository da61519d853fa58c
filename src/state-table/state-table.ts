import { limitsOfTargets } from '../changes/limits-of-targets.ts';
import type { Limit, State } from '../changes/state.ts';
import { TableApprovals } from './approvals.ts';
import { TableChanges } from './changes.ts';
import { TableHolds } from './holds.ts';
import { TableLimit } from './limit.ts';
import { Table, type TableOptions } from './table.ts';
import { TABLE_TIMES, type TableTimes } from './times.ts';
import { TableYeses } from './yeses.ts';

/** How old an answer of `check` may be, so that health checks cost little. */
const CHECKED_MILLISECONDS = 5000;

interface StateOptions extends TableOptions {
  maxChangesPerHour: number;
  times?: TableTimes;
}

/** The state of all processes that share a table. Contacts nobody until a method is called. */
export function openStateTable(options: StateOptions): State {
  const { clocks, maxChangesPerHour, times = TABLE_TIMES } = options;
  const table = new Table(options, times);
  const changes = new TableChanges(table, clocks);
  const shared = {
    yeses: new TableYeses(table, clocks.now),
    holds: new TableHolds(table, clocks, times, (gateway) => changes.settled(gateway)),
    changes,
    approvals: new TableApprovals(table, clocks.now),
    isShared: true,
    check: rememberingFor(CHECKED_MILLISECONDS, clocks.monotonic, () => check(table, clocks.now)),
    close: () => table.written(),
  };
  const ofServer = new TableLimit(table, maxChangesPerHour, clocks.now);
  const limitIn = limitsOfTargets(
    ofServer,
    (perHour, target) => new TableLimit(table, perHour, clocks.now, target),
  );
  const stateOf = (limit: Limit): State => ({
    ...shared,
    limit,
    forTarget: (name, changesPerHour) => stateOf(limitIn(name, changesPerHour)),
  });
  return stateOf(ofServer);
}

/** Writes, because permissions and throttling differ between reads and writes. */
async function check(table: Table, now: () => number): Promise<void> {
  const ttl = Math.ceil(now() / 1000) + 86_400;
  await table.put({ pk: 'check', sk: 'check' }, { ttl });
  table.clock.require();
}

/** Answers from the latest result while it is young, and once for all who ask at the same time. */
function rememberingFor(
  milliseconds: number,
  monotonic: () => number,
  ask: () => Promise<void>,
): () => Promise<void> {
  let asked = Number.NEGATIVE_INFINITY;
  let answer = Promise.resolve();
  return () => {
    if (monotonic() - asked >= milliseconds) {
      asked = monotonic();
      answer = ask();
    }
    return answer;
  };
}
