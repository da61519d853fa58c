/** The rejection of a change that was given up while it waited for its turn: it has not begun, and will not. */
export class NotBegun extends Error {
  /** How many changes with the same key were running or waiting when it came. */
  readonly ahead: number;

  constructor(ahead: number) {
    super('given up before its turn');
    this.ahead = ahead;
  }
}

/** The changes with one key. */
interface Line {
  /** Settles when the last of them is over. */
  last: Promise<unknown>;
  /** How many are running or waiting; one that was given up is neither. */
  length: number;
}

/**
 * One change at a time on a gateway: the second starts when the first has its result, and so meets the state that the
 * first left. Different gateways do not wait for each other.
 */
export class ChangeQueue {
  readonly #lines = new Map<string, Line>();

  /**
   * Runs `change` once every earlier one with the same key is over. `giveUp` ends the waiting, never a change that has
   * begun.
   *
   * @throws NotBegun where `giveUp` was aborted first
   */
  async run<T>(key: string, giveUp: AbortSignal, change: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(key) ?? { last: Promise.resolve(), length: 0 };
    const ahead = line.length;
    if (giveUp.aborted) throw new NotBegun(ahead);
    this.#lines.set(key, line);
    line.length += 1;
    let reject: (reason: NotBegun) => void = () => {};
    const givenUp = new Promise<never>((_, rejectGivenUp) => {
      reject = rejectGivenUp;
    });
    const onAbort = (): void => {
      line.length -= 1;
      reject(new NotBegun(ahead));
    };
    giveUp.addEventListener('abort', onAbort, { once: true });
    const turn = line.last.then(async () => {
      giveUp.removeEventListener('abort', onAbort);
      if (giveUp.aborted) throw new NotBegun(ahead);
      try {
        return await change();
      } finally {
        line.length -= 1;
      }
    });
    const over = turn
      .catch(() => undefined)
      .then(() => {
        if (line.last === over) this.#lines.delete(key);
      });
    line.last = over;
    return Promise.race([turn, givenUp]);
  }

  /** Settles when nothing is running or waiting. */
  async idle(): Promise<void> {
    while (this.#lines.size > 0) await Promise.all([...this.#lines.values()].map(({ last }) => last));
  }
}
