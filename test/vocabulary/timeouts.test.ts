import { describe, expect, it } from 'vitest';
import { TIMEOUTS } from '../../src/vocabulary/timeouts.ts';

describe('the timeouts', () => {
  it('leave a call within the 50 s that clients wait, in the worst case', () => {
    const { queue, read, change, reconcile } = TIMEOUTS;
    expect(queue + read + change + reconcile).toBeLessThan(50_000);
  });

  it('leave time for every read after a lost answer', () => {
    const pauses = TIMEOUTS.reconcilePauses.reduce((sum, pause) => sum + pause, 0);
    expect(pauses).toBeLessThanOrEqual(TIMEOUTS.reconcile - 1000);
  });
});
