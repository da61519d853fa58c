import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, type ExpectStatic, expect, it, vi } from 'vitest';
import { connectEc2, type Ec2 } from '../../../src/aws/ec2.ts';
import {
  type Exchange,
  privateNatGateway,
  type SimulatedNatGateway,
  type SimulatorOptions,
} from '../../../src/simulator/simulator.ts';
import { isChangingAt, isHeldAt } from '../../../src/simulator/timeline.ts';
import { UNASSIGN } from '../../../src/vocabulary/names.ts';
import { AMBIGUOUS, DEFINITE, type Fault, type Phase, phaseOf } from '../../support/faults.ts';
import { randomFrom } from '../../support/lagging-ec2.ts';
import { FAST_TIMEOUTS, ManualClock, openSession, type Session } from '../../support/session.ts';
import { BROKEN, type Obstacle, REFUSED, startConnectProxy, startTls } from '../../support/tunnels.ts';

/** Number of sequences: a thousand over the two Node versions of one CI run. `npm run soak` sets SEQUENCES to more. */
const SEQUENCES = Number(process.env.SEQUENCES ?? 500);

/** SEED repeats the sequences of the failed test that has this number in its title. */
const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);

const SLOW = ['no answer at all', 'hang within the body', '503 RequestLimitExceeded'];
const FAULTS: Record<string, Fault> = Object.fromEntries(
  [
    ...Object.entries(AMBIGUOUS),
    ...Object.entries(DEFINITE).map(([name, { fault }]) => [name, fault] as const),
  ].filter(([name]) => !SLOW.includes(name)),
);

/** Faults after a change; EC2 does not answer a change that it made with a refusal. */
const AFTER_A_CHANGE = Object.keys(AMBIGUOUS).filter((name) => name in FAULTS);

interface Injection {
  phase: Phase;
  when: 'before' | 'after';
  fault: string;
}

interface Step {
  ips: string[];
  drain: number;
  mode: 'execute' | 'dry_run';
  injection: Injection | undefined;
  seconds: number;
  /** On the servers behind a proxy: which of the call's tunnels is not opened, and how. */
  obstacle: { others: number; how: string } | undefined;
  /** A change that somebody else makes, before the call or while it is under way. */
  other: { ip: string; drain: number; when: 'before' | 'during' } | undefined;
}

/** What a proxy does with the CONNECT of one request in place of opening the tunnel; `left hanging` is too slow here. */
const { 'left hanging': _, ...OBSTACLES }: Record<string, Obstacle> = { ...BROKEN, ...REFUSED };

const injection: fc.Arbitrary<Injection> = fc
  .record({
    phase: fc.constantFrom<Phase>('describe', 'dry run', 'real call', 'real call', 'real call'),
    when: fc.constantFrom('before' as const, 'after' as const),
    fault: fc.constantFrom(...Object.keys(FAULTS)),
  })
  .filter(
    ({ phase, when, fault }) => phase !== 'real call' || when === 'before' || AFTER_A_CHANGE.includes(fault),
  );

const step: fc.Arbitrary<Step> = fc.record({
  ips: fc.uniqueArray(
    fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom('10.0.0.2', '10.0.0.3', '10.0.0.4') },
      // The primary, and an address that is not on the gateway: most calls should get further.
      { weight: 1, arbitrary: fc.constantFrom('10.0.0.1', '10.0.0.9') },
    ),
    { minLength: 1, maxLength: 3 },
  ),
  drain: fc.constantFrom(1, 60, 350),
  mode: fc.constantFrom('execute' as const, 'execute' as const, 'execute' as const, 'dry_run' as const),
  injection: fc.option(injection, { nil: undefined }),
  obstacle: fc.option(
    fc.record({
      others: fc.constantFrom(0, 1, 2, 2, 3, 3, 4),
      how: fc.constantFrom(...Object.keys(OBSTACLES)),
    }),
    { nil: undefined },
  ),
  other: fc.option(
    fc.record({
      ip: fc.constantFrom('10.0.0.2', '10.0.0.3', '10.0.0.4'),
      drain: fc.constantFrom(1, 60, 350),
      when: fc.constantFrom('before' as const, 'during' as const),
    }),
    { nil: undefined, freq: 3 },
  ),
  seconds: fc.constantFrom(0, 0, 1, 30, 400),
});

/** How reads of one sequence deviate, on the servers whose reads do: each read draws its own lag and omissions. */
const flaws = fc.record({
  maxLag: fc.constantFrom(0, 2, 10, 60),
  omission: fc.constantFrom(0, 0.05, 0.1, 0.2, 0.3),
  seed: fc.nat(),
});

/** Numbers of changes by the endpoint's record that an outcome may stand for. */
const POSSIBLE_CHANGES: Readonly<Record<string, number[]>> = {
  unassigning: [1],
  unknown: [0, 1],
  refused: [0],
  dry_run_passed: [0],
  already_unassigning: [0],
  not_confirmed: [0],
};

interface Recorded {
  phase: Phase;
  parameters: string;
  changed: boolean;
}

/** Servers that run their sequences at the same time, as most of the time is spent between retries. */
const SERVERS = SEQUENCES > 1000 ? 25 : 10;

/** Servers from this number on meet late and incomplete reads, and other writers on their gateways. */
const FIRST_FLAWED = SERVERS * 0.4;

/** Servers from this number on also reach their endpoint over TLS through a proxy, by a tunnel of its own for each request. */
const FIRST_PROXIED = SERVERS * 0.8;

/** The tunnel that the proxy will not open, by the endpoint's host and port: after how many others, and how. */
const closedTunnels = new Map<string, { others: number; how: string }>();
const ends: (() => void)[] = [];

/** Real calls whose tunnel was not opened. */
let unsentCalls = 0;

beforeAll(async () => {
  const proxy = await startConnectProxy(
    (target) => {
      const closed = closedTunnels.get(target);
      if (closed === undefined || closed.others-- > 0) return undefined;
      closedTunnels.delete(target);
      return OBSTACLES[closed.how];
    },
    (end) => ends.push(end),
  );
  vi.stubEnv('HTTPS_PROXY', proxy.url);
  vi.stubEnv('NO_PROXY', '');
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
});

afterAll(() => {
  vi.unstubAllEnvs();
  for (const end of ends) end();
});

describe.concurrent.each(Array.from({ length: SERVERS }, (_, index) => index))(
  `a random sequence of calls, faults and clock ticks, on server %i (seed ${SEED})`,
  (server) => {
    const clock = new ManualClock(Date.UTC(2026, 0, 1));
    const inventory: SimulatedNatGateway[] = [];
    let session: Session;
    const isFlawed = server >= FIRST_FLAWED;
    const isProxied = server >= FIRST_PROXIED;
    /** The URL at which the server reaches the endpoint. */
    let endpoint: URL;
    /** One for each sequence, as it refuses every change once a dry run was answered with success. */
    let ec2: Ec2 | undefined;
    let pending: Injection | undefined;
    let writer: { gateway: SimulatedNatGateway; step: Step } | undefined;
    let recorded: Recorded[] = [];
    /** Addresses that somebody else, or an earlier call, has unassigned in this sequence. */
    let unassignedBefore = new Set<string>();
    let reading: SimulatorOptions['reads'];

    beforeAll(async () => {
      // Sequences share one server, each with a gateway of its own.
      for (let index = 0; index < SEQUENCES; index++) inventory.push(newGateway(index));
      session = await openSession({
        clock,
        inventory,
        reads: (read) => reading?.(read),
        dependencies: { ec2: async () => connected() },
        intercept: async (exchange) => {
          // So that the next request needs a tunnel of its own.
          if (isProxied) exchange.response.setHeader('connection', 'close');
          const phase = phaseOf(exchange);
          const injected = phase !== undefined && phase === pending?.phase ? pending : undefined;
          if (injected?.when === 'before') {
            record(exchange, false);
            return FAULTS[injected.fault]?.(exchange, { status: 500, headers: {}, body: '<unsent/>' });
          }
          if (phase === 'dry run') actAsOther('during');
          const before = session.calls.length;
          const answer = exchange.apply();
          record(exchange, session.calls[before]?.changed ?? false);
          session.calls.length = 0;
          return injected === undefined ? answer : FAULTS[injected.fault]?.(exchange, answer);
        },
      });
      const { url } = session.simulator;
      endpoint = new URL(isProxied ? await startTls(url, undefined, (end) => ends.push(end)) : url);
    });

    afterAll(async () => {
      ec2?.close();
      await session.close();
    });

    function connected(): Ec2 {
      ec2 ??= connectEc2(
        {
          region: session.simulator.region,
          endpoint: endpoint.origin,
          credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' },
        },
        '0.0.0',
        pino({ level: 'silent' }),
        { ...FAST_TIMEOUTS, reconcilePauses: [0, 0, 1, 1, 1, 1] },
      );
      return ec2;
    }

    function record(exchange: Exchange, changed: boolean): void {
      const phase = phaseOf(exchange);
      const { DryRun: _, ...parameters } = exchange.parameters;
      if (phase !== undefined) recorded.push({ phase, parameters: JSON.stringify(parameters), changed });
    }

    function newGateway(index: number): SimulatedNatGateway {
      const id = `nat-${index.toString(16).padStart(17, '0')}`;
      return privateNatGateway(id, 'x', ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'], 0);
    }

    /** Unassigns or assigns an address as EC2 would let anybody else in the account. */
    function actAsOther(when: 'before' | 'during'): void {
      const other = writer?.step.other;
      if (writer === undefined || other?.when !== when) return;
      const { gateway } = writer;
      writer = undefined;
      const now = clock.now();
      const held = (gateway.addresses ?? []).filter((address) => isHeldAt(address, now));
      if (held.some((address) => isChangingAt(address, now))) return;
      const address = held.find(({ privateIp }) => privateIp === other.ip);
      if (address === undefined) {
        held.push({ privateIp: other.ip, isPrimary: false, assignedAt: now });
      } else {
        Object.assign(address, { unassignedAt: now, drainSeconds: other.drain });
        unassignedBefore.add(other.ip);
      }
      gateway.addresses = held;
    }

    let used = 0;
    it('keeps every invariant', { timeout: 100_000 + SEQUENCES * 200 }, async ({ expect }) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), flaws, async (steps, flaw) => {
          const index = used++ % inventory.length;
          const { natGatewayId: nat_gateway_id, addresses } = newGateway(index);
          // Shrinking a failed sequence uses gateways again.
          Object.assign(inventory[index] ?? {}, { addresses });
          ec2?.close();
          ec2 = undefined;
          unassignedBefore = new Set();
          reading = isFlawed ? flawedReads(flaw, clock) : undefined;
          for (const each of steps) {
            const { ips, drain, mode, injection: next, obstacle, seconds } = each;
            const gateway = inventory[index];
            if (isFlawed && gateway !== undefined) writer = { gateway, step: each };
            actAsOther('before');
            pending = next;
            if (isProxied && obstacle !== undefined) closedTunnels.set(endpoint.host, { ...obstacle });
            recorded = [];
            session.audit.records.length = 0;
            const { content } = await session.call(UNASSIGN, {
              nat_gateway_id,
              private_ip_addresses: ips,
              max_drain_duration_seconds: drain,
              mode,
            });
            pending = undefined;
            closedTunnels.delete(endpoint.host);
            clock.advance(seconds);
            check(expect, content, each);
          }
        }),
        { numRuns: Math.ceil(SEQUENCES / SERVERS), seed: SEED + server },
      );
    });

    // biome-ignore lint/suspicious/noExplicitAny: a result of any shape
    function check(expect: ExpectStatic, content: any, { mode, ips }: Step): void {
      const realCalls = recorded.filter(({ phase }) => phase === 'real call');
      const changes = recorded.filter(({ changed }) => changed);
      const intents = session.audit.records.filter(({ audit }) => audit === 'intent');
      const outcomes = session.audit.records.filter(({ audit }) => audit === 'outcome');

      // Sent once, and only when asked for.
      expect(realCalls.length).toBeLessThanOrEqual(mode === 'execute' ? 1 : 0);
      expect(changes.every(({ phase }) => phase === 'real call')).toBe(true);

      // The latest dry run before it has the same parameters.
      const dryRuns = realCalls.map((real) =>
        recorded.slice(0, recorded.indexOf(real)).findLast(({ phase }) => phase === 'dry run'),
      );
      expect(dryRuns.map((dryRun) => dryRun?.parameters)).toEqual(realCalls.map((real) => real.parameters));

      // No outcome contradicts the endpoint.
      const isEarlier = content.reconciled === true && ips.every((each) => unassignedBefore.has(each));
      expect(POSSIBLE_CHANGES[content.outcome], content.outcome).toContain(isEarlier ? 1 : changes.length);
      if (changes.length > 0) for (const each of ips) unassignedBefore.add(each);
      expect(content.error === undefined).toBe(!['refused', 'unknown'].includes(content.outcome));

      // Every attempt is audited, with an intent for every real call, and one more where its tunnel was not opened.
      expect(outcomes).toMatchObject([{ outcome: content.outcome }]);
      const unsent = /Nothing was sent\.$/.test(content.error?.message ?? '') ? intents.length : 0;
      expect(unsent === 0 || content.outcome === 'refused').toBe(true);
      unsentCalls += unsent;
      expect(intents.map(({ id }) => id)).toEqual(
        Array.from({ length: realCalls.length + unsent }, () => outcomes[0]?.id),
      );
    }
  },
);

describe('a proxy in front of the endpoint', () => {
  it('has kept some of those real calls from being sent', () => expect(unsentCalls).toBeGreaterThan(0));
});

/** Reads that are late by up to `maxLag` seconds and leave out each address, and the gateway more rarely. */
function flawedReads(
  { maxLag, omission, seed }: { maxLag: number; omission: number; seed: number },
  clock: ManualClock,
): SimulatorOptions['reads'] {
  const random = randomFrom(seed);
  return () => {
    clock.advance(1);
    return {
      lagSeconds: random() * maxLag,
      omitAddress: () => random() < omission,
      omitGateway: () => random() < omission / 3,
    };
  };
}
