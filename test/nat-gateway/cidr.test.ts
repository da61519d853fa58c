import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonical, coversAddress, isCidr, rangesCovering } from '../../src/nat-gateway/cidr.ts';

describe('isCidr', () => {
  it.each(['10.0.1.0/24', '0.0.0.0/0', '10.0.1.13/32', '255.255.255.254/31', '128.0.0.0/1'])(
    'takes %s',
    (text) => {
      expect(isCidr(text)).toBe(true);
    },
  );

  it.each([
    '10.0.1.5/24',
    '10.0.1.1/31',
    '10.0.1.0/33',
    '10.0.1.0/024',
    '10.0.1.0/',
    '10.0.1.0/-1',
    '10.0.1/24',
    '10.0.1.256/32',
    '010.0.1.0/24',
    '10.0.1.13',
    ' 10.0.1.0/24',
    '10.0.1.0/24\n',
    'fd00::/8',
    '::ffff:10.0.1.0/120',
    '',
  ])('refuses %j', (text) => {
    expect(isCidr(text)).toBe(false);
  });
});

describe('canonical', () => {
  it.each([
    ['10.0.1.5/24', '10.0.1.0/24'],
    ['255.255.255.255/1', '128.0.0.0/1'],
    ['10.0.1.5/0', '0.0.0.0/0'],
    ['10.0.1.5/32', '10.0.1.5/32'],
    ['10.0.1.5', undefined],
    ['10.0.1.5/33', undefined],
    ['fd00::/8', undefined],
  ])('of %s is %s', (cidr, expected) => {
    expect(canonical(cidr)).toBe(expected);
  });
});

describe('rangesCovering', () => {
  it('returns the 33 ranges of an address, the narrowest first', () => {
    const ranges = rangesCovering('10.0.1.13');
    expect(ranges).toHaveLength(33);
    expect(ranges.slice(0, 5)).toEqual([
      '10.0.1.13/32',
      '10.0.1.12/31',
      '10.0.1.12/30',
      '10.0.1.8/29',
      '10.0.1.0/28',
    ]);
    expect(ranges.at(-1)).toBe('0.0.0.0/0');
    expect(ranges.every((range) => isCidr(range) && coversAddress(range, '10.0.1.13'))).toBe(true);
  });

  it.each(['fd00::1', '10.0.1', ''])('returns none for %j', (text) => {
    expect(rangesCovering(text)).toEqual([]);
  });
});

describe('coversAddress', () => {
  it.each([
    ['10.0.1.0/24', '10.0.1.13', true],
    ['10.0.1.0/24', '10.0.2.0', false],
    ['10.0.1.13/32', '10.0.1.13', true],
    ['10.0.1.13', '10.0.1.13', true],
    ['10.0.1.1', '10.0.1.13', false],
    ['0.0.0.0/0', '255.255.255.255', true],
    ['128.0.0.0/1', '127.255.255.255', false],
    ['10.0.1.0/33', '10.0.1.0', false],
    ['10.0.1', '10.0.1.0', false],
    ['x10.0.1.0/24', '10.0.1.13', false],
    ['10.0.1.0/24x', '10.0.1.13', false],
    ['10.0.1.0/024', '10.9.9.9', false],
    ['10.0.1.0/24', 'fd00::1', false],
    ['fd00::/8', '10.0.1.13', false],
    ['10.0.1.0/24', '', false],
  ])('of %s and %s is %s', (cidr, privateIp, covered) => {
    expect(coversAddress(cidr, privateIp)).toBe(covered);
  });

  it('agrees with Node, whichever range and address', () => {
    const near = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 }), fc.ipV4(), fc.boolean());
    fc.assert(
      fc.property(near, ([start, prefix, other, isNear]) => {
        const ip = isNear ? [...start.split('.').slice(0, 3), other.split('.')[3]].join('.') : other;
        const judge = new BlockList();
        judge.addSubnet(start, prefix, 'ipv4');
        expect(coversAddress(`${start}/${prefix}`, ip)).toBe(judge.check(ip));
      }),
    );
  });
});
