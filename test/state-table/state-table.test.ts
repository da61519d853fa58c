import { afterAll, beforeAll, describe } from 'vitest';
import { ForwardClock, stateContract } from '../support/state-contract.ts';
import { StateTable } from '../support/state-table.ts';

let table: StateTable;

beforeAll(async () => {
  table = await StateTable.start();
});

afterAll(() => table.close());

describe('the state in a table', () => {
  stateContract(() => {
    const clock = new ForwardClock();
    return {
      state: table.replica({ clocks: clock.clocks }),
      elsewhere: table.replica({ clocks: clock.clocks }),
      clock,
    };
  });
});
