/** Bytes of lines that may wait for a slow reader. Further lines are dropped. */
const MOST_WAITING = 256 * 1024;

/** Pause between attempts to write to something that is full, in milliseconds. */
const RETRY_MILLISECONDS = 20;

/** How long one line may hold up the process, and in which time it may do so only once, in milliseconds. */
const PATIENCE_MILLISECONDS = 100;
const PATIENCE_PERIOD_MILLISECONDS = 1000;

/** How long the lines that wait may hold up the end, in milliseconds. */
const LAST_FLUSH_MILLISECONDS = 200;

const NOTHING = Buffer.alloc(0);
const NEW_LINE = Buffer.from('\n');
const SLEEP = new Int32Array(new SharedArrayBuffer(4));

/**
 * How far a line has come: out, out in part (the rest goes before anything else), not begun for want of room, or given up
 * because the write failed.
 */
type Progress = 'out' | 'begun' | 'full' | 'lost';

interface LineWriterOptions {
  /** The line that reports how many lines were dropped, to be written where they are missing. */
  reportOf?: (dropped: number) => string;
  /** Whether what was written before ends in the middle of a line. */
  isTorn?: boolean;
}

/**
 * Writes whole lines where a reader may be slow or gone, such as a pipe, and never waits for it for long. Lines wait in
 * memory while there is no room. When that is full too, lines are dropped and counted, until all that wait are out.
 */
export class LineWriter {
  readonly #put: (bytes: Buffer) => number;
  readonly #reportOf: LineWriterOptions['reportOf'];
  /** What remains of a line that is out in part. */
  #rest: Buffer = NOTHING;
  #isTorn: boolean;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #dropped = 0;
  #retry: NodeJS.Timeout | undefined;
  #nextPatience = 0;
  #error: unknown;

  /** `put` writes some of the bytes and returns how many, or throws: EAGAIN where it would have to wait. */
  constructor(put: (bytes: Buffer) => number, { reportOf, isTorn = false }: LineWriterOptions = {}) {
    this.#put = put;
    this.#reportOf = reportOf;
    this.#isTorn = isTorn;
  }

  /** Writes a line, now or as soon as there is room. Returns false if the line is dropped. */
  write(line: string): boolean {
    const bytes = Buffer.from(line);
    if (this.#retry === undefined && this.#flush()) {
      const progress = this.#send(bytes);
      if (progress === 'lost') this.#dropped += 1;
      if (progress !== 'full') return progress !== 'lost';
    }
    if (this.#dropped > 0 || this.#waitingBytes + bytes.length > MOST_WAITING) {
      this.#dropped += 1;
      return false;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    return true;
  }

  /**
   * Writes a line now, ahead of those that wait. It may hold up the process for a tenth of a second, but only once within
   * a second: many lines that nobody reads must not stop it.
   *
   * @throws NodeJS.ErrnoException if the line is not out
   */
  writeNow(line: string): void {
    const bytes = Buffer.from(line);
    let progress = this.#send(bytes);
    if (progress === 'out') return;
    for (const until = this.#patienceEnd(); progress !== 'out' && progress !== 'lost'; ) {
      if (performance.now() >= until) break;
      Atomics.wait(SLEEP, 0, 0, 5);
      progress = progress === 'begun' ? this.#sendRest() : this.#send(bytes);
    }
    if (progress !== 'out') throw this.#error;
  }

  /** Writes the lines that wait, as far as they are read within a fifth of a second, and tries no more after that. */
  close(): void {
    const until = performance.now() + LAST_FLUSH_MILLISECONDS;
    while (!this.#flush() && this.#hasMore() && performance.now() < until) Atomics.wait(SLEEP, 0, 0, 5);
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }

  #hasMore(): boolean {
    return this.#rest.length > 0 || this.#waiting.length > 0;
  }

  #patienceEnd(): number {
    const now = performance.now();
    if (now < this.#nextPatience) return now;
    this.#nextPatience = now + PATIENCE_PERIOD_MILLISECONDS;
    return now + PATIENCE_MILLISECONDS;
  }

  /** Writes the lines that wait, and then how many were dropped. Returns whether all of it is out. */
  #flush(): boolean {
    for (let line = this.#waiting[0]; line !== undefined; line = this.#waiting[0]) {
      const progress = this.#send(line);
      if (progress === 'full') return false;
      if (progress === 'lost') return this.#dropWaiting();
      this.#waiting.shift();
      this.#waitingBytes -= line.length;
    }
    const progress = this.#sendRest();
    if (progress === 'lost') this.#dropped += 1;
    return progress === 'out' && this.#reportDropped();
  }

  #dropWaiting(): false {
    this.#dropped += this.#waiting.length;
    this.#waiting = [];
    this.#waitingBytes = 0;
    return false;
  }

  #reportDropped(): boolean {
    if (this.#dropped > 0 && this.#reportOf !== undefined) {
      const progress = this.#send(Buffer.from(this.#reportOf(this.#dropped)));
      if (progress !== 'out' && progress !== 'begun') return false;
    }
    this.#dropped = 0;
    return this.#rest.length === 0;
  }

  #send(line: Buffer): Progress {
    const earlier = this.#sendRest();
    if (earlier === 'lost') this.#dropped += 1;
    if (earlier !== 'out') return earlier === 'lost' ? 'lost' : 'full';
    const bytes = this.#isTorn ? Buffer.concat([NEW_LINE, line]) : line;
    const written = this.#tryToPut(bytes);
    if (typeof written !== 'number') return written;
    this.#isTorn = false;
    this.#rest = bytes.subarray(written);
    return this.#sendRest();
  }

  #sendRest(): 'out' | 'begun' | 'lost' {
    while (this.#rest.length > 0) {
      const written = this.#tryToPut(this.#rest);
      if (written === 'full') return 'begun';
      if (written === 'lost') {
        this.#rest = NOTHING;
        this.#isTorn = true;
        return 'lost';
      }
      this.#rest = this.#rest.subarray(written);
    }
    return 'out';
  }

  #tryToPut(bytes: Buffer): number | 'full' | 'lost' {
    try {
      return this.#put(bytes);
    } catch (error) {
      this.#error = error;
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return 'lost';
      this.#retry ??= setTimeout(() => {
        this.#retry = undefined;
        this.#flush();
      }, RETRY_MILLISECONDS).unref();
      return 'full';
    }
  }
}
