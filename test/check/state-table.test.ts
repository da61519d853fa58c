import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { check, endpointToCheck } from '../support/set-up.ts';
import { ForwardClock } from '../support/state-contract.ts';
import { StateTable, TABLE } from '../support/state-table.ts';

const args = ['--state-table', TABLE];

let table: StateTable;

beforeAll(async () => {
  table = await StateTable.start();
});

afterEach(() => table.heal());

afterAll(() => table.close());

describe('the check of a table that replicas share', () => {
  it('writes and reads, and says that the clocks agree', async () => {
    const { target } = await endpointToCheck();
    table.requests.length = 0;
    const report = await check({ target, args, state: table.replica() });
    expect(report.of('state_table')).toEqual({
      name: 'state_table',
      status: 'ok',
      message: `${TABLE} can be read and written, and its clock is within 5 s of that of this machine.`,
      hint: undefined,
      facts: { table: TABLE },
    });
    expect(table.requests.map(({ action }) => action).toSorted()).toEqual(['PutItem', 'Query']);
  });

  it('fails with the cause and how to create the table', async () => {
    const { target } = await endpointToCheck();
    const report = await check({ target, args, state: table.replica({ name: 'another' }) });
    expect(report.ok).toBe(false);
    expect(report.of('state_table')).toMatchObject({
      status: 'failure',
      message: 'The state table another answered ResourceNotFoundException (HTTP 400).',
      hint: expect.stringContaining('nat-gateway-mcp state-table'),
    });
  });

  it('fails with what to look at where the table does not answer', async () => {
    const { target } = await endpointToCheck();
    table.spoil(() => 'refused');
    const report = await check({ target, args, state: table.replica() });
    expect(report.of('state_table')).toMatchObject({
      status: 'failure',
      message: `The state table ${TABLE} could not be reached (ECONNRESET).`,
      hint: expect.stringContaining('--state-region'),
    });
  });

  it('fails where the clocks differ, by how much', async () => {
    const { target } = await endpointToCheck();
    const clock = new ForwardClock();
    clock.advance(60);
    const report = await check({ target, args, state: table.replica({ clocks: clock.clocks }) });
    expect(report.of('state_table')).toMatchObject({
      status: 'failure',
      message: expect.stringMatching(
        /^The clock of this machine is (59|60|61) s ahead of that of the state table\.$/,
      ),
      hint: expect.stringContaining('NTP'),
    });
  });

  it('is left out without a table', async () => {
    const { target } = await endpointToCheck();
    const { checks } = await check({ target });
    expect(checks.map(({ name }) => name)).not.toContain('state_table');
  });
});
