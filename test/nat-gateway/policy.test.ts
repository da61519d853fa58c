import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NatGateway } from '../../src/nat-gateway/gateway.ts';
import {
  type ChangeRequest,
  denials,
  denialsBeforeReading,
  type Observed,
  type Policy,
} from '../../src/nat-gateway/policy.ts';
import { OPEN_POLICY as open } from '../support/session.ts';

const gateway: NatGateway = {
  nat_gateway_id: 'nat-0123456789abcdef0',
  state: 'available',
  connectivity_type: 'private',
  tags: [
    { key: 'env', value: 'prod' },
    { key: 'team', value: 'net' },
  ],
  addresses: [
    { private_ip: '10.0.1.10', is_primary: true, status: 'succeeded' },
    { private_ip: '10.0.1.11', is_primary: false, status: 'succeeded' },
    { private_ip: '10.0.1.12', is_primary: false, status: 'failed' },
  ],
};

const request: ChangeRequest = {
  mode: 'execute',
  region: 'eu-west-1',
  natGatewayId: 'nat-0123456789abcdef0',
  privateIps: ['10.0.1.11'],
};

const observed: Observed = { gateway, accountId: '111122223333' };

/** Every denial, as far as what was read tells, if anything was. */
function denialsGiven(policy: Policy, change: ChangeRequest, seen: Observed | undefined) {
  return seen === undefined ? denialsBeforeReading(policy, change) : denials(policy, change, seen);
}

function rules(
  policy: Partial<Policy>,
  changes: Partial<ChangeRequest> = {},
  seen: Observed | undefined = observed,
): string[] {
  return denialsGiven({ ...open, ...policy }, { ...request, ...changes }, seen).map(({ rule }) => rule);
}

describe('the policy', () => {
  it('allows everything by default but taking the last working address', () => {
    expect(rules({})).toEqual([]);
    expect(rules({}, { privateIps: ['10.0.1.10', '10.0.1.11'] })).toEqual(['min-remaining']);
  });

  it('lets a read-only server rehearse, and nothing more', () => {
    expect(rules({ readOnly: true })).toEqual(['read-only']);
    expect(rules({ readOnly: true }, { mode: 'dry_run' })).toEqual([]);
  });

  it('holds every other rule in a dry run too', () => {
    const policy = { allowRegion: ['us-east-1'], protectTag: ['env=prod'] };
    expect(rules(policy, { mode: 'dry_run' })).toEqual(['allow-region', 'protect-tag']);
  });

  it.each<[string, Partial<Policy>, boolean]>([
    ['allow-region', { allowRegion: ['eu-west-1', 'us-east-1'] }, true],
    ['allow-region', { allowRegion: ['us-east-1'] }, false],
    ['allow-gateway', { allowGateway: ['nat-0123456789abcdef0'] }, true],
    ['allow-gateway', { allowGateway: ['nat-0123456789abcdef1'] }, false],
    ['allow-account', { allowAccount: ['111122223333'] }, true],
    ['allow-account', { allowAccount: ['444455556666'] }, false],
    ['require-tag', { requireTag: ['env'] }, true],
    ['require-tag', { requireTag: ['env=prod', 'team'] }, true],
    ['require-tag', { requireTag: ['env=prod', 'owner'] }, false],
    ['require-tag', { requireTag: ['env=PROD'] }, false],
    ['require-tag', { requireTag: ['env=pro'] }, false],
    ['protect-tag', { protectTag: ['owner', 'env=test'] }, true],
    ['protect-tag', { protectTag: ['owner', 'env'] }, false],
    ['protect-tag', { protectTag: ['env=prod'] }, false],
    ['min-remaining', { minRemaining: 0 }, true],
    ['min-remaining', { minRemaining: 2 }, false],
    ['max-addresses', { maxAddresses: 1 }, true],
  ])('%s: %j allows it: %s', (rule, policy, allowed) => {
    expect(rules(policy)).toEqual(allowed ? [] : [rule]);
  });

  it('counts only addresses that work towards those that remain', () => {
    expect(rules({ minRemaining: 2 }, { privateIps: ['10.0.1.12'] })).toEqual([]);
    expect(rules({ minRemaining: 3 }, { privateIps: ['10.0.1.12'] })).toEqual(['min-remaining']);
  });

  it('refuses more addresses in one call than allowed', () => {
    expect(rules({ maxAddresses: 1, minRemaining: 0 }, { privateIps: ['10.0.1.11', '10.0.1.12'] })).toEqual([
      'max-addresses',
    ]);
  });

  it('fails closed where AWS does not tell the account, the id or the tags', () => {
    expect(rules({ allowAccount: ['111122223333'] }, {}, { gateway, accountId: undefined })).toEqual([
      'allow-account',
    ]);
    expect(rules({ allowGateway: ['nat-0123456789abcdef0'] }, { natGatewayId: undefined })).toEqual([
      'allow-gateway',
    ]);
    const untagged = { gateway: { ...gateway, tags: undefined }, accountId: '111122223333' };
    expect(rules({ requireTag: ['env'] }, {}, untagged)).toEqual(['require-tag']);
  });

  it.each<[Partial<Policy>, Partial<ChangeRequest>, Observed | undefined, string]>([
    [{ allowGateway: ['nat-1'] }, {}, undefined, 'nat-0123456789abcdef0 is not an allowed gateway.'],
    [{ allowGateway: ['nat-1'] }, { natGatewayId: undefined }, undefined, 'A gateway without an id is'],
    [{ maxAddresses: 1 }, { privateIps: ['a', 'b'] }, undefined, 'may unassign 1 address, not 2.'],
    [{ maxAddresses: 2 }, { privateIps: ['a', 'b', 'c'] }, undefined, 'may unassign 2 addresses, not 3.'],
    [{ allowAccount: ['4'] }, {}, { gateway, accountId: undefined }, 'AWS did not tell which account'],
    [{ allowAccount: ['4'] }, {}, { gateway, accountId: '5' }, '5 is not an allowed account.'],
    [{ minRemaining: 2 }, {}, observed, '1 working address would remain, and at least 2 must.'],
    [{ minRemaining: 3 }, { privateIps: [] }, observed, '2 working addresses would remain, and at least 3'],
  ])('says what a rule is about: %j', (policy, changes, seen, message) => {
    const [denial] = denialsGiven({ ...open, ...policy }, { ...request, ...changes }, seen);
    expect(denial?.message).toContain(message);
  });

  it('says who can change a rule, and names its flag', () => {
    const [denial] = denialsBeforeReading({ ...open, readOnly: true }, request);
    expect(denial?.message).toMatch(/operator.*--read-only/);
  });
});

describe('any policy', () => {
  const maybe = <T>(value: T, other: T): fc.Arbitrary<readonly T[]> =>
    fc.constantFrom([], [value], [other], [other, value]);
  const anyPolicy: fc.Arbitrary<Policy> = fc.record({
    allowAccount: maybe('111122223333', '444455556666'),
    readOnly: fc.boolean(),
    allowRegion: maybe('eu-west-1', 'us-east-1'),
    allowGateway: maybe('nat-0123456789abcdef0', 'nat-0123456789abcdef1'),
    requireTag: maybe('env=prod', 'owner'),
    protectTag: maybe('owner', 'team'),
    minRemaining: fc.nat(3),
    maxAddresses: fc.integer({ min: 1, max: 2 }),
  });
  const anyRequest: fc.Arbitrary<ChangeRequest> = fc.record({
    mode: fc.constantFrom('execute' as const, 'dry_run' as const),
    region: fc.constantFrom('eu-west-1', 'us-east-1'),
    natGatewayId: fc.constant('nat-0123456789abcdef0'),
    privateIps: fc.constantFrom(['10.0.1.11'], ['10.0.1.11', '10.0.1.12']),
  });

  it('allows exactly what each of its rules, taken alone, allows', () => {
    fc.assert(
      fc.property(anyPolicy, anyRequest, (policy, wanted) => {
        const alone = (Object.keys(policy) as (keyof Policy)[]).flatMap((rule) =>
          denials({ ...open, minRemaining: 0, [rule]: policy[rule] }, wanted, observed).map(
            (denial) => denial.rule,
          ),
        );
        expect(new Set(denials(policy, wanted, observed).map(({ rule }) => rule))).toEqual(new Set(alone));
      }),
    );
  });

  it('never takes back, once the gateway is read, what it refused before', () => {
    fc.assert(
      fc.property(anyPolicy, anyRequest, (policy, wanted) => {
        const after = denials(policy, wanted, observed).map(({ rule }) => rule);
        for (const { rule } of denialsBeforeReading(policy, wanted)) expect(after).toContain(rule);
      }),
    );
  });

  it('says the same with rules about the account as without, when the account is not restricted', () => {
    fc.assert(
      fc.property(anyPolicy, anyRequest, (policy, wanted) => {
        const unrestricted = { ...policy, allowAccount: [] };
        expect(denials(unrestricted, wanted, { gateway, accountId: undefined })).toEqual(
          denials(unrestricted, wanted, observed),
        );
      }),
    );
  });
});
