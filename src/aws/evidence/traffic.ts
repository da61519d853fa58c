import {
  CloudWatchClient,
  CloudWatchServiceException,
  GetMetricDataCommand,
  type GetMetricDataCommandOutput,
  type MetricDataResult,
} from '@aws-sdk/client-cloudwatch';
import type { Traffic } from '../../nat-gateway/evidence.ts';
import { type EvidenceQuestion, type Gap, type LookUp, outcome, unusable } from './look-up.ts';

/** CloudWatch's own name of the action, which a policy has to allow. */
const ACTION = 'cloudwatch:GetMetricData';

const HOUR = 3_600_000;

/** Seven days. The last of the hours is the one that has not ended. */
const HOURS = 168;

/** The metrics, and what is asked of each hour; an Id has to start with a small letter. */
const METRICS = [
  { key: 'connections', MetricName: 'ActiveConnectionCount', Stat: 'Maximum' },
  { key: 'errors', MetricName: 'ErrorPortAllocation', Stat: 'Sum' },
  { key: 'drops', MetricName: 'PacketsDropCount', Stat: 'Sum' },
] as const;

type Key = (typeof METRICS)[number]['key'];

/** What came of one metric of one gateway. */
interface Series {
  /** By hour, so that a point that comes twice counts once. */
  values: Map<number, number>;
  /** Of its latest part; absent as long as no answer has the Id. */
  statusCode?: string | undefined;
}

/** The traffic of each gateway in the last seven days, all in one request. */
export async function readTraffic(
  lookUp: LookUp,
  gateways: readonly EvidenceQuestion[],
): Promise<Map<string, Traffic>> {
  const ids = [...new Set(gateways.map(({ natGatewayId }) => natGatewayId))];
  const series = new Map<string, Series>(
    ids.flatMap((_, index) => METRICS.map(({ key }) => [idOf(key, index), { values: new Map() }])),
  );
  const end = (Math.floor(Date.now() / HOUR) + 1) * HOUR;
  const window = { start: end - HOURS * HOUR, end };
  let client: CloudWatchClient | undefined;
  const gap = await lookUp.pages(
    ACTION,
    async (NextToken) => {
      client ??= new CloudWatchClient(await lookUp.config('cloudwatch'));
      const command = new GetMetricDataCommand({ ...queries(ids, window), NextToken });
      return client.send(command, { abortSignal: lookUp.signal }).catch(rethrowWithCode);
    },
    (page) => take(page, series, window),
  );
  const of = (index: number) => (key: Key) => series.get(idOf(key, index)) ?? { values: new Map() };
  return new Map(ids.map((id, index) => [id, trafficOf(of(index), gap)]));
}

interface Window {
  start: number;
  end: number;
}

/** Start and end fall on full hours: CloudWatch has no points, and no error, for what does not fit the period. */
function queries(ids: readonly string[], { start, end }: Window) {
  return {
    StartTime: new Date(start),
    EndTime: new Date(end),
    MetricDataQueries: ids.flatMap((Value, index) =>
      METRICS.map(({ key, MetricName, Stat }) => {
        const Metric = {
          Namespace: 'AWS/NATGateway',
          MetricName,
          Dimensions: [{ Name: 'NatGatewayId', Value }],
        };
        return { Id: idOf(key, index), MetricStat: { Metric, Period: HOUR / 1000, Stat } };
      }),
    ),
  };
}

function idOf(key: Key, index: number): string {
  return `${key}_${index}`;
}

/** @throws Failure `bad_response` if the page has no results, or values that cannot be */
function take(
  { MetricDataResults }: GetMetricDataCommandOutput,
  series: ReadonlyMap<string, Series>,
  { start, end }: Window,
): void {
  if (MetricDataResults?.every(isUsable) !== true) throw unusable();
  for (const { Id = '', StatusCode = 'missing', Timestamps = [], Values = [] } of MetricDataResults) {
    const known = series.get(Id);
    if (known === undefined) continue;
    known.statusCode = StatusCode;
    for (const [index, value] of Values.entries()) {
      const time = Timestamps[index]?.getTime() ?? Number.NaN;
      if (time < start || time >= end) continue;
      const hour = Math.floor(time / HOUR);
      known.values.set(hour, Math.max(value, known.values.get(hour) ?? 0));
    }
  }
}

/** Whether each value has its time, and is one that a count or a sum of counts can have. The SDK lets `null` pass. */
function isUsable({ Timestamps = [], Values = [] }: MetricDataResult): boolean {
  return (
    Timestamps.length === Values.length &&
    Timestamps.every((time) => Number.isFinite(time?.getTime())) &&
    Values.every((value) => Number.isFinite(value) && value >= 0 && value <= Number.MAX_SAFE_INTEGER)
  );
}

/** What the three metrics say of one gateway. A metric without a value stays absent: it is not zero. */
function trafficOf(seriesOf: (key: Key) => Series, gap: Gap | undefined): Traffic {
  const all = METRICS.map(({ key }) => seriesOf(key));
  const [connections, errors, drops] = (['connections', 'errors', 'drops'] as const).map((key) => [
    ...seriesOf(key).values.values(),
  ]) as [number[], number[], number[]];
  const missing = gap ?? all.map(gapOf).find((each) => each !== undefined);
  const isFound = all.some(({ values }) => values.size > 0);
  if (!isFound) return missing ?? { status: 'no_data' };
  const counted = connections.length > 0 ? [seriesOf('connections')] : all;
  const hours = new Set(counted.flatMap(({ values }) => [...values.keys()]));
  return {
    ...outcome(true, missing),
    hours_with_data: hours.size,
    ...(connections.length > 0 ? { peak_connections: Math.max(...connections) } : {}),
    ...(errors.length > 0 ? { port_allocation_errors: sum(errors) } : {}),
    ...(drops.length > 0 ? { packets_dropped: sum(drops) } : {}),
  };
}

/** Why a metric is not there whole: CloudWatch says so within a success. */
function gapOf({ statusCode }: Series): Gap | undefined {
  if (statusCode === 'Complete') return undefined;
  if (statusCode === 'Forbidden') return { status: 'denied', action: ACTION };
  if (statusCode === undefined) return { status: 'no_data', error: 'bad_response' };
  if (statusCode === 'InternalError') return { status: 'no_data', error: 'aws_error' };
  return { status: 'no_data', incomplete: true };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The JSON protocol tells an error by its name alone, EC2's by a code. */
function rethrowWithCode(error: unknown): never {
  if (error instanceof CloudWatchServiceException && error.name !== 'Unknown') {
    Object.assign(error, { Code: error.name, ...error });
  }
  throw error;
}
