const HOUR = 3_600_000;

/**
 * Counts the real calls of each caller in the last hour. The limit bounds what a caller that has gone wrong, or a token
 * in the wrong hands, can release before somebody looks. Kept by this process alone.
 */
export class ChangeLimit {
  /** May be changed; what was counted stays. */
  perHour: number;
  readonly #monotonic: () => number;
  /** When each caller's calls of the last hour were sent, by the monotonic clock, oldest first. */
  readonly #sent = new Map<string, number[]>();

  /** `monotonic` tells milliseconds since any moment: by the wall clock, setting it could end the hour early. */
  constructor(perHour: number, monotonic: () => number) {
    this.perHour = perHour;
    this.#monotonic = monotonic;
  }

  /** Seconds until this caller may send another call; 0 is now. Callers without a name share one count. */
  secondsLeft(principal = ''): number {
    const sent = this.#lastHour(principal);
    // Above a limit that was lowered, several have to pass.
    const nextFree = sent[sent.length - this.perHour];
    if (nextFree === undefined) return 0;
    return Math.max(1, Math.ceil((nextFree + HOUR - this.#monotonic()) / 1000));
  }

  /** Counts a call that is about to be sent; false where the caller has none left, and must not send it. */
  take(principal = ''): boolean {
    if (this.secondsLeft(principal) > 0) return false;
    this.#sent.set(principal, [...this.#lastHour(principal), this.#monotonic()]);
    return true;
  }

  /** Uncounts the latest call, because it was not sent. */
  refund(principal = ''): void {
    this.#sent.get(principal)?.pop();
  }

  #lastHour(principal: string): number[] {
    const since = this.#monotonic() - HOUR;
    for (const [name, times] of this.#sent) {
      const recent = times.filter((time) => time > since);
      if (recent.length > 0) this.#sent.set(name, recent);
      else this.#sent.delete(name);
    }
    return this.#sent.get(principal) ?? [];
  }
}
