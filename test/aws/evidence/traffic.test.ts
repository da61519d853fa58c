import { describe, expect, it } from 'vitest';
import { neverAborted, REGION } from '../../support/ec2-stub.ts';
import { type Asked, type Finish, json, type Reply, startEvidence } from '../../support/evidence-endpoint.ts';

/** What the endpoint says of one metric; `values` are of the latest hours. */
interface Result {
  values?: readonly (number | string)[];
  statusCode?: string;
}

const METRICS = ['ActiveConnectionCount', 'ErrorPortAllocation', 'PacketsDropCount'];

/** An answer about each of the three metrics in their order; `undefined` leaves its Id out. */
function results(asked: Asked, each: readonly (Result | undefined)[], nextToken?: string): string {
  const { EndTime, MetricDataQueries } = asked.json;
  const of = (name: string) =>
    MetricDataQueries.find(({ MetricStat }) => MetricStat.Metric.MetricName === name)?.Id;
  const shown = each.flatMap((result, index) => {
    if (result === undefined) return [];
    const { values = [], statusCode = 'Complete' } = result;
    const times = values.map((_, hour) => EndTime - 3600 * (hour + 1));
    return `{"Id":"${of(METRICS[index] ?? '')}","Timestamps":[${times}],"Values":[${values}],"StatusCode":"${statusCode}"}`;
  });
  const next = nextToken === undefined ? '' : `,"NextToken":"${nextToken}"`;
  return `{"MetricDataResults":[${shown}]${next}}`;
}

function answering(...each: readonly (Result | undefined)[]): Reply {
  return (response, asked) => json(results(asked, each))(response, asked);
}

async function trafficFrom(finish: Finish, reply: Reply) {
  const { read } = await startEvidence(finish, { GetMetricData: reply });
  return (await read()).traffic;
}

const some: Result = { values: [5, 7] };
const none: Result = {};

describe.concurrent('the request for traffic', () => {
  it('asks for three metrics of every gateway, by the hour for 168 full hours', async ({
    onTestFinished,
  }) => {
    const { ec2, of } = await startEvidence(onTestFinished);
    const ids = Array.from({ length: 10 }, (_, index) => `nat-${String(index).repeat(17)}`);
    const before = Date.now() / 1000;
    await ec2.evidence(
      REGION,
      ids.map((natGatewayId) => ({ natGatewayId, privateIps: [] })),
      neverAborted,
    );
    const [asked, ...more] = of('GetMetricData');
    expect(more).toEqual([]);
    const { StartTime = 0, EndTime = 0, MetricDataQueries = [] } = asked?.json ?? {};
    expect(EndTime % 3600).toBe(0);
    expect(EndTime).toBeGreaterThan(before);
    expect(EndTime - 3600).toBeLessThanOrEqual(Date.now() / 1000);
    expect(EndTime - StartTime).toBe(168 * 3600);
    expect(new Set(MetricDataQueries.map(({ Id }) => Id)).size).toBe(30);
    expect(MetricDataQueries.every(({ Id }) => /^[a-z][A-Za-z0-9_]*$/.test(Id))).toBe(true);
    expect(MetricDataQueries.map(({ MetricStat }) => MetricStat)).toEqual(
      ids.flatMap((Value) =>
        METRICS.map((MetricName, index) => ({
          Metric: {
            Namespace: 'AWS/NATGateway',
            MetricName,
            Dimensions: [{ Name: 'NatGatewayId', Value }],
          },
          Period: 3600,
          Stat: index === 0 ? 'Maximum' : 'Sum',
        })),
      ),
    );
  });
});

describe.concurrent('traffic', () => {
  it('is the highest count and the sums', async ({ onTestFinished }) => {
    const reply = answering({ values: [100, 61000, 3] }, { values: [0, 0, 0] }, { values: [1.5, 0, 2] });
    expect(await trafficFrom(onTestFinished, reply)).toEqual({
      status: 'found',
      hours_with_data: 3,
      peak_connections: 61000,
      port_allocation_errors: 0,
      packets_dropped: 3.5,
    });
  });

  it('is joined over pages, where a point that comes twice counts once', async ({ onTestFinished }) => {
    const reply: Reply = (response, asked) => {
      const { json: request } = asked;
      const first = results(
        asked,
        [{ values: [1, 2], statusCode: 'PartialData' }, none, { values: [3] }],
        'p2',
      );
      const second = results(asked, [{ values: [1, 2, 9] }, none]);
      json(request.NextToken === 'p2' ? second : first)(response, asked);
    };
    expect(await trafficFrom(onTestFinished, reply)).toEqual({
      status: 'found',
      hours_with_data: 3,
      peak_connections: 9,
      packets_dropped: 3,
    });
  });

  it.for<[string, readonly (Result | undefined)[], object]>([
    ['no value at all', [none, none, none], { status: 'no_data' }],
    [
      'values of one metric alone',
      [none, some, none],
      { status: 'found', hours_with_data: 2, port_allocation_errors: 12 },
    ],
    [
      'one metric forbidden',
      [{ statusCode: 'Forbidden' }, some, none],
      {
        status: 'found',
        incomplete: true,
        action: 'cloudwatch:GetMetricData',
        hours_with_data: 2,
        port_allocation_errors: 12,
      },
    ],
    [
      'every metric forbidden',
      Array(3).fill({ statusCode: 'Forbidden' }),
      { status: 'denied', action: 'cloudwatch:GetMetricData' },
    ],
    [
      'a part of one metric',
      [{ ...some, statusCode: 'PartialData' }, none, none],
      { status: 'found', incomplete: true, hours_with_data: 2, peak_connections: 7 },
    ],
    [
      'a part without values',
      [{ statusCode: 'PartialData' }, none, none],
      { status: 'no_data', incomplete: true },
    ],
    [
      'a status that is new',
      [{ ...some, statusCode: 'Brewing' }, none, none],
      { status: 'found', incomplete: true, hours_with_data: 2, peak_connections: 7 },
    ],
    [
      'an internal error of every metric',
      Array(3).fill({ statusCode: 'InternalError' }),
      { status: 'no_data', error: 'aws_error' },
    ],
    [
      'an Id missing',
      [some, none],
      { status: 'found', incomplete: true, hours_with_data: 2, peak_connections: 7 },
    ],
    ['every Id missing', [], { status: 'no_data', error: 'bad_response' }],
    [
      'a negative value among others',
      [{ values: [5, -1] }, some, some],
      { status: 'no_data', error: 'bad_response' },
    ],
    [
      'a value above every count',
      [{ values: [1e300] }, some, some],
      { status: 'no_data', error: 'bad_response' },
    ],
    ['a negative value', [{ values: [-1] }, none, none], { status: 'no_data', error: 'bad_response' }],
    [
      'a value that is NaN',
      [{ values: ['"NaN"'] }, none, none],
      { status: 'no_data', error: 'bad_response' },
    ],
    [
      'a value that is infinite',
      [{ values: ['"Infinity"'] }, none, none],
      { status: 'no_data', error: 'bad_response' },
    ],
    [
      'a value that is null',
      [{ values: ['null'] }, none, none],
      { status: 'no_data', error: 'bad_response' },
    ],
    [
      'a value that is text',
      [{ values: ['"many"'] }, none, none],
      { status: 'no_data', error: 'bad_response' },
    ],
  ])('tells of %s what is known, and no zero', async ([, each, expected], { onTestFinished }) => {
    expect(await trafficFrom(onTestFinished, answering(...each))).toEqual(expected);
  });

  it('does not count points outside the seven days', async ({ onTestFinished }) => {
    const reply: Reply = (response, asked) => {
      const { StartTime, EndTime, MetricDataQueries } = asked.json;
      const points = `"Timestamps":[${StartTime - 3600},${StartTime},${EndTime}],"Values":[900,1,900]`;
      const all = MetricDataQueries.map(({ Id }) => `{"Id":"${Id}",${points},"StatusCode":"Complete"}`);
      json(`{"MetricDataResults":[${all}]}`)(response, asked);
    };
    expect(await trafficFrom(onTestFinished, reply)).toMatchObject({
      hours_with_data: 1,
      peak_connections: 1,
    });
  });

  it('bounds what is kept of points without number', async ({ onTestFinished }) => {
    const reply: Reply = (response, asked) => {
      const { StartTime, EndTime, MetricDataQueries } = asked.json;
      const times = Array.from({ length: 200_000 }, (_, index) => StartTime + index);
      const values = times.map((time) => (time === EndTime - 604_000 ? 9 : 1));
      const points = `"Timestamps":[${times}],"Values":[${values}],"StatusCode":"Complete"`;
      json(`{"MetricDataResults":[{"Id":"${MetricDataQueries[0]?.Id}",${points}}]}`)(response, asked);
    };
    expect(await trafficFrom(onTestFinished, reply)).toEqual({
      status: 'found',
      incomplete: true,
      hours_with_data: 56,
      peak_connections: 9,
    });
  });

  it('is not believed where a result is null', async ({ onTestFinished }) => {
    const reply = json('{"MetricDataResults":[null]}');
    expect(await trafficFrom(onTestFinished, reply)).toEqual({ status: 'no_data', error: 'bad_response' });
  });

  it.for<[string, string]>([
    ['times as text', '"Timestamps":["2026-01-01T00:00:00Z"],"Values":[1]'],
    ['more values than times', '"Timestamps":[],"Values":[1]'],
    ['a time that is null', '"Timestamps":[null],"Values":[1]'],
    ['more times than values', '"Timestamps":[1,2],"Values":[1]'],
  ])('is not believed with %s', async ([, points], { onTestFinished }) => {
    const reply: Reply = (response, asked) => {
      const all = asked.json.MetricDataQueries.map(
        ({ Id }) => `{"Id":"${Id}",${points},"StatusCode":"Complete"}`,
      );
      json(`{"MetricDataResults":[${all}]}`)(response, asked);
    };
    expect(await trafficFrom(onTestFinished, reply)).toEqual({ status: 'no_data', error: 'bad_response' });
  });

  it('keeps what the pages had before a token came twice, and stops', async ({ onTestFinished }) => {
    const { read, of } = await startEvidence(onTestFinished, {
      GetMetricData: (response, asked) => json(results(asked, [some, none, none], 'again'))(response, asked),
    });
    expect((await read()).traffic).toEqual({
      status: 'found',
      incomplete: true,
      hours_with_data: 2,
      peak_connections: 7,
    });
    expect(of('GetMetricData')).toHaveLength(2);
  });

  it('stops after 51 pages whose tokens are all new', async ({ onTestFinished }) => {
    const { read, of } = await startEvidence(
      onTestFinished,
      {
        GetMetricData: (response, asked) =>
          json(results(asked, [none, none, none], `token${asked.index}`))(response, asked),
      },
      { evidence: 30_000 },
    );
    expect((await read()).traffic).toEqual({ status: 'no_data', error: 'bad_response' });
    expect(of('GetMetricData')).toHaveLength(51);
  });
});
