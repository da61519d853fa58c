import { describe, expect, it } from 'vitest';
import { ChangeQueue } from '../../src/changes/queue.ts';

const patient = new AbortController().signal;

/** A change that is over when it is told to. */
function change() {
  let finish: () => void = () => {};
  const over = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let started = false;
  return {
    finish,
    get started() {
      return started;
    },
    run: async () => {
      started = true;
      await over;
    },
  };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('the change queue', () => {
  it('starts the second change on a gateway when the first is over', async () => {
    const queue = new ChangeQueue();
    const [first, second] = [change(), change()];
    const results = [queue.run('a', patient, first.run), queue.run('a', patient, second.run)];
    await settle();
    expect([first.started, second.started]).toEqual([true, false]);
    first.finish();
    await settle();
    expect(second.started).toBe(true);
    second.finish();
    await Promise.all(results);
  });

  it('runs changes on different gateways side by side', async () => {
    const queue = new ChangeQueue();
    const [first, second] = [change(), change()];
    const results = [queue.run('a', patient, first.run), queue.run('b', patient, second.run)];
    await settle();
    expect([first.started, second.started]).toEqual([true, true]);
    first.finish();
    second.finish();
    await Promise.all(results);
  });

  it('goes on after a change that failed', async () => {
    const queue = new ChangeQueue();
    const failing = queue.run('a', patient, () => Promise.reject(new Error('no')));
    const following = queue.run('a', patient, () => Promise.resolve('yes'));
    await expect(failing).rejects.toThrow('no');
    await expect(following).resolves.toBe('yes');
  });

  it('answers who loses patience while waiting, and never runs their change', async () => {
    const queue = new ChangeQueue();
    const [first, second] = [change(), change()];
    const running = queue.run('a', patient, first.run);
    const patience = new AbortController();
    const waiting = queue.run('a', patience.signal, second.run);
    patience.abort(new Error('too long'));
    await expect(waiting).rejects.toThrow('too long');
    first.finish();
    await running;
    await queue.idle();
    expect(second.started).toBe(false);
  });

  it('does not interrupt a change that has begun', async () => {
    const queue = new ChangeQueue();
    const only = change();
    const patience = new AbortController();
    const running = queue.run('a', patience.signal, only.run);
    await settle();
    patience.abort(new Error('too late'));
    only.finish();
    await expect(running).resolves.toBeUndefined();
  });

  it('is idle when nothing runs or waits', async () => {
    const queue = new ChangeQueue();
    await queue.idle();
    const only = change();
    const running = queue.run('a', patient, only.run);
    let idle = false;
    const idling = queue.idle().then(() => {
      idle = true;
    });
    await settle();
    expect(idle).toBe(false);
    only.finish();
    await Promise.all([running, idling]);
  });
});
