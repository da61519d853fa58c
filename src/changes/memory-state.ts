import { RESTORE, UNASSIGN } from '../vocabulary/names.ts';
import { makeRoom } from '../vocabulary/room.ts';
import { MemoryApprovals } from './approvals.ts';
import { ChangeLimit } from './limit.ts';
import { limitsOfTargets } from './limits-of-targets.ts';
import { ChangeQueue } from './queue.ts';
import { type Release, Releases } from './releases.ts';
import { StartedDrains } from './started-drains.ts';
import type { Changes, Clocks, GatewayKey, Hold, Holds, Limit, Remembered, State, Yeses } from './state.ts';

/** How many attempts are remembered, so that the same one counts once. */
const CAPACITY = 10_000;

interface MemoryOptions {
  clocks: Clocks;
  maxChangesPerHour: number;
  /** Releases of earlier processes, as the audit log has them. */
  earlier?: readonly Release[];
}

/** The state of one process, which ends with it. */
export function memoryState({ clocks, maxChangesPerHour, earlier = [] }: MemoryOptions): State {
  const shared = {
    yeses: new MemoryYeses(clocks.monotonic),
    holds: new MemoryHolds(),
    approvals: new MemoryApprovals(clocks.now),
    isShared: false,
    check: async () => {},
    close: async () => {},
  };
  const changesOf = new Map<string | undefined, Changes>();
  const changesIn = (target: string | undefined): Changes => {
    const ofTarget = earlier.filter((each) => each.target === target);
    const changes = changesOf.get(target) ?? memoryChanges(clocks, ofTarget);
    changesOf.set(target, changes);
    return changes;
  };
  const limit = new MemoryLimit(maxChangesPerHour, clocks.monotonic);
  const limitIn = limitsOfTargets(limit, (perHour) => new MemoryLimit(perHour, clocks.monotonic));
  const stateOf = (ofLimit: Limit, target?: string): State => ({
    ...shared,
    limit: ofLimit,
    changes: changesIn(target),
    forTarget: (name, changesPerHour) => stateOf(limitIn(name, changesPerHour), name),
  });
  return stateOf(limit);
}

class MemoryYeses implements Yeses {
  readonly #monotonic: () => number;
  /** By nonce, until it would have expired anyway. */
  readonly #used = new Map<string, { attempt: string; until: number }>();

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  async use(nonce: string, attempt: string, rememberFor: number): Promise<boolean> {
    const now = this.#monotonic();
    for (const [used, { until }] of this.#used) if (until < now) this.#used.delete(used);
    const first = this.#used.get(nonce);
    if (first !== undefined) return first.attempt === attempt;
    this.#used.set(nonce, { attempt, until: now + rememberFor });
    return true;
  }
}

class MemoryLimit implements Limit {
  readonly #sent: ChangeLimit;
  readonly #attempts = new Set<string>();

  constructor(perHour: number, monotonic: () => number) {
    this.#sent = new ChangeLimit(perHour, monotonic);
  }

  get perHour(): number {
    return this.#sent.perHour;
  }

  set perHour(perHour: number) {
    this.#sent.perHour = perHour;
  }

  async secondsLeft(caller: string | undefined): Promise<number> {
    return this.#sent.secondsLeft(caller);
  }

  async take(caller: string | undefined, attempt: string): Promise<boolean> {
    if (this.#attempts.has(attempt)) return true;
    if (!this.#sent.take(caller)) return false;
    makeRoom(this.#attempts, CAPACITY);
    this.#attempts.add(attempt);
    return true;
  }

  async refund(caller: string | undefined, attempt: string): Promise<void> {
    if (this.#attempts.delete(attempt)) this.#sent.refund(caller);
  }
}

/** Holds a gateway for as long as its turn in the queue lasts. */
export class MemoryHolds implements Holds {
  readonly #queue = new ChangeQueue();
  /** How many hold a gateway, or wait for it. */
  readonly #inLine = new Map<string, number>();
  #fence = 0;

  async acquire({ region, natGatewayId }: GatewayKey, _attempt: string, giveUp: AbortSignal): Promise<Hold> {
    const key = `${region}/${natGatewayId}`;
    const ahead = this.#inLine.get(key) ?? 0;
    this.#inLine.set(key, ahead + 1);
    return new Promise((resolve, reject) => {
      const turn = (): Promise<void> =>
        new Promise((free) => {
          this.#fence += 1;
          resolve(heldUntilFreed(this.#fence, ahead > 0, free));
        });
      this.#queue
        .run(key, giveUp, turn)
        .catch(reject)
        .finally(() => this.#leave(key));
    });
  }

  idle(): Promise<void> {
    return this.#queue.idle();
  }

  #leave(key: string): void {
    const others = (this.#inLine.get(key) ?? 1) - 1;
    if (others > 0) this.#inLine.set(key, others);
    else this.#inLine.delete(key);
  }
}

function heldUntilFreed(fence: number, readAgain: boolean, free: () => void): Hold {
  return {
    fence,
    readAgain,
    mustNotSendAfter: Infinity,
    maySend: () => true,
    renew: async () => true,
    free: async () => free(),
    keep: () => {},
  };
}

/** Nothing is noted before a change was sent: it would be lost with the process, and the audit log has it. */
function memoryChanges({ now, ec2 }: Clocks, earlier: readonly Release[]): Changes {
  const releases = new Releases(now, earlier);
  const drains = new StartedDrains();
  const of = ({ region, natGatewayId }: GatewayKey): Remembered => ({
    get drains() {
      return drains.of(region, natGatewayId);
    },
    isReleased: (privateIp) => releases.has(region, natGatewayId, privateIp),
    givenBackAt: (privateIp) => releases.givenBackAt(region, natGatewayId, privateIp),
    judge: (gateway, at) => drains.judge(region, gateway, at),
    forget: (privateIp) => drains.forget(region, natGatewayId, privateIp),
  });
  return {
    intend: async () => {},
    async settle(change, end) {
      if (end.kind === 'not_made') return;
      if (change.tool === UNASSIGN) releases.remember({ ...change, at: now() });
      if (end.kind !== 'accepted') return;
      if (change.tool === UNASSIGN) drains.remember(change, end.drain, ec2.monotonic());
      if (change.tool !== RESTORE) return;
      releases.giveBack(change, ec2.monotonic());
      for (const privateIp of change.privateIps) of(change).forget(privateIp);
    },
    of: async (gateway) => of(gateway),
    in: async (region) => (natGatewayId) => of({ region, natGatewayId }),
  };
}
