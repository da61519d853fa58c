import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChangeLimit } from '../../src/changes/limit.ts';
import { ManualClock } from '../support/session.ts';

const HOUR = 3600;

describe('an changeLimit of changes', () => {
  it('lasts for as many as it says, and says when the next is allowed', () => {
    const clock = new ManualClock(1_000_000);
    const changeLimit = new ChangeLimit(2, clock.now);
    expect(changeLimit.take('a')).toBe(true);
    clock.advance(600);
    expect(changeLimit.take('a')).toBe(true);
    expect(changeLimit.secondsLeft('a')).toBe(HOUR - 600);
    expect(changeLimit.take('a')).toBe(false);
    clock.advance(HOUR - 601);
    expect(changeLimit.secondsLeft('a')).toBe(1);
    clock.advance(1);
    expect(changeLimit.secondsLeft('a')).toBe(0);
    expect(changeLimit.take('a')).toBe(true);
    expect(changeLimit.secondsLeft('a')).toBe(600);
  });

  it('is counted for each caller by itself, and for those without a name together', () => {
    const changeLimit = new ChangeLimit(1, () => 0);
    expect([
      changeLimit.take('a'),
      changeLimit.take('b'),
      changeLimit.take(),
      changeLimit.take(undefined),
    ]).toEqual([true, true, true, false]);
  });

  it('is not used up by looking, nor by a refusal', () => {
    const clock = new ManualClock(0);
    const changeLimit = new ChangeLimit(1, clock.now);
    for (let i = 0; i < 5; i++) expect(changeLimit.secondsLeft('a')).toBe(0);
    changeLimit.take('a');
    clock.advance(HOUR - 1);
    expect(changeLimit.take('a')).toBe(false);
    clock.advance(1);
    expect(changeLimit.take('a')).toBe(true);
  });

  it('never lets more through in any hour, whenever they come', () => {
    const pauses = fc.array(fc.integer({ min: 0, max: HOUR }), { maxLength: 60 });
    fc.assert(
      fc.property(pauses, fc.integer({ min: 1, max: 5 }), (waits, perHour) => {
        const clock = new ManualClock(0);
        const changeLimit = new ChangeLimit(perHour, clock.now);
        const sent: number[] = [];
        for (const wait of waits) {
          clock.advance(wait);
          const left = changeLimit.secondsLeft();
          expect(changeLimit.take()).toBe(left === 0);
          if (left === 0) sent.push(clock.now());
        }
        for (const [i, time] of sent.entries()) {
          const after = sent[i + perHour];
          if (after !== undefined) expect(after - time).toBeGreaterThanOrEqual(HOUR * 1000);
        }
      }),
    );
  });

  it('is given back for a call that was not sent', () => {
    const changeLimit = new ChangeLimit(1, () => 0);
    expect(changeLimit.take('a')).toBe(true);
    changeLimit.refund('a');
    changeLimit.refund('b');
    expect(changeLimit.take('a')).toBe(true);
    expect(changeLimit.take('a')).toBe(false);
  });
});
