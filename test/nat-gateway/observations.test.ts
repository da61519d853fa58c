import { describe, expect, it } from 'vitest';
import type { NatGateway } from '../../src/nat-gateway/gateway.ts';
import { conclude, type Sighting, sightingOf, withAccepted } from '../../src/nat-gateway/observations.ts';

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
  const seen = sightingOf({ ...before, addresses: [primary, ...addresses] }, before, asked);
  if (seen === undefined) throw new Error('a gateway at work was shown');
  return seen;
}

const d = 'unassigning';
const s = 'succeeded';

describe('what reads prove after a lost answer', () => {
  it.each<[string, string[][], string]>([
    ['no read at all', [], 'unclear'],
    ['all draining', [[d, d]], 'accepted'],
    [
      'untouched, then draining: reads lag',
      [
        [s, s],
        [s, s],
        [d, d],
      ],
      'accepted',
    ],
    [
      'draining one after the other',
      [
        [d, s],
        [d, d],
      ],
      'accepted',
    ],
    [
      'draining, then gone',
      [
        [d, d],
        ['-', '-'],
      ],
      'accepted',
    ],
    [
      'draining, then untouched in a read that lags',
      [
        [d, d],
        [s, s],
      ],
      'accepted',
    ],
    [
      'gone in one read only',
      [
        [s, s],
        ['-', '-'],
      ],
      'unclear',
    ],
    [
      'gone in two reads in a row',
      [
        [s, s],
        ['-', '-'],
        ['-', '-'],
      ],
      'accepted',
    ],
    [
      'gone, back, and gone once',
      [
        ['-', '-'],
        [s, s],
        ['-', '-'],
      ],
      'unclear',
    ],
    [
      'untouched throughout',
      [
        [s, s],
        [s, s],
        [s, s],
      ],
      'unchanged',
    ],
    [
      'one draining, one untouched',
      [
        [s, s],
        [d, s],
        [d, s],
      ],
      'partial',
    ],
    [
      'one gone twice, one untouched',
      [
        ['-', s],
        ['-', s],
      ],
      'partial',
    ],
    [
      'one draining, one missing once',
      [
        [d, s],
        [d, '-'],
      ],
      'unclear',
    ],
    [
      'seen missing once, untouched since',
      [
        ['-', s],
        [s, s],
        [s, s],
      ],
      'unclear',
    ],
    [
      'on the gateway without a status',
      [
        ['?', s],
        ['?', s],
      ],
      'unclear',
    ],
    [
      'failed is no sign of acceptance',
      [
        ['failed', s],
        ['failed', s],
      ],
      'unchanged',
    ],
  ])('%s', (_, reads, verdict) => {
    const sightings = reads.map((statuses) => read(...statuses));
    expect(conclude(sightings, asked)).toBe(verdict);
  });

  it('tells nothing of the rest where one of them is untouched and another missing once', () => {
    const three = [...asked, '10.0.1.13'];
    const wide = {
      ...before,
      addresses: [...before.addresses, { private_ip: '10.0.1.13', is_primary: false, status: s }],
    };
    const seen = sightingOf(
      {
        ...wide,
        addresses: [primary, { private_ip: asked[0], status: d }, { private_ip: asked[1], status: s }],
      },
      wide,
      three,
    );
    expect(seen).toEqual({ draining: [asked[0]], unchanged: [asked[1]], absent: ['10.0.1.13'] });
    expect(conclude(seen === undefined ? [] : [seen], three)).toBe('unclear');
  });

  it('takes nothing from any read where no primary was known before', () => {
    const unmarked = {
      ...before,
      addresses: before.addresses.map((each) => ({ ...each, is_primary: false })),
    };
    const nameless = { ...before, addresses: [{ is_primary: true }, ...before.addresses.slice(1)] };
    for (const earlier of [unmarked, nameless, { ...before, addresses: [] }]) {
      expect(sightingOf(before, earlier, asked)).toBeUndefined();
      expect(sightingOf({ ...before, addresses: [{}] }, earlier, asked)).toBeUndefined();
    }
  });

  it.each<[string, Partial<NatGateway>]>([
    ['no address', { addresses: [] }],
    ['an address of which nothing is told', { addresses: [{}] }],
    ['another primary', { addresses: [{ ...primary, private_ip: '10.0.1.99' }] }],
    ['no state', { state: undefined, addresses: [primary] }],
    ['a gateway being deleted', { state: 'deleting', addresses: [primary] }],
  ])('takes nothing from a read that shows %s', (_, shown) => {
    expect(sightingOf({ ...before, ...shown }, before, asked)).toBeUndefined();
  });
});

describe('a gateway that reads show late', () => {
  const read = (status?: string) => ({
    addresses: [
      { private_ip: '10.0.1.11', status },
      { private_ip: '10.0.1.12', status: 'succeeded' },
    ],
  });

  it('is judged with the addresses draining that EC2 has just accepted', () => {
    expect(withAccepted(read('succeeded'), ['10.0.1.11']).addresses.map(({ status }) => status)).toEqual([
      'unassigning',
      'succeeded',
    ]);
  });

  it.each(['failed', 'unassigning', 'assigning', undefined])(
    'is judged as read where that is newer: %s',
    (status) => {
      expect(withAccepted(read(status), ['10.0.1.11', '10.0.1.99'])).toEqual(read(status));
    },
  );
});
