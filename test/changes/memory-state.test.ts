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

  it('keeps the approvals of others, however many a requester asks for and voids', async () => {
    const { approvals } = newState().state;
    const request = {
      digest: 'd',
      plan: 'p',
      target: undefined,
      needed: 1,
      expiresAt: Date.now() + 3_600_000,
    };
    const { id } = await approvals.create({ ...request, requester: 'bob' });
    await approvals.decide(id, { id: 'vote', by: 'ann', verdict: 'approve', reason: 'agreed' });
    for (let i = 0; i < 1500; i++) {
      const own = await approvals.create({ ...request, requester: 'mallory' });
      if (i % 2 === 0) await approvals.revoke(own.id, 'void');
    }
    expect(await approvals.get(id)).toMatchObject({ requester: 'bob', decisions: [{ by: 'ann' }] });
  });

  it('takes over the releases of earlier processes', async () => {
    const gateway = newGateway();
    const earlier = [{ ...gateway, privateIps: ['10.0.1.11'], at: Date.now() }];
    const { state } = newState({ earlier });
    expect((await state.changes.of(gateway)).isReleased('10.0.1.11')).toBe(true);
  });
});
