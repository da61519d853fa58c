import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVIDENCE_MODES } from '../../src/nat-gateway/evidence.ts';
import { type ChangeRequest, denials, type Observed, type Policy } from '../../src/nat-gateway/policy.ts';
import { looserRules, type Rules, stricter } from '../../src/nat-gateway/stricter.ts';

/** Rules that forbid nothing. */
const OPEN: Required<Rules> = {
  readOnly: false,
  allowAccount: [],
  allowRegion: [],
  allowGateway: [],
  requireTag: [],
  protectTag: [],
  protectAddress: [],
  evidence: 'off',
  minRemaining: 0,
  maxAddresses: 31,
  maxChangesPerHour: 100_000,
};

// Few values of each, so that rules, requests and gateways meet.
const some = (...values: string[]) => fc.subarray(values);
const GATEWAYS = ['nat-0123456789abcdef0', 'nat-0123456789abcdef1'];
const IPS = ['10.0.1.10', '10.0.1.11', '10.0.1.12'];
const rule = {
  readOnly: fc.boolean(),
  allowAccount: some('111122223333', '444455556666'),
  allowRegion: some('eu-west-1', 'us-east-1'),
  allowGateway: some(...GATEWAYS),
  requireTag: some('env', 'env=prod', 'team'),
  protectTag: some('env=test', 'critical'),
  protectAddress: some('10.0.1.11', '10.0.1.12/32', '10.0.1.8/30'),
  evidence: fc.constantFrom(...EVIDENCE_MODES),
  minRemaining: fc.integer({ min: 0, max: 3 }),
  maxAddresses: fc.integer({ min: 1, max: 3 }),
  maxChangesPerHour: fc.integer({ min: 1, max: 3 }),
};
const ofServer: fc.Arbitrary<Required<Rules>> = fc.record(rule);
const ofTarget = fc.record(rule, { requiredKeys: [] }) as fc.Arbitrary<Partial<Rules>>;
/** At most three rules, so that some changes are allowed. */
const few = fc
  .tuple(ofServer, fc.subarray(Object.keys(rule), { maxLength: 3 }))
  .map(([rules, names]) =>
    Object.fromEntries(Object.entries(rules).filter(([name]) => names.includes(name))),
  ) as fc.Arbitrary<Partial<Rules>>;

const request: fc.Arbitrary<ChangeRequest> = fc.record({
  mode: fc.constantFrom('execute' as const, 'dry_run' as const),
  region: fc.constantFrom('eu-west-1', 'us-east-1', 'none'),
  natGatewayId: fc.constantFrom(...GATEWAYS, undefined),
  privateIps: fc.subarray(IPS, { minLength: 1 }),
});
const observed: fc.Arbitrary<Observed> = fc.record({
  accountId: fc.constantFrom('111122223333', '444455556666', undefined),
  gateway: fc.record({
    tags: fc.constantFrom(undefined, [], [{ key: 'env', value: 'prod' }], [{ key: 'env', value: 'test' }]),
    addresses: fc.constant(IPS.map((private_ip) => ({ private_ip, status: 'succeeded' }))),
  }),
});

const isAllowed = (policy: Policy, change: ChangeRequest, state: Observed): boolean =>
  denials(policy, change, state).length === 0;

describe('the rules of server and target together', () => {
  it('allow exactly the changes that both allow', () => {
    const counts = { allowed: 0, denied: 0 };
    fc.assert(
      fc.property(few, few, request, observed, (ofOperator, target, change, state) => {
        const server = { ...OPEN, ...ofOperator };
        const byBoth = isAllowed(server, change, state) && isAllowed({ ...OPEN, ...target }, change, state);
        counts[byBoth ? 'allowed' : 'denied'] += 1;
        expect(isAllowed(stricter(server, target), change, state)).toBe(byBoth);
      }),
      { numRuns: 2000 },
    );
    expect(Math.min(counts.allowed, counts.denied)).toBeGreaterThan(30);
  });

  it('demand the larger part of evidence, and count changes by the smaller limit', () => {
    fc.assert(
      fc.property(ofServer, ofTarget, (server, target) => {
        const { evidence, maxChangesPerHour } = stricter(server, target);
        const modes = [server.evidence, target.evidence ?? 'off'];
        expect(evidence).toBe(EVIDENCE_MODES.findLast((mode) => modes.includes(mode)));
        expect(maxChangesPerHour).toBe(
          Math.min(server.maxChangesPerHour, target.maxChangesPerHour ?? Infinity),
        );
      }),
    );
  });

  it("are the server's where the target has none, and the same when applied twice", () => {
    fc.assert(
      fc.property(ofServer, ofTarget, (server, target) => {
        expect(stricter(server, {})).toEqual(server);
        expect(stricter(stricter(server, target), target)).toEqual(stricter(server, target));
      }),
    );
  });
});

describe('a looser rule of a target', () => {
  const SCALARS = {
    'read-only': 'readOnly',
    'min-remaining': 'minRemaining',
    'max-addresses': 'maxAddresses',
    'max-changes-per-hour': 'maxChangesPerHour',
    evidence: 'evidence',
  } as const;

  it('is named exactly where it is not in force as it is written', () => {
    fc.assert(
      fc.property(ofServer, ofTarget, (server, target) => {
        const inForce = stricter(server, target);
        const without = Object.entries(SCALARS)
          .filter(([, member]) => target[member] !== undefined && target[member] !== inForce[member])
          .map(([name]) => name);
        const foreign = (target.allowGateway ?? []).some((id) => !inForce.allowGateway.includes(id));
        const named = looserRules(server, target).map(([name]) => name);
        expect(named.toSorted()).toEqual([...without, ...(foreign ? ['allow-gateway'] : [])].toSorted());
      }),
      { numRuns: 1000 },
    );
  });

  it('names only the gateways that the server does not allow', () => {
    const server = { ...OPEN, allowGateway: ['nat-1', 'nat-2'] };
    expect(looserRules(server, { allowGateway: ['nat-2', 'nat-3'] })).toEqual([
      [
        'allow-gateway',
        "nat-3 is looser than the server's nat-1, nat-2, so it would have no effect: leave it out",
      ],
    ]);
  });
});
