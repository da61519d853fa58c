import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuditFile } from '../../src/changes/audit-file.ts';
import { AuditLog } from '../../src/changes/audit-log.ts';
import { Failure } from '../../src/vocabulary/failure.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  file = join(folder, 'audit.jsonl');
});

afterEach(() => rmSync(folder, { recursive: true }));

const fields = { id: 'attempt-1', tool: 'unassign', arguments: { nat_gateway_id: 'nat-0123456789abcdef0' } };
const now = () => Date.UTC(2026, 0, 2, 3, 4, 5);

function open(): AuditLog {
  return new AuditLog(new AuditFile(file), '1.2.3', now);
}

function records(): Record<string, unknown>[] {
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
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
    expect((failure as Failure).report).toMatchObject({ code: 'audit_unavailable', retryable: true });
    expect(log.outcome(fields)).toBe(false);
  });
});
