import { setTimeout as sleep } from 'node:timers/promises';
import { MemoryHolds } from '../changes/memory-state.ts';
import { NotBegun } from '../changes/queue.ts';
import type { Clocks, GatewayKey, Hold, Holds } from '../changes/state.ts';
import { CLOCK_MARGIN } from './clock-watch.ts';
import type { Key, Table } from './table.ts';
import type { TableTimes } from './times.ts';

/**
 * Gateways that are held, an item each. It never expires by itself, so that its fence rises forever. Within the process
 * attempts wait in a queue, and only the first of it asks the table.
 */
export class TableHolds implements Holds {
  readonly #table: Table;
  readonly #clocks: Clocks;
  readonly #times: TableTimes;
  /** Settles when no end of a change of the gateway is being written: the next holder has to know of it. */
  readonly #settled: (gateway: GatewayKey) => Promise<void>;
  readonly #own = new MemoryHolds();

  constructor(
    table: Table,
    clocks: Clocks,
    times: TableTimes,
    settled: (gateway: GatewayKey) => Promise<void>,
  ) {
    this.#table = table;
    this.#clocks = clocks;
    this.#times = times;
    this.#settled = settled;
  }

  async acquire(gateway: GatewayKey, attempt: string, giveUp: AbortSignal): Promise<Hold> {
    const turn = await this.#own.acquire(gateway, attempt, giveUp);
    const key = { pk: `hold#${gateway.region}/${gateway.natGatewayId}`, sk: 'hold' };
    try {
      const hold = await this.#acquire({ gateway, key, attempt, turn }, giveUp);
      this.#table.clock.require();
      return hold;
    } catch (error) {
      // The table may have the hold although its answer was lost.
      const freed = error instanceof NotBegun ? Promise.resolve() : this.#free(key, attempt);
      void freed.then(() => turn.free());
      throw error;
    }
  }

  idle(): Promise<void> {
    return this.#own.idle();
  }

  async #acquire(wanted: Wanted, giveUp: AbortSignal): Promise<Hold> {
    const { key, attempt, turn } = wanted;
    let hasWaited = turn.readAgain;
    for (;;) {
      const since = this.#read();
      const item = await this.#table.update(key, 'SET #holder = :me, #expires = :until ADD #fence :one', {
        condition: 'attribute_not_exists(#holder) OR #expires < :expired OR #holder = :me',
        values: {
          me: attempt,
          until: since.wall + this.#times.hold,
          // A clock that is wrong would take a hold that is not over.
          expired: this.#table.clock.isRight ? since.wall - CLOCK_MARGIN : 0,
          one: 1,
        },
      });
      if (item !== undefined) {
        const readAgain = hasWaited || Number(item.freed ?? 0) > since.wall - CLOCK_MARGIN;
        return this.#held({ ...wanted, fence: Number(item.fence), readAgain }, since);
      }
      hasWaited = true;
      this.#table.clock.require();
      if (!giveUp.aborted) await sleep(this.#times.pause, undefined, { signal: giveUp }).catch(() => {});
      if (giveUp.aborted) throw new NotBegun(1);
    }
  }

  #held({ gateway, key, attempt, fence, readAgain, turn }: Held, since: Reading): Hold {
    let held = since;
    let isKept = false;
    const { hold: lasts, change } = this.#times;
    return {
      fence,
      readAgain,
      get mustNotSendAfter() {
        return held.monotonic + lasts - change;
      },
      maySend: () => this.#elapsed(held) < lasts - change,
      renew: async () => {
        const renewed = this.#read();
        if (this.#elapsed(held) >= lasts) return false;
        const item = await this.#table.update(key, 'SET #expires = :until', {
          condition: '#holder = :me AND #fence = :fence',
          values: { until: renewed.wall + lasts, me: attempt, fence },
        });
        if (item !== undefined) held = renewed;
        return item !== undefined;
      },
      free: async () => {
        await this.#settled(gateway);
        // The next one of this process finds the gateway free at once.
        if (!isKept) await this.#free(key, attempt);
        await turn.free();
      },
      keep: () => {
        isKept = true;
      },
    };
  }

  #free(key: Key, attempt: string): Promise<void> {
    return this.#table.inBackground('The end of a hold', () =>
      this.#table.update(key, 'SET #freed = :now REMOVE #holder, #expires', {
        condition: '#holder = :me',
        values: { now: this.#clocks.now(), me: attempt },
      }),
    );
  }

  /** Milliseconds since a reading, by the clock that tells more: one may be set back, the other stands still in sleep. */
  #elapsed({ wall, monotonic }: Reading): number {
    return Math.max(this.#clocks.now() - wall, this.#clocks.monotonic() - monotonic);
  }

  #read(): Reading {
    return { wall: this.#clocks.now(), monotonic: this.#clocks.monotonic() };
  }
}

interface Wanted {
  gateway: GatewayKey;
  key: Key;
  attempt: string;
  /** Within this process. */
  turn: Hold;
}

interface Held extends Wanted {
  fence: number;
  readAgain: boolean;
}

/** Both clocks at one moment. */
interface Reading {
  wall: number;
  monotonic: number;
}
