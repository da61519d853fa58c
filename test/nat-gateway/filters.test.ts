import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type GatewayFilters,
  isLeftOut,
  matches,
  needLocalReading,
  tagFilters,
} from '../../src/nat-gateway/filters.ts';
import type { NatGateway } from '../../src/nat-gateway/gateway.ts';

const gateway: NatGateway = {
  nat_gateway_id: 'nat-0123456789abcdef0',
  state: 'available',
  connectivity_type: 'private',
  vpc_id: 'vpc-01234567',
  subnet_id: 'subnet-01234567',
  tags: [
    { key: 'env', value: 'prod' },
    { key: 'empty', value: '' },
    { key: 'sum', value: '1+1=2' },
  ],
  addresses: [
    { private_ip: '10.0.0.5', status: 'succeeded' },
    { private_ip: '10.0.0.6', status: 'unassigning' },
  ],
};

/** A gateway without any optional member. */
const bare: NatGateway = { addresses: [] };

describe('matches', () => {
  it('is true without filters, even for a gateway without members', () => {
    expect(matches(gateway, {})).toBe(true);
    expect(matches(bare, {})).toBe(true);
  });

  it.each<[GatewayFilters, GatewayFilters]>([
    [
      { nat_gateway_ids: ['nat-00000000000000000', 'nat-0123456789abcdef0'] },
      { nat_gateway_ids: ['nat-00000000000000000', 'nat-0123456789abcdef00'] },
    ],
    [{ vpc_ids: ['vpc-76543210', 'vpc-01234567'] }, { vpc_ids: ['vpc-76543210', 'vpc-012345678'] }],
    [{ subnet_ids: ['subnet-01234567'] }, { subnet_ids: ['subnet-76543210'] }],
    [{ states: ['pending', 'available'] }, { states: ['pending', 'Available'] }],
    [{ connectivity_type: 'private' }, { connectivity_type: 'public' }],
    [{ private_ip_addresses: ['10.0.0.9', '10.0.0.6'] }, { private_ip_addresses: ['10.0.0.9', '10.0.0.60'] }],
    [{ address_statuses: ['failed', 'unassigning'] }, { address_statuses: ['failed', 'assigning'] }],
    [{ tags: ['env'] }, { tags: ['owner'] }],
    [{ tags: ['env=prod'] }, { tags: ['env=Prod'] }],
    [{ tags: ['env=dev', 'env=prod'] }, { tags: ['env=dev', 'env=test'] }],
    [{ tags: ['env=prod', 'empty'] }, { tags: ['env=prod', 'owner'] }],
    [{ tags: ['env=dev', 'env'] }, { tags: ['env=dev', 'ENV'] }],
    [{ tags: ['empty='] }, { tags: ['env='] }],
    [{ tags: ['sum=1+1=2'] }, { tags: ['sum=1+1'] }],
    [{ tags: ['env=prod', 'sum'] }, { tags: ['env=*'] }],
  ])('is true for %j and false for %j', (fitting, other) => {
    expect(matches(gateway, fitting)).toBe(true);
    expect(matches(gateway, other)).toBe(false);
  });

  it.each<GatewayFilters>([
    { nat_gateway_ids: ['nat-0123456789abcdef0'] },
    { vpc_ids: ['vpc-01234567'] },
    { subnet_ids: ['subnet-01234567'] },
    { states: ['available'] },
    { connectivity_type: 'private' },
    { private_ip_addresses: ['10.0.0.5'] },
    { address_statuses: ['succeeded'] },
    { tags: ['env'] },
    { tags: ['env=prod'] },
  ])('is false for %j when the gateway lacks that member', (filters) => {
    expect(matches(bare, filters)).toBe(false);
    expect(matches({ addresses: [{}] }, filters)).toBe(false);
  });

  it('is true for several filters only if each of them fits', () => {
    expect(matches(gateway, { states: ['available'], vpc_ids: ['vpc-01234567'] })).toBe(true);
    expect(matches(gateway, { states: ['available'], vpc_ids: ['vpc-76543210'] })).toBe(false);
    expect(matches(gateway, { states: ['pending'], vpc_ids: ['vpc-01234567'] })).toBe(false);
  });
});

describe('tagFilters', () => {
  it('groups values of one key as alternatives', () => {
    expect([...tagFilters(['a=1', 'b=1', 'a=2'])]).toEqual([
      ['a', ['1', '2']],
      ['b', ['1']],
    ]);
  });

  it.each([[['a', 'a=1']], [['a=1', 'a']], [['a=1', 'a', 'a=2']]])(
    'allows any value once the key stands alone: %j',
    (tags) => {
      expect([...tagFilters(tags)]).toEqual([['a', undefined]]);
    },
  );

  it('splits at the first equals sign', () => {
    expect([...tagFilters(['a=b=c', 'd='])]).toEqual([
      ['a', ['b=c']],
      ['d', ['']],
    ]);
  });
});

describe('needLocalReading', () => {
  it.each<GatewayFilters>([
    { private_ip_addresses: ['10.0.0.5'] },
    { connectivity_type: 'private' },
    { address_statuses: ['failed'] },
    { vpc_ids: ['vpc-01234567'], address_statuses: ['failed'] },
  ])('is true for %j, which EC2 cannot filter by', (filters) => {
    expect(needLocalReading(filters)).toBe(true);
  });

  it.each<GatewayFilters>([
    {},
    {
      nat_gateway_ids: ['nat-01234567'],
      vpc_ids: ['vpc-01234567'],
      subnet_ids: ['subnet-01234567'],
      tags: ['a'],
      states: ['available'],
    },
  ])('is false for %j', (filters) => {
    expect(needLocalReading(filters)).toBe(false);
  });
});

describe('matches, for any gateway and filters', () => {
  const word = fc.constantFrom('a', 'b', 'c');
  const some = fc.uniqueArray(word, { minLength: 1 });
  const tag = fc.oneof(
    word,
    fc.tuple(word, word).map(([key, value]) => `${key}=${value}`),
  );
  const anyGateway: fc.Arbitrary<NatGateway> = fc.record(
    {
      state: word,
      connectivity_type: word,
      vpc_id: word,
      subnet_id: word,
      tags: fc.array(fc.record({ key: word, value: word })),
      addresses: fc.array(fc.record({ private_ip: word, status: word }, { requiredKeys: [] })),
    },
    { requiredKeys: ['addresses'] },
  );
  const anyFilters: fc.Arbitrary<GatewayFilters> = fc.record(
    {
      private_ip_addresses: some,
      vpc_ids: some,
      subnet_ids: some,
      tags: fc.uniqueArray(tag, { minLength: 1 }),
      states: some,
      connectivity_type: word,
      address_statuses: some,
    },
    { requiredKeys: [] },
  );

  it('is true exactly if every filter alone fits', () => {
    fc.assert(
      fc.property(anyGateway, anyFilters, (subject, filters) => {
        const each = Object.entries(filters).map(([name, value]) => matches(subject, { [name]: value }));
        expect(matches(subject, filters)).toBe(each.every(Boolean));
      }),
    );
  });

  it('is true for a list exactly if one of its values fits', () => {
    const lists = ['private_ip_addresses', 'vpc_ids', 'subnet_ids', 'states', 'address_statuses'] as const;
    fc.assert(
      fc.property(anyGateway, fc.constantFrom(...lists), some, (subject, name, values) => {
        const each = values.map((value) => matches(subject, { [name]: [value] }));
        expect(matches(subject, { [name]: values })).toBe(each.some(Boolean));
      }),
    );
  });

  it('does not depend on the order of tags', () => {
    const inTwoOrders = fc
      .array(tag, { minLength: 1 })
      .chain((tags) => fc.tuple(fc.constant(tags), fc.shuffledSubarray(tags, { minLength: tags.length })));
    fc.assert(
      fc.property(anyGateway, inTwoOrders, (subject, [tags, shuffled]) => {
        expect(matches(subject, { tags: shuffled })).toBe(matches(subject, { tags }));
      }),
    );
  });

  it('requires every tag key, with any of its values', () => {
    fc.assert(
      fc.property(anyGateway, fc.array(tag, { minLength: 1 }), (subject, tags) => {
        const keys = new Set(tags.map((each) => each.split('=')[0]));
        const expected = [...keys].every((key) =>
          (subject.tags ?? []).some(
            (has) => has.key === key && (tags.includes(has.key) || tags.includes(`${has.key}=${has.value}`)),
          ),
        );
        expect(matches(subject, { tags })).toBe(expected);
      }),
    );
  });
});

describe('a gateway that has ended', () => {
  it.each<[GatewayFilters, boolean]>([
    [{}, true],
    [{ tags: ['Name'] }, true],
    [{ vpc_ids: ['vpc-01234567'], connectivity_type: 'private' }, true],
    [{ nat_gateway_ids: ['nat-0123456789abcdef0'] }, false],
    [{ states: ['deleted'] }, false],
    [{ private_ip_addresses: ['10.0.1.11'] }, false],
  ])('with %j is left out: %s', (filters, expected) => {
    for (const state of ['deleted', 'failed'])
      expect(isLeftOut({ ...gateway, state }, filters)).toBe(expected);
    for (const state of ['available', 'pending', 'deleting', 'new', undefined]) {
      expect(isLeftOut({ ...gateway, state }, filters)).toBe(false);
    }
  });
});
