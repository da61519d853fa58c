/** Limits how many calls run at the same time, in total and for each caller. */
export class CallSlots {
  readonly limit: number;
  readonly #takenBy = new Map<string, number>();
  #taken = 0;
  #whenEmpty: (() => void)[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  /**
   * Takes `count` slots and returns the function that gives them back, or nothing if too few are left. A named caller
   * gets a quarter of all slots at most, so that no caller alone can keep out the others.
   */
  take(count: number, principal?: string): (() => void) | undefined {
    const held = principal === undefined ? 0 : (this.#takenBy.get(principal) ?? 0);
    const share = principal === undefined ? this.limit : Math.max(1, Math.floor(this.limit / 4));
    if (this.#taken + count > this.limit || held + count > share) return undefined;
    this.#change(count, principal);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#change(-count, principal);
      if (this.#taken === 0) for (const resolve of this.#whenEmpty.splice(0)) resolve();
    };
  }

  #change(by: number, principal: string | undefined): void {
    this.#taken += by;
    if (principal === undefined) return;
    const held = (this.#takenBy.get(principal) ?? 0) + by;
    if (held > 0) this.#takenBy.set(principal, held);
    else this.#takenBy.delete(principal);
  }

  /** Settles when no call is running. */
  async idle(): Promise<void> {
    if (this.#taken > 0) await new Promise<void>((resolve) => this.#whenEmpty.push(resolve));
  }
}
