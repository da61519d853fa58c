import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StartedDrain } from '../../src/nat-gateway/drain.ts';
import { drainFrom } from '../../src/nat-gateway/drain.ts';
import type { NatGateway } from '../../src/nat-gateway/gateway.ts';
import {
  assignedAgain,
  courseOf,
  gatewayCourseOf,
  nothingChanges,
  READ_LAG_MILLISECONDS,
  type Read,
  verdictOf,
  withRead,
  withStartedDrains,
} from '../../src/nat-gateway/observations.ts';

const asked = ['10.0.1.11', '10.0.1.12'];
const [ip = ''] = asked;
const primary = { private_ip: '10.0.1.10', is_primary: true, status: 'succeeded' };
const MINUTE = 60_000;

const d = 'unassigning';
const s = 'succeeded';

/** A gateway at work with these statuses of the two addresses; `-` is absent, `?` has no status. */
function gateway(...statuses: string[]): NatGateway {
  const addresses = asked.flatMap((private_ip, index) => {
    const status = statuses[index] ?? '-';
    return status === '-' ? [] : { private_ip, status: status === '?' ? undefined : status };
  });
  return { state: 'available', addresses: [primary, ...addresses] };
}

/** Reads of one address a second apart: `x` is a read without the gateway, `!` one without its primary. */
function reads(statuses: string, from = 0, step = 1000): Read[] {
  return statuses
    .split(' ')
    .filter((each) => each !== '')
    .map((status, index) => {
      const at = from + index * step;
      if (status === 'x') return { at, gateway: undefined };
      if (status === '!') return { at, gateway: { state: 'available', addresses: [] } };
      return { at, gateway: gateway(status) };
    });
}

const repeated = (status: string, times: number): string => Array(times).fill(status).join(' ');

/** A drain of `seconds` that this process started at 0. */
function started(seconds: number): StartedDrain {
  return { drain: drainFrom(0, seconds), startedAt: 0, dueAt: seconds * 1000 };
}

describe('the verdict of reads after a lost answer', () => {
  const far = 350_000;

  it.each<[string, string[][], string]>([
    ['no read at all', [], 'unclear'],
    ['all draining', [[d, d]], 'accepted'],
    [
      'untouched, then draining, as reads lag',
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
      'draining, then untouched in a late read',
      [
        [d, d],
        [s, s],
      ],
      'accepted',
    ],
    ['gone in every read before the drain can be over', Array(12).fill(['-', '-']), 'unclear'],
    [
      'gone at first, untouched since',
      [
        ['-', '-'],
        ['-', '-'],
        [s, s],
        [s, s],
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
      'one draining and one untouched in agreeing reads',
      [
        [s, s],
        [d, s],
        [d, s],
      ],
      'partial',
    ],
    [
      'one draining and one untouched in one read',
      [
        [s, s],
        [d, s],
        [s, s],
      ],
      'unclear',
    ],
    [
      'one draining, one left out',
      [
        [d, s],
        [d, '-'],
      ],
      'unclear',
    ],
    [
      'one gone, one untouched',
      [
        ['-', s],
        ['-', s],
      ],
      'unclear',
    ],
    [
      'one without a status',
      [
        ['?', s],
        ['?', s],
      ],
      'unclear',
    ],
    [
      'failed, which is no sign of acceptance',
      [
        ['failed', s],
        ['failed', s],
      ],
      'unchanged',
    ],
  ])('%s: is told', (_, statuses, verdict) => {
    const series = statuses.map((each, index) => ({ at: index * 1000, gateway: gateway(...each) }));
    expect(verdictOf(series, asked, far)).toBe(verdict);
  });

  it.each([
    [8, 'unclear'],
    [9, 'accepted'],
  ])('counts absence once the drain can be over: %i agreeing reads are %s', (times, verdict) => {
    const series = reads(repeated('-', times), 2000);
    expect(verdictOf(series, [ip], 2000)).toBe(verdict);
    expect(verdictOf(series, [ip], 2001)).toBe('unclear');
  });

  it('counts no absence before an address was shown again', () => {
    const series = reads(`${repeated('-', 8)} ${s} ${repeated('-', 8)}`, 2000);
    expect(verdictOf(series, [ip], 2000)).toBe('unclear');
  });

  it.each<[string, NatGateway | undefined]>([
    ['no gateway', undefined],
    ['no address', { state: 'available', addresses: [] }],
    ['no marked primary', { state: 'available', addresses: [{ ...primary, is_primary: false }] }],
    ['a primary without an address', { state: 'available', addresses: [{ is_primary: true }] }],
    ['no state', { addresses: [primary] }],
    ['a gateway being deleted', { state: 'deleting', addresses: [primary] }],
  ])('takes nothing from a read that shows %s', (_, shown) => {
    const series = Array.from({ length: 12 }, (_each, at) => ({ at, gateway: shown }));
    expect(verdictOf(series, [ip], 0)).toBe('unclear');
  });
});

describe('the course of an address', () => {
  const fate = (statuses: string, drain?: StartedDrain, from = 0, step = 1000) => {
    const { fate, settled } = courseOf(ip, reads(statuses, from, step), drain);
    return [fate, settled];
  };

  it.each<[string, string, [string, boolean]]>([
    ['no read that counts', 'x ! x', ['unknown', false]],
    ['a first read without it', '-', ['unknown', false]],
    ['a change that is shown', `${s} ${d}`, [d, false]],
    ['draining, then left out now and then', `${d} - ${d} - -`, [d, false]],
    ['draining, then untouched in a late read', `${d} ${s} ${s} ${s}`, [d, false]],
    ['draining, then gone eight times', `${d} ${repeated('-', 8)}`, [d, false]],
    ['draining, then gone nine times', `${d} ${repeated('-', 9)}`, ['released', true]],
    ['never shown in nine reads', repeated('-', 9), ['not_on_gateway', true]],
    ['untouched for some reads', `${s} ${s} ${s}`, [s, false]],
    ['untouched, then gone eight times', `${s} ${repeated('-', 8)}`, [s, false]],
    ['assigning, then there once', `assigning ${s}`, [s, false]],
    ['assigning, then there', `assigning ${s} ${s}`, [s, true]],
    ['assigning, then failed', 'assigning failed failed', ['failed', true]],
    ['draining, then failed', `${d} failed failed`, ['failed', true]],
    ['draining, gone, assigned again and there', `${d} - - assigning ${s} ${s}`, [s, true]],
    ['no status', '? ?', ['unknown', false]],
  ])('%s', (_, statuses, expected) => {
    expect(fate(statuses)).toEqual(expected);
  });

  it('counts only reads in which the gateway shows its primary', () => {
    expect(fate(`${d} ${repeated('! x', 20)}`)).toEqual([d, false]);
  });

  it('is untouched once reads agree over the whole lag of EC2', () => {
    const short = fate(`${s} ${s}`, undefined, 0, READ_LAG_MILLISECONDS - 1);
    const long = fate(`${s} ${s}`, undefined, 0, READ_LAG_MILLISECONDS);
    expect([short, long]).toEqual([
      [s, false],
      [s, true],
    ]);
  });

  it('is untouched after a drain was shown once no read can be late any more', () => {
    expect(fate(`${d} ${repeated(s, 3)}`, undefined, 0, 2 * MINUTE)).toEqual([s, true]);
    expect(fate(`${d} ${repeated(s, 3)}`, undefined, 0, 1.6 * MINUTE)).toEqual([d, false]);
  });

  it('tells why an address failed', () => {
    const failed = {
      ...gateway(),
      addresses: [primary, { private_ip: ip, status: 'failed', failure_message: 'x' }],
    };
    expect(courseOf(ip, [{ at: 0, gateway: failed }]).failure_message).toBe('x');
  });

  describe('of a drain that this process started', () => {
    it.each<[string, string, number, [string, boolean]]>([
      ['untouched in late reads while it runs', repeated(s, 20), 0, [d, false]],
      ['untouched in late reads after its end', repeated(s, 5), 20_000, [d, false]],
      ['failed as it may have been before', 'failed failed', 0, [d, false]],
      ['gone for a while before its end', repeated('-', 9), 0, [d, false]],
      ['gone once after its end', '-', 10_000, [d, false]],
      ['gone twice after its end', '- -', 10_000, ['released', true]],
      ['gone once before its end and once after', '- -', 9000, [d, false]],
      ['shown again after its end', `- ${d} -`, 10_000, [d, false]],
      ['assigning in a late read while it runs', 'assigning', 0, [d, false]],
      ['assigning after its end', 'assigning', 10_000, ['assigning', false]],
      ['no read that counts', 'x', 0, [d, false]],
    ])('%s', (_, statuses, from, expected) => {
      expect(fate(statuses, started(10), from)).toEqual(expected);
    });

    it('is released early only after a minute of agreeing absence', () => {
      expect(fate(repeated('-', 31), started(350), 0, 2000)).toEqual(['released', true]);
      expect(fate(repeated('-', 30), started(350), 0, 2000)).toEqual([d, false]);
    });

    it('yields to agreeing reads that can no longer be late', () => {
      expect(fate(`${s} ${s}`, started(350), READ_LAG_MILLISECONDS)).toEqual([s, true]);
      expect(fate(`${s} ${s}`, started(350), READ_LAG_MILLISECONDS - 1001)).toEqual([d, false]);
    });
  });

  it.each([
    ['left out', `${d} -`, undefined, true],
    ['left out before a known end', '-', started(350), false],
    ['draining after a known end', `${d}`, started(0), true],
    ['draining', d, undefined, false],
  ])('asks for further reads soon: %s', (_, statuses, drain, isUrgent) => {
    expect(courseOf(ip, reads(statuses), drain).isUrgent).toBe(isUrgent);
  });
});

describe('the course of the gateway', () => {
  const of = (...states: (string | undefined)[]) =>
    gatewayCourseOf(
      states.map((state, at) => ({
        at,
        gateway: state === undefined ? undefined : { state, addresses: [] },
      })),
    );
  const missing = (times: number): undefined[] => Array(times).fill(undefined);

  it.each([
    ['unread without a read', of(), 'unread'],
    ['missing while it was never shown', of(...missing(8)), 'missing'],
    ['unknown once nine reads agree', of(...missing(9)), 'unknown'],
    ['there', of('available'), 'there'],
    ['missing while reads leave it out', of('available', ...missing(17)), 'missing'],
    ['deleted once eighteen reads agree', of('available', ...missing(18)), 'deleted'],
    ['deleted when it was shown deleted, even once', of('deleted', 'available'), 'deleted'],
    ['deleted soon after it was shown deleting', of('deleting', ...missing(2)), 'deleted'],
    ['changing while deleting, though a late read shows it at work', of('deleting', 'available'), 'changing'],
    ['changing while pending', of('pending'), 'changing'],
    ['there after pending', of('pending', 'available'), 'there'],
  ])('is %s', (_, course, expected) => {
    expect(course).toBe(expected);
  });

  it('has nothing changing only once reads agree over the whole lag of EC2', () => {
    expect(nothingChanges([])).toBe(false);
    expect(nothingChanges(reads(`${s} ${s}`, 0, READ_LAG_MILLISECONDS - 1))).toBe(false);
    expect(nothingChanges(reads(`${s} ${s}`, 0, READ_LAG_MILLISECONDS))).toBe(true);
    expect(nothingChanges(reads(`${d} ${s}`, 0, READ_LAG_MILLISECONDS))).toBe(false);
  });
});

describe('one read of a gateway with a started drain', () => {
  const drains = new Map([[ip, started(2)]]);
  const statuses = (shown: NatGateway) => shown.addresses.slice(1).map(({ status }) => status);

  it('is judged as draining while an untouched address may be late, its end passed or not', () => {
    expect(statuses(withStartedDrains(gateway(s, s), drains, READ_LAG_MILLISECONDS - 1))).toEqual([d, s]);
    expect(statuses(withStartedDrains(gateway(s, s), drains, READ_LAG_MILLISECONDS))).toEqual([s, s]);
  });

  it.each(['failed', d, 'assigning', '?'])('is judged as read where it shows %s', (status) => {
    expect(withStartedDrains(gateway(status), drains, 1000)).toEqual(gateway(status));
  });

  it('ends the memory by an assignment after the drain, and by nothing else', () => {
    expect(assignedAgain(gateway('assigning'), drains, 2000)).toEqual([ip]);
    expect(assignedAgain(gateway('assigning'), drains, 1999)).toEqual([]);
    expect(assignedAgain(gateway(s), drains, 2000)).toEqual([]);
  });
});

describe('a series of reads that leaves out repetitions', () => {
  const kinds = fc.constantFrom(s, d, '-', 'x', '!', 'failed', 'assigning', '?');
  const runs = fc.array(fc.tuple(kinds, fc.integer({ min: 1, max: 40 })), { minLength: 1, maxLength: 6 });
  const seriesOf = (each: [string, number][], step: number): Read[] =>
    reads(each.map(([kind, times]) => repeated(kind, times)).join(' '), 0, step);

  it('proves what the whole series proves', () => {
    fc.assert(
      fc.property(
        runs,
        fc.constantFrom(600, 5000, 60_000),
        fc.constantFrom(1, 60, 350),
        (each, step, drain) => {
          const whole = seriesOf(each, step);
          const kept = whole.reduce(withRead, [] as Read[]);
          for (const remembered of [undefined, started(drain)]) {
            expect(courseOf(ip, kept, remembered)).toEqual(courseOf(ip, whole, remembered));
          }
          expect(gatewayCourseOf(kept)).toBe(gatewayCourseOf(whole));
          expect(nothingChanges(kept)).toBe(nothingChanges(whole));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('does not grow while reads show the same', () => {
    expect(seriesOf([[d, 1000]], 5000).reduce(withRead, [] as Read[])).toHaveLength(19);
  });
});
