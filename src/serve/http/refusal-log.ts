import type { Logger } from '../../vocabulary/logger.ts';

/** Lines about single refusals that are written within a minute. */
const LINES_A_MINUTE = 100;
const MINUTE = 60_000;

/**
 * The log of refused requests. Anyone who reaches the server can have requests refused, so after some lines within a
 * minute the rest is only counted, by status.
 */
export class RefusalLog {
  readonly #logger: Logger;
  #lines = 0;
  #counted: Record<number, number> = {};
  #timer: NodeJS.Timeout | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  warn(members: { status: number; [member: string]: unknown }, message: string): void {
    this.#timer ??= setTimeout(() => this.#endMinute(), MINUTE).unref();
    if (this.#lines < LINES_A_MINUTE) {
      this.#lines += 1;
      this.#logger.warn(members, message);
    } else {
      this.#counted[members.status] = (this.#counted[members.status] ?? 0) + 1;
    }
  }

  #endMinute(): void {
    const by_status = this.#counted;
    this.#timer = undefined;
    this.#lines = 0;
    this.#counted = {};
    if (Object.keys(by_status).length > 0) this.#logger.warn({ by_status }, 'more requests were refused');
  }
}
