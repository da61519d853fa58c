import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { abortAt } from '../../src/vocabulary/abort-at.ts';

describe('a signal that is aborted at a moment', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('is aborted then, and is late', () => {
    const { signal, isLate } = abortAt(performance.now() + 50);
    vi.advanceTimersByTime(49);
    expect([signal.aborted, isLate()]).toEqual([false, false]);
    vi.advanceTimersByTime(1);
    expect([signal.aborted, isLate()]).toEqual([true, true]);
    expect(signal.reason).toMatchObject({ name: 'TimeoutError' });
  });

  it('is aborted with the other signal before, for its reason, and is not late even afterwards', () => {
    const other = new AbortController();
    const { signal, isLate } = abortAt(performance.now() + 50, other.signal);
    other.abort('gone');
    expect([signal.aborted, signal.reason, isLate()]).toEqual([true, 'gone', false]);
    vi.advanceTimersByTime(50);
    expect([signal.reason, isLate()]).toEqual(['gone', false]);
  });

  it('is aborted from the start where the other signal is', () => {
    const { signal } = abortAt(performance.now() + 50, AbortSignal.abort('gone'));
    expect([signal.aborted, signal.reason]).toEqual([true, 'gone']);
  });

  it('is aborted soon where the moment is over', () => {
    const { signal, isLate } = abortAt(performance.now() - 1000);
    vi.advanceTimersByTime(1);
    expect([signal.aborted, isLate()]).toEqual([true, true]);
  });

  it('is never aborted after it was let go, and keeps nothing of the other signal', () => {
    const other = new AbortController();
    const { signal, letGo } = abortAt(performance.now() + 50, other.signal);
    expect(getEventListeners(other.signal, 'abort')).toHaveLength(1);
    letGo();
    expect(getEventListeners(other.signal, 'abort')).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(1000);
    other.abort();
    expect(signal.aborted).toBe(false);
  });
});
