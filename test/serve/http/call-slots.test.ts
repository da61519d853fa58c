import { describe, expect, it } from 'vitest';
import { CallSlots } from '../../../src/serve/http/call-slots.ts';

describe('the call slots', () => {
  it('give a named caller a quarter at most, so that others find some', () => {
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

  it('give every caller one at least, and callers without names all of them', () => {
    expect(new CallSlots(1).take(1, 'ada')).toBeDefined();
    const slots = new CallSlots(4);
    expect(slots.take(4)).toBeDefined();
    expect(slots.take(1)).toBeUndefined();
    expect(slots.take(1, 'ada')).toBeUndefined();
  });
});
