import { createHash, randomInt } from 'node:crypto';
import type { Limit } from '../changes/state.ts';
import { keep } from '../vocabulary/room.ts';
import { CLOCK_MARGIN } from './clock-watch.ts';
import type { Table } from './table.ts';
import { unresolved } from './unavailable.ts';

/** An hour by this clock, in milliseconds, is over by that of every replica. */
const HOUR = 3_600_000 + CLOCK_MARGIN;

/** How long what was read of a caller serves the next change. */
const FRESH_MILLISECONDS = 15_000;

/** For how long another slot is tried where a replica was faster. A call has no more time. */
const TRYING_MILLISECONDS = 3000;

const CAPACITY = 1000;

/** The slots of a caller that are in use, by their number. */
interface Seen {
  at: number;
  used: ReadonlyMap<number, { attempt: string; taken: number }>;
}

/**
 * Counts by slots: each caller has as many as changes an hour, an item each, and a slot that was taken is free again an
 * hour later. So no race can make it more, and the same attempt finds its slot again.
 */
export class TableLimit implements Limit {
  /** May be changed; what was counted stays. */
  perHour: number;
  /** Of the target whose changes it counts. */
  readonly #target: string | undefined;
  readonly #table: Table;
  readonly #now: () => number;
  /** What `secondsLeft` read, so that `take` only writes. */
  readonly #seen = new Map<string, Seen>();
  /** Slots that this process has taken, or may have, by attempt. */
  readonly #taken = new Map<string, number>();

  constructor(table: Table, perHour: number, now: () => number, target?: string) {
    this.#target = target;
    this.#table = table;
    this.perHour = perHour;
    this.#now = now;
  }

  async secondsLeft(caller: string | undefined): Promise<number> {
    const pk = this.#partitionOf(caller);
    const seen = await this.#read(pk);
    keep(this.#seen, pk, seen, CAPACITY);
    const times = [...seen.used.values()].map(({ taken }) => taken).sort((a, b) => a - b);
    const nextFree = times[times.length - this.perHour];
    if (nextFree === undefined) return 0;
    return Math.max(1, Math.ceil((nextFree + HOUR - this.#now()) / 1000));
  }

  async take(caller: string | undefined, attempt: string): Promise<boolean> {
    const pk = this.#partitionOf(caller);
    let known = this.#lastSeen(pk);
    const began = performance.now();
    do {
      const { used } = known ?? (await this.#read(pk));
      if ([...used.values()].some((slot) => slot.attempt === attempt)) return true;
      const free = this.#free(used);
      if (free.length === 0 && known === undefined) return false;
      const slot = free[randomInt(Math.max(free.length, 1))];
      if (slot !== undefined && (await this.#takeSlot(pk, slot, attempt))) return true;
      known = undefined;
    } while (performance.now() - began < TRYING_MILLISECONDS);
    throw unresolved(this.#table.name);
  }

  async refund(caller: string | undefined, attempt: string): Promise<void> {
    const slot = this.#taken.get(attempt);
    if (slot === undefined) return;
    this.#taken.delete(attempt);
    const key = { pk: this.#partitionOf(caller), sk: slotKey(slot) };
    await this.#table.inBackground('A change that was not sent', () =>
      this.#table.update(key, 'SET #taken = :never', {
        condition: '#attempt = :me',
        values: { never: 0, me: attempt },
      }),
    );
  }

  async #takeSlot(pk: string, slot: number, attempt: string): Promise<boolean> {
    const now = this.#now();
    // The table may have it although its answer was lost.
    keep(this.#taken, attempt, slot, CAPACITY);
    const item = { attempt, taken: now, ttl: Math.ceil((now + 2 * HOUR) / 1000) };
    const isTaken = await this.#table.put({ pk, sk: slotKey(slot) }, item, {
      condition: 'attribute_not_exists(#pk) OR #taken < :before OR #attempt = :me',
      values: { before: now - HOUR, me: attempt },
    });
    if (!isTaken) this.#taken.delete(attempt);
    return isTaken;
  }

  /** Slots that are free; none where as many are in use as may be, those of a higher limit before included. */
  #free(used: Seen['used']): number[] {
    if (used.size >= this.perHour) return [];
    return Array.from({ length: this.perHour }, (_, slot) => slot).filter((slot) => !used.has(slot));
  }

  async #read(pk: string): Promise<Seen> {
    const at = this.#now();
    const items = await this.#table.query('#pk = :pk', { pk });
    const slots = items.map(
      ({ sk, attempt, taken }) =>
        [Number(String(sk).slice(SLOT.length)), { attempt: String(attempt), taken: Number(taken) }] as const,
    );
    return { at, used: new Map(slots.filter(([, { taken }]) => taken >= at - HOUR)) };
  }

  /** Callers are named by issuers, at any length. */
  #partitionOf(caller = ''): string {
    const counted = this.#target === undefined ? caller : JSON.stringify([this.#target, caller]);
    return `limit#${createHash('sha256').update(counted).digest('base64url')}`;
  }

  /** What was read lately, for one change: after it, it would be out of date. */
  #lastSeen(pk: string): Seen | undefined {
    const seen = this.#seen.get(pk);
    this.#seen.delete(pk);
    return seen !== undefined && this.#now() - seen.at < FRESH_MILLISECONDS ? seen : undefined;
  }
}

const SLOT = 'slot#';

function slotKey(slot: number): string {
  return SLOT + String(slot).padStart(6, '0');
}
