import { describe, expect, it } from 'vitest';
import { memoryState } from '../../src/changes/memory-state.ts';
import { ForwardClock, never, newGateway, PER_HOUR, stateContract } from '../support/state-contract.ts';

function newState(earlier = {}) {
  const clock = new ForwardClock();
  const state = memoryState({ clocks: clock.clocks, maxChangesPerHour: PER_HOUR, ...earlier });
  return { state, elsewhere: state, clock };
}

describe('the state in memory', () => {
  stateContract(newState);

  it('holds a gateway until it is freed, for as long as that takes', async () => {
    const { state, clock } = newState();
    const hold = await state.holds.acquire(newGateway(), 'a', never);
    clock.advance(86_400);
    expect([hold.maySend(), await hold.renew(), hold.mustNotSendAfter]).toEqual([true, true, Infinity]);
    await hold.free();
  });

  it('takes over the releases of earlier processes', async () => {
    const gateway = newGateway();
    const earlier = [{ ...gateway, privateIps: ['10.0.1.11'], at: Date.now() }];
    const { state } = newState({ earlier });
    expect((await state.changes.of(gateway)).isReleased('10.0.1.11')).toBe(true);
  });
});
