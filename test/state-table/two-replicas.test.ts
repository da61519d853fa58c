import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NotBegun } from '../../src/changes/queue.ts';
import type { GatewayKey, Hold, State } from '../../src/changes/state.ts';
import { Failure } from '../../src/vocabulary/failure.ts';
import { HOUR, newGateway } from '../support/state-contract.ts';
import { PATIENT_TIMES, StateTable } from '../support/state-table.ts';

/** Seconds by which the second replica's clock differs from the table's: as far as is tolerated. */
const SKEW = 4;

let table: StateTable;

beforeAll(async () => {
  table = await StateTable.start();
});

afterAll(() => table.close());

/** Two replicas and what their callers were told. */
class Model {
  readonly #nonces = [randomUUID(), randomUUID()];
  readonly #caller = randomUUID();
  readonly #gateway: GatewayKey = newGateway();
  readonly #replicas: readonly State[];
  /** Attempts that were told that a yes is theirs, by nonce. */
  readonly used = new Map<string, Set<string>>();
  /** Real times in milliseconds at which a change was counted. */
  readonly counted: number[] = [];
  readonly #holds: Hold[] = [];
  mostHolders = 0;

  constructor() {
    table.secondsAhead = 0;
    this.#replicas = [0, SKEW].map((skew) => this.#replica(skew));
  }

  async run({ kind, at, which, seconds, isLost }: Step): Promise<void> {
    const state = this.#replicas[at] as State;
    if (isLost) table.spoil((_, number) => (number === 0 ? 'lost' : 'none'));
    await this.#step(state, kind, which, seconds).catch((error: unknown) => {
      if (!(error instanceof Failure) && !(error instanceof NotBegun)) throw error;
    });
    table.heal();
    const holders = this.#holds.filter((hold) => hold.maySend()).length;
    this.mostHolders = Math.max(this.mostHolders, holders);
  }

  async #step(state: State, kind: Step['kind'], which: number, seconds: number): Promise<void> {
    const attempt = randomUUID();
    if (kind === 'pause') table.secondsAhead += seconds;
    if (kind === 'use') {
      const nonce = this.#nonces[which] ?? '';
      if (!(await state.yeses.use(nonce, attempt, 600_000))) return;
      this.used.set(nonce, (this.used.get(nonce) ?? new Set()).add(attempt));
    }
    if (kind === 'look') await state.limit.secondsLeft(this.#caller);
    if (kind === 'take' && (await state.limit.take(this.#caller, attempt))) this.counted.push(this.#now());
    if (kind === 'hold') {
      const giveUp = AbortSignal.timeout(30);
      this.#holds.push(await state.holds.acquire(this.#gateway, attempt, giveUp));
    }
    if (kind === 'renew') await this.#holds.at(-1 - which)?.renew();
    if (kind === 'free') await this.#holds.splice(which, 1)[0]?.free();
  }

  #now(): number {
    return Date.now() + table.secondsAhead * 1000;
  }

  #replica(skew: number): State {
    const now = (): number => this.#now() + skew * 1000;
    const monotonic = (): number => performance.now() + table.secondsAhead * 1000;
    return table.replica({
      clocks: { now, monotonic, ec2: { now, monotonic } },
      maxChangesPerHour: 1,
      // Sending is allowed to the end of a hold, so that the margin for clocks decides.
      times: { ...PATIENT_TIMES, change: 0 },
    });
  }
}

interface Step {
  kind: 'use' | 'look' | 'take' | 'hold' | 'renew' | 'free' | 'pause';
  /** The replica. */
  at: number;
  which: number;
  seconds: number;
  /** Whether the answer to its first request is lost. */
  isLost: boolean;
}

const step = fc.record<Step>({
  kind: fc.constantFrom('use', 'look', 'take', 'take', 'hold', 'hold', 'renew', 'free', 'pause', 'pause'),
  at: fc.nat(1),
  which: fc.nat(1),
  // About the ends of a hold and of an hour, with and without the margin.
  seconds: fc.constantFrom(20, 42, 44, 50, 58, 61, 3550, 3597, 3599, 3612, 3616),
  isLost: fc.boolean(),
});

describe('two replicas with clocks that differ, whatever they do', () => {
  it('keep what was promised', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 40 }), async (steps) => {
        const model = new Model();
        for (const each of steps) await model.run(each);
        expect([...model.used.values()].filter(({ size }) => size > 1)).toEqual([]);
        expect(model.mostHolders).toBeLessThanOrEqual(1);
        const { counted } = model;
        const spans = counted.slice(1).map((time, index) => time - (counted[index] ?? time));
        expect(spans.filter((span) => span < HOUR * 1000)).toEqual([]);
      }),
      { numRuns: 8 },
    );
  });
});
