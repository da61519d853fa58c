type Id = string | number;

/** Bytes of the calls that may wait. An ordinary call is a few hundred bytes long, so thousands can wait. */
const WAITING_BYTES = 4 * 1024 * 1024;

/** What a waiting call costs beside its bytes. */
const OVERHEAD_BYTES = 256;

/**
 * Limits the calls of a connection that run at once. Further calls wait as the text that came, since parsed messages can
 * cost many times their bytes. The bytes that wait are limited too.
 */
export class CallQueue {
  readonly limit: number;
  /** The number of running calls, by id; a client may use one id twice. */
  readonly #running = new Map<Id, number>();
  /** The texts of waiting calls, by id, oldest first. */
  readonly #waiting = new Map<Id, string[]>();
  #runningCount = 0;
  #waitingBytes = 0;
  #whenEmpty: (() => void) | undefined;

  /** `limit` is the maximum number of calls that run at once. */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Counts a call as running, and returns true, if there is room for one more. */
  tryStart(id: Id): boolean {
    if (this.#runningCount >= this.limit) return false;
    this.start(id);
    return true;
  }

  /** Counts a request as running, even above the limit. */
  start(id: Id): void {
    this.#runningCount += 1;
    this.#running.set(id, (this.#running.get(id) ?? 0) + 1);
  }

  /** Lets a call wait, and returns true, if there is room for its bytes. */
  tryWait(id: Id, text: string): boolean {
    const cost = costOf(text);
    if (this.#waitingBytes + cost > WAITING_BYTES) return false;
    this.#waitingBytes += cost;
    const same = this.#waiting.get(id);
    if (same === undefined) this.#waiting.set(id, [text]);
    else same.push(text);
    return true;
  }

  /** Starts the call that has waited for longest, if there is room, and returns its text. */
  next(): string | undefined {
    const [id] = this.#waiting.keys();
    if (id === undefined || !this.tryStart(id)) return undefined;
    return this.#takeWaiting(id);
  }

  /** Forgets a waiting call, or else a running one. Returns whether it was waiting. */
  cancel(id: unknown): boolean {
    if (!isId(id)) return false;
    const text = this.#takeWaiting(id);
    if (text === undefined) this.finish(id);
    else this.#checkEmpty();
    return text !== undefined;
  }

  /** Counts a call as running no more; any other id is ignored. */
  finish(id: unknown): void {
    const count = isId(id) ? this.#running.get(id) : undefined;
    if (!isId(id) || count === undefined) return;
    this.#runningCount -= 1;
    if (count > 1) this.#running.set(id, count - 1);
    else this.#running.delete(id);
    this.#checkEmpty();
  }

  /** Settles when no call runs or waits. */
  async idle(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
      this.#checkEmpty();
    });
  }

  #takeWaiting(id: Id): string | undefined {
    const same = this.#waiting.get(id);
    const text = same?.shift();
    if (same?.length === 0) this.#waiting.delete(id);
    if (text !== undefined) this.#waitingBytes -= costOf(text);
    return text;
  }

  #checkEmpty(): void {
    if (this.#runningCount === 0 && this.#waiting.size === 0) this.#whenEmpty?.();
  }
}

function costOf(text: string): number {
  // A string that has characters outside Latin-1 holds two bytes for each.
  return 2 * text.length + OVERHEAD_BYTES;
}

function isId(id: unknown): id is Id {
  return typeof id === 'string' || typeof id === 'number';
}
