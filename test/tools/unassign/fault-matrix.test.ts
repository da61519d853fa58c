import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  AMBIGUOUS,
  cutAt,
  DEFINITE,
  type Fault,
  type Phase,
  phaseOf,
  striking,
} from '../../support/faults.ts';
import { EGRESS, FAST_TIMEOUTS, openSession, realCalls } from '../../support/session.ts';
import {
  BROKEN,
  type Obstacle,
  REFUSED,
  startConnectProxy,
  startGate,
  startTls,
} from '../../support/tunnels.ts';

const UNASSIGN = 'unassign_private_nat_gateway_address';
const UNASSIGN_ACTION = 'UnassignPrivateNatGatewayAddress';
const wish = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11', '10.0.1.12'] };

/** One attempt through one fault, beside what the endpoint itself recorded. */
async function attempt(phase: Phase, when: 'before' | 'after', fault: Fault, times?: number) {
  const session = await openSession({
    timeouts: FAST_TIMEOUTS,
    intercept: striking(phase, when, fault, times),
  });
  onTestFinished(session.close);
  const { content, isError } = await session.call(UNASSIGN, wish);
  const changes = realCalls(session.calls).filter(({ changed }) => changed);
  // Whatever else is asserted: no definite verdict contradicts the endpoint, and the server goes on serving.
  if (content.outcome === 'unassigning') expect(changes).toHaveLength(1);
  if (content.outcome === 'refused') expect(changes).toHaveLength(0);
  expect(isError).toBe(content.outcome === 'refused' || content.outcome === 'unknown');
  expect((await session.client.listTools()).tools).not.toEqual([]);
  return { ...session, content, changes };
}

const ambiguous = Object.entries(AMBIGUOUS);
const definite = Object.entries(DEFINITE).map(([name, { fault, code }]) => [name, fault, code] as const);

describe('a fault of the describe', () => {
  it.each(ambiguous)('%s: refused, and nothing is sent', async (_, fault) => {
    const { content, calls } = await attempt('describe', 'before', fault);
    expect(content.outcome).toBe('refused');
    expect(['unreachable', 'timed_out', 'bad_response', 'aws_error']).toContain(content.error.code);
    expect(realCalls(calls)).toEqual([]);
  });

  it.each(definite)('%s: refused with its own code', async (_, fault, code) => {
    const { content, calls } = await attempt('describe', 'before', fault);
    expect(content).toMatchObject({ outcome: 'refused', error: { code } });
    expect(realCalls(calls)).toEqual([]);
  });
});

describe('a fault of the dry run', () => {
  it.each(ambiguous)('%s: nothing is sent', async (name, fault) => {
    const { content, calls } = await attempt('dry run', 'before', fault);
    const answeredWithSuccess = /^20|gzip|within/.test(name);
    expect(content.outcome).toBe(answeredWithSuccess ? 'unknown' : 'refused');
    if (answeredWithSuccess) expect(content.error.code).toBe('dry_run_not_honoured');
    expect(realCalls(calls)).toEqual([]);
  });

  it.each(definite)('%s: refused with its own code, and nothing is sent', async (_, fault, code) => {
    const { content, calls } = await attempt('dry run', 'before', fault);
    expect(content).toMatchObject({ outcome: 'refused', error: { code } });
    expect(realCalls(calls)).toEqual([]);
  });
});

describe('a fault of the real call', () => {
  it.each(ambiguous)('%s, after EC2 acted: found out by reading', async (_, fault) => {
    const { content, changes } = await attempt('real call', 'after', fault);
    expect(content).toMatchObject({ outcome: 'unassigning', reconciled: true, drain: expect.anything() });
    expect(changes).toHaveLength(1);
  });

  it.each(ambiguous)('%s, before EC2 acted: unknown, and not sent again', async (_, fault) => {
    const { content, changes } = await attempt('real call', 'before', fault);
    expect(content).toMatchObject({
      outcome: 'unknown',
      error: { code: 'outcome_unknown', retryable: false, message: expect.stringContaining('probably not') },
      next: { not_before: expect.any(String) },
    });
    expect(changes).toEqual([]);
  });

  it.each(definite)('%s: refused with its own code', async (_, fault, code) => {
    const { content } = await attempt('real call', 'before', fault);
    expect(content).toMatchObject({ outcome: 'refused', error: { code } });
  });

  it.each([...ambiguous, ...definite.map(([name, fault]) => [name, fault] as const)])(
    '%s: is sent once',
    async (_, fault) => {
      let sent = 0;
      await attempt('real call', 'before', (...args) => {
        sent += 1;
        return fault(...args);
      });
      expect(sent).toBe(1);
    },
  );

  it('after which only some addresses change is told as a partial change', async () => {
    const body = `<r><natGatewayId>${EGRESS}</natGatewayId><natGatewayAddressSet><item><privateIp>10.0.1.11</privateIp><status>unassigning</status></item></natGatewayAddressSet></r>`;
    const session = await openSession({
      timeouts: FAST_TIMEOUTS,
      intercept: async (exchange) => {
        const answer = exchange.apply();
        if (exchange.action === 'DescribeNatGateways' && realCalls(session.calls).length > 0) {
          const healed = answer.body.replace(
            /(<privateIp>10\.0\.1\.12<\/privateIp>[\s\S]*?<status>)unassigning/,
            '$1succeeded',
          );
          return { ...answer, body: healed };
        }
        return exchange.action.startsWith('Unassign') && !exchange.dryRun ? { ...answer, body } : answer;
      },
    });
    onTestFinished(session.close);
    const { content } = await session.call(UNASSIGN, wish);
    expect(content).toMatchObject({
      outcome: 'unknown',
      partial_change: true,
      error: { code: 'outcome_unknown' },
    });
    expect(content.addresses.map(({ status }: { status: string }) => status)).toEqual([
      'unassigning',
      'succeeded',
    ]);
  });
});

describe('a fault that strikes once', () => {
  /** Its status is 200, as EC2 answers no dry run. */
  const SAYS_SUCCESS = 'reset within the body';
  const passing = ambiguous.filter(([name]) =>
    /^(connection reset|500 Internal|503 Un|502|504|reset within)/.test(name),
  );

  it.each(passing)('%s, of the describe: absorbed', async (_, fault) => {
    expect((await attempt('describe', 'before', fault, 1)).content.outcome).toBe('unassigning');
  });

  it.each(passing.filter(([name]) => name !== SAYS_SUCCESS))(
    '%s, of the dry run: absorbed',
    async (_, fault) => {
      expect((await attempt('dry run', 'before', fault, 1)).content.outcome).toBe('unassigning');
    },
  );

  it('after the dry run was answered with a success status: told as ignored, and not repeated', async () => {
    let sent = 0;
    const { content } = await attempt('dry run', 'before', (...args) => {
      sent += 1;
      return AMBIGUOUS[SAYS_SUCCESS]?.(...args);
    });
    expect(content).toMatchObject({ outcome: 'unknown', error: { code: 'dry_run_not_honoured' } });
    expect(sent).toBe(1);
  });
});

/** One attempt whose real call, and nothing before it, meets an obstacle on its way to the endpoint. */
async function hinderedAttempt(way: 'proxy' | 'TLS', obstacle: Obstacle | undefined, fault?: Fault) {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  onTestFinished(() => void vi.unstubAllEnvs());
  const before = new Set(['GetCallerIdentity', 'DescribeNatGateways', UNASSIGN_ACTION]);
  let isHindered = true;
  const ahead = () => (before.size === 0 && isHindered ? obstacle : undefined);
  const session = await openSession({
    timeouts: { ...FAST_TIMEOUTS, connect: 200, change: 10_000 },
    changesPerHour: 1,
    // Every request needs a connection of its own, so that the real call cannot use that of its dry run.
    intercept: async (exchange) => {
      exchange.response.setHeader('connection', 'close');
      before.delete(exchange.action);
      const answer = exchange.apply();
      return phaseOf(exchange) === 'real call' && fault ? fault(exchange, answer) : answer;
    },
    endpoint: async (url) => {
      const tls = await startTls(url);
      if (way === 'TLS') return startGate(tls, ahead);
      vi.stubEnv('HTTPS_PROXY', (await startConnectProxy(ahead)).url);
      for (const variable of ['NO_PROXY', 'no_proxy', 'https_proxy']) vi.stubEnv(variable, undefined);
      return tls;
    },
  });
  onTestFinished(session.close);
  const { content } = await session.call(UNASSIGN, wish);
  isHindered = false;
  return { ...session, content };
}

describe('a real call without a connection', () => {
  it.each([
    ...Object.entries({ ...REFUSED, ...BROKEN }).map((each) => ['proxy', ...each] as const),
    ...Object.entries(BROKEN).map((each) => ['TLS', ...each] as const),
  ])(
    'by %s, %s: refused, nothing was sent, and the only call of the hour is left',
    async (way, _, obstacle) => {
      const { content, call, calls } = await hinderedAttempt(way, obstacle);
      expect(content).toMatchObject({
        outcome: 'refused',
        error: {
          code: expect.stringMatching(/^(unreachable|bad_response|timed_out)$/),
          message: expect.stringMatching(/ Nothing was sent\.$/),
          retryable: true,
        },
      });
      expect(content).not.toHaveProperty('unassign');
      expect(realCalls(calls)).toEqual([]);
      expect((await call(UNASSIGN, wish)).content.outcome).toBe('unassigning');
      expect(realCalls(calls)).toHaveLength(1);
    },
  );

  it.each(['proxy', 'TLS'] as const)('is told from one whose answer is lost behind the %s', async (way) => {
    const lost = AMBIGUOUS['connection reset'];
    const { content, calls } = await hinderedAttempt(way, undefined, lost);
    expect(content).toMatchObject({ outcome: 'unassigning', reconciled: true });
    expect(realCalls(calls)).toHaveLength(1);
  });
});

describe('the answer to the real call, cut at any byte', () => {
  it('is never taken for less or more than what happened', async () => {
    const { changes, calls } = await attempt('real call', 'after', cutAt(Number.MAX_SAFE_INTEGER));
    expect(changes).toHaveLength(1);
    expect(calls.length).toBeGreaterThan(0);
    const length = 1100;
    let bytes = 0;
    let answered = 0;
    const session = await openSession({
      timeouts: { ...FAST_TIMEOUTS, reconcilePauses: [0, 1, 1] },
      intercept: async (exchange) => {
        const answer = exchange.apply();
        if (!exchange.action.startsWith('Unassign') || exchange.dryRun) return answer;
        answered = answer.body.length;
        return cutAt(bytes)(exchange, answer);
      },
      inventory: Array.from({ length }, (_, index) => ({
        natGatewayId: `nat-${index.toString(16).padStart(17, '0')}`,
        state: 'available',
        connectivityType: 'private',
        vpcId: 'vpc-0a00000000000000a',
        createTime: 0,
        tags: [],
        addresses: ['10.0.0.1', '10.0.0.2'].map((privateIp, each) => ({
          privateIp,
          isPrimary: each === 0,
          networkInterfaceId: 'eni-1',
        })),
      })),
    });
    onTestFinished(session.close);
    for (bytes = 0; bytes === 0 || bytes <= answered; bytes++) {
      const { content } = await session.call(UNASSIGN, {
        nat_gateway_id: `nat-${bytes.toString(16).padStart(17, '0')}`,
        private_ip_addresses: ['10.0.0.2'],
      });
      expect(content.outcome, `cut at ${bytes}`).toBe('unassigning');
    }
    expect(answered).toBeGreaterThan(300);
    expect(answered).toBeLessThan(length);
  });
});
