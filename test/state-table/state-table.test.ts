import { afterAll, beforeAll, describe } from 'vitest';
import { openStateTable } from '../../src/state-table/state-table.ts';
import { ForwardClock, PER_HOUR, stateContract } from '../support/state-contract.ts';
import { StateTable, TABLE } from '../support/state-table.ts';

let table: StateTable;

beforeAll(async () => {
  table = await StateTable.start();
});

afterAll(() => table.close());

const HOLD_TIMES = { lasts: 45_000, change: 35_000, pause: 20 };

function replica(clock: ForwardClock) {
  return openStateTable({
    name: TABLE,
    client: table.client(),
    clocks: clock.clocks,
    maxChangesPerHour: PER_HOUR,
    onTrouble: () => {},
    holdTimes: HOLD_TIMES,
  });
}

describe('the state in a table', () => {
  stateContract(() => {
    const clock = new ForwardClock();
    return { state: replica(clock), elsewhere: replica(clock), clock };
  });
});
