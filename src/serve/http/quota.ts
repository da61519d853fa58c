/** Limits how much is in use at the same time, in total and for each caller: calls or bytes. */
export class Quota {
  readonly limit: number;
  readonly #takenBy = new Map<string, number>();
  #taken = 0;
  #whenEmpty: (() => void)[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  /**
   * The most that a caller gets, however little the others use. For a named caller that is a quarter, so that no caller
   * alone can keep out the others.
   */
  shareOf(principal?: string): number {
    return principal === undefined ? this.limit : Math.max(1, Math.floor(this.limit / 4));
  }

  /** Takes `count` and returns the function that gives it back, or nothing if too little is left. */
  take(count: number, principal?: string): (() => void) | undefined {
    const held = principal === undefined ? 0 : (this.#takenBy.get(principal) ?? 0);
    if (this.#taken + count > this.limit || held + count > this.shareOf(principal)) return undefined;
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

  /** Settles when nothing is in use. */
  async idle(): Promise<void> {
    if (this.#taken > 0) await new Promise<void>((resolve) => this.#whenEmpty.push(resolve));
  }
}
