import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  listOf,
  natGatewayId,
  optionalListOf,
  privateIp,
  region,
  subnetId,
  tagFilter,
  unknownArguments,
  vpcId,
} from '../../src/tools/arguments.ts';

/** The messages of a value's errors; none when it is valid. */
function errorsIn(schema: z.ZodType, value: unknown): string[] {
  const result = schema.safeParse(value);
  return result.success ? [] : result.error.issues.map(({ message }) => message);
}

const ips = listOf(privateIp, 3);
const tags = listOf(tagFilter, 50, /,/);

describe('a list argument', () => {
  it.each<[unknown, string[]]>([
    [['10.0.0.5'], ['10.0.0.5']],
    ['10.0.0.5', ['10.0.0.5']],
    ['10.0.0.5,10.0.0.6', ['10.0.0.5', '10.0.0.6']],
    ['10.0.0.5 10.0.0.6', ['10.0.0.5', '10.0.0.6']],
    ['10.0.0.5, 10.0.0.6', ['10.0.0.5', '10.0.0.6']],
    [' 10.0.0.5\n10.0.0.6,\t', ['10.0.0.5', '10.0.0.6']],
    ['["10.0.0.5"]', ['10.0.0.5']],
    [' ["10.0.0.5",\n"10.0.0.6"]\n', ['10.0.0.5', '10.0.0.6']],
  ])('accepts %j', (value, expected) => {
    expect(ips.parse(value)).toEqual(expected);
  });

  it('of tags splits at commas only, because tags may contain spaces', () => {
    expect(tags.parse('team=data platform,env=prod')).toEqual(['team=data platform', 'env=prod']);
    expect(tags.parse('["team=a, b"]')).toEqual(['team=a, b']);
    expect(tags.parse('[x]')).toEqual(['[x]']);
  });

  it('accepts the same values as one string and as an array', () => {
    const octet = fc.nat(255);
    const ip = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'));
    const separator = fc.constantFrom(',', ' ', ', ', '\n', ' , ');
    fc.assert(
      fc.property(fc.uniqueArray(ip, { minLength: 1, maxLength: 3 }), separator, (values, between) => {
        expect(ips.parse(values.join(between))).toEqual(values);
        expect(ips.parse(values)).toEqual(values);
      }),
    );
  });

  it.each([[[]], [''], [' , '], ['[]']])('refuses %j, which is empty', (value) => {
    expect(errorsIn(ips, value)).toEqual(['Name at least one']);
    expect(errorsIn(optionalListOf(privateIp, 3), value)).toEqual(['Name at least one, or leave this out']);
  });

  it('refuses more values than its limit, which the error names', () => {
    expect(errorsIn(ips, '10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4')).toEqual(['At most 3 at a time']);
  });

  it('refuses repeated values, each of which the error names once', () => {
    expect(errorsIn(listOf(privateIp, 9), '10.0.0.5 10.0.0.6 10.0.0.5 10.0.0.5 10.0.0.6')).toEqual([
      '"10.0.0.5" is listed twice; is one of them mistyped?',
      '"10.0.0.6" is listed twice; is one of them mistyped?',
    ]);
  });

  it('refuses wrong values, each of which the error names', () => {
    expect(errorsIn(ips, ['10.0.0.256', '10.0.0.5', 'x"y'])).toEqual([
      '"10.0.0.256" is not an IPv4 address',
      '"x\\"y" is not an IPv4 address',
    ]);
  });

  it.each([[5], [null], [true], [{ 0: '10.0.0.5' }], [[5]], [[null]], [[['10.0.0.5']]]])(
    'refuses %j, which is not a list of strings',
    (value) => {
      expect(errorsIn(ips, value)).not.toEqual([]);
    },
  );

  it('shortens a long wrong value in the error', () => {
    const long = 'x'.repeat(100_000);
    const errors = errorsIn(ips, [long]);
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.join().length).toBeLessThan(2000);
  });
});

describe('a value', () => {
  it.each<[string, z.ZodType, string[]]>([
    ['a NAT gateway id', natGatewayId, ['nat-0123456789abcdef0', 'nat-01234567']],
    ['an address', privateIp, ['10.0.0.5', '255.255.255.255', '0.0.0.0']],
    ['a VPC id', vpcId, ['vpc-01234567', 'vpc-0123456789abcdef0']],
    ['a subnet id', subnetId, ['subnet-01234567', 'subnet-0123456789abcdef0']],
    ['a tag', tagFilter, ['env', 'env=', 'env=prod', 'a=b=c', ' a', 'aws:x=y', 'ключ=значение']],
    [
      'a region',
      region,
      ['us-east-1', 'us-gov-west-1', 'ap-southeast-5', 'cn-northwest-1', 'us-isob-east-1', 'eusc-de-east-1'],
    ],
  ])('is accepted as %s', (_, schema, values) => {
    for (const value of values) expect(errorsIn(schema, value)).toEqual([]);
  });

  it.each<[string, z.ZodType, string, string[]]>([
    [
      'a NAT gateway id',
      natGatewayId,
      'is not a NAT gateway id',
      [
        '',
        'nat-',
        'nat-1',
        'nat-0123456789ABCDEF0',
        'NAT-01234567',
        'nat-012345678',
        'i-0123456789abcdef0',
        'nat-01234567\n',
        ' nat-01234567',
        'nat-01234567,nat-01234567',
        'nat-0123456g',
        '*',
      ],
    ],
    [
      'an address',
      privateIp,
      'is not an IPv4 address',
      [
        '',
        '10.0.0',
        '10.0.0.256',
        '010.0.0.1',
        '10.0.0.1/32',
        '::1',
        '::ffff:10.0.0.1',
        '10.0.0.1\n',
        '10.0.0.*',
      ],
    ],
    ['a VPC id', vpcId, 'is not a VPC id', ['', 'vpc-', 'subnet-01234567', 'vpc-0123456', 'vpc-01234567?']],
    ['a subnet id', subnetId, 'is not a subnet id', ['', 'vpc-01234567', 'subnet-*', 'subnet-01234567\0']],
    ['a tag', tagFilter, 'is not KEY or KEY=VALUE', ['', '=', '=prod']],
    [
      'a region',
      region,
      'is not an AWS region',
      [
        '',
        'us-east-1.evil.com',
        'us-east-1.evil.com/',
        'us-east-1/',
        'a/../b',
        '../us-east-1',
        'US-EAST-1',
        'us-East-1',
        'us-east-1\n',
        '\nus-east-1',
        'us-east-1\r\nHost: evil.com',
        'us-east-1 ',
        'us-east-1#',
        'us-east-1?x',
        'us-east-1:443',
        'user@us-east-1',
        'us-east-1%2e',
        'us-east-1\0',
        'us-east-١',
        'us_east_1',
        'localhost',
        '127.0.0.1',
        'us-east-1a',
        'us-east',
        '-east-1',
        'us--1',
      ],
    ],
  ])('is refused as %s and named in the error', (_, schema, message, values) => {
    for (const value of values) expect(errorsIn(schema, value)).toEqual([expect.stringContaining(message)]);
    for (const value of values) expect(errorsIn(schema, value)[0]).toContain(JSON.stringify(value));
  });

  it('is accepted as a region only if it is one label of a host name', () => {
    const near = fc
      .tuple(
        fc.constantFrom('us', 'eu', 'us-gov', ''),
        fc.string({ maxLength: 12 }),
        fc.constantFrom('-1', '1', ''),
      )
      .map((parts) => parts.join('-'));
    fc.assert(
      fc.property(fc.oneof(near, fc.string(), fc.stringMatching(/^[a-z]{2}-[a-z]{4,9}-\d$/)), (text) => {
        const isAccepted = region.safeParse(text).success;
        const host = isAccepted ? new URL(`https://ec2.${text}.amazonaws.com/`).host : undefined;
        expect(host).toBe(isAccepted ? `ec2.${text}.amazonaws.com` : undefined);
        expect(isAccepted && text.includes('.')).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });

  it('is refused when it is not a string', () => {
    for (const schema of [natGatewayId, privateIp, vpcId, subnetId, tagFilter, region]) {
      for (const value of [1, null, true, {}, ['us-east-1']]) expect(errorsIn(schema, value)).not.toEqual([]);
    }
  });

  it('is accepted as a tag up to the limits of AWS: 128 characters of key, 256 of value', () => {
    expect(errorsIn(tagFilter, `${'k'.repeat(128)}=${'v'.repeat(256)}`)).toEqual([]);
    expect(errorsIn(tagFilter, `${'k'.repeat(128)}=${'v'.repeat(257)}`)).not.toEqual([]);
  });
});

describe('an unknown argument', () => {
  const names = ['nat_gateway_id', 'private_ip_addresses', 'max_drain_duration_seconds', 'mode', 'region'];
  const shape = Object.fromEntries(names.map((name) => [name, z.string().optional()]));
  const unassign = z.strictObject(shape, { error: unknownArguments(names) });
  const filters = z.strictObject(
    { nat_gateway_ids: z.string().optional(), tags: z.string().optional() },
    { error: unknownArguments(['nat_gateway_ids', 'tags']) },
  );

  it.each(['dry_run', 'DryRun', 'dryRun', 'dry-run', 'DRY_RUN', 'dryrun'])(
    '%s gets the hint to use mode',
    (key) => {
      expect(errorsIn(unassign, { [key]: true })).toEqual([
        `No argument ${JSON.stringify(key)}: use mode: "dry_run" or mode: "execute"`,
      ]);
    },
  );

  it.each([
    ['natGatewayId', 'nat_gateway_id'],
    ['NatGatewayId', 'nat_gateway_id'],
    ['nat-gateway-id', 'nat_gateway_id'],
    ['nat_gateway_ids', 'nat_gateway_id'],
    ['private_ip_address', 'private_ip_addresses'],
    ['PrivateIpAddresses', 'private_ip_addresses'],
    ['PrivateIpAddress.1', 'private_ip_addresses'],
    ['maxDrainDurationSeconds', 'max_drain_duration_seconds'],
    ['max_drain_duration_second', 'max_drain_duration_seconds'],
    ['Region', 'region'],
  ])('%s gets the hint to use %s', (key, meant) => {
    expect(errorsIn(unassign, { [key]: 'x' })).toEqual([`No argument "${key}": use ${meant}`]);
  });

  it.each([
    ['nat_gateway_id', 'nat_gateway_ids'],
    ['tag', 'tags'],
    ['Tags', 'tags'],
  ])('%s gets the hint to use %s of the describe tool', (key, meant) => {
    expect(errorsIn(filters, { [key]: 'x' })).toEqual([`No argument "${key}": use ${meant}`]);
  });

  it('gets the list of all arguments when it resembles none', () => {
    expect(errorsIn(unassign, { force: true })).toEqual([
      `No argument "force": there are ${names.join(', ')}`,
    ]);
  });

  it('is named if it is among the first five, and shortened', () => {
    const many = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, index) => [`k${index}${'x'.repeat(500)}`, 1]),
    );
    const [error = ''] = errorsIn(filters, many);
    expect(error.length).toBeLessThan(2000);
    expect(error).toContain('and 19995 more');
  });

  it('dry_run gets no hint to use mode when the tool has none', () => {
    expect(errorsIn(filters, { dry_run: true })).toEqual([
      'No argument "dry_run": there are nat_gateway_ids, tags',
    ]);
  });

  it('is reported together with other unknown arguments', () => {
    expect(errorsIn(unassign, { dry_run: true, Force: 1 })).toEqual([
      `No argument "dry_run": use mode: "dry_run" or mode: "execute"; No argument "Force": there are ${names.join(', ')}`,
    ]);
  });

  it('is reported beside other errors, which keep their messages', () => {
    expect(errorsIn(unassign, { mode: 1, dry_run: true })).toEqual([
      expect.stringContaining('expected string'),
      'No argument "dry_run": use mode: "dry_run" or mode: "execute"',
    ]);
    expect(errorsIn(unassign, 'text')).toEqual([expect.stringContaining('expected object')]);
  });

  it.each(['constructor', 'toString', '', '_', 's'])(
    '%j, which resembles none, gets the list of all arguments',
    (key) => {
      expect(errorsIn(unassign, { [key]: 1 })).toEqual([expect.stringContaining('there are nat_gateway_id')]);
    },
  );
});
