import { describe, expect, it } from 'vitest';
import type { Timeouts } from '../../../src/vocabulary/timeouts.ts';
import { REGION } from '../../support/ec2-stub.ts';
import {
  EVERYTHING,
  type Finish,
  FOUND,
  GATEWAY,
  json,
  type Reply,
  startEvidence,
  xml,
} from '../../support/evidence-endpoint.ts';

/** Each source, and the action that it stands or falls with. */
const SOURCES = {
  traffic: 'GetMetricData',
  routes: 'DescribeRouteTables',
  security_groups: 'DescribeSecurityGroups',
  prefix_lists: 'DescribeManagedPrefixLists',
} as const;

type Source = keyof typeof SOURCES;

const EC2_SOURCES = ['routes', 'security_groups', 'prefix_lists'] as const;

interface Fault {
  reply: Reply;
  status: string;
  error?: string;
  /** Requests for the action, retries included. */
  requests?: number;
}

const ec2Error = (status: number, code: string): Reply =>
  xml(
    `<Response><Errors><Error><Code>${code}</Code><Message>says the test</Message></Error></Errors><RequestID>r</RequestID></Response>`,
    status,
  );

const jsonError = (status: number, type: string, queryCode?: string): Reply =>
  json(
    `{"__type":"com.amazonaws.cloudwatch#${type}","message":"says the test"}`,
    status,
    queryCode === undefined ? {} : { 'x-amzn-query-error': `${queryCode};Sender` },
  );

const html = (status: number): Reply => xml('<html><body>Bad<br>Gateway</body></html>', status);

const reset: Reply = (response) => void response.socket?.resetAndDestroy();

const hang: Reply = () => {};

const hangWithinBody: Reply = (response) => {
  response.writeHead(200, { 'content-length': '1000' }).write('<DescribeRouteTablesResponse>');
};

/** Sends as much as is taken. */
const bodyWithoutEnd: Reply = (response) => {
  response.writeHead(200, { 'content-type': 'text/xml' });
  const block = ' '.repeat(1_000_000);
  const more = (): void => {
    if (!response.destroyed) response.write(block, more);
  };
  more();
};

const ANYWHERE: Readonly<Record<string, Fault>> = {
  'a body without bounds': { reply: bodyWithoutEnd, status: 'no_data', error: 'bad_response' },
  'HTML with 200': { reply: html(200), status: 'no_data', error: 'bad_response' },
  'HTML with 403': { reply: html(403), status: 'no_data', error: 'bad_response' },
  'HTML with 502': { reply: html(502), status: 'no_data', error: 'bad_response' },
  'an empty 200': { reply: xml(''), status: 'no_data', error: 'bad_response' },
  'an empty 503': { reply: xml('', 503), status: 'no_data', error: 'bad_response' },
  'a connection that breaks': { reply: reset, status: 'no_data', error: 'unreachable', requests: 2 },
};

const OF_EC2: Readonly<Record<string, Fault>> = {
  ...ANYWHERE,
  UnauthorizedOperation: { reply: ec2Error(403, 'UnauthorizedOperation'), status: 'denied', requests: 1 },
  RequestLimitExceeded: {
    reply: ec2Error(503, 'RequestLimitExceeded'),
    status: 'no_data',
    error: 'throttled',
    requests: 2,
  },
  AuthFailure: {
    reply: ec2Error(401, 'AuthFailure'),
    status: 'no_data',
    error: 'not_authorized',
    requests: 1,
  },
  RequestExpired: { reply: ec2Error(400, 'RequestExpired'), status: 'no_data', error: 'credentials_expired' },
  InternalError: {
    reply: ec2Error(500, 'InternalError'),
    status: 'no_data',
    error: 'aws_error',
    requests: 2,
  },
  'an answer of another shape': {
    reply: xml('<Something><else/></Something>'),
    status: 'no_data',
    error: 'bad_response',
  },
};

const OF_CLOUDWATCH: Readonly<Record<string, Fault>> = {
  ...ANYWHERE,
  'AccessDeniedException, as its protocol has it': {
    reply: jsonError(400, 'AccessDeniedException'),
    status: 'denied',
    requests: 1,
  },
  'AccessDenied, with the code of the older protocol': {
    reply: jsonError(403, 'AccessDeniedException', 'AccessDenied'),
    status: 'denied',
    requests: 1,
  },
  ThrottlingException: {
    reply: jsonError(400, 'ThrottlingException'),
    status: 'no_data',
    error: 'throttled',
    requests: 2,
  },
  'Throttling, with the code of the older protocol': {
    reply: jsonError(400, 'ThrottlingException', 'Throttling'),
    status: 'no_data',
    error: 'throttled',
    requests: 2,
  },
  ExpiredTokenException: {
    reply: jsonError(403, 'ExpiredTokenException'),
    status: 'no_data',
    error: 'credentials_expired',
  },
  InternalServiceFault: {
    reply: jsonError(500, 'InternalServiceFault'),
    status: 'no_data',
    error: 'aws_error',
    requests: 2,
  },
  ValidationException: {
    reply: jsonError(400, 'ValidationException'),
    status: 'no_data',
    error: 'aws_error',
  },
  'an object without results': { reply: json('{}'), status: 'no_data', error: 'bad_response' },
  'XML in place of JSON': {
    reply: xml('<GetMetricDataResponse/>'),
    status: 'no_data',
    error: 'bad_response',
  },
};

const MATRIX = [
  ...Object.entries(OF_CLOUDWATCH).map(([name, fault]) => ['traffic' as Source, name, fault] as const),
  ...EC2_SOURCES.flatMap((source) =>
    Object.entries(OF_EC2).map(([name, fault]) => [source as Source, name, fault] as const),
  ),
];

describe.concurrent('a source that fails', () => {
  it.for(MATRIX)(
    '%s: tells %s, and leaves the others alone',
    async ([source, , fault], { onTestFinished }) => {
      const { action, struck } = await strike(onTestFinished, source, fault.reply);
      const { status, error, requests } = fault;
      expect(await struck.read()).toEqual({
        ...FOUND,
        [source]: {
          status,
          ...(error === undefined ? {} : { error }),
          ...(status === 'denied'
            ? { action: `${source === 'traffic' ? 'cloudwatch' : 'ec2'}:${action}` }
            : {}),
        },
      });
      expect(struck.of(action).length).toBeLessThanOrEqual(requests ?? 2);
      expect(struck.of(action).length).toBeGreaterThanOrEqual(requests ?? 1);
    },
  );

  it('tells timed_out at the deadline, when the others have long answered', async ({ onTestFinished }) => {
    const cases = (Object.keys(SOURCES) as Source[]).flatMap((source) =>
      [hang, hangWithinBody].map(async (reply) => {
        const { struck } = await strike(onTestFinished, source, reply, { evidence: 2000 });
        expect(await struck.read()).toEqual({ ...FOUND, [source]: { status: 'timed_out' } });
      }),
    );
    await Promise.all(cases);
  });

  it('ends with all others at the deadline when nothing answers', async ({ onTestFinished }) => {
    const replies = Object.fromEntries(Object.keys(EVERYTHING).map((action) => [action, hang]));
    const { read } = await startEvidence(onTestFinished, replies, { evidence: 200 });
    const late = { status: 'timed_out' };
    expect(await read()).toEqual({ traffic: late, routes: late, security_groups: late, prefix_lists: late });
  });

  it('tells that the endpoint is not there', async ({ onTestFinished }) => {
    const { read } = await startEvidence(
      onTestFinished,
      Object.fromEntries(Object.keys(EVERYTHING).map((action) => [action, reset])),
    );
    const gone = { status: 'no_data', error: 'unreachable' };
    expect(await read()).toEqual({ traffic: gone, routes: gone, security_groups: gone, prefix_lists: gone });
  });
});

describe.concurrent('evidence that fails', () => {
  it.for(['UnauthorizedOperation', 'AuthFailure', 'RequestExpired', 'RequestLimitExceeded'] as const)(
    'with %s renews no credentials and warns of nothing',
    async (code, { onTestFinished }) => {
      const refuse = ec2Error(403, code);
      const replies = Object.fromEntries(Object.keys(EVERYTHING).map((action) => [action, refuse]));
      const { read, log } = await startEvidence(onTestFinished, replies);
      await read();
      const lines = log.text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { level: number; msg: string });
      expect(new Set(lines.map(({ msg }) => msg))).toEqual(new Set(['evidence was not read']));
      expect(Math.max(...lines.map(({ level }) => level))).toBe(20);
    },
  );

  it('throws where the caller gives up, and sends nothing more', async ({ onTestFinished }) => {
    const cancelling = new AbortController();
    const { ec2, requests } = await startEvidence(onTestFinished, {
      GetMetricData: () => cancelling.abort(),
      DescribeManagedPrefixLists: hang,
    });
    const reading = ec2.evidence(REGION, [{ natGatewayId: GATEWAY, privateIps: [] }], cancelling.signal);
    await expect(reading).rejects.toMatchObject({ report: { code: 'timed_out' } });
    expect(requests.map(({ action }) => action)).not.toContain('GetManagedPrefixListEntries');
  });
});

/** An endpoint at which one source gets `reply`. */
async function strike(finish: Finish, source: Source, reply: Reply, timeouts: Partial<Timeouts> = {}) {
  const action = SOURCES[source];
  return { action, struck: await startEvidence(finish, { [action]: reply }, timeouts) };
}
