import { describe, expect, it, onTestFinished } from 'vitest';
import { DESCRIBE, UNASSIGN, WAIT } from '../../src/vocabulary/names.ts';
import { AMBIGUOUS, striking } from '../support/faults.ts';
import { EGRESS, FAST_TIMEOUTS, openSession, type SessionOptions } from '../support/session.ts';

/** A page of AWS holds 0 to `MaxResults` items, and its size can change from read to read. */

async function open(options: SessionOptions) {
  const session = await openSession({ timeouts: FAST_TIMEOUTS, ...options });
  onTestFinished(session.close);
  return session;
}

const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };

/** Twenty pages without a gateway come before the others. */
const emptyAtFirst = (index: number): number | undefined => (index < 20 ? 0 : undefined);

describe('a gateway behind empty pages', () => {
  it('can have an address unassigned, which a wait then follows', async () => {
    const { call } = await open({ pages: emptyAtFirst });
    expect((await call(UNASSIGN, change)).content.outcome).toBe('unassigning');
    const { content } = await call(WAIT, { ...change, timeout_seconds: 3 });
    expect(content.addresses).toMatchObject([{ private_ip: '10.0.1.11', fate: 'unassigning' }]);
  });

  it('shows what became of a real call whose answer was lost', async () => {
    const lost = AMBIGUOUS['connection reset'] ?? expect.fail();
    const { call } = await open({
      pages: emptyAtFirst,
      intercept: striking('real call', 'after', lost),
    });
    expect((await call(UNASSIGN, change)).content).toMatchObject({
      outcome: 'unassigning',
      reconciled: true,
    });
  });

  it('is described by its id, and as a resource', async () => {
    const { call, client } = await open({ pages: emptyAtFirst });
    const { content } = await call(DESCRIBE, { nat_gateway_ids: [EGRESS, 'nat-00000000000000000'] });
    expect(content).toMatchObject({
      nat_gateways: [{ nat_gateway_id: EGRESS }],
      not_found: ['nat-00000000000000000'],
    });
    const uri = (await client.listResourceTemplates()).resourceTemplates[0]?.uriTemplate ?? '';
    const read = await client.readResource({
      uri: uri.replace(/\{[^}]*region\}/, 'us-east-1').replace(/\{[^}]*id\}/, EGRESS),
    });
    expect(JSON.stringify(read.contents)).toContain('10.0.1.11');
  });
});

describe('a listing over short and empty pages', () => {
  it.each([
    [[1], 2],
    [[5, 2, 0, 3], 2],
    [[4, 1, 1], 3],
    [[0, 7, 1], 4],
    [[3, 0, 0, 1], 1],
  ])('of %j gateways in turn shows every gateway once, %i at a time', async (sizes, max_results) => {
    let pages = [1000];
    let reads = 0;
    const { call } = await open({ pages: () => pages[reads++ % pages.length] });
    const follow = async (filters: Record<string, unknown>): Promise<string[]> => {
      const shown: string[] = [];
      for (let next_token: string | undefined; ; ) {
        const { content } = await call(DESCRIBE, {
          ...filters,
          max_results,
          ...(next_token && { next_token }),
        });
        for (const { nat_gateway_id } of content.nat_gateways) shown.push(nat_gateway_id);
        next_token = content.next_token;
        if (next_token === undefined) return shown;
      }
    };
    const all = await follow({});
    const isPrivate = await follow({ connectivity_type: 'private' });
    expect([new Set(all).size, all.length, isPrivate.length]).toEqual([8, 8, 6]);
    pages = sizes;
    expect(await follow({})).toEqual(all);
    expect(await follow({ connectivity_type: 'private' })).toEqual(isPrivate);
    expect(await follow({ nat_gateway_ids: [...all].reverse() })).toEqual([...all].reverse());
  });

  it('ends when the endpoint hands out the same token twice', async () => {
    let answered = '';
    const { call } = await open({
      pages: () => 2,
      intercept: async (exchange) => {
        const answer = exchange.apply();
        if (exchange.action !== 'DescribeNatGateways') return answer;
        answered ||= answer.body;
        return { ...answer, body: answered };
      },
    });
    const { content } = await call(DESCRIBE, {});
    expect(content.error).toMatchObject({ code: 'bad_response', message: expect.stringContaining('twice') });
  });
});
