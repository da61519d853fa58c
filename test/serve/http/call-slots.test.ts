import { describe, expect, it } from 'vitest';
import { CallSlots } from '../../../src/serve/http/call-slots.ts';

describe('slots for calls', () => {
  it('are given to a caller with a name up to a quarter, so that others find some', () => {
    const slots = new CallSlots(8);
    const [first, second] = [slots.take(1, 'mallory'), slots.take(1, 'mallory')];
    expect([first, second]).not.toContain(undefined);
    expect(slots.take(1, 'mallory')).toBeUndefined();
    expect(slots.take(1, 'ada')).toBeDefined();
    first?.();
    first?.();
    expect(slots.take(1, 'mallory')).toBeDefined();
    expect(slots.take(1, 'mallory')).toBeUndefined();
  });

  it('are one at least for everyone, and all of them for those without names', () => {
    expect(new CallSlots(1).take(1, 'ada')).toBeDefined();
    const slots = new CallSlots(4);
    expect(slots.take(4)).toBeDefined();
    expect(slots.take(1)).toBeUndefined();
    expect(slots.take(1, 'ada')).toBeUndefined();
  });
});
