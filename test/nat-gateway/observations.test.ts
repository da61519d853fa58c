import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StartedDrain } from '../../src/nat-gateway/drain.ts';
import { drainFrom } from '../../src/nat-gateway/drain.ts';
import type { NatGateway } from '../../src/nat-gateway/gateway.ts';
import {
  assignedAgain,
  assignedVerdictOf,
  courseOf,
  gatewayCourseOf,
  latestCounting,
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

/** The time from which the tests count. Not zero, so that times differ from durations. */
const START = 5_000_000;

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
      const at = START + from + index * step;
      if (status === 'x') return { at, gateway: undefined };
      if (status === '!') return { at, gateway: { state: 'available', addresses: [] } };
      return { at, gateway: gateway(status) };
    });
}

const repeated = (status: string, times: number): string => Array(times).fill(status).join(' ');

/** A drain of `seconds` that this process started at the start. */
function started(seconds: number): StartedDrain {
  return { drain: drainFrom(START, seconds), startedAt: START, dueAt: START + seconds * 1000 };
}

describe('the verdict of reads after a lost answer', () => {
  const far = START + 350_000;

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
      'one draining and one untouched, with a read between that leaves one out',
      [
        [d, s],
        [d, '-'],
        [d, s],
      ],
      'partial',
    ],
    [
      'one draining and one untouched, with a read between that shows one without a status',
      [
        [d, s],
        [d, '?'],
        [d, s],
      ],
      'partial',
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
    const series = statuses.map((each, index) => ({ at: START + index * 1000, gateway: gateway(...each) }));
    expect(verdictOf(series, asked, far)).toBe(verdict);
  });

  it.each([
    [8, 'unclear'],
    [9, 'accepted'],
  ])('counts absence once the drain can be over: %i agreeing reads are %s', (times, verdict) => {
    const series = reads(repeated('-', times), 2000);
    expect(verdictOf(series, [ip], START + 2000)).toBe(verdict);
    expect(verdictOf(series, [ip], START + 2001)).toBe('unclear');
  });

  it('counts no absence before an address was shown again', () => {
    const series = reads(`${repeated('-', 8)} ${s} ${repeated('-', 8)}`, 2000);
    expect(verdictOf(series, [ip], START + 2000)).toBe('unclear');
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

  it('counts reads of a gateway whose creation failed', () => {
    const failed = { ...gateway(d), state: 'failed' };
    expect(verdictOf([{ at: START, gateway: failed }], [ip], far)).toBe('accepted');
  });
});

describe('an address that this process had assigned', () => {
  const at = (seconds: number) => START - seconds * 1000;
  it.each([
    ['no read', '', 10, 'assigning', false],
    ['absence', repeated('-', 12), 10, 'assigning', false],
    ['absence after the whole lag', repeated('-', 12), 300, 'not_on_gateway', true],
    ['assigning', 'assigning', 10, 'assigning', false],
    ['assigning, then succeeded twice', `assigning ${s} ${s}`, 10, s, true],
    ['succeeded twice, perhaps from before the release', `${s} ${s}`, 10, s, false],
    ['succeeded twice a minute later', `${s} ${s}`, 59, s, true],
  ])('is told by %s', (_, statuses, secondsAgo, fate, settled) => {
    const series = statuses === '' ? [] : reads(statuses);
    expect(courseOf(ip, series, undefined, at(secondsAgo))).toMatchObject({ fate, settled });
  });
});

describe('the verdict of reads after a lost answer to an assignment', () => {
  const a = 'assigning';
  it.each<[string, string[][], string]>([
    ['no read', [], 'unclear'],
    ['both assigning in one read', [[a, a]], 'accepted'],
    [
      'each assigning in a read of its own',
      [
        [a, '-'],
        [s, a],
      ],
      'accepted',
    ],
    ['one assigning', [[a, '-']], 'partial'],
    // What was before the release can be shown late.
    ['both succeeded', Array(12).fill([s, s]), 'unclear'],
    ['both unassigning', Array(12).fill([d, d]), 'unclear'],
    ['both absent in eight reads', Array(8).fill(['-', '-']), 'unclear'],
    ['both absent in nine reads', Array(9).fill(['-', '-']), 'unchanged'],
    ['one shown once among absences', [...Array(9).fill(['-', '-']), ['-', s]], 'unclear'],
  ])('%s: is told', (_, statuses, verdict) => {
    const series = statuses.map((each, index) => ({ at: START + index * 1000, gateway: gateway(...each) }));
    expect(assignedVerdictOf(series, asked)).toBe(verdict);
  });

  it('takes nothing from reads without the primary', () => {
    const series = Array.from({ length: 12 }, (_, at) => ({
      at,
      gateway: { state: 'available', addresses: [{ private_ip: ip, status: a }] },
    }));
    expect(assignedVerdictOf(series, [ip])).toBe('unclear');
  });
});

describe('the latest read that counts', () => {
  it.each<[string, NatGateway | undefined]>([
    ['', undefined],
    ['x !', undefined],
    [`${d} ${s} x !`, gateway(s)],
  ])('of "%s"', (statuses, expected) => {
    expect(latestCounting(reads(statuses))).toEqual(expected);
  });
});

describe('the course of an address', () => {
  const fate = (statuses: string, drain?: StartedDrain, from = 0, step = 1000) => {
    const { fate, settled } = courseOf(ip, reads(statuses, from, step), drain);
    return [fate, settled];
  };

  it.each<[string, string, [string, boolean]]>([
    ['no read', '', ['unknown', false]],
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
    ['associating in every read', 'associating associating', ['associating', false]],
    ['assigning in every read', 'assigning assigning', ['assigning', false]],
    ['assigning, then there once', `assigning ${s}`, [s, false]],
    ['assigning, then there', `assigning ${s} ${s}`, [s, true]],
    ['assigning, then failed', 'assigning failed failed', ['failed', true]],
    ['draining, then failed once', `${d} failed`, [d, false]],
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
    expect(fate(`${d} ${s} ${s}`, undefined, 0, READ_LAG_MILLISECONDS / 2)).toEqual([s, true]);
    expect(fate(`${d} ${s} ${s}`, undefined, 0, READ_LAG_MILLISECONDS / 2 - 1)).toEqual([d, false]);
  });

  it('is draining until a second read agrees that it is not', () => {
    expect(fate(`${d} ${s}`, undefined, 0, READ_LAG_MILLISECONDS)).toEqual([d, false]);
  });

  it('tells why an address failed', () => {
    const failed = {
      ...gateway(),
      addresses: [primary, { private_ip: ip, status: 'failed', failure_message: 'x' }],
    };
    expect(courseOf(ip, [{ at: START, gateway: failed }]).failure_message).toBe('x');
  });

  it('is released at the time of the first read that leaves it out', () => {
    const series = reads(`${d} - ${d} ${repeated('-', 9)}`);
    expect(courseOf(ip, series).releasedAt).toBe(START + 3000);
    expect(courseOf(ip, series.slice(0, -1)).releasedAt).toBeUndefined();
  });

  describe('of a drain that this process started', () => {
    it.each<[string, string, number, [string, boolean], number?]>([
      ['untouched in late reads while it runs', repeated(s, 20), 0, [d, false]],
      ['untouched in late reads after its end', repeated(s, 5), 20_000, [d, false]],
      ['failed as it may have been before', 'failed failed', 0, [d, false]],
      ['gone for a while before its end', repeated('-', 9), 0, [d, false]],
      ['gone once after its end', '-', 10_000, [d, false]],
      ['gone twice after its end', '- -', 10_000, ['released', true]],
      ['gone in two reads at its end', '- -', 10_000, ['released', true], 0],
      ['gone once before its end and once after', '- -', 9000, [d, false]],
      ['shown again after its end', `- ${d} -`, 10_000, [d, false]],
      ['assigning in a late read while it runs', 'assigning', 0, [d, false]],
      ['assigning after its end', 'assigning', 10_000, ['assigning', false]],
      ['no read that counts', 'x', 0, [d, false]],
    ])('%s', (_, statuses, from, expected, step) => {
      expect(fate(statuses, started(10), from, step)).toEqual(expected);
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

  it.each<[string, string, number | undefined, boolean]>([
    ['left out', `${d} -`, undefined, true],
    ['left out before a known end', '-', 1, false],
    ['left out from a known end on', '-', 0, true],
    ['draining five seconds before a known end', d, 5, true],
    ['draining more than five seconds before a known end', d, 5.001, false],
    ['untouched in a late read after a known end', s, 0, true],
    ['draining without a known end', d, undefined, false],
    ['released', repeated('-', 9), undefined, false],
    ['released at a known end', '- -', 0, false],
    ['untouched', s, undefined, false],
    ['without a status', '?', undefined, false],
    ['no read that counts', 'x', undefined, false],
  ])('asks for further reads soon: %s', (_, statuses, seconds, isUrgent) => {
    const drain = seconds === undefined ? undefined : started(seconds);
    expect(courseOf(ip, reads(statuses), drain).isUrgent).toBe(isUrgent);
  });
});

describe('the course of the gateway', () => {
  const missing = (times: number): undefined[] => Array(times).fill(undefined);

  it.each<[string, (string | undefined)[], string]>([
    ['unread without a read', [], 'unread'],
    ['missing while it was never shown', missing(8), 'missing'],
    ['unknown once nine reads agree', missing(9), 'unknown'],
    ['there', ['available'], 'there'],
    ['there again after reads left it out', ['available', ...missing(17), 'available'], 'there'],
    ['missing while reads leave it out', ['available', ...missing(17)], 'missing'],
    ['deleted once eighteen reads agree', ['available', ...missing(18)], 'deleted'],
    ['deleted when it was shown deleted, even once', ['deleted', 'available'], 'deleted'],
    ['deleted soon after it was shown deleting', ['available', 'deleting', ...missing(2)], 'deleted'],
    ['changing while deleting, though a late read shows it at work', ['deleting', 'available'], 'changing'],
    ['changing while pending', ['pending'], 'changing'],
    ['there after pending', ['pending', 'available'], 'there'],
  ])('is %s', (_, states, expected) => {
    const series = states.map((state, index) => ({
      at: START + index,
      gateway: state === undefined ? undefined : { state, addresses: [] },
    }));
    expect(gatewayCourseOf(series)).toBe(expected);
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
    expect(statuses(withStartedDrains(gateway(s, s), drains, START + READ_LAG_MILLISECONDS - 1))).toEqual([
      d,
      s,
    ]);
    expect(statuses(withStartedDrains(gateway(s, s), drains, START + READ_LAG_MILLISECONDS))).toEqual([s, s]);
  });

  it.each(['failed', d, 'assigning', '?'])('is judged as read where it shows %s', (status) => {
    expect(withStartedDrains(gateway(status), drains, START + 1000)).toEqual(gateway(status));
  });

  it('ends the memory by an assignment after the drain, and by nothing else', () => {
    expect(assignedAgain(gateway('assigning'), drains, START + 2000)).toEqual([ip]);
    expect(assignedAgain(gateway('assigning'), drains, START + 1999)).toEqual([]);
    expect(assignedAgain(gateway(s), drains, START + 2000)).toEqual([]);
    expect(assignedAgain(gateway(), drains, START + 2000)).toEqual([]);
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
    const series = seriesOf(
      [
        [s, 2],
        [d, 1000],
      ],
      5000,
    );
    expect(series.reduce(withRead, [] as Read[])).toHaveLength(2 + 19);
  });
});
