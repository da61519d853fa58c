/** How many calls run at the same time, and no more than may. */
export class CallSlots {
  readonly limit: number;
  #taken = 0;
  #whenEmpty: (() => void)[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Takes `count` slots and returns what gives them back, or nothing where there are not as many left. */
  take(count: number): (() => void) | undefined {
    if (this.#taken + count > this.limit) return undefined;
    this.#taken += count;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#taken -= count;
      if (this.#taken === 0) for (const resolve of this.#whenEmpty.splice(0)) resolve();
    };
  }

  /** Settles when no call is running. */
  async idle(): Promise<void> {
    if (this.#taken > 0) await new Promise<void>((resolve) => this.#whenEmpty.push(resolve));
  }
}
