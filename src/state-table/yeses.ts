import type { Yeses } from '../changes/state.ts';
import { CLOCK_MARGIN } from './clock-watch.ts';
import type { Table } from './table.ts';

/** Used yeses, an item each. */
export class TableYeses implements Yeses {
  readonly #table: Table;
  readonly #now: () => number;

  constructor(table: Table, now: () => number) {
    this.#table = table;
    this.#now = now;
  }

  use(nonce: string, attempt: string, rememberFor: number): Promise<boolean> {
    const key = { pk: `yes#${nonce}`, sk: 'yes' };
    const ttl = Math.ceil((this.#now() + rememberFor + CLOCK_MARGIN) / 1000);
    return this.#table.put(
      key,
      { attempt, ttl },
      {
        condition: 'attribute_not_exists(#pk) OR #attempt = :me',
        values: { me: attempt },
      },
    );
  }
}
