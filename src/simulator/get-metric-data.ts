import type { NatGateways } from './action.ts';
import { assumed } from './errors.ts';
import type { JsonBody } from './json-protocol.ts';
import { checkQueries, type MetricQuery, maxDatapointsOf, type Range, rangeOf } from './metric-queries.ts';
import { type DataPoint, dataPoints } from './traffic.ts';

const DAY = 24 * 3_600_000;

/** Days for which data of a smaller period is kept (CloudWatch API, GetMetricData). */
const KEPT = [
  { days: 15, period: 60_000 },
  { days: 63, period: 300_000 },
  { days: 455, period: 3_600_000 },
];

interface Result {
  query: MetricQuery;
  points: readonly DataPoint[];
}

/**
 * `GetMetricData` for the metrics of `AWS/NATGateway`: queries of anything else have no values.
 *
 * @param now simulated time in milliseconds since the epoch
 * @returns the members of the response
 * @throws Ec2Error
 */
export function getMetricData(body: JsonBody, gateways: NatGateways, now: number): object {
  const queries = checkQueries(body);
  const range = rangeOf(body);
  const size = maxDatapointsOf(body);
  const results = queries.map((query) => ({ query, points: pointsOf(query, gateways, range, now) }));
  const ordered = results.map(({ query, points }) => ({
    query,
    points: body.ScanBy === 'TimestampAscending' ? points : [...points].reverse(),
  }));
  const total = ordered.reduce((sum, { points }) => sum + points.length, 0);
  const offset = offsetOf(body, total);
  const isLast = offset + size >= total;
  return {
    MetricDataResults: pageOf(ordered, offset, size),
    Messages: [],
    ...(!isLast && { NextToken: tokenFor(offset + size) }),
  };
}

function pointsOf(query: MetricQuery, gateways: NatGateways, range: Range, now: number): DataPoint[] {
  const { namespace, natGatewayId, unit, period } = query;
  const start = Math.floor(range.start / period) * period;
  const age = now - start;
  const finest = KEPT.find(({ days }) => age <= days * DAY)?.period;
  if (namespace !== 'AWS/NATGateway' || natGatewayId === undefined) return [];
  if ((unit ?? 'Count') !== 'Count' || finest === undefined || period % finest !== 0) return [];
  return dataPoints(gateways.get(natGatewayId), query, { start, end: Math.min(range.end, now) });
}

/** Takes points off the results, in their order; a result of which points remain for later pages is `PartialData`. */
function pageOf(results: readonly Result[], offset: number, size: number): object[] {
  let passed = 0;
  return results.map(({ query, points }) => {
    const from = Math.max(0, offset - passed);
    const to = Math.max(0, offset + size - passed);
    passed += points.length;
    const page = points.slice(from, to);
    return {
      Id: query.id,
      Label: query.label,
      Timestamps: page.map(({ time }) => time / 1000),
      Values: page.map(({ value }) => value),
      StatusCode: to < points.length ? 'PartialData' : 'Complete',
    };
  });
}

function tokenFor(offset: number): string {
  return Buffer.from(`metric-data:${offset}`).toString('base64url');
}

/** @throws Ec2Error `InvalidNextToken` */
function offsetOf({ NextToken }: JsonBody, total: number): number {
  if (NextToken === undefined || NextToken === null) return 0;
  const decoded = Buffer.from(String(NextToken), 'base64url').toString();
  const offset = Number(/^metric-data:(\d+)$/.exec(decoded)?.[1] ?? Number.NaN);
  if (NextToken === tokenFor(offset) && offset < total) return offset;
  throw assumed('metricToken', 'The next token is not valid.');
}
