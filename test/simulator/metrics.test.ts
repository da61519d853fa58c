import {
  CloudWatchClient,
  type CloudWatchClientConfig,
  GetMetricDataCommand,
  type GetMetricDataCommandInput,
  paginateGetMetricData,
} from '@aws-sdk/client-cloudwatch';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  CHANGER_ACCESS_KEY_ID,
  DENIED_ACCESS_KEY_ID,
  privateNatGateway,
  READER_ACCESS_KEY_ID,
  type SimulatedNatGateway,
  type Simulator,
  type SimulatorOptions,
} from '../../src/simulator/simulator.ts';
import { AUTHORIZATION, EGRESS, LONE, post, refusal, START, startEndpoint } from '../support/endpoint.ts';

const HOUR = 3600;
const NOON = Date.parse('2026-01-02T12:00:00Z') / 1000;
const METRICS = AUTHORIZATION.replace('/ec2/', '/monitoring/');

function cloudWatch(
  { region, url }: Simulator,
  accessKeyId = 'AKIATEST',
  config: CloudWatchClientConfig = {},
): CloudWatchClient {
  const credentials = { accessKeyId, secretAccessKey: 'secret' };
  const client = new CloudWatchClient({ region, endpoint: url, credentials, maxAttempts: 1, ...config });
  onTestFinished(() => client.destroy());
  return client;
}

/** Starts an endpoint on 2026-01-05, with a gateway that has existed for longer than CloudWatch keeps data. */
async function start(traffic?: SimulatedNatGateway['traffic'], options: SimulatorOptions = {}) {
  const inventory = [
    privateNatGateway(EGRESS, 'egress', ['10.0.1.10'], 0, { traffic }),
    privateNatGateway(LONE, 'lone', ['10.0.2.10'], 0),
  ];
  const endpoint = await startEndpoint({ inventory, ...options });
  endpoint.clock.advance(3 * 24 * HOUR);
  return { ...endpoint, cloudwatch: cloudWatch(endpoint.simulator) };
}

const TRAFFIC = { peakConnections: 61_000, portErrors: 7, packetsDropped: 2 };

function query(MetricName: string, Stat: string, stat = {}, gateway = EGRESS) {
  const Dimensions = [{ Name: 'NatGatewayId', Value: gateway }];
  const Metric = { Namespace: 'AWS/NATGateway', MetricName, Dimensions };
  return { Id: 'peak', MetricStat: { Metric, Period: HOUR, Stat, ...stat } };
}

function request(
  queries = [query('ActiveConnectionCount', 'Maximum')],
  [start, end] = [NOON, NOON + 4 * HOUR],
  rest: Partial<GetMetricDataCommandInput> = {},
) {
  const [StartTime, EndTime] = [new Date(start * 1000), new Date(end * 1000)];
  return new GetMetricDataCommand({ MetricDataQueries: queries, StartTime, EndTime, ...rest });
}

describe('GetMetricData', () => {
  it('returns the newest values first, by default', async () => {
    const { cloudwatch } = await start(TRAFFIC);
    const { MetricDataResults } = await cloudwatch.send(request());
    expect(MetricDataResults).toEqual([
      {
        Id: 'peak',
        Label: 'ActiveConnectionCount',
        Timestamps: [15, 14, 13, 12].map((hour) => new Date(Date.UTC(2026, 0, 2, hour))),
        Values: [58_560, 61_000, 58_560, 56_120],
        StatusCode: 'Complete',
      },
    ]);
    const ascending = await cloudwatch.send(request(undefined, undefined, { ScanBy: 'TimestampAscending' }));
    expect(ascending.MetricDataResults?.[0]?.Values).toEqual([56_120, 58_560, 61_000, 58_560]);
  });

  it.each([
    ['ActiveConnectionCount', 'Maximum', [61_000]],
    ['ActiveConnectionCount', 'Minimum', [26_840]],
    ['ActiveConnectionCount', 'SampleCount', [1440]],
    ['ErrorPortAllocation', 'Sum', [7]],
    ['ErrorPortAllocation', 'Maximum', [7]],
    ['ErrorPortAllocation', 'Average', [7 / 1440]],
    ['PacketsDropCount', 'Sum', [2]],
    ['BytesOutToDestination', 'Sum', []],
  ])('returns a day of %s by %s as %j', async (metric, statistic, values) => {
    const { cloudwatch } = await start(TRAFFIC);
    const queries = [query(metric, statistic, { Period: 24 * HOUR })];
    const midnight = NOON - 12 * HOUR;
    const { MetricDataResults } = await cloudwatch.send(request(queries, [midnight, midnight + 24 * HOUR]));
    expect(MetricDataResults).toMatchObject([{ Values: values, StatusCode: 'Complete' }]);
  });

  it('rounds the start down to the period, and leaves the end out', async () => {
    const { cloudwatch } = await start(TRAFFIC);
    const timesOf = async (range: [number, number]) => {
      const { MetricDataResults } = await cloudwatch.send(request(undefined, range));
      return MetricDataResults?.[0]?.Timestamps?.map((time) => time.getUTCHours());
    };
    expect(await timesOf([NOON + 59, NOON + 2 * HOUR])).toEqual([13, 12]);
    expect(await timesOf([NOON + 59, NOON + 2 * HOUR + 60])).toEqual([14, 13, 12]);
  });

  it('has no values for a gateway without traffic, an unknown one, and other dimensions', async () => {
    const { cloudwatch } = await start(TRAFFIC);
    const other = query('ActiveConnectionCount', 'Maximum');
    other.MetricStat.Metric.Dimensions = [];
    const queries = [
      query('ActiveConnectionCount', 'Maximum', {}, LONE),
      query('ActiveConnectionCount', 'Maximum', {}, 'nat-1'),
      query('ActiveConnectionCount', 'Maximum', { Unit: 'Bytes' }),
      other,
    ].map((each, index) => ({ ...each, Id: `q${index}` }));
    const { MetricDataResults = [] } = await cloudwatch.send(request(queries));
    expect(MetricDataResults.map(({ Values, Timestamps }) => [Values, Timestamps])).toEqual(
      Array(4).fill([[], []]),
    );
    expect(MetricDataResults.map(({ StatusCode }) => StatusCode)).toEqual(Array(4).fill('Complete'));
  });

  it('has zeros for a gateway that is there and has no connections', async () => {
    const { cloudwatch } = await start({ peakConnections: 0 });
    const { MetricDataResults } = await cloudwatch.send(request());
    expect(MetricDataResults?.[0]?.Values).toEqual([0, 0, 0, 0]);
  });

  it('has values from the creation of a gateway to now', async () => {
    const { cloudwatch, clock } = await startEndpoint({
      inventory: [privateNatGateway(EGRESS, 'young', [], START - 90 * 60_000, { traffic: TRAFFIC })],
    }).then((endpoint) => ({ ...endpoint, cloudwatch: cloudWatch(endpoint.simulator) }));
    const hours = async () => {
      const now = clock.now() / 1000;
      const range: [number, number] = [now - 7 * 24 * HOUR, now + HOUR];
      const { MetricDataResults } = await cloudwatch.send(request(undefined, range));
      return MetricDataResults?.[0]?.Timestamps?.map((time) => time.getUTCHours());
    };
    expect(await hours()).toEqual([3, 2, 1]);
    clock.advance(HOUR);
    expect(await hours()).toEqual([4, 3, 2, 1]);
  });

  it('has no values where the period is too small for the age of the start', async () => {
    const { cloudwatch, clock } = await start(TRAFFIC);
    clock.advance(16 * 24 * HOUR);
    const countOf = async (Period: number) => {
      const queries = [query('ActiveConnectionCount', 'Maximum', { Period })];
      return (await cloudwatch.send(request(queries))).MetricDataResults?.[0]?.Values?.length;
    };
    expect([await countOf(60), await countOf(300), await countOf(HOUR)]).toEqual([0, 48, 4]);
  });

  it('is split into pages, whose values are joined by Id', async () => {
    const { cloudwatch } = await start(TRAFFIC);
    const queries = [
      { ...query('ActiveConnectionCount', 'Maximum'), Id: 'a' },
      { ...query('ErrorPortAllocation', 'Sum'), Id: 'b' },
    ];
    const { input } = request(queries, undefined, { MaxDatapoints: 3 });
    const joined: Record<string, number[]> = {};
    const codes: unknown[] = [];
    for await (const { MetricDataResults = [] } of paginateGetMetricData({ client: cloudwatch }, input)) {
      codes.push(MetricDataResults.map(({ StatusCode }) => StatusCode));
      for (const { Id = '', Values = [] } of MetricDataResults) {
        joined[Id] = [...(joined[Id] ?? []), ...Values];
      }
    }
    expect(joined).toEqual({ a: [58_560, 61_000, 58_560, 56_120], b: [0, 7, 0, 0] });
    expect(codes).toEqual([
      ['PartialData', 'PartialData'],
      ['Complete', 'PartialData'],
      ['Complete', 'Complete'],
    ]);
  });

  it('leaves out queries that return no data', async () => {
    const { cloudwatch } = await start(TRAFFIC);
    const queries = [{ ...query('ActiveConnectionCount', 'Maximum'), ReturnData: false }];
    expect((await cloudwatch.send(request(queries))).MetricDataResults).toEqual([]);
  });
});

describe('GetMetricData refuses', () => {
  const peak = query('ActiveConnectionCount', 'Maximum');

  it.each([
    ['an Id that begins with a capital', request([{ ...peak, Id: 'Peak' }])],
    ['an Id given twice', request([peak, peak])],
    ['501 queries', request(Array.from({ length: 501 }, (_, index) => ({ ...peak, Id: `q${index}` })))],
    ['no query', request([])],
    [
      'a period that is no multiple of 60',
      request([query('ActiveConnectionCount', 'Maximum', { Period: 90 })]),
    ],
    ['a percentile', request([query('ActiveConnectionCount', 'p99')])],
    ['an end at the start', request([peak], [NOON, NOON])],
    ['more data points than a page can have', request([peak], undefined, { MaxDatapoints: 100_801 })],
  ])('%s', async (_, command) => {
    const { cloudwatch } = await start(TRAFFIC);
    const [name, status] = await refusal(cloudwatch.send(command));
    expect([name, status]).toEqual(['ValidationException', 400]);
  });

  it('a token that no answer had', async () => {
    const { cloudwatch } = await start(TRAFFIC);
    const command = request([peak], undefined, { NextToken: 'AAAA' });
    expect((await refusal(cloudwatch.send(command))).slice(0, 2)).toEqual(['InvalidNextToken', 400]);
  });

  it.each([
    [DENIED_ACCESS_KEY_ID, 'denied'],
    [READER_ACCESS_KEY_ID, 'reader'],
    [CHANGER_ACCESS_KEY_ID, 'changer'],
  ])('the principal %s, without an encoded message', async (accessKeyId, user) => {
    const { simulator } = await start(TRAFFIC);
    expect(await refusal(cloudWatch(simulator, accessKeyId).send(request()))).toEqual([
      'AccessDeniedException',
      400,
      `User: arn:aws:iam::123456789012:user/${user} is not authorized to perform: cloudwatch:GetMetricData ` +
        'because no identity-based policy allows the cloudwatch:GetMetricData action',
    ]);
  });

  it('a request signed for another region or service', async () => {
    const { simulator } = await start(TRAFFIC);
    const client = cloudWatch(simulator, 'AKIATEST', { region: 'eu-west-1' });
    expect((await refusal(client.send(request()))).slice(0, 2)).toEqual(['UnrecognizedClientException', 403]);
    const signedForEc2 = await postJson(simulator, '{}', { authorization: AUTHORIZATION });
    expect(signedForEc2.status).toBe(403);
    const metricsForEc2 = await post(simulator, 'Action=DescribeNatGateways', {
      headers: { authorization: METRICS },
    });
    expect(metricsForEc2.status).toBe(401);
  });

  it('requests beyond its bucket', async () => {
    const { cloudwatch } = await start(TRAFFIC, { throttling: true });
    const answers = await Promise.all(
      Array.from({ length: 150 }, () => refusal(cloudwatch.send(request([{ ...peak, Id: 'X' }])))),
    );
    const counts = (name: string) => answers.filter(([code]) => code === name).length;
    expect(counts('Throttling')).toBeGreaterThan(0);
    expect(counts('ValidationException')).toBeGreaterThanOrEqual(50);
  });
});

function postJson(
  simulator: Simulator,
  body: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return post(simulator, body, {
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'GraniteServiceVersion20100801.GetMetricData',
      authorization: METRICS,
      ...headers,
    },
  });
}

describe('a request of AWS JSON 1.0', () => {
  it('is recorded with its decoded body', async () => {
    const { cloudwatch, calls } = await start(TRAFFIC);
    await cloudwatch.send(request());
    expect(calls).toMatchObject([
      {
        action: 'GetMetricData',
        parameters: {},
        json: { MetricDataQueries: [{ Id: 'peak' }], StartTime: NOON, EndTime: NOON + 4 * HOUR },
        status: 200,
        changed: false,
      },
    ]);
  });

  it('can be intercepted', async () => {
    const seen: unknown[] = [];
    const { cloudwatch } = await start(TRAFFIC, {
      intercept: async ({ action, json, apply }) => {
        seen.push([action, json?.StartTime, apply().status]);
        return { status: 200, headers: { 'content-type': 'application/x-amz-json-1.0' }, body: '' };
      },
    });
    expect((await cloudwatch.send(request())).MetricDataResults).toBeUndefined();
    expect(seen).toEqual([['GetMetricData', NOON, 200]]);
  });

  it('is answered with its id, and with an older code beside the type of an error', async () => {
    const { simulator, calls } = await start(TRAFFIC);
    const response = await postJson(simulator, '{}');
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      __type: 'com.amazonaws.cloudwatch#ValidationException',
      message: 'The parameter MetricDataQueries is required.',
    });
    expect(response.headers.get('x-amzn-query-error')).toBe('ValidationError;Sender');
    expect(response.headers.get('x-amzn-requestid')).toBe(calls[0]?.requestId);
    expect(response.headers.get('content-type')).toBe('application/x-amz-json-1.0');
  });

  it.each([
    [
      'of another action',
      '{}',
      { 'x-amz-target': 'GraniteServiceVersion20100801.PutMetricData' },
      'UnknownOperationException',
    ],
    [
      'of another service',
      '{}',
      { 'x-amz-target': 'DynamoDB_20120810.GetItem' },
      'UnknownOperationException',
    ],
    ['with a list', '[]', {}, 'SerializationException'],
    ['with broken JSON', '{', {}, 'SerializationException'],
  ])('is refused in JSON: %s', async (_, body, headers, type) => {
    const { simulator, calls } = await start(TRAFFIC);
    const response = await postJson(simulator, body, headers as Record<string, string>);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ __type: `com.amazonaws.cloudwatch#${type}` });
    expect(calls).toMatchObject([{ status: 400, code: type, json: {} }]);
  });
});
