import { describe, expect, it } from 'vitest';
import type { NatGateway } from '../../src/nat-gateway/model.ts';
import { conclude, type Sighting, sighting } from '../../src/nat-gateway/reconcile.ts';

const asked = ['10.0.1.11', '10.0.1.12'];

const primary = { private_ip: '10.0.1.10', is_primary: true, status: 'succeeded' };

const before: NatGateway = {
  state: 'available',
  addresses: [
    primary,
    ...asked.map((private_ip) => ({ private_ip, is_primary: false, status: 'succeeded' })),
  ],
};

/** One read, told by the statuses of the two requested addresses; `-` is absent, `?` has no status. */
function read(...statuses: string[]): Sighting {
  const addresses = asked.flatMap((private_ip, index) => {
    const status = statuses[index];
    return status === '-' ? [] : { private_ip, status: status === '?' ? undefined : status };
  });
  const seen = sighting({ ...before, addresses: [primary, ...addresses] }, before, asked);
  if (seen === undefined) throw new Error('a gateway at work was shown');
  return seen;
}

const d = 'unassigning';
const s = 'succeeded';

describe('what reads prove after a lost answer', () => {
  it.each<[string, ReturnType<typeof read>[], string]>([
    ['no read at all', [], 'unclear'],
    ['all draining', [read(d, d)], 'accepted'],
    ['untouched, then draining: reads lag', [read(s, s), read(s, s), read(d, d)], 'accepted'],
    ['draining one after the other', [read(d, s), read(d, d)], 'accepted'],
    ['draining, then gone', [read(d, d), read('-', '-')], 'accepted'],
    ['draining, then untouched in a read that lags', [read(d, d), read(s, s)], 'accepted'],
    ['gone in one read only', [read(s, s), read('-', '-')], 'unclear'],
    ['gone in two reads in a row', [read(s, s), read('-', '-'), read('-', '-')], 'accepted'],
    ['gone, back, and gone once', [read('-', '-'), read(s, s), read('-', '-')], 'unclear'],
    ['untouched throughout', [read(s, s), read(s, s), read(s, s)], 'unchanged'],
    ['one draining, one untouched', [read(s, s), read(d, s), read(d, s)], 'partial'],
    ['one gone twice, one untouched', [read('-', s), read('-', s)], 'partial'],
    ['one draining, one missing once', [read(d, s), read(d, '-')], 'unclear'],
    ['seen missing once, untouched since', [read('-', s), read(s, s), read(s, s)], 'unclear'],
    ['on the gateway without a status', [read('?', s), read('?', s)], 'unclear'],
    ['failed is no sign of acceptance', [read('failed', s), read('failed', s)], 'unchanged'],
  ])('%s', (_, sightings, verdict) => {
    expect(conclude(sightings, asked)).toBe(verdict);
  });

  it.each<[string, Partial<NatGateway>]>([
    ['no address', { addresses: [] }],
    ['an address of which nothing is told', { addresses: [{}] }],
    ['another primary', { addresses: [{ ...primary, private_ip: '10.0.1.99' }] }],
    ['no state', { state: undefined, addresses: [primary] }],
    ['a gateway being deleted', { state: 'deleting', addresses: [primary] }],
  ])('takes nothing from a read that shows %s', (_, shown) => {
    expect(sighting({ ...before, ...shown }, before, asked)).toBeUndefined();
  });
});
