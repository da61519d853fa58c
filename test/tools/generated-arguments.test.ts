import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EGRESS, openSession } from '../support/session.ts';

/** How many generated arguments a tool. */
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

describe('generated arguments that are wrong', () => {
  it.each([
    [
      'unassign_private_nat_gateway_address',
      fc.oneof(
        fc.record({ nat_gateway_id: badId, private_ip_addresses: fc.array(badIp) }, { requiredKeys: [] }),
        fc.record({
          nat_gateway_id: fc.constant(EGRESS),
          private_ip_addresses: fc.array(badIp, { minLength: 1 }),
        }),
        fc.record({ nat_gateway_id: badId, private_ip_addresses: fc.constant(['10.0.1.11']) }),
        fc.record({
          nat_gateway_id: fc.constant(EGRESS),
          private_ip_addresses: fc.constant(['10.0.1.11']),
          max_drain_duration_seconds: fc.oneof(
            fc.constantFrom(0, -1, 4001, 1.5, '60', null),
            fc.double({ min: 4001 }),
          ),
        }),
        fc.record({
          nat_gateway_id: fc.constant(EGRESS),
          private_ip_addresses: fc.constant(['10.0.1.11']),
          mode: fc.oneof(fc.constantFrom('', 'DRY_RUN', 'dry-run', true, false, null), fc.string()),
        }),
        fc.record({
          nat_gateway_id: fc.constant(EGRESS),
          private_ip_addresses: fc.constant(['10.0.1.11']),
          region: badRegion,
        }),
        fc.tuple(fc.string(), fc.jsonValue()).map(([key, value]) => ({
          nat_gateway_id: EGRESS,
          private_ip_addresses: ['10.0.1.11'],
          [`x${key}`]: value,
        })),
      ),
    ],
    [
      'describe_nat_gateway_addresses',
      fc.oneof(
        fc.record({ nat_gateway_ids: fc.array(badId, { minLength: 1 }) }),
        fc.record({ private_ip_addresses: fc.array(badIp, { minLength: 1 }) }),
        fc.record({ vpc_ids: fc.array(fc.string(), { minLength: 1 }) }),
        fc.record({ states: fc.array(fc.string(), { minLength: 1 }) }),
        fc.record({ max_results: fc.constantFrom(0, 101, 1.5, '5', null) }),
        fc.record({ region: badRegion }),
        fc.record({ next_token: fc.string({ minLength: 1 }) }),
        fc.tuple(fc.string(), fc.jsonValue()).map(([key, value]) => ({ [`x${key}`]: value })),
      ),
    ],
    [
      'wait_for_nat_gateway_addresses',
      fc.oneof(
        fc.record({ private_ip_addresses: fc.array(badIp) }),
        fc.record({ nat_gateway_id: badId, timeout_seconds: fc.constant(1) }),
        fc.record({
          nat_gateway_id: fc.constant(EGRESS),
          private_ip_addresses: fc.tuple(fc.constant('10.0.1'), badIp),
        }),
        fc.record({
          nat_gateway_id: fc.constant(EGRESS),
          timeout_seconds: fc.oneof(fc.constantFrom(0, -1, 901, 1.5, '45', null), fc.double({ min: 901 })),
        }),
        fc.record({
          nat_gateway_id: fc.constant(EGRESS),
          region: badRegion,
          timeout_seconds: fc.constant(1),
        }),
        fc.tuple(fc.string(), fc.jsonValue()).map(([key, value]) => ({
          nat_gateway_id: EGRESS,
          [`x${key}`]: value,
        })),
      ),
    ],
  ])(
    'reach EC2 never, and are answered each with a clear error: %s',
    { timeout: 120_000 },
    async (name, wrong) => {
      const session = await openSession();
      onTestFinished(session.close);
      let valid = 0;
      for (const args of fc.sample<Record<string, unknown>>(wrong, RUNS)) {
        const { isError, text } = await session.call(name, args);
        const calls = session.calls.splice(0).filter(({ action }) => action !== 'GetCallerIdentity');
        // A generator of anything at all also hits what is right, if rarely; then EC2 may be asked.
        if (!isError && calls.length > 0) valid += 1;
        else {
          expect(isError, JSON.stringify(args)).toBe(true);
          expect(text.length).toBeGreaterThan(20);
          expect(calls, JSON.stringify(args)).toEqual([]);
        }
      }
      expect(valid).toBeLessThan(RUNS / 100);
    },
  );
});
