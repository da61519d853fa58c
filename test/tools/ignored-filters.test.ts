import { describe, expect, it, onTestFinished } from 'vitest';
import { DESCRIBE, UNASSIGN, WAIT } from '../../src/vocabulary/names.ts';
import { EGRESS, FAST_TIMEOUTS, openSession } from '../support/session.ts';

const LONE = 'nat-0b22b22b22b22b22b';
const UNKNOWN = 'nat-00000000000000000';

async function open() {
  const session = await openSession({ timeouts: FAST_TIMEOUTS, ignoresFilters: true });
  onTestFinished(session.close);
  const describeBy = async (filters: Record<string, unknown>) => {
    const { content } = await session.call(DESCRIBE, filters);
    return {
      ...content,
      ids: content.nat_gateways.map(({ nat_gateway_id }: { nat_gateway_id: string }) => nat_gateway_id),
    };
  };
  return { ...session, describeBy };
}

describe('an endpoint that ignores filters', () => {
  it('is asked for ids: only their gateways are shown, and the unknown one is not found', async () => {
    const { describeBy } = await open();
    const ids = [UNKNOWN, LONE, EGRESS];
    expect(await describeBy({ nat_gateway_ids: ids })).toMatchObject({
      ids: [LONE, EGRESS],
      not_found: [UNKNOWN],
    });
    const first = await describeBy({ nat_gateway_ids: ids, max_results: 1 });
    expect(first).toMatchObject({ ids: [LONE], not_found: [UNKNOWN] });
    const second = await describeBy({ nat_gateway_ids: ids, max_results: 1, next_token: first.next_token });
    expect(second).toMatchObject({ ids: [EGRESS], not_found: [] });
    expect(second.next_token).toBeUndefined();
  });

  it.each<[Record<string, unknown>]>([
    [{ vpc_ids: ['vpc-0a00000000000000b'] }],
    [{ subnet_ids: ['subnet-0a0000000000000ff'] }],
    [{ states: ['deleting'] }],
    [{ tags: ['env=prod'] }],
    [{ tags: ['nothing'] }],
    [{ nat_gateway_ids: [UNKNOWN] }],
    [{ nat_gateway_ids: [EGRESS], states: ['deleted'] }],
  ])('is asked with %j: nothing else is shown', async (filters) => {
    const { describeBy } = await open();
    expect((await describeBy(filters)).ids).toEqual([]);
  });

  it('shows a change to the gateway that was asked for alone', async () => {
    const { call } = await open();
    const other = await call(UNASSIGN, { nat_gateway_id: UNKNOWN, private_ip_addresses: ['10.0.1.11'] });
    expect(other.content).toMatchObject({ outcome: 'refused', error: { code: 'gateway_not_found' } });
    const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };
    expect((await call(UNASSIGN, change)).content.outcome).toBe('unassigning');
    const { content } = await call(WAIT, { ...change, timeout_seconds: 3 });
    expect(content.addresses).toMatchObject([{ private_ip: '10.0.1.11', fate: 'unassigning' }]);
  });
});
