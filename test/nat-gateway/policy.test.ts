import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVIDENCE_MODES } from '../../src/nat-gateway/evidence.ts';
import type { NatGateway } from '../../src/nat-gateway/gateway.ts';
import {
  type ChangeRequest,
  canReleaseNow,
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

/** The denials before reading if there is no state, otherwise those given the state. */
function denialsGiven(policy: Policy, change: ChangeRequest, state: Observed | undefined) {
  return state === undefined ? denialsBeforeReading(policy, change) : denials(policy, change, state);
}

function rules(
  policy: Partial<Policy>,
  changes: Partial<ChangeRequest> = {},
  state: Observed | undefined = observed,
): string[] {
  return denialsGiven({ ...open, ...policy }, { ...request, ...changes }, state).map(({ rule }) => rule);
}

describe('the policy', () => {
  it('allows everything by default except releasing the last working address', () => {
    expect(rules({})).toEqual([]);
    expect(rules({}, { privateIps: ['10.0.1.10', '10.0.1.11'] })).toEqual(['min-remaining']);
  });

  it('allows nothing but dry runs when read-only', () => {
    expect(rules({ readOnly: true })).toEqual(['read-only']);
    expect(rules({ readOnly: true }, { mode: 'dry_run' })).toEqual([]);
  });

  it('applies every other rule to dry runs too', () => {
    const policy = { allowRegion: ['us-east-1'], protectTag: ['env=prod'] };
    expect(rules(policy, { mode: 'dry_run' })).toEqual(['allow-region', 'protect-tag']);
  });

  it.each<Partial<Policy>>([
    { allowRegion: ['eu-west-1', 'us-east-1'] },
    { allowGateway: ['nat-0123456789abcdef0'] },
    { allowAccount: ['111122223333'] },
    { requireTag: ['env'] },
    { requireTag: ['env=prod', 'team'] },
    { protectTag: ['owner', 'env=test'] },
    { minRemaining: 0 },
    { maxAddresses: 1 },
    { protectAddress: ['10.0.1.1', '10.0.1.12/30', '10.0.1.10/32'] },
    { evidence: 'require' },
    { evidence: 'auto' },
  ])('allows the change with %j', (policy) => {
    expect(rules(policy)).toEqual([]);
  });

  it.each<[string, Partial<Policy>]>([
    ['allow-region', { allowRegion: ['us-east-1'] }],
    ['allow-gateway', { allowGateway: ['nat-0123456789abcdef1'] }],
    ['allow-account', { allowAccount: ['444455556666'] }],
    ['require-tag', { requireTag: ['env=prod', 'owner'] }],
    ['require-tag', { requireTag: ['env=PROD'] }],
    ['require-tag', { requireTag: ['env=pro'] }],
    ['protect-tag', { protectTag: ['owner', 'env'] }],
    ['protect-tag', { protectTag: ['env=prod'] }],
    ['min-remaining', { minRemaining: 2 }],
    ['protect-address', { protectAddress: ['10.0.1.11'] }],
    ['protect-address', { protectAddress: ['10.0.1.8/29'] }],
    ['protect-address', { protectAddress: ['10.0.2.0/24', '0.0.0.0/0', '10.0.1.11'] }],
  ])('denies the change by %s with %j', (rule, policy) => {
    expect(rules(policy)).toEqual([rule]);
  });

  it('counts only working addresses as remaining', () => {
    expect(rules({ minRemaining: 2 }, { privateIps: ['10.0.1.12'] })).toEqual([]);
    expect(rules({ minRemaining: 3 }, { privateIps: ['10.0.1.12'] })).toEqual(['min-remaining']);
  });

  it('denies more addresses than one call may unassign', () => {
    expect(rules({ maxAddresses: 1, minRemaining: 0 }, { privateIps: ['10.0.1.11', '10.0.1.12'] })).toEqual([
      'max-addresses',
    ]);
  });

  it('denies when the account, the id or the tags of a gateway are unknown', () => {
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
    [{ protectAddress: ['10.0.1.11'] }, {}, undefined, '10.0.1.11 is protected. Only the operator'],
    [{ protectAddress: ['10.0.1.0/24'] }, {}, undefined, '10.0.1.11 is protected (10.0.1.0/24). Only'],
    [{ minRemaining: 2 }, {}, observed, '1 working address would remain, and at least 2 must.'],
    [{ minRemaining: 3 }, { privateIps: [] }, observed, '2 working addresses would remain, and at least 3'],
  ])('explains a denial by %j', (policy, changes, state, message) => {
    const [denial] = denialsGiven({ ...open, ...policy }, { ...request, ...changes }, state);
    expect(denial?.message).toContain(message);
  });

  it('denies each protected address on its own, before anything is read, and in dry runs too', () => {
    const policy = { ...open, protectAddress: ['10.0.1.12/31', '10.0.1.13'] };
    const privateIps = ['10.0.1.11', '10.0.1.12', '10.0.1.13'];
    for (const mode of ['execute', 'dry_run'] as const) {
      expect(
        denialsBeforeReading(policy, { ...request, mode, privateIps }).map(({ rule, message }) => [
          rule,
          message.split('. ')[0],
        ]),
      ).toEqual([
        ['protect-address', '10.0.1.12 is protected (10.0.1.12/31)'],
        ['protect-address', '10.0.1.13 is protected (10.0.1.12/31)'],
      ]);
    }
  });

  it('names the operator and the flag in a denial', () => {
    const [denial] = denialsBeforeReading({ ...open, readOnly: true }, request);
    expect(denial?.message).toMatch(/operator.*--read-only/);
  });
});

describe('the minimum that must remain', () => {
  const five: NatGateway = {
    ...gateway,
    addresses: [0, 1, 2, 3, 4].map((host) => ({ private_ip: `10.0.1.${host}`, status: 'succeeded' })),
  };
  const two = { ...request, privateIps: ['10.0.1.1', '10.0.1.2'] };
  const found = (ofOperator: number, minRemaining?: number) =>
    denials(
      { ...open, minRemaining: ofOperator },
      { ...two, minRemaining },
      { gateway: five, accountId: '1' },
    );

  it.each<[number, number | undefined, unknown[]]>([
    [3, undefined, []],
    [3, 3, []],
    [3, 0, []],
    [4, undefined, [{ rule: 'min-remaining', mayGo: 1 }]],
    [4, 0, [{ rule: 'min-remaining', mayGo: 1 }]],
    [5, 1, [{ rule: 'min-remaining' }]],
    [1, 4, [{ rule: 'min-remaining', isOfCall: true, mayGo: 1 }]],
    [1, 5, [{ rule: 'min-remaining', isOfCall: true }]],
    [4, 5, [{ rule: 'min-remaining' }]],
  ])('of %i for the operator and %j for the call is the stricter one', (ofOperator, ofCall, expected) => {
    expect(found(ofOperator, ofCall).map(({ message: _, ...denial }) => denial)).toEqual(expected);
  });

  it('names the operator only where it is the operator who demands it', () => {
    expect(found(1, 4)[0]?.message).toBe(
      '3 working addresses would remain, and min_remaining of this call demands 4.',
    );
    expect(found(4, 4)[0]?.message).toContain('operator');
  });

  it.each([
    [{ minRemaining: 1, maxAddresses: 7 }, 4, 4],
    [{ minRemaining: 3, maxAddresses: 7 }, 4, 2],
    [{ minRemaining: 9, maxAddresses: 7 }, 4, 0],
    [{ minRemaining: 1, maxAddresses: 2 }, 4, 2],
    [{ minRemaining: 1, maxAddresses: 7 }, 0, 0],
  ])('with %j allows %i candidates to go %i at once', (policy, candidates, expected) => {
    expect(canReleaseNow({ ...open, ...policy }, five, candidates)).toBe(expected);
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
    protectAddress: maybe('10.0.1.11', '10.0.1.12/30'),
    evidence: fc.constantFrom(...EVIDENCE_MODES),
    minRemaining: fc.nat(3),
    maxAddresses: fc.integer({ min: 1, max: 2 }),
  });
  const anyRequest: fc.Arbitrary<ChangeRequest> = fc.record({
    mode: fc.constantFrom('execute' as const, 'dry_run' as const),
    region: fc.constantFrom('eu-west-1', 'us-east-1'),
    natGatewayId: fc.constant('nat-0123456789abcdef0'),
    privateIps: fc.constantFrom(['10.0.1.11'], ['10.0.1.11', '10.0.1.12']),
  });

  it('denies by exactly the rules that deny on their own', () => {
    fc.assert(
      fc.property(anyPolicy, anyRequest, (policy, change) => {
        const alone = (Object.keys(policy) as (keyof Policy)[]).flatMap((rule) =>
          denials({ ...open, minRemaining: 0, [rule]: policy[rule] }, change, observed).map(
            (denial) => denial.rule,
          ),
        );
        expect(new Set(denials(policy, change, observed).map(({ rule }) => rule))).toEqual(new Set(alone));
      }),
    );
  });

  it('keeps its denials once the gateway is read', () => {
    fc.assert(
      fc.property(anyPolicy, anyRequest, (policy, change) => {
        const after = denials(policy, change, observed).map(({ rule }) => rule);
        for (const { rule } of denialsBeforeReading(policy, change)) expect(after).toContain(rule);
      }),
    );
  });

  it('ignores the account when it allows every account', () => {
    fc.assert(
      fc.property(anyPolicy, anyRequest, (policy, change) => {
        const unrestricted = { ...policy, allowAccount: [] };
        expect(denials(unrestricted, change, { gateway, accountId: undefined })).toEqual(
          denials(unrestricted, change, observed),
        );
      }),
    );
  });
});
