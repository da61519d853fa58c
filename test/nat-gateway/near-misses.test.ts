import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearMisses, nearMissQuestion } from '../../src/nat-gateway/near-misses.ts';

describe('near misses', () => {
  it.each([
    ['10.0.1.11', ['10.0.1.12']],
    ['10.0.1.11', ['10.0.1.1']],
    ['10.0.1.1', ['10.0.1.11']],
    ['10.0.1.21', ['10.0.1.12']],
    ['nat-0a11a11a11a11a11b', ['nat-0a11a11a11a11a11a']],
    ['nat-0123456789abcdef0', ['nat-0123456789abcdfe0']],
  ])('of %s include %j', (wanted, candidates) => {
    expect(nearMisses(wanted, candidates)).toEqual(candidates);
  });

  it.each([
    ['10.0.1.11', ['10.0.1.11', '10.0.2.12', '10.0.1.99', '']],
    ['nat-0a11a11a11a11a11a', ['nat-0b22b22b22b22b22b']],
  ])('of %s include none of %j', (wanted, candidates) => {
    expect(nearMisses(wanted, candidates)).toEqual([]);
  });

  it('are none where there are more than three', () => {
    const candidates = ['10.0.1.10', '10.0.1.11', '10.0.1.12', '10.0.1.13'];
    expect(nearMisses('10.0.1.15', candidates)).toEqual([]);
    expect(nearMisses('10.0.1.15', candidates.slice(1))).toEqual(candidates.slice(1));
  });

  it('are mutual', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '1'), maxLength: 6 });
    fc.assert(
      fc.property(text, text, (one, other) => {
        expect(nearMisses(one, [other]).length).toBe(nearMisses(other, [one]).length);
      }),
    );
  });

  it('include every text with one character more, less or changed', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        fc.nat(),
        fc.string({ minLength: 1, maxLength: 1 }),
        (text, at, other) => {
          const place = at % text.length;
          const [before, rest] = [text.slice(0, place), text.slice(place + 1)];
          const mistyped = [before + rest, before + other + rest, before + other + text.slice(place)];
          for (const each of mistyped) expect(nearMisses(text, [each])).toEqual(each === text ? [] : [each]);
        },
      ),
    );
  });
});

describe('the question about near misses', () => {
  it('asks the user, and is absent where nothing is near', () => {
    expect(nearMissQuestion('10.0.1.1', ['10.0.1.11', '10.0.3.3'])).toBe(
      '10.0.1.11 is one character away from 10.0.1.1: ask the user whether it is meant.',
    );
    expect(nearMissQuestion('10.0.1.1', ['10.0.1.11', '10.0.1.12'])).toBe(
      '10.0.1.11, 10.0.1.12 are one character away from 10.0.1.1: ask the user whether one of them is meant.',
    );
    expect(nearMissQuestion('10.0.1.1', ['10.0.3.30'])).toBeUndefined();
  });
});
