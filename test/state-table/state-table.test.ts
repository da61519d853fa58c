import { afterAll, beforeAll, describe } from 'vitest';
import { openStateTable } from '../../src/state-table/state-table.ts';
import { ForwardClock, PER_HOUR, stateContract } from '../support/state-contract.ts';
import { PATIENT_TIMES, StateTable, TABLE } from '../support/state-table.ts';

let table: StateTable;

beforeAll(async () => {
  table = await StateTable.start();
});

afterAll(() => table.close());

function replica(clock: ForwardClock) {
  return openStateTable({
    name: TABLE,
    client: async () => table.client(),
    clocks: clock.clocks,
    maxChangesPerHour: PER_HOUR,
    onTrouble: () => {},
    times: PATIENT_TIMES,
  });
}

describe('the state in a table', () => {
  stateContract(() => {
    const clock = new ForwardClock();
    return { state: replica(clock), elsewhere: replica(clock), clock };
  });
});
