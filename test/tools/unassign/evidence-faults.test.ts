import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Evidence } from '../../../src/nat-gateway/evidence.ts';
import type { Answer } from '../../../src/simulator/simulator.ts';
import { UNASSIGN } from '../../../src/vocabulary/names.ts';
import { TIMEOUTS } from '../../../src/vocabulary/timeouts.ts';
import { cutAt, type Fault } from '../../support/faults.ts';
import { EGRESS, openSession, realCalls } from '../../support/session.ts';

const STACK = 'nat-0d44d44d44d44d44d';

/** What each source is read with first. */
const ACTIONS = {
  traffic: 'GetMetricData',
  routes: 'DescribeRouteTables',
  security_groups: 'DescribeSecurityGroups',
  prefix_lists: 'DescribeManagedPrefixLists',
} as const satisfies Record<keyof Evidence, string>;

type Source = keyof Evidence;

const SOURCES = Object.keys(ACTIONS) as Source[];

function error(source: Source, ofEc2: [number, string], ofCloudWatch: [number, string]): Fault {
  const [status, code] = source === 'traffic' ? ofCloudWatch : ofEc2;
  const answer: Answer =
    source === 'traffic'
      ? {
          status,
          headers: { 'content-type': 'application/x-amz-json-1.0' },
          body: `{"__type":"com.amazonaws.cloudwatch#${code}","message":"says the test"}`,
        }
      : {
          status,
          headers: { 'content-type': 'text/xml;charset=UTF-8' },
          body: `<Response><Errors><Error><Code>${code}</Code><Message>says the test</Message></Error></Errors><RequestID>fault</RequestID></Response>`,
        };
  return () => answer;
}

const plain =
  (status: number, body: string): Fault =>
  () => ({ status, headers: { 'content-type': 'text/html' }, body });

const unusable = () => ({ status: 'no_data', error: 'bad_response' });

interface Row {
  fault: (source: Source) => Fault;
  /** What the source says then. */
  told: (source: Source) => object;
  /** Time for all look-ups. Where it is not what is tested, it suffices for a busy machine too. */
  within?: number;
}

/** Each way to fail. */
const FAULTS: Readonly<Record<string, Row>> = {
  denied: {
    fault: (source) => error(source, [403, 'UnauthorizedOperation'], [400, 'AccessDeniedException']),
    told: (source) => ({
      status: 'denied',
      action: `${source === 'traffic' ? 'cloudwatch' : 'ec2'}:${ACTIONS[source]}`,
    }),
  },
  throttled: {
    fault: (source) => error(source, [503, 'RequestLimitExceeded'], [400, 'ThrottlingException']),
    told: () => ({ status: 'no_data', error: 'throttled' }),
  },
  'without an answer': {
    fault: () => () => undefined,
    told: () => ({ status: 'timed_out' }),
    within: 1000,
  },
  'answered in HTML': {
    fault: () => plain(200, '<html><body>Please log in<br></body></html>'),
    told: unusable,
  },
  'answered by a gateway in HTML': { fault: () => plain(502, '<html>Bad Gateway</html>'), told: unusable },
  'answered with an empty 200': { fault: () => plain(200, ''), told: unusable },
  'cut in half': {
    fault: () => (exchange, answer) => cutAt(answer.body.length / 2)(exchange, answer),
    told: unusable,
  },
  reset: {
    fault:
      () =>
      ({ response }) => {
        response.socket?.resetAndDestroy();
        return undefined;
      },
    told: () => ({ status: 'no_data', error: 'unreachable' }),
  },
};

/** One release while `faults` strike the actions that they are named after. */
async function attempt(
  faults: Readonly<Record<string, Fault>>,
  { gateway = EGRESS, privateIp = '10.0.1.13', within = 5000 } = {},
) {
  const session = await openSession({
    policy: { evidence: 'auto' },
    // A read that a busy machine delays is not repeated.
    timeouts: { ...TIMEOUTS, evidence: within },
    intercept: async (exchange) => {
      const answer = exchange.apply();
      const action = exchange.action || String(exchange.request.headers['x-amz-target']).split('.')[1];
      const fault = faults[action ?? ''];
      return fault === undefined ? answer : fault(exchange, answer);
    },
  });
  onTestFinished(session.close);
  const { content } = await session.call(UNASSIGN, {
    nat_gateway_id: gateway,
    private_ip_addresses: [privateIp],
  });
  const of = (name: string, isDryRun: boolean) =>
    session.calls.filter(({ action, dryRun }) => action === name && dryRun === isDryRun).length;
  return {
    content,
    /** The requests beside those for evidence. */
    requests: {
      describes: of('DescribeNatGateways', false),
      dryRuns: of('UnassignPrivateNatGatewayAddress', true),
      realCalls: realCalls(session.calls).length,
    },
  };
}

const AS_EVER = { describes: 1, dryRuns: 1, realCalls: 1 };

let withoutFault: ReturnType<typeof attempt> | undefined;

/** What a release comes to that no fault strikes. */
function whole(): ReturnType<typeof attempt> {
  withoutFault ??= attempt({});
  return withoutFault;
}

const codesOf = ({ findings }: { findings: { code: string }[] }) => findings.map(({ code }) => code);

// Evidence counts full hours, and one could begin between two attempts.
beforeAll(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterAll(() => void vi.useRealTimers());

describe('a release', () => {
  it('sends one describe, one dry run and one real call beside what it looks up', async () => {
    const { content, requests } = await whole();
    expect(requests).toEqual(AS_EVER);
    expect(content.outcome).toBe('unassigning');
    expect(codesOf(content)).not.toContain('evidence_unavailable');
  });

  it.each(Object.entries(FAULTS))(
    'takes effect where one source is %s, and shows the others',
    async (_, row) => {
      const struck = async (source: Source) => ({
        source,
        ...(await attempt({ [ACTIONS[source]]: row.fault(source) }, row)),
      });
      for (const { source, content, requests } of await Promise.all(SOURCES.map(struck))) {
        expect(requests, source).toEqual(AS_EVER);
        expect(content.outcome, source).toBe('unassigning');
        expect(content.evidence).toEqual({ ...(await whole()).content.evidence, [source]: row.told(source) });
        expect(codesOf(content)).toContain('evidence_unavailable');
      }
    },
  );

  it('takes effect where every source fails, in whichever way', async () => {
    const struck = async ([name, row]: [string, Row]) => {
      const faults = SOURCES.map((source) => [ACTIONS[source], row.fault(source)] as const);
      return { name, row, ...(await attempt(Object.fromEntries(faults), row)) };
    };
    const attempts = await Promise.all(Object.entries(FAULTS).map(struck));
    for (const { name, row, content, requests } of attempts) {
      expect(requests, name).toEqual(AS_EVER);
      expect(content.outcome, name).toBe('unassigning');
      expect(content.evidence).toEqual(
        Object.fromEntries(SOURCES.map((source) => [source, row.told(source)])),
      );
      expect(codesOf(content)).toEqual(['capacity', 'evidence_unavailable']);
    }
  });

  it.each([
    ['PartialData', { status: 'no_data', incomplete: true }],
    ['InternalError', { status: 'no_data', error: 'aws_error' }],
    ['Forbidden', { status: 'denied', action: 'cloudwatch:GetMetricData' }],
  ])('takes effect where CloudWatch says %s within a success', async (StatusCode, traffic) => {
    const fault: Fault = (_, answer) => {
      const { MetricDataResults } = JSON.parse(answer.body) as { MetricDataResults: object[] };
      const results = MetricDataResults.map((each) => ({ ...each, Timestamps: [], Values: [], StatusCode }));
      return { ...answer, body: JSON.stringify({ MetricDataResults: results }) };
    };
    const { content, requests } = await attempt({ GetMetricData: fault });
    expect(requests).toEqual(AS_EVER);
    expect(content.outcome).toBe('unassigning');
    expect(content.evidence.traffic).toEqual(traffic);
  });

  it('takes effect where a part of the data came, and tells of it as a part', async () => {
    const fault: Fault = (_, answer) => ({
      ...answer,
      body: answer.body.replaceAll('"Complete"', '"PartialData"'),
    });
    const { content, requests } = await attempt({ GetMetricData: fault });
    expect(requests).toEqual(AS_EVER);
    expect(content.evidence.traffic).toMatchObject({
      status: 'found',
      incomplete: true,
      peak_connections: 61_000,
    });
    expect(codesOf(content)).not.toContain('capacity_ample');
    expect(codesOf(content)).toContain('evidence_unavailable');
  });

  it('takes effect where entries of prefix lists and the subnets of a main table fail, in whichever way', async () => {
    const stack = { gateway: STACK, privateIp: '10.0.4.11' };
    const attempts = await Promise.all(
      Object.values(FAULTS).map(({ fault, within }) =>
        attempt(
          { GetManagedPrefixListEntries: fault('prefix_lists'), DescribeSubnets: fault('routes') },
          { ...stack, within },
        ),
      ),
    );
    for (const { content, requests } of attempts) {
      expect(requests).toEqual(AS_EVER);
      expect(content).toMatchObject({
        outcome: 'unassigning',
        evidence: {
          prefix_lists: { status: expect.stringMatching(/^(denied|timed_out|no_data)$/) },
          routes: { status: 'found', incomplete: true, route_table_ids: ['rtb-0a00000000000000a'] },
        },
      });
    }
  });
});
