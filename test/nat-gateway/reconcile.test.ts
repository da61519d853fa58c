import { describe, expect, it } from 'vitest';
import type { NatGateway } from '../../src/nat-gateway/model.ts';
import { conclude, sighting } from '../../src/nat-gateway/reconcile.ts';

const asked = ['10.0.1.11', '10.0.1.12'];

/** One read, told by the statuses of the two requested addresses; `-` is absent. */
function read(...statuses: string[]) {
  const gateway: NatGateway = {
    addresses: asked.flatMap((private_ip, index) =>
      statuses[index] === '-' ? [] : { private_ip, status: statuses[index] },
    ),
  };
  return sighting(gateway, asked);
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
    ['failed is no sign of acceptance', [read('failed', s), read('failed', s)], 'unchanged'],
  ])('%s', (_, sightings, verdict) => {
    expect(conclude(sightings, asked)).toBe(verdict);
  });
});
