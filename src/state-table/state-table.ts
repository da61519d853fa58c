import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import type { Clocks, State } from '../changes/state.ts';
import { TIMEOUTS } from '../vocabulary/timeouts.ts';
import { TableApprovals } from './approvals.ts';
import { TableChanges } from './changes.ts';
import { type HoldTimes, TableHolds } from './holds.ts';
import { TableLimit } from './limit.ts';
import { Table } from './table.ts';
import { TableYeses } from './yeses.ts';

/**
 * A hold outlasts the real call and the reads after a lost answer, and leaves ten seconds for sending. After a process
 * that died, its gateway is free a minute later: this, and the margin for clocks.
 */
const HOLD_TIMES: HoldTimes = {
  lasts: 45_000,
  change: TIMEOUTS.change + TIMEOUTS.reconcile,
  pause: 250,
};

/** How old an answer of `check` may be, so that health checks cost little. */
const CHECKED_MILLISECONDS = 5000;

interface TableOptions {
  name: string;
  /** Region, credentials, endpoint and handler; the handler throws when a request times out, and is not destroyed. */
  client: DynamoDBClientConfig;
  clocks: Clocks;
  maxChangesPerHour: number;
  /** Gets what could not be written after a change, for the log. */
  onTrouble: (message: string) => void;
  holdTimes?: HoldTimes;
}

/** The state of all processes that share a table. Contacts nobody until a method is called. */
export function openStateTable(options: TableOptions): State {
  const { name, client, clocks, maxChangesPerHour, onTrouble, holdTimes = HOLD_TIMES } = options;
  const table = new Table(name, client, clocks.now, onTrouble);
  return {
    yeses: new TableYeses(table, clocks.now),
    limit: new TableLimit(table, maxChangesPerHour, clocks.now),
    holds: new TableHolds(table, clocks, holdTimes),
    changes: new TableChanges(table, clocks),
    approvals: new TableApprovals(table, clocks.now),
    check: rememberingFor(CHECKED_MILLISECONDS, clocks.monotonic, () => check(table, clocks.now)),
    close: () => table.written(),
  };
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
