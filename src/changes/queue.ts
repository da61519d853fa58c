/**
 * One change at a time on a gateway: whoever comes second starts when the first has its result, and so meets the
 * state the first left. Different gateways do not wait for each other.
 */
export class ChangeQueue {
  readonly #last = new Map<string, Promise<unknown>>();

  /**
   * Runs `change` once every earlier one with the same key is over. `patience` ends the waiting, never a change
   * that has begun: the promise then rejects with the signal's reason, and `change` is not run.
   */
  async run<T>(key: string, patience: AbortSignal, change: () => Promise<T>): Promise<T> {
    const earlier = this.#last.get(key) ?? Promise.resolve();
    let giveUp: (reason: unknown) => void = () => {};
    const impatience = new Promise<never>((_, reject) => {
      giveUp = reject;
    });
    const onAbort = (): void => giveUp(patience.reason);
    patience.addEventListener('abort', onAbort, { once: true });
    const turn = earlier.then(() => {
      patience.removeEventListener('abort', onAbort);
      patience.throwIfAborted();
      return change();
    });
    const over = turn.catch(() => undefined);
    this.#last.set(key, over);
    void over.then(() => {
      if (this.#last.get(key) === over) this.#last.delete(key);
    });
    return Promise.race([turn, impatience]);
  }

  /** Settles when nothing is running or waiting. */
  async idle(): Promise<void> {
    while (this.#last.size > 0) await Promise.all(this.#last.values());
  }
}
