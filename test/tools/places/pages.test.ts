import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { NatGateway } from '../../../src/nat-gateway/gateway.ts';
import { DESCRIBE } from '../../../src/vocabulary/names.ts';
import { account, ec2With, gatewayOf, idOf, targetsOf } from '../../support/places.ts';
import { openSession, type Session } from '../../support/session.ts';

/** Two accounts of two regions, with as many gateways in each place as given. */
function targetsWith(counts: readonly number[], pageSize = 1000) {
  const gatewaysIn = (place: number): NatGateway[] =>
    Array.from({ length: counts[place] ?? 0 }, (_, index) =>
      gatewayOf(idOf(place, index), `10.${place}.${index}.1`),
    );
  const regions = ['us-east-1', 'eu-west-1'];
  return targetsOf(
    ...[0, 1].map((number) => {
      const [east, west] = [gatewaysIn(2 * number), gatewaysIn(2 * number + 1)];
      const ec2 = ec2With(`${number}`.repeat(12), { 'us-east-1': east, 'eu-west-1': west }, { pageSize });
      return account(`account-${number}`, regions, ec2);
    }),
  );
}

async function open(targets: ReturnType<typeof targetsWith>): Promise<Session> {
  const session = await openSession({ dependencies: { targets } });
  onTestFinished(session.close);
  return session;
}

async function pagesOf({ call }: Session, args: Record<string, unknown>) {
  const pages = [(await call(DESCRIBE, args)).content];
  while (pages.at(-1).next_token !== undefined) {
    expect(pages.length).toBeLessThan(200);
    pages.push((await call(DESCRIBE, { ...args, next_token: pages.at(-1).next_token })).content);
  }
  return pages;
}

// biome-ignore lint/suspicious/noExplicitAny: results of every shape
const idsOf = (pages: any[]): string[] =>
  pages.flatMap(({ nat_gateways }) => nat_gateways.map((each: NatGateway) => each.nat_gateway_id));

describe('pages over places', () => {
  const counts = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 4, maxLength: 4 });
  const size = fc.integer({ min: 1, max: 12 });

  it('are the whole list, in order and without repetition', async () => {
    const targets = targetsWith([]);
    const session = await open(targets);
    await fc.assert(
      fc.asyncProperty(counts, size, fc.integer({ min: 1, max: 5 }), async (each, max_results, pageSize) => {
        targets.accounts = targetsWith(each, pageSize).accounts;
        const pages = await pagesOf(session, { max_results });
        const all = each.flatMap((length, place) => Array.from({ length }, (_, index) => idOf(place, index)));
        expect(idsOf(pages)).toEqual(all);
        for (const { nat_gateways, next_token } of pages) {
          if (next_token !== undefined) expect(nat_gateways).toHaveLength(max_results);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('count the gateways that hold an address over all pages', async () => {
    const same = (place: number) => [gatewayOf(idOf(place, 0), '10.9.9.9')];
    const ec2 = ec2With('0'.repeat(12), { 'us-east-1': same(0), 'eu-west-1': same(1) });
    const session = await open(targetsOf(account('account-0', ['us-east-1', 'eu-west-1'], ec2)));
    const args = { private_ip_addresses: ['10.9.9.9'], targets: ['all'] };
    const [whole] = await pagesOf(session, args);
    expect(whole.hint).toMatch(/^10\.9\.9\.9 is on 2 gateways: .* ask the user which one is meant\.$/);
    const [first, last] = await pagesOf(session, { ...args, max_results: 1 });
    expect(first.hint).toMatch(
      /is on at least 1 gateway: .*; further pages may have more\. Before a change, read those\.$/,
    );
    expect(last.hint).toMatch(
      /is on at least 2 gateways: .* and those of earlier pages\. .* which one is meant\.$/,
    );
  });

  it('tell at the end which ids and addresses no place has', async () => {
    const targets = targetsWith([]);
    const session = await open(targets);
    await fc.assert(
      fc.asyncProperty(counts, size, async (each, max_results) => {
        targets.accounts = targetsWith(each).accounts;
        const asked = [0, 1, 2, 3].map((place) => `10.${place}.4.1`);
        const byAddress = await pagesOf(session, { private_ip_addresses: asked, max_results });
        const missing = asked.filter((_, place) => (each[place] ?? 0) <= 4);
        expect(byAddress.at(-1).not_found ?? []).toEqual(missing);
        const ids = [0, 1, 2, 3].map((place) => idOf(place, 4));
        const byId = await pagesOf(session, { nat_gateway_ids: ids, max_results });
        expect(byId.at(-1).not_found ?? []).toEqual(ids.filter((_, place) => (each[place] ?? 0) <= 4));
        expect(idsOf(byId)).toEqual(idsOf(byAddress));
      }),
      { numRuns: 15 },
    );
  });
});

describe('a token of a page over places', () => {
  it.each([
    [
      'a target that came',
      (targets: ReturnType<typeof targetsWith>) => [account('new', ['us-east-1'], {}), ...targets.accounts],
    ],
    ['a target that went', (targets: ReturnType<typeof targetsWith>) => targets.accounts.slice(1)],
  ])('is refused after %s', async (_, change) => {
    const targets = targetsWith([2, 2, 2, 2]);
    const { call } = await open(targets);
    const { next_token } = (await call(DESCRIBE, { max_results: 3 })).content;
    targets.accounts = change(targets);
    const { content } = await call(DESCRIBE, { max_results: 3, next_token });
    expect(content.error).toMatchObject({
      code: 'invalid_argument',
      message: 'next_token was made for other targets or regions than there are now.',
    });
  });

  it('is refused for another question, and after a change', async () => {
    const { call } = await open(targetsWith([2, 2, 2, 2]));
    const { next_token } = (await call(DESCRIBE, { max_results: 3 })).content;
    const changed = JSON.parse(Buffer.from(next_token, 'base64url').toString());
    const forged = Buffer.from(JSON.stringify({ ...changed, place: 3 })).toString('base64url');
    const refused = [
      { max_results: 3, next_token, states: ['available'] },
      { max_results: 3, next_token, targets: ['account-0'] },
      { max_results: 4, next_token },
      { max_results: 3, next_token: forged },
    ];
    for (const args of refused) {
      expect((await call(DESCRIBE, args)).content.error, JSON.stringify(args)).toMatchObject({
        code: 'invalid_argument',
      });
    }
  });

  it('follows from next', async () => {
    const { call } = await open(targetsWith([2, 2, 2, 2]));
    const { next } = (await call(DESCRIBE, { max_results: 5, targets: ['all'] })).content;
    const { content } = await call(next.tool, next.arguments);
    expect(idsOf([content])).toEqual([idOf(2, 1), idOf(3, 0), idOf(3, 1)]);
  });
});
