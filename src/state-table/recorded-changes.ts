import { RESTORABLE_MILLISECONDS } from '../changes/releases.ts';
import { DRAIN_KEPT_MILLISECONDS, startedDrain } from '../changes/started-drains.ts';
import type { Clocks, Remembered } from '../changes/state.ts';
import type { Drain, StartedDrain } from '../nat-gateway/drain.ts';
import type { NatGateway } from '../nat-gateway/gateway.ts';
import { assignedAgain, withStartedDrains } from '../nat-gateway/observations.ts';
import { RESTORE, UNASSIGN } from '../vocabulary/names.ts';
import type { Item, Key } from './table.ts';

/** How long the record of a change is kept: as long as its addresses can be given back. */
export const KEPT_MILLISECONDS = RESTORABLE_MILLISECONDS;

/** What the recorded changes of one gateway say together. */
export class ChangesOfGateway implements Remembered {
  readonly drains = new Map<string, StartedDrain>();
  readonly #released = new Map<string, number>();
  readonly #givenBack = new Map<string, number>();
  /** The record of each remembered drain. */
  readonly #keys = new Map<string, Key>();
  readonly #clocks: Clocks;
  readonly #onForgotten: (key: Key, privateIp: string) => void;

  /** `onForgotten` gets the record whose drain of an address is over. */
  constructor(items: readonly Item[], clocks: Clocks, onForgotten: (key: Key, privateIp: string) => void) {
    this.#clocks = clocks;
    this.#onForgotten = onForgotten;
    for (const item of items.toSorted((a, b) => Number(a.at) - Number(b.at))) this.#add(item);
  }

  isReleased(privateIp: string): boolean {
    const at = this.#released.get(privateIp);
    return at !== undefined && this.#clocks.now() - at < RESTORABLE_MILLISECONDS;
  }

  givenBackAt(privateIp: string): number | undefined {
    return this.#givenBack.get(privateIp);
  }

  judge(gateway: NatGateway, now: number): NatGateway {
    for (const privateIp of assignedAgain(gateway, this.drains, now)) this.forget(privateIp);
    return withStartedDrains(gateway, this.drains, now);
  }

  forget(privateIp: string): void {
    const key = this.#keys.get(privateIp);
    if (key === undefined || !this.drains.delete(privateIp)) return;
    this.#keys.delete(privateIp);
    this.#onForgotten(key, privateIp);
  }

  /** The records come in the order of their times. */
  #add(item: Item): void {
    if (item.end === 'not_made') return;
    const isAccepted = item.end === 'accepted';
    for (const privateIp of item.ips as readonly string[]) {
      if (item.tool === UNASSIGN) this.#addRelease(item, privateIp, isAccepted);
      if (item.tool === RESTORE && isAccepted) this.#addReturn(item, privateIp);
    }
  }

  #addRelease(item: Item, privateIp: string, isAccepted: boolean): void {
    this.#released.set(privateIp, Number(item.at));
    this.#givenBack.delete(privateIp);
    const isOver = item.over instanceof Set && item.over.has(privateIp);
    if (!isAccepted || isOver) return;
    const drain = item.drain === undefined ? undefined : (JSON.parse(String(item.drain)) as Drain);
    const started = startedDrain(drain, this.#ownTime(Number(item.ended)));
    if (started.dueAt + DRAIN_KEPT_MILLISECONDS < this.#clocks.ec2.monotonic()) return;
    this.drains.set(privateIp, started);
    this.#keys.set(privateIp, { pk: String(item.pk), sk: String(item.sk) });
  }

  #addReturn(item: Item, privateIp: string): void {
    this.#released.delete(privateIp);
    this.drains.delete(privateIp);
    this.#keys.delete(privateIp);
    this.#givenBack.set(privateIp, this.#ownTime(Number(item.ended)));
  }

  /** A time since the epoch by the monotonic clock of this process. */
  #ownTime(time: number): number {
    const { now, monotonic } = this.#clocks.ec2;
    return monotonic() - (now() - time);
  }
}
