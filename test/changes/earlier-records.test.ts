import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { releasesIn, unfinishedIntents } from '../../src/changes/earlier-records.ts';

/** The pid of a process that has exited. */
function pastPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

function lines(records: readonly object[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join('');
}

describe('unfinished intents', () => {
  it('are those that no outcome follows', () => {
    const rest = { time: 'then', pid: pastPid(), arguments: { a: 1 } };
    const records = lines([
      { audit: 'intent', id: 'finished', ...rest },
      { audit: 'outcome', id: 'finished', ...rest },
      { audit: 'intent', id: 'lost', ...rest },
    ]);
    expect(unfinishedIntents(records)).toEqual([
      { id: 'lost', time: 'then', arguments: { a: 1 }, may_be_running: false },
    ]);
  });

  it('may be running if another running process has the pid of the intent', () => {
    const records = [process.ppid, process.pid].map((pid) => ({ audit: 'intent', id: `of ${pid}`, pid }));
    expect(unfinishedIntents(lines(records))).toMatchObject([
      { id: `of ${process.ppid}`, may_be_running: true },
      { id: `of ${process.pid}`, may_be_running: false },
    ]);
  });

  it('are not found in lines that are no records', () => {
    expect(unfinishedIntents('garbage\n[]\nnull\n{"audit":"intent","id":"half')).toEqual([]);
  });
});

describe('the releases of earlier processes', () => {
  const time = '2026-01-02T03:04:05.678Z';
  const record = {
    tool: 'unassign_private_nat_gateway_address',
    time,
    region: 'us-east-1',
    arguments: { nat_gateway_id: 'nat-1', private_ip_addresses: ['10.0.1.11'] },
  };
  const release = {
    region: 'us-east-1',
    natGatewayId: 'nat-1',
    privateIps: ['10.0.1.11'],
    at: Date.parse(time),
  };

  it.each<[string, object[], object[]]>([
    ['accepted', [{ audit: 'outcome', outcome: 'unassigning' }], [release]],
    ['unresolved', [{ audit: 'outcome', outcome: 'unknown' }], [release]],
    ['without an outcome', [], [release]],
    ['refused', [{ audit: 'outcome', outcome: 'refused' }], []],
  ])('are those whose real call was sent: %s', (_, outcomes, expected) => {
    const records = [{ audit: 'intent' }, ...outcomes].map((each) => ({ ...record, id: 'a', ...each }));
    expect(releasesIn(lines(records))).toEqual(expected);
  });

  it.each([
    ['of an attempt that sent nothing', { audit: 'outcome', outcome: 'refused' }],
    ['of another tool', { tool: 'restore_private_nat_gateway_address' }],
    ['without a time', { time: 'then' }],
    ['without a region', { region: undefined }],
    ['without a gateway', { arguments: { private_ip_addresses: ['10.0.1.11'] } }],
    ['without addresses', { arguments: { nat_gateway_id: 'nat-1' } }],
    [
      'with addresses that are no text',
      { arguments: { nat_gateway_id: 'nat-1', private_ip_addresses: [1] } },
    ],
  ])('are not found in a record %s', (_, members) => {
    expect(releasesIn(lines([{ audit: 'intent', ...record, id: 'a', ...members }]))).toEqual([]);
  });
});
