import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Failure } from '../../../src/vocabulary/failure.ts';
import { DESCRIBE } from '../../../src/vocabulary/names.ts';
import { account, ec2With, gatewayOf, idOf, targetsOf } from '../../support/places.ts';
import { ERAS, openSession, type SessionOptions } from '../../support/session.ts';

const REGIONS = ['us-east-1', 'us-west-2', 'eu-west-1', 'eu-central-1'];

const refusal = (code: 'not_authorized' | 'throttled', message: string): Failure =>
  new Failure({ code, message, retryable: code === 'throttled' });

async function open(dependencies: SessionOptions['dependencies'], options: SessionOptions = {}) {
  const session = await openSession({ ...options, dependencies: dependencies ?? {} });
  onTestFinished(session.close);
  return session;
}

/** Ten accounts of four regions, a gateway each, of which `before` may spoil some. */
function organisation(before: (target: string, region: string) => unknown = () => {}) {
  return targetsOf(
    ...Array.from({ length: 10 }, (_, number) => {
      const name = `account-${number}`;
      const gateways = REGIONS.map((region, index) => {
        const place = number * REGIONS.length + index;
        return [region, [gatewayOf(idOf(place, 0), `10.${place}.0.10`, `10.${place}.0.11`, '10.0.1.7')]];
      });
      const ec2 = ec2With(`${number}`.repeat(12), Object.fromEntries(gateways), {
        before: (region) => before(name, region),
      });
      return account(name, REGIONS, ec2);
    }),
  );
}

// biome-ignore lint/suspicious/noExplicitAny: results of every shape
const placesIn = (content: any): string[] =>
  content.nat_gateways.map(({ target, region }: { target: string; region: string }) => `${target} ${region}`);

describe.each(ERAS)('describe over forty places, for a %s client', (era) => {
  it('shows every gateway with its place, in the order of the file', async () => {
    const { call } = await open({ targets: organisation() }, { era });
    const { content, isError } = await call(DESCRIBE, {});
    expect(isError).toBe(false);
    expect(content.nat_gateways).toHaveLength(40);
    expect(content.nat_gateways[5]).toMatchObject({
      target: 'account-1',
      account_id: '111111111111',
      region: 'us-west-2',
      nat_gateway_id: idOf(5, 0),
      can_release_now: 2,
    });
    expect(content).not.toHaveProperty('region');
    expect(content).not.toHaveProperty('errors');
  });

  it('answers for all others within its deadline where one denies, one throttles and one hangs', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    let hang = (): void => {};
    const hung = new Promise<void>((resolve) => {
      hang = resolve;
    });
    const spoiled: Record<string, () => unknown> = {
      'account-0 us-east-1': () => Promise.reject(refusal('not_authorized', 'No ec2:DescribeNatGateways.')),
      'account-3 eu-west-1': () => Promise.reject(refusal('throttled', 'EC2 limits requests.')),
      'account-7 us-west-2': () => {
        hang();
        return new Promise(() => {});
      },
    };
    const targets = organisation((target, region) => spoiled[`${target} ${region}`]?.());
    const { call } = await open({ targets }, { era });
    const answer = call(DESCRIBE, { private_ip_addresses: ['10.0.1.7', '10.99.0.1'] });
    await hung;
    await vi.advanceTimersByTimeAsync(15_000);
    const { content, isError } = await answer;
    expect(isError).toBe(false);
    expect(content.nat_gateways).toHaveLength(37);
    expect(content.errors).toMatchObject([
      { target: 'account-0', region: 'us-east-1', code: 'not_authorized' },
      { target: 'account-3', region: 'eu-west-1', code: 'throttled' },
      {
        target: 'account-7',
        region: 'us-west-2',
        code: 'timed_out',
        message: expect.stringContaining('15 s'),
      },
    ]);
    expect(content.not_found).toEqual(['10.99.0.1']);
    expect(content.hint).toContain('10.0.1.7 is on 37 gateways');
    expect(content.hint).toContain('in a place that answered has 10.99.0.1');
    expect(content.hint).toContain('account-0 us-east-1, account-3 eu-west-1, account-7 us-west-2');
  });

  it('is an error only where no place answers', async () => {
    const targets = organisation(() => Promise.reject(refusal('not_authorized', 'No permission.')));
    const { call } = await open({ targets }, { era });
    const { content, isError } = await call(DESCRIBE, { targets: ['account-1', 'account-2'] });
    expect(isError).toBe(true);
    expect(content.error).toMatchObject({ code: 'not_authorized', retryable: false });
    expect(content.error.message).toContain('None of 8 places');
    expect(content.errors).toHaveLength(8);
  });
});

describe('describe over places', () => {
  it('reads at most eight at once', async () => {
    let [running, most] = [0, 0];
    const targets = organisation(async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
    });
    const { call } = await open({ targets });
    expect((await call(DESCRIBE, {})).content.nat_gateways).toHaveLength(40);
    expect(most).toBe(8);
  });

  it('does not wait for places that the page has no room for', async () => {
    const targets = organisation((target) => target === 'account-1' && new Promise(() => {}));
    const { call } = await open({ targets });
    const { content } = await call(DESCRIBE, { max_results: 2 });
    expect(placesIn(content)).toEqual(['account-0 us-east-1', 'account-0 us-west-2']);
    expect(content.next_token).toEqual(expect.any(String));
    expect(content).not.toHaveProperty('errors');
  });

  it('goes on with the places that it had no time to begin', async () => {
    let now = 0;
    const targets = organisation(() => {
      now += 1200;
    });
    const { call } = await open({ targets, monotonic: () => now });
    const { content: first } = await call(DESCRIBE, {});
    expect(first.incomplete).toMatch(/Stopped behind \d+ of 40 places/);
    let [found, token] = [placesIn(first), first.next_token];
    for (let pages = 0; token !== undefined && pages < 20; pages += 1) {
      const { content } = await call(DESCRIBE, { next_token: token });
      found = [...found, ...placesIn(content)];
      token = content.next_token;
    }
    expect(found).toEqual(
      organisation().accounts.flatMap(({ name }) => REGIONS.map((each) => `${name} ${each}`)),
    );
  });

  it.each([
    [{ targets: 'account-2', regions: 'eu-west-1' }, ['account-2 eu-west-1']],
    [
      { targets: ['account-4', 'account-2'], region: 'us-east-1' },
      ['account-2 us-east-1', 'account-4 us-east-1'],
    ],
    [
      { targets: ['all'], regions: ['eu-central-1'] },
      organisation().accounts.map(({ name }) => `${name} eu-central-1`),
    ],
    [{ targets: ['account-9'], regions: ['all'] }, REGIONS.map((each) => `account-9 ${each}`)],
  ])('reads what %j names', async (args, expected) => {
    const { call } = await open({ targets: organisation() });
    expect(placesIn((await call(DESCRIBE, args)).content)).toEqual(expected);
  });

  it.each([
    [{ targets: ['account-x'] }, 'There is no target account-x.'],
    [{ targets: ['all', 'account-1'] }, '"all" is listed beside other names.'],
    [{ regions: ['us-east-1'], region: 'us-east-1' }, 'The call has region and regions.'],
    [{ regions: ['ap-south-1'] }, 'ap-south-1 is not a region of these targets.'],
  ])('refuses %j', async (args, message) => {
    const { call } = await open({ targets: organisation() });
    const { content, isError } = await call(DESCRIBE, args);
    expect(isError).toBe(true);
    expect(content.error).toMatchObject({ code: 'invalid_argument', message });
  });

  it('judges each gateway by the rules of its target', async () => {
    const targets = organisation();
    targets.accounts = targets.accounts.map((each) =>
      each.name === 'account-1' ? { ...each, policy: { ...each.policy, minRemaining: 3 } } : each,
    );
    const { call } = await open({ targets });
    const { content } = await call(DESCRIBE, { targets: ['account-0', 'account-1'], region: 'us-east-1' });
    expect(content.nat_gateways).toMatchObject([
      { min_remaining: 1, can_release_now: 2 },
      { min_remaining: 3, can_release_now: 0 },
    ]);
  });
});

describe('describe over regions, without targets', () => {
  const ec2 = ec2With('111111111111', {
    'us-east-1': [gatewayOf(idOf(0, 0), '10.0.0.1')],
    'eu-west-1': [gatewayOf(idOf(1, 0), '10.0.0.1')],
  });

  it.each([
    [['all'], ['us-east-1', 'eu-west-1']],
    [['eu-west-1'], ['eu-west-1']],
  ])('reads %j', async (regions, expected) => {
    const { call } = await open({ ec2: async () => ec2 as never });
    const { content } = await call(DESCRIBE, { regions });
    expect(content.nat_gateways.map(({ region }: { region: string }) => region)).toEqual(expected);
    expect(content.nat_gateways[0]).toMatchObject({ account_id: '111111111111' });
    expect(content.nat_gateways[0]).not.toHaveProperty('target');
  });

  it('does not know the argument targets', async () => {
    const { call } = await open({ ec2: async () => ec2 as never });
    const { content } = await call(DESCRIBE, { targets: ['all'] });
    expect(content.error.message).toContain('No argument "targets"');
  });
});
