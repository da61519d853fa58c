import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Ec2 } from '../../../src/aws/ec2.ts';
import { TargetAccounts } from '../../../src/tools/target-accounts.ts';
import { OPEN_POLICY, stateOf } from '../../support/session.ts';

interface Described {
  name: string;
  regions: readonly string[];
  perHour?: number;
}

const REGIONS = ['us-east-1'];

function accountsOf(...first: Described[]) {
  const held = { targets: first as readonly Described[] };
  const opened: string[] = [];
  const closed: string[] = [];
  const accounts = new TargetAccounts<Described>({
    current: () => held.targets,
    rulesOf: ({ perHour = 10 }) => ({ ...OPEN_POLICY, maxChangesPerHour: perHour }),
    open: async ({ name }) => {
      opened.push(name);
      return { close: () => void closed.push(name) } as Ec2;
    },
    state: stateOf({
      earlier: [
        { target: 'a', region: 'us-east-1', natGatewayId: 'nat-1', privateIps: ['10.0.0.1'], at: Date.now() },
        { region: 'us-east-1', natGatewayId: 'nat-1', privateIps: ['10.0.0.2'], at: Date.now() },
      ],
    }),
  });
  return { held, accounts, opened, closed };
}

describe('the accounts of targets', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('are connected on the first call, once', async () => {
    const { accounts, opened } = accountsOf({ name: 'a', regions: REGIONS }, { name: 'b', regions: REGIONS });
    expect(accounts.current().map(({ name }) => name)).toEqual(['a', 'b']);
    expect(opened).toEqual([]);
    const [a] = accounts.current();
    await Promise.all([a?.ec2(), a?.ec2(), accounts.current()[0]?.ec2()]);
    expect(opened).toEqual(['a']);
  });

  it('stay as they are in a reload that changes others', async () => {
    const { accounts, held, closed } = accountsOf(
      { name: 'a', regions: REGIONS },
      { name: 'b', regions: REGIONS },
    );
    const [a, b] = accounts.current();
    await Promise.all([a?.ec2(), b?.ec2()]);
    held.targets = [
      { name: 'a', regions: REGIONS },
      { name: 'c', regions: REGIONS },
    ];
    expect(accounts.current()[0]).toBe(a);
    expect(accounts.current().map(({ name }) => name)).toEqual(['a', 'c']);
    await vi.advanceTimersByTimeAsync(900_000);
    expect(closed).toEqual([]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(closed).toEqual(['b']);
  });

  it('keep counts and drains where their description changes', async () => {
    const { accounts, held, opened, closed } = accountsOf({ name: 'a', regions: REGIONS });
    const [before] = accounts.current();
    await before?.ec2();
    held.targets = [{ name: 'a', regions: ['eu-west-1'] }];
    const [after] = accounts.current();
    await after?.ec2();
    expect(after).toMatchObject({ regions: ['eu-west-1'] });
    expect(after?.state.changes).toBe(before?.state.changes);
    await vi.advanceTimersByTimeAsync(960_000);
    expect([opened, closed]).toEqual([['a', 'a'], ['a']]);
  });

  it('have the limit that their rules have now, and what was counted under another', async () => {
    const { accounts, held } = accountsOf({ name: 'a', regions: REGIONS, perHour: 5 });
    const limit = () => accounts.current()[0]?.state.limit;
    expect(limit()?.perHour).toBe(5);
    for (const attempt of ['1', '2']) expect(await limit()?.take('ann', attempt)).toBe(true);
    held.targets = [{ name: 'a', regions: REGIONS, perHour: 2 }];
    expect(limit()?.perHour).toBe(2);
    expect(await limit()?.take('ann', '3')).toBe(false);
    expect(await limit()?.take('bob', '4')).toBe(true);
  });

  it('that go and come back keep what was counted', async () => {
    const { accounts, held } = accountsOf({ name: 'a', regions: REGIONS, perHour: 1 });
    expect(await accounts.current()[0]?.state.limit.take(undefined, '1')).toBe(true);
    const [a] = held.targets;
    held.targets = [];
    expect(accounts.current()).toEqual([]);
    held.targets = [...(a === undefined ? [] : [a])];
    expect(await accounts.current()[0]?.state.limit.secondsLeft(undefined)).toBeGreaterThan(0);
  });

  it('can give back what earlier processes released in them, and nothing else', async () => {
    const { accounts } = accountsOf({ name: 'a', regions: REGIONS }, { name: 'b', regions: REGIONS });
    const known = accounts.current().map(async ({ state }) => {
      const remembered = await state.changes.of({ region: 'us-east-1', natGatewayId: 'nat-1' });
      return ['10.0.0.1', '10.0.0.2'].map((address) => remembered.isReleased(address));
    });
    expect(await Promise.all(known)).toEqual([
      [true, false],
      [false, false],
    ]);
  });
});
