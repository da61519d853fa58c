import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { Failure } from '../vocabulary/failure.ts';

/**
 * The audit log, a write-ahead log in JSON Lines. An intent is written and flushed before the real call, its outcome
 * afterwards, and both carry the same id. An intent without an outcome marks a change that may have happened although
 * no process recorded its end.
 */

/** The members of a record, besides its time, process and kind. */
export interface AuditFields {
  /** Joins the records of one attempt. */
  id: string;
  tool: string;
  client?: { name?: string | undefined; version?: string | undefined } | undefined;
  principal?: string | undefined;
  account_id?: string | undefined;
  region?: string | undefined;
  arguments: object;
  [member: string]: unknown;
}

export type AuditEvent = 'intent' | 'outcome';

/** An intent that no outcome followed, found in another process's records. */
export interface UnfinishedIntent {
  id: string;
  time: string;
  arguments: unknown;
  /** Whether a process with the id of its writer is running: perhaps the writer itself, not done yet. */
  may_be_running: boolean;
}

/** Bytes at the end of an existing file that are searched for intents without an outcome. */
const TAIL_BYTES = 256 * 1024;

/** Retries of a full pipe, ten milliseconds apart, before the record counts as unwritable. */
const FULL_PIPE_RETRIES = 100;

const STDERR = 2;

/** Writes audit records to a file or, without one, to stderr. */
export class AuditLog {
  readonly #descriptor: number;
  readonly #version: string;
  readonly #now: () => number;
  /** Attempts without an outcome yet, by id, and whether their real call may have been sent. */
  readonly #open = new Map<string, { fields: AuditFields; isSent: boolean }>();
  /** Whether the last write broke off, so that the next record has to start on a line of its own. */
  #brokenOff = false;
  /** Intents of earlier processes without an outcome in the file. */
  readonly unfinished: readonly UnfinishedIntent[];

  /**
   * Opens the log; `file` is created with mode 0600 and only ever appended to.
   *
   * @throws NodeJS.ErrnoException where the file cannot be opened
   */
  constructor(file: string | undefined, version: string, now: () => number) {
    this.#version = version;
    this.#now = now;
    this.#descriptor = file === undefined ? STDERR : openSync(file, 'a+', 0o600);
    const tail = file === undefined ? '' : readTail(this.#descriptor);
    this.unfinished = unfinishedIn(tail);
    // A process that died while writing left half a line.
    this.#brokenOff = tail !== '' && !tail.endsWith('\n');
  }

  /**
   * Notes an attempt, so that it gets an outcome however the process ends. Returns a function to call when the attempt is
   * over.
   */
  begin(fields: AuditFields): () => void {
    const entry = { fields, isSent: false };
    this.#open.set(fields.id, entry);
    return () => {
      if (this.#open.get(fields.id) === entry) this.#open.delete(fields.id);
    };
  }

  /**
   * Records a change that is about to be made. It must have returned before the real call is sent.
   *
   * @throws Failure `audit_unavailable` where the record cannot be written; then nothing may be sent
   */
  intent(fields: AuditFields): void {
    try {
      this.#record('intent', fields);
    } catch (error) {
      throw new Failure({
        code: 'audit_unavailable',
        message: `The audit record could not be written (${(error as NodeJS.ErrnoException).code ?? 'unknown'}), so nothing was changed.`,
        retryable: true,
      });
    }
    this.#open.set(fields.id, { fields, isSent: true });
  }

  /**
   * Records the end of an attempt; without an intent before it, nothing was sent. An attempt that asks for a confirmation
   * may go on. Returns whether it was written.
   */
  outcome(fields: AuditFields): boolean {
    if (fields.outcome !== 'confirmation_asked') this.#open.delete(fields.id);
    try {
      this.#record('outcome', fields);
      return true;
    } catch {
      return false;
    }
  }

  /** Records unfinished changes as unknown and attempts that sent nothing as refused, and closes the log. */
  close(): void {
    for (const { fields, isSent } of [...this.#open.values()]) {
      const end = isSent
        ? { outcome: 'unknown', error: { code: 'outcome_unknown' } }
        : { outcome: 'refused', error: { code: 'precondition_failed' } };
      this.outcome({ ...fields, ...end, reason: 'the server shut down first' });
    }
    if (this.#descriptor !== STDERR) closeSync(this.#descriptor);
  }

  #record(event: AuditEvent, fields: AuditFields): void {
    const time = new Date(this.#now()).toISOString();
    const record = { audit: event, time, version: this.#version, pid: process.pid, ...fields };
    const line = `${this.#brokenOff ? '\n' : ''}${JSON.stringify(record)}\n`;
    this.#brokenOff = true;
    this.#write(line);
    this.#brokenOff = false;
    if (this.#descriptor !== STDERR) flush(this.#descriptor);
  }

  #write(text: string): void {
    let rest = Buffer.from(text);
    for (let retries = 0; rest.length > 0; ) {
      try {
        rest = rest.subarray(writeSync(this.#descriptor, rest));
        retries = 0;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || ++retries > FULL_PIPE_RETRIES) throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
      }
    }
  }
}

/** Pipes and devices have nothing to flush, and answer EINVAL. */
function flush(descriptor: number): void {
  try {
    fsyncSync(descriptor);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
  }
}

function readTail(descriptor: number): string {
  const { size } = fstatSync(descriptor);
  const length = Math.min(size, TAIL_BYTES);
  const buffer = Buffer.alloc(length);
  const read = readSync(descriptor, buffer, 0, length, size - length);
  return buffer.subarray(0, read).toString('utf8');
}

/** Intents without an outcome. A process that is still running may yet write it. */
function unfinishedIn(tail: string): UnfinishedIntent[] {
  const intents = new Map<string, Omit<UnfinishedIntent, 'may_be_running'> & { pid: unknown }>();
  for (const line of tail.split('\n')) {
    const record = parsed(line);
    if (typeof record?.id !== 'string') continue;
    if (record.audit === 'outcome') intents.delete(record.id);
    if (record.audit === 'intent') {
      const { id, time, arguments: given, pid } = record;
      intents.set(id as string, { id: id as string, time: String(time), arguments: given, pid });
    }
  }
  return [...intents.values()].map(({ pid, ...intent }) => ({ ...intent, may_be_running: isRunning(pid) }));
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isRunning(pid: unknown): boolean {
  if (typeof pid !== 'number' || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
