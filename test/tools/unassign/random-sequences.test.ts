import fc from 'fast-check';
import { afterAll, beforeAll, describe, type ExpectStatic, it } from 'vitest';
import {
  type Exchange,
  privateNatGateway,
  type SimulatedNatGateway,
} from '../../../src/simulator/simulator.ts';
import { AMBIGUOUS, DEFINITE, type Fault, type Phase, phaseOf } from '../../support/faults.ts';
import { FAST_TIMEOUTS, ManualClock, openSession, type Session } from '../../support/session.ts';

const UNASSIGN = 'unassign_private_nat_gateway_address';

/** How many sequences; more of them with SEQUENCES set, as `npm run soak` does. */
const SEQUENCES = Number(process.env.SEQUENCES ?? 1000);

/** Set SEED to the number in a failed test's name to see the same sequences again. */
const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);

const SLOW = ['no answer at all', 'hang within the body', '503 RequestLimitExceeded'];
const FAULTS: Record<string, Fault> = Object.fromEntries(
  [
    ...Object.entries(AMBIGUOUS),
    ...Object.entries(DEFINITE).map(([name, { fault }]) => [name, fault] as const),
  ].filter(([name]) => !SLOW.includes(name)),
);

/** A refusal of EC2's own cannot follow on a change: EC2 does not lie about itself. */
const WHEN_ACTED = Object.keys(AMBIGUOUS).filter((name) => name in FAULTS);

interface Strike {
  phase: Phase;
  when: 'before' | 'after';
  fault: string;
}

interface Step {
  ips: string[];
  drain: number;
  mode: 'execute' | 'dry_run';
  strike: Strike | undefined;
  seconds: number;
}

const strike: fc.Arbitrary<Strike> = fc
  .record({
    phase: fc.constantFrom<Phase>('describe', 'dry run', 'real call', 'real call', 'real call'),
    when: fc.constantFrom('before' as const, 'after' as const),
    fault: fc.constantFrom(...Object.keys(FAULTS)),
  })
  .filter(
    ({ phase, when, fault }) => phase !== 'real call' || when === 'before' || WHEN_ACTED.includes(fault),
  );

const step: fc.Arbitrary<Step> = fc.record({
  ips: fc.uniqueArray(fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.9'), {
    minLength: 1,
    maxLength: 3,
  }),
  drain: fc.constantFrom(1, 60, 350),
  mode: fc.constantFrom('execute' as const, 'execute' as const, 'execute' as const, 'dry_run' as const),
  strike: fc.option(strike, { nil: undefined }),
  seconds: fc.constantFrom(0, 0, 1, 30, 400),
});

interface Recorded {
  phase: Phase;
  parameters: string;
  changed: boolean;
}

/** Retries wait most of the time, so several servers go through their sequences side by side. */
const SERVERS = 5;

describe.concurrent.each(Array.from({ length: SERVERS }, (_, index) => index))(
  `any sequence of calls, faults and clock ticks, on server %i (seed ${SEED})`,
  (server) => {
    const clock = new ManualClock(Date.UTC(2026, 0, 1));
    const inventory: SimulatedNatGateway[] = [];
    let session: Session;
    let striking: Strike | undefined;
    let recorded: Recorded[] = [];

    beforeAll(async () => {
      // Sequences share one server, each with a gateway of its own.
      for (let index = 0; index < SEQUENCES; index++) {
        const ips = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'];
        inventory.push(privateNatGateway(gatewayId(index), 'x', ips, 0));
      }
      session = await openSession({
        clock,
        inventory,
        timeouts: { ...FAST_TIMEOUTS, reconcilePauses: [0, 0, 1, 1, 1, 1] },
        intercept: async (exchange) => {
          const phase = phaseOf(exchange);
          const hit = phase !== undefined && phase === striking?.phase ? striking : undefined;
          if (hit?.when === 'before') {
            record(exchange, false);
            return FAULTS[hit.fault]?.(exchange, { status: 500, headers: {}, body: '<unsent/>' });
          }
          const before = session.calls.length;
          const answer = exchange.apply();
          record(exchange, session.calls[before]?.changed ?? false);
          session.calls.length = 0;
          return hit === undefined ? answer : FAULTS[hit.fault]?.(exchange, answer);
        },
      });
    });

    afterAll(() => session.close());

    function record(exchange: Exchange, changed: boolean): void {
      const phase = phaseOf(exchange);
      const { DryRun: _, ...parameters } = exchange.parameters;
      if (phase !== undefined) recorded.push({ phase, parameters: JSON.stringify(parameters), changed });
    }

    function gatewayId(index: number): string {
      return `nat-${index.toString(16).padStart(17, '0')}`;
    }

    let used = 0;

    it('keeps every invariant', { timeout: 100_000 + SEQUENCES * 200 }, async ({ expect }) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
          const nat_gateway_id = gatewayId(used++ % inventory.length);
          const gateway = inventory.find(({ natGatewayId }) => natGatewayId === nat_gateway_id);
          if (gateway !== undefined) {
            gateway.addresses = privateNatGateway(
              nat_gateway_id,
              'x',
              ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'],
              0,
            ).addresses;
          }
          for (const { ips, drain, mode, strike: next, seconds } of steps) {
            striking = next;
            recorded = [];
            session.audit.records.length = 0;
            const { content } = await session.call(UNASSIGN, {
              nat_gateway_id,
              private_ip_addresses: ips,
              max_drain_duration_seconds: drain,
              mode,
            });
            striking = undefined;
            clock.advance(seconds);
            check(expect, content, mode);
          }
        }),
        { numRuns: Math.ceil(SEQUENCES / SERVERS), seed: SEED + server },
      );
    });

    // biome-ignore lint/suspicious/noExplicitAny: a result of any shape
    function check(expect: ExpectStatic, content: any, mode: Step['mode']): void {
      const realCalls = recorded.filter(({ phase }) => phase === 'real call');
      const changes = recorded.filter(({ changed }) => changed);
      const intents = session.audit.records.filter(({ audit }) => audit === 'intent');
      const outcomes = session.audit.records.filter(({ audit }) => audit === 'outcome');

      // Sent once, and only when asked for.
      expect(realCalls.length).toBeLessThanOrEqual(mode === 'execute' ? 1 : 0);
      expect(changes.every(({ phase }) => phase === 'real call')).toBe(true);

      // Its dry run just before it, with the same parameters.
      const [real] = realCalls;
      if (real !== undefined) {
        const earlier = recorded.slice(0, recorded.indexOf(real)).filter(({ phase }) => phase === 'dry run');
        expect(earlier.at(-1)?.parameters).toBe(real.parameters);
      }

      // No definite verdict contradicts the endpoint.
      if (content.outcome === 'unassigning') expect(changes).toHaveLength(1);
      if (['refused', 'dry_run_passed', 'already_unassigning', 'not_confirmed'].includes(content.outcome)) {
        expect(changes).toEqual([]);
      }
      expect(content.error === undefined).toBe(!['refused', 'unknown'].includes(content.outcome));

      // Every attempt is on record, and every real call before it was sent.
      expect(intents).toHaveLength(realCalls.length);
      expect(outcomes).toMatchObject([{ outcome: content.outcome }]);
      if (intents.length > 0) expect(intents[0]?.id).toBe(outcomes[0]?.id);
    }
  },
);
