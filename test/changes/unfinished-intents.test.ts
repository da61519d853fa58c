import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { unfinishedIntents } from '../../src/changes/unfinished-intents.ts';

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
