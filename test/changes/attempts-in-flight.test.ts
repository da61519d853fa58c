import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuditFile } from '../../src/changes/audit-file.ts';
import { AuditLog } from '../../src/changes/audit-log.ts';

let folder: string;
let file: string;
let log: AuditLog;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  file = join(folder, 'audit.jsonl');
  log = new AuditLog(new AuditFile(file), '1.2.3', Date.now);
});

afterEach(() => rmSync(folder, { recursive: true }));

const fields = { id: 'attempt-1', tool: 'unassign', arguments: {} };

function records(): Record<string, unknown>[] {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line));
}

describe('an attempt in flight when the audit log is closed', () => {
  it('is refused, because nothing was sent', () => {
    log.begin(fields);
    log.close();
    expect(records()).toMatchObject([
      {
        audit: 'outcome',
        id: 'attempt-1',
        outcome: 'refused',
        error: { code: 'precondition_failed' },
        reason: 'the server shut down first',
      },
    ]);
  });

  it('is unknown after its intent, with what the intent says', () => {
    log.begin(fields);
    log.intent({ ...fields, confirmation: 'confirmed' });
    log.close();
    expect(records().slice(1)).toMatchObject([
      {
        audit: 'outcome',
        outcome: 'unknown',
        error: { code: 'outcome_unknown' },
        confirmation: 'confirmed',
      },
    ]);
  });

  it('is refused although it has asked for a confirmation', () => {
    log.begin(fields);
    log.outcome({ ...fields, outcome: 'confirmation_asked' });
    log.close();
    expect(records().map(({ outcome }) => outcome)).toEqual(['confirmation_asked', 'refused']);
  });

  it('is each one for itself', () => {
    for (const id of ['a', 'b', 'c']) log.begin({ ...fields, id });
    log.outcome({ ...fields, id: 'b', outcome: 'refused' });
    log.close();
    expect(records().map(({ id }) => id)).toEqual(['b', 'a', 'c']);
  });
});

describe('an attempt that is over when the audit log is closed', () => {
  it('gets no further outcome when it has one', () => {
    log.begin(fields);
    log.outcome({ ...fields, outcome: 'refused' });
    log.close();
    expect(records()).toHaveLength(1);
  });

  it('gets no outcome when it has ended in a question', () => {
    const over = log.begin(fields);
    log.outcome({ ...fields, outcome: 'confirmation_asked' });
    over();
    log.close();
    expect(records().map(({ outcome }) => outcome)).toEqual(['confirmation_asked']);
  });

  it('keeps its outcome unknown when it has an intent and no outcome', () => {
    const over = log.begin(fields);
    log.intent(fields);
    over();
    log.close();
    expect(records().map(({ outcome }) => outcome)).toEqual([undefined, 'unknown']);
  });
});
