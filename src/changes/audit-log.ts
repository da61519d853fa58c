import { Failure } from '../vocabulary/failure.ts';
import { visibleJson } from '../vocabulary/text.ts';
import { ChangeLimit } from './limit.ts';

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

/** Where records go. */
export interface RecordOutput {
  /**
   * Writes a line for good.
   *
   * @throws Error if the line is not on record
   */
  writeNow(line: string): void;
  /** Writes a line, now or as soon as it is read. Returns false if the line is lost. */
  write(line: string): boolean;
  close(): void;
}

/** Records of one caller within an hour that cost it nothing: a token that may only read must not fill the disk. */
const REFUSALS_AN_HOUR = 1000;

/** Writes audit records to a file or to stderr. */
export class AuditLog {
  readonly #output: RecordOutput;
  readonly #version: string;
  readonly #now: () => number;
  readonly #onFailure: (error: Error) => void;
  readonly #refusals = new ChangeLimit(REFUSALS_AN_HOUR, () => performance.now());
  /** Attempts without an outcome yet, by id, and whether their real call may have been sent. */
  readonly #open = new Map<string, { fields: AuditFields; isSent: boolean }>();

  /** `onFailure` gets the reason, for the operator, where an intent cannot be written. */
  constructor(
    output: RecordOutput,
    version: string,
    now: () => number,
    onFailure: (error: Error) => void = () => {},
  ) {
    this.#output = output;
    this.#version = version;
    this.#now = now;
    this.#onFailure = onFailure;
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
      this.#output.writeNow(this.#lineOf('intent', fields));
    } catch (error) {
      this.#onFailure(error as Error);
      const { code } = error as NodeJS.ErrnoException;
      throw new Failure({
        code: 'audit_unavailable',
        message: `The audit record could not be written${code === undefined ? '' : ` (${code})`}, so nothing was changed.`,
        retryable: true,
      });
    }
    this.#open.set(fields.id, { fields, isSent: true });
  }

  /**
   * Records the end of an attempt; without an intent before it, nothing was sent. An attempt that asks for a confirmation
   * may go on. Returns false if the record is lost.
   */
  outcome(fields: AuditFields): boolean {
    if (fields.outcome !== 'confirmation_asked') this.#open.delete(fields.id);
    return this.#output.write(this.#lineOf('outcome', fields));
  }

  /** Records what was refused before any tool was called, as long as its caller is within the hourly limit of them. */
  refusal(fields: AuditFields): void {
    if (this.#refusals.take(fields.principal)) this.outcome(fields);
  }

  /** Records unfinished changes as unknown and attempts that sent nothing as refused, and closes the log. */
  close(): void {
    for (const { fields, isSent } of [...this.#open.values()]) {
      const end = isSent
        ? { outcome: 'unknown', error: { code: 'outcome_unknown' } }
        : { outcome: 'refused', error: { code: 'precondition_failed' } };
      this.outcome({ ...fields, ...end, reason: 'the server shut down first' });
    }
    this.#output.close();
  }

  #lineOf(event: AuditEvent, fields: AuditFields): string {
    const time = new Date(this.#now()).toISOString();
    const record = { audit: event, time, version: this.#version, pid: process.pid, ...fields };
    return `${visibleJson(JSON.stringify(record))}\n`;
  }
}
