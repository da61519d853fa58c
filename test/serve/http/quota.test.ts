import { describe, expect, it } from 'vitest';
import { Quota } from '../../../src/serve/http/quota.ts';

describe('a quota', () => {
  it('gives a named caller a quarter at most, so that others find some', () => {
    const quota = new Quota(8);
    const [first, second] = [quota.take(1, 'mallory'), quota.take(1, 'mallory')];
    expect([first, second]).not.toContain(undefined);
    expect(quota.take(1, 'mallory')).toBeUndefined();
    expect(quota.take(1, 'ada')).toBeDefined();
    first?.();
    first?.();
    expect(quota.take(1, 'mallory')).toBeDefined();
    expect(quota.take(1, 'mallory')).toBeUndefined();
  });

  it('gives every caller one at least, and callers without names all of it', () => {
    expect(new Quota(1).take(1, 'ada')).toBeDefined();
    const quota = new Quota(4);
    expect(quota.take(4)).toBeDefined();
    expect(quota.take(1)).toBeUndefined();
    expect(quota.take(1, 'ada')).toBeUndefined();
  });
});
