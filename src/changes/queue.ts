/** The rejection of a change that was given up while it waited for its turn: it has not begun, and will not. */
export class NotBegun extends Error {}

/**
 * One change at a time on a gateway: the second starts when the first has its result, and so meets the state that the
 * first left. Different gateways do not wait for each other.
 */
export class ChangeQueue {
  readonly #last = new Map<string, Promise<unknown>>();

  /**
   * Runs `change` once every earlier one with the same key is over. `giveUp` ends the waiting, never a change that has
   * begun.
   *
   * @throws NotBegun where `giveUp` was aborted first
   */
  async run<T>(key: string, giveUp: AbortSignal, change: () => Promise<T>): Promise<T> {
    const earlier = this.#last.get(key) ?? Promise.resolve();
    let reject: (reason: NotBegun) => void = () => {};
    const givenUp = new Promise<never>((_, rejectGivenUp) => {
      reject = rejectGivenUp;
    });
    const onAbort = (): void => reject(new NotBegun());
    giveUp.addEventListener('abort', onAbort, { once: true });
    const turn = earlier.then(() => {
      giveUp.removeEventListener('abort', onAbort);
      if (giveUp.aborted) throw new NotBegun();
      return change();
    });
    const over = turn.catch(() => undefined);
    this.#last.set(key, over);
    void over.then(() => {
      if (this.#last.get(key) === over) this.#last.delete(key);
    });
    return Promise.race([turn, givenUp]);
  }

  /** Settles when nothing is running or waiting. */
  async idle(): Promise<void> {
    while (this.#last.size > 0) await Promise.all(this.#last.values());
  }
}
