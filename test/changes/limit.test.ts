import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChangeLimit } from '../../src/changes/limit.ts';
import { ManualClock } from '../support/session.ts';

const HOUR = 3600;

describe('the hourly limit of changes', () => {
  it('allows the given number of calls and returns the seconds until the next', () => {
    const clock = new ManualClock(1_000_000);
    const limit = new ChangeLimit(2, clock.now);
    expect(limit.take('a')).toBe(true);
    clock.advance(600);
    expect(limit.take('a')).toBe(true);
    expect(limit.secondsLeft('a')).toBe(HOUR - 600);
    expect(limit.take('a')).toBe(false);
    clock.advance(HOUR - 601);
    expect(limit.secondsLeft('a')).toBe(1);
    clock.advance(1);
    expect(limit.secondsLeft('a')).toBe(0);
    expect(limit.take('a')).toBe(true);
    expect(limit.secondsLeft('a')).toBe(600);
  });

  it('counts each caller separately, and callers without a name together', () => {
    const limit = new ChangeLimit(1, () => 0);
    expect([limit.take('a'), limit.take('b'), limit.take(), limit.take(undefined)]).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it('counts neither secondsLeft nor a refused call', () => {
    const clock = new ManualClock(0);
    const limit = new ChangeLimit(1, clock.now);
    for (let i = 0; i < 5; i++) expect(limit.secondsLeft('a')).toBe(0);
    limit.take('a');
    clock.advance(HOUR - 1);
    expect(limit.take('a')).toBe(false);
    clock.advance(1);
    expect(limit.take('a')).toBe(true);
  });

  it('never allows more calls in any hour', () => {
    const pauses = fc.array(fc.integer({ min: 0, max: HOUR }), { maxLength: 60 });
    fc.assert(
      fc.property(pauses, fc.integer({ min: 1, max: 5 }), (waits, perHour) => {
        const clock = new ManualClock(0);
        const limit = new ChangeLimit(perHour, clock.now);
        const sent: number[] = [];
        for (const wait of waits) {
          clock.advance(wait);
          const left = limit.secondsLeft();
          expect(limit.take()).toBe(left === 0);
          if (left === 0) sent.push(clock.now());
        }
        const spans = sent.slice(perHour).map((time, i) => time - (sent[i] ?? time));
        expect(spans.filter((span) => span < HOUR * 1000)).toEqual([]);
      }),
    );
  });

  it('does not count a refunded call', () => {
    const limit = new ChangeLimit(1, () => 0);
    expect(limit.take('a')).toBe(true);
    limit.refund('a');
    limit.refund('b');
    expect(limit.take('a')).toBe(true);
    expect(limit.take('a')).toBe(false);
  });
});
