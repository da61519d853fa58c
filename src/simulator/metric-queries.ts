/** Reads and checks the body of `GetMetricData`. */
import { assumed } from './errors.ts';
import type { JsonBody } from './json-protocol.ts';
import { isStatistic } from './traffic.ts';

/** Limits of one request (CloudWatch API, GetMetricData). */
const QUERIES = 500;
const DATAPOINTS = 100_800;
const ID = /^[a-z][A-Za-z0-9_]{0,254}$/;

export interface MetricQuery {
  id: string;
  label: string;
  namespace: string;
  metric: string;
  /** Absent unless the gateway is the only dimension, as the metrics have no other. */
  natGatewayId: string | undefined;
  statistic: string;
  /** Milliseconds. */
  period: number;
  unit: string | undefined;
}

/** Milliseconds since the epoch; `end` is exclusive. */
export interface Range {
  start: number;
  end: number;
}

/** @throws Ec2Error `ValidationError` */
export function checkQueries({ MetricDataQueries }: JsonBody): MetricQuery[] {
  const given = list(MetricDataQueries);
  if (given.length === 0) throw invalid('The parameter MetricDataQueries is required.');
  if (given.length > QUERIES) {
    throw invalid(`The collection MetricDataQueries must not have a size greater than ${QUERIES}.`);
  }
  const ids = given.map((query) => object(query).Id);
  ids.forEach((id, index) => {
    if (typeof id !== 'string' || !ID.test(id)) {
      throw invalid(`The value ${JSON.stringify(id)} of Id must match ${ID.source}.`);
    }
    if (ids.indexOf(id) < index) throw invalid(`The Id ${id} is not unique in the request.`);
  });
  return given.map(object).flatMap((query) => (query.ReturnData === false ? [] : [metricQuery(query)]));
}

function metricQuery({ Id, Label, Expression, MetricStat }: JsonBody): MetricQuery {
  if (Expression !== undefined || MetricStat === undefined) {
    throw invalid(`The query ${Id} must have a MetricStat; expressions are not served here.`);
  }
  const { Metric, Period, Stat, Unit } = object(MetricStat);
  const { Namespace, MetricName, Dimensions } = object(Metric);
  if (typeof Namespace !== 'string' || typeof MetricName !== 'string') {
    throw invalid(`The query ${Id} must have a Namespace and a MetricName.`);
  }
  if (typeof Period !== 'number' || Period < 60 || Period % 60 !== 0) {
    throw invalid(`The Period ${Period} must be a multiple of 60.`);
  }
  if (typeof Stat !== 'string' || !isStatistic(Stat)) {
    throw invalid(`The value ${Stat} of Stat is not a statistic that is served here.`);
  }
  return {
    id: String(Id),
    label: typeof Label === 'string' ? Label : MetricName,
    namespace: Namespace,
    metric: MetricName,
    natGatewayId: gatewayOf(list(Dimensions).map(object)),
    statistic: Stat,
    period: Period * 1000,
    unit: typeof Unit === 'string' ? Unit : undefined,
  };
}

function gatewayOf(dimensions: readonly JsonBody[]): string | undefined {
  const [dimension] = dimensions;
  if (dimensions.length !== 1 || dimension?.Name !== 'NatGatewayId') return undefined;
  return String(dimension.Value);
}

/**
 * Returns the time range in whole minutes, as narrow as CloudWatch's: `StartTime` is rounded down, `EndTime` up.
 *
 * @throws Ec2Error `ValidationError`
 */
export function rangeOf({ StartTime, EndTime }: JsonBody): Range {
  if (!isTime(StartTime) || !isTime(EndTime)) throw invalid('StartTime and EndTime must be numbers.');
  if (EndTime <= StartTime) throw invalid('The parameter StartTime must be less than the parameter EndTime.');
  return { start: Math.floor(StartTime / 60) * 60_000, end: Math.ceil(EndTime / 60) * 60_000 };
}

/** @throws Ec2Error `ValidationError` */
export function maxDatapointsOf({ MaxDatapoints }: JsonBody): number {
  if (MaxDatapoints === undefined || MaxDatapoints === null) return DATAPOINTS;
  const isValid = Number.isInteger(MaxDatapoints) && Number(MaxDatapoints) >= 1;
  if (isValid && Number(MaxDatapoints) <= DATAPOINTS) return Number(MaxDatapoints);
  throw invalid(
    `The value ${MaxDatapoints} of MaxDatapoints must be a whole number from 1 to ${DATAPOINTS}.`,
  );
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function object(value: unknown): JsonBody {
  return typeof value === 'object' && value !== null ? (value as JsonBody) : {};
}

function invalid(message: string) {
  return assumed('metricRequest', message);
}
