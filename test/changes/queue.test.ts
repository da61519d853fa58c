import { describe, expect, it } from 'vitest';
import { ChangeQueue, NotBegun } from '../../src/changes/queue.ts';

const never = new AbortController().signal;

/** A change that runs until `finish` is called. */
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
  it('starts the second change on a gateway when the first has finished', async () => {
    const queue = new ChangeQueue();
    const [first, second] = [change(), change()];
    const results = [queue.run('a', never, first.run), queue.run('a', never, second.run)];
    await settle();
    expect([first.started, second.started]).toEqual([true, false]);
    first.finish();
    await settle();
    expect(second.started).toBe(true);
    second.finish();
    await Promise.all(results);
  });

  it('runs changes on different gateways at the same time', async () => {
    const queue = new ChangeQueue();
    const [first, second] = [change(), change()];
    const results = [queue.run('a', never, first.run), queue.run('b', never, second.run)];
    await settle();
    expect([first.started, second.started]).toEqual([true, true]);
    first.finish();
    second.finish();
    await Promise.all(results);
  });

  it('runs the next change after one that failed', async () => {
    const queue = new ChangeQueue();
    const failing = queue.run('a', never, () => Promise.reject(new Error('no')));
    const following = queue.run('a', never, () => Promise.resolve('yes'));
    await expect(failing).rejects.toThrow('no');
    await expect(following).resolves.toBe('yes');
  });

  it('rejects a change that is given up while it waits and never runs it', async () => {
    const queue = new ChangeQueue();
    const [first, second] = [change(), change()];
    const running = queue.run('a', never, first.run);
    const giveUp = new AbortController();
    const waiting = queue.run('a', giveUp.signal, second.run);
    giveUp.abort();
    await expect(waiting).rejects.toThrow(NotBegun);
    first.finish();
    await running;
    await queue.idle();
    expect(second.started).toBe(false);
  });

  it('tells a change that is given up how many were ahead of it when it came', async () => {
    const queue = new ChangeQueue();
    const first = change();
    const results = [queue.run('a', never, first.run), queue.run('b', never, async () => {})];
    const givenUp = [1, 2, 3].map(() => new AbortController());
    const waiting = givenUp.map(({ signal }) => queue.run('a', signal, async () => {}));
    givenUp[0]?.abort();
    const [late, tooLate] = [new AbortController(), AbortSignal.abort()];
    const last = queue.run('a', late.signal, async () => {});
    const never_ = queue.run('a', tooLate, async () => {});
    for (const controller of [...givenUp, late]) controller.abort();
    const ahead = await Promise.all(
      [...waiting, last, never_].map((each) => each.catch((error) => error.ahead)),
    );
    expect(ahead).toEqual([1, 2, 3, 3, 4]);
    first.finish();
    await Promise.all(results);
    await queue.idle();
    await queue.run('a', never, async () => {});
    await queue.idle();
    await expect(queue.run('a', AbortSignal.abort(), async () => {})).rejects.toMatchObject({ ahead: 0 });
  });

  it('does not interrupt a change that has begun', async () => {
    const queue = new ChangeQueue();
    const only = change();
    const giveUp = new AbortController();
    const running = queue.run('a', giveUp.signal, only.run);
    await settle();
    giveUp.abort();
    only.finish();
    await expect(running).resolves.toBeUndefined();
  });

  it('is idle when nothing runs or waits', async () => {
    const queue = new ChangeQueue();
    await queue.idle();
    const only = change();
    const running = queue.run('a', never, only.run);
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
