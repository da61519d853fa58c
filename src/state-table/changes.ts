import type { ChangeEnd, Changes, Clocks, GatewayKey, IntendedChange, Remembered } from '../changes/state.ts';
import { CLOCK_MARGIN } from './clock-watch.ts';
import { ChangesOfGateway, KEPT_MILLISECONDS } from './recorded-changes.ts';
import type { Item, Key, Table } from './table.ts';

/** Changes of the last day, an item each; those of a region lie together, sorted by gateway. */
export class TableChanges implements Changes {
  readonly #table: Table;
  readonly #clocks: Clocks;
  /** Ends that are still being written, with their changes: what is read meanwhile would be from before. */
  readonly #settling = new Map<Promise<void>, GatewayKey>();

  constructor(table: Table, clocks: Clocks) {
    this.#table = table;
    this.#clocks = clocks;
  }

  async intend(change: IntendedChange): Promise<void> {
    await this.#table.put(keyOf(change), this.#itemOf(change), {
      condition: 'attribute_not_exists(#pk) OR attribute_not_exists(#end)',
    });
  }

  settle(change: IntendedChange, end: ChangeEnd): Promise<void> {
    const settled = this.#table
      .inBackground('The end of a change', () => this.#writeEnd(change, end))
      .finally(() => this.#settling.delete(settled));
    this.#settling.set(settled, change);
    return settled;
  }

  async of({ region, natGatewayId }: GatewayKey): Promise<Remembered> {
    await this.settled({ region, natGatewayId });
    const values = { pk: partitionOf(region), prefix: `${natGatewayId}#` };
    const items = await this.#table.query('#pk = :pk AND begins_with(#sk, :prefix)', values);
    return this.#remembered(items);
  }

  async in(region: string): Promise<(natGatewayId: string) => Remembered> {
    await this.settled({ region });
    const items = await this.#table.query('#pk = :pk', { pk: partitionOf(region) });
    const byGateway = new Map<string, Item[]>();
    for (const item of items) {
      const [natGatewayId = ''] = String(item.sk).split('#');
      byGateway.set(natGatewayId, [...(byGateway.get(natGatewayId) ?? []), item]);
    }
    return (natGatewayId) => this.#remembered(byGateway.get(natGatewayId) ?? []);
  }

  /** Settles when no end of a change in the region, or of the gateway, is being written. */
  async settled({ region, natGatewayId }: Pick<GatewayKey, 'region'> & Partial<GatewayKey>): Promise<void> {
    const isMeant = (change: GatewayKey): boolean =>
      change.region === region && (natGatewayId === undefined || change.natGatewayId === natGatewayId);
    await Promise.all([...this.#settling].flatMap(([end, change]) => (isMeant(change) ? end : [])));
  }

  #remembered(items: readonly Item[]): Remembered {
    return new ChangesOfGateway(items, this.#clocks, (key, privateIp) => {
      void this.#table.inBackground('The end of a drain', () =>
        this.#table.update(key, 'ADD #over :over', {
          condition: 'attribute_exists(#pk)',
          values: { over: new Set([privateIp]) },
        }),
      );
    });
  }

  /** Also where nobody knows whether the intent was written: it is refused then if it comes later. */
  async #writeEnd(change: IntendedChange, end: ChangeEnd): Promise<void> {
    const drain =
      end.kind === 'accepted' && end.drain !== undefined ? { drain: JSON.stringify(end.drain) } : {};
    const { at, ...item } = this.#itemOf(change);
    const values = { ...item, end: end.kind, ended: this.#clocks.ec2.now(), ...drain };
    const members = Object.keys(values).map((name) => `#${name} = :${name}`);
    await this.#table.update(keyOf(change), `SET #at = if_not_exists(#at, :at), ${members.join(', ')}`, {
      values: { at, ...values },
    });
  }

  #itemOf({ tool, privateIps }: IntendedChange) {
    const at = this.#clocks.now();
    return { tool, ips: privateIps, at, ttl: Math.ceil((at + KEPT_MILLISECONDS + CLOCK_MARGIN) / 1000) };
  }
}

function partitionOf(region: string): string {
  return `changes#${region}`;
}

function keyOf({ region, natGatewayId, attempt }: IntendedChange): Key {
  return { pk: partitionOf(region), sk: `${natGatewayId}#${attempt}` };
}
