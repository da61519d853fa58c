import type { Limit } from './state.ts';

/** The limit of one target. A change of it leaves what was counted. */
interface LimitOfTarget extends Limit {
  perHour: number;
}

/**
 * Returns the limits of targets: that of the server, which counts the changes in all targets, and beside it one of the
 * target by this name.
 */
export function limitsOfTargets<OfTarget extends LimitOfTarget>(
  inAll: Limit,
  open: (perHour: number, target: string) => OfTarget,
): (target: string, perHour: number) => Limit {
  const opened = new Map<string, OfTarget>();
  return (target, perHour) => {
    const known = opened.get(target) ?? open(perHour, target);
    known.perHour = perHour;
    opened.set(target, known);
    return new BothLimits(inAll, known);
  };
}

/** Two limits, both of which count every change. */
class BothLimits implements Limit {
  readonly #inAll: Limit;
  readonly #ofTarget: Limit;

  constructor(inAll: Limit, ofTarget: Limit) {
    this.#inAll = inAll;
    this.#ofTarget = ofTarget;
  }

  get perHour(): number {
    return this.#ofTarget.perHour;
  }

  get perHourInAll(): number {
    return this.#inAll.perHour;
  }

  async secondsLeft(caller: string | undefined): Promise<number> {
    return Math.max(...(await Promise.all(this.#both.map((each) => each.secondsLeft(caller)))));
  }

  async take(caller: string | undefined, attempt: string): Promise<boolean> {
    const taking = this.#both.map((each) => each.take(caller, attempt));
    // What is given back must not be taken afterwards.
    await Promise.allSettled(taking);
    const isTaken = (await Promise.all(taking)).every(Boolean);
    if (!isTaken) await this.refund(caller, attempt);
    return isTaken;
  }

  async refund(caller: string | undefined, attempt: string): Promise<void> {
    await Promise.all(this.#both.map((each) => each.refund(caller, attempt)));
  }

  get #both(): readonly Limit[] {
    return [this.#inAll, this.#ofTarget];
  }
}
