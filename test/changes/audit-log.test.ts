import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AuditLog as Log } from '../../src/changes/audit-log.ts';
import type { Failure as Failed } from '../../src/vocabulary/failure.ts';

/** Bytes that can still be written. */
const disk = { room: Number.POSITIVE_INFINITY };

// Test files share modules, so the log with this disk is loaded for these tests alone.
vi.resetModules();
vi.doMock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const writeSync = (descriptor: number, bytes: Buffer): number => {
    if (disk.room === 0) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    const written = fs.writeSync(descriptor, bytes.subarray(0, Math.min(disk.room, bytes.length)));
    disk.room -= written;
    return written;
  };
  return { ...fs, writeSync };
});
const { AuditLog } = await import('../../src/changes/audit-log.ts');
const { Failure } = await import('../../src/vocabulary/failure.ts');
afterAll(() => {
  vi.doUnmock('node:fs');
  vi.resetModules();
});

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  file = join(folder, 'audit.jsonl');
});

afterEach(() => rmSync(folder, { recursive: true }));

const fields = { id: 'attempt-1', tool: 'unassign', arguments: { nat_gateway_id: 'nat-0123456789abcdef0' } };
const now = () => Date.UTC(2026, 0, 2, 3, 4, 5);

function open(): Log {
  return new AuditLog(file, '1.2.3', now);
}

function records(): Record<string, unknown>[] {
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** The pid of a process that has exited. */
function pastPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

describe('the audit log', () => {
  it('writes one JSON line a record, to a file that its owner alone can read', () => {
    const log = open();
    log.intent(fields);
    log.outcome({ ...fields, outcome: 'unassigning' });
    expect(records()).toMatchObject([
      {
        audit: 'intent',
        time: '2026-01-02T03:04:05.000Z',
        version: '1.2.3',
        id: 'attempt-1',
        tool: 'unassign',
      },
      { audit: 'outcome', id: 'attempt-1', outcome: 'unassigning' },
    ]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('appends to an existing file', () => {
    open().outcome(fields);
    open().outcome({ ...fields, id: 'attempt-2' });
    expect(records().map(({ id }) => id)).toEqual(['attempt-1', 'attempt-2']);
  });

  it('records unfinished changes as unknown when it is closed', () => {
    const log = open();
    log.intent(fields);
    log.intent({ ...fields, id: 'attempt-2' });
    log.outcome({ ...fields, outcome: 'refused' });
    log.close();
    expect(records().slice(2)).toMatchObject([
      { audit: 'outcome', id: 'attempt-1', outcome: 'refused' },
      { audit: 'outcome', id: 'attempt-2', outcome: 'unknown' },
    ]);
  });

  it('returns an intent without an outcome to the next process as unfinished', () => {
    const pid = pastPid();
    for (const [audit, id] of [
      ['intent', 'finished'],
      ['outcome', 'finished'],
      ['intent', 'lost'],
    ]) {
      appendFileSync(file, `${JSON.stringify({ audit, id, time: 'then', pid, arguments: { a: 1 } })}\n`);
    }
    expect(open().unfinished).toEqual([
      { id: 'lost', time: 'then', arguments: { a: 1 }, may_be_running: false },
    ]);
  });

  it('returns may_be_running if another running process has the pid of the intent', () => {
    for (const pid of [process.ppid, process.pid]) {
      appendFileSync(file, `${JSON.stringify({ audit: 'intent', id: `of ${pid}`, time: 'now', pid })}\n`);
    }
    expect(open().unfinished).toMatchObject([
      { id: `of ${process.ppid}`, may_be_running: true },
      { id: `of ${process.pid}`, may_be_running: false },
    ]);
  });

  it('starts a new line after a record that was written in part', () => {
    const log = open();
    disk.room = 20;
    expect(log.outcome(fields)).toBe(false);
    disk.room = Number.POSITIVE_INFINITY;
    expect(log.outcome({ ...fields, id: 'attempt-2' })).toBe(true);
    expect(log.outcome({ ...fields, id: 'attempt-3' })).toBe(true);
    const [half, ...whole] = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(half).toHaveLength(20);
    expect(whole.map((line) => JSON.parse(line).id)).toEqual(['attempt-2', 'attempt-3']);
  });

  it('starts a new line after a last line cut short, and ignores lines that are not records', () => {
    appendFileSync(file, 'garbage\n[]\nnull\n{"audit":"intent","id":"half');
    const log = open();
    log.outcome(fields);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ id: 'attempt-1' });
    expect(lines).toHaveLength(5);
  });

  it('throws audit_unavailable when the intent cannot be written', () => {
    const log = open();
    log.close();
    const failure = (() => {
      try {
        return log.intent(fields);
      } catch (error) {
        return error;
      }
    })();
    expect(failure).toBeInstanceOf(Failure);
    expect((failure as Failed).report).toMatchObject({ code: 'audit_unavailable', retryable: true });
    expect(log.outcome(fields)).toBe(false);
  });
});
