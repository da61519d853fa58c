import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DESCRIBE, UNASSIGN, WAIT } from '../../src/vocabulary/names.ts';
import { EGRESS, openSession } from '../support/session.ts';

/** Generated arguments for each tool. */
const RUNS = 10_000;

const badIp = fc.oneof(
  fc.constantFrom(
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    '10.0.0.1/32',
    '::1',
    '10.0.0.1\n',
    '',
    '*',
    '10.0.0.1;ls',
  ),
  fc.string(),
  fc.jsonValue(),
);
const badId = fc.oneof(
  fc.constantFrom('nat-', 'nat-1', 'NAT-0a11a11a11a11a11a', 'i-0a11a11a11a11a11a', `${EGRESS} `),
  fc.string(),
  fc.jsonValue(),
);
const badRegion = fc.oneof(
  fc.constantFrom('us-east-1.evil.com', 'us-east-1/', 'US-EAST-1', 'a', '../..', ''),
  fc.jsonValue(),
);

const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };

/** `valid` arguments with a member that no tool has. */
function withUnknownMember(valid: object) {
  return fc.tuple(fc.string(), fc.jsonValue()).map(([key, value]) => ({ ...valid, [`x${key}`]: value }));
}

/** `valid` arguments with some members replaced. */
function withMembers(valid: object, members: Record<string, fc.Arbitrary<unknown>>) {
  return fc.record(members).map((replaced) => ({ ...valid, ...replaced }));
}

describe('wrong arguments', () => {
  it.each<[string, fc.Arbitrary<Record<string, unknown>>]>([
    [
      UNASSIGN,
      fc.oneof(
        fc.record({ nat_gateway_id: badId, private_ip_addresses: fc.array(badIp) }, { requiredKeys: [] }),
        withMembers(change, { private_ip_addresses: fc.array(badIp, { minLength: 1 }) }),
        withMembers(change, { nat_gateway_id: badId }),
        withMembers(change, {
          max_drain_duration_seconds: fc.oneof(
            fc.constantFrom(0, -1, 4001, 1.5, '60', null),
            fc.double({ min: 4001 }),
          ),
        }),
        withMembers(change, {
          mode: fc.oneof(fc.constantFrom('', 'DRY_RUN', 'dry-run', true, false, null), fc.string()),
        }),
        withMembers(change, { region: badRegion }),
        withUnknownMember(change),
      ),
    ],
    [
      DESCRIBE,
      fc.oneof(
        fc.record({ nat_gateway_ids: fc.array(badId, { minLength: 1 }) }),
        fc.record({ private_ip_addresses: fc.array(badIp, { minLength: 1 }) }),
        fc.record({ vpc_ids: fc.array(fc.string(), { minLength: 1 }) }),
        fc.record({ states: fc.array(fc.string(), { minLength: 1 }) }),
        fc.record({ max_results: fc.constantFrom(0, 101, 1.5, '5', null) }),
        fc.record({ region: badRegion }),
        fc.record({ next_token: fc.string({ minLength: 1 }) }),
        withUnknownMember({}),
      ),
    ],
    [
      WAIT,
      fc.oneof(
        fc.record({ private_ip_addresses: fc.array(badIp) }),
        fc.record({ nat_gateway_id: badId, timeout_seconds: fc.constant(1) }),
        withMembers(
          { nat_gateway_id: EGRESS },
          { private_ip_addresses: fc.tuple(fc.constant('10.0.1'), badIp) },
        ),
        withMembers(
          { nat_gateway_id: EGRESS },
          {
            timeout_seconds: fc.oneof(fc.constantFrom(0, -1, 901, 1.5, '45', null), fc.double({ min: 901 })),
          },
        ),
        withMembers({ nat_gateway_id: EGRESS, timeout_seconds: 1 }, { region: badRegion }),
        withUnknownMember({ nat_gateway_id: EGRESS }),
      ),
    ],
  ])(
    'of %s are refused with an explanation and never reach EC2',
    { timeout: 120_000 },
    async (name, wrong) => {
      const session = await openSession();
      onTestFinished(session.close);
      let accepted = 0;
      const others: unknown[] = [];
      for (const args of fc.sample(wrong, RUNS)) {
        const { isError, text } = await session.call(name, args);
        const calls = session.calls.splice(0).filter(({ action }) => action !== 'GetCallerIdentity');
        const isRefused = isError && calls.length === 0 && text.length > 20;
        const isAccepted = !isError && calls.length > 0;
        if (isAccepted) accepted += 1;
        if (!isRefused && !isAccepted) others.push({ args, isError, text, calls });
      }
      expect(others).toEqual([]);
      // The generators make any value, and with that, rarely, valid arguments.
      expect(accepted).toBeLessThan(RUNS / 100);
    },
  );
});
