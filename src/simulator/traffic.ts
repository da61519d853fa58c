/** The parts of a gateway that its data depends on. */
interface Gateway {
  createTime?: number | undefined;
  deleteTime?: number | undefined;
  traffic?: Traffic | undefined;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Hour of the day, in UTC, in which a gateway has its peak, its port errors and its dropped packets. */
export const PEAK_HOUR = 14;

/** Share of the peak by which an hour's connections fall with each hour of distance from the peak. */
const FALL_PER_HOUR = 0.04;

/** A gateway's traffic, the same every day. Whole numbers. */
export interface Traffic {
  /** The highest `ActiveConnectionCount` of a day. */
  peakConnections: number;
  /** `ErrorPortAllocation` of a day. Default: 0. */
  portErrors?: number;
  /** `PacketsDropCount` of a day. Default: 0. */
  packetsDropped?: number;
}

/** One sample of a minute stands for all minutes of its span. */
interface Span {
  minutes: number;
  value: number;
}

/** Values of a metric, minute by minute, in a span that lies within one hour of the day. */
type Metric = (traffic: Traffic, start: number, minutes: number) => Span[];

const METRICS: ReadonlyMap<string, Metric> = new Map([
  ['ActiveConnectionCount', (traffic, start, minutes) => [{ minutes, value: connectionsAt(traffic, start) }]],
  ['ErrorPortAllocation', inPeakHour(({ portErrors = 0 }) => portErrors)],
  ['PacketsDropCount', inPeakHour(({ packetsDropped = 0 }) => packetsDropped)],
]);

const STATISTICS: ReadonlyMap<string, (spans: readonly Span[]) => number> = new Map([
  ['Maximum', (spans) => Math.max(...spans.map(({ value }) => value))],
  ['Minimum', (spans) => Math.min(...spans.map(({ value }) => value))],
  ['Sum', sumOf],
  ['SampleCount', minutesOf],
  ['Average', (spans) => sumOf(spans) / minutesOf(spans)],
]);

export const isStatistic = (name: string): boolean => STATISTICS.has(name);

/** The value of a metric in the period that begins at `time`. */
export interface DataPoint {
  /** Milliseconds since the epoch, as are all times here. */
  time: number;
  value: number;
}

/**
 * Returns a gateway's data of a metric, oldest first. There is none before the gateway was created, after it was deleted,
 * of a metric that is not simulated, and of a gateway without `traffic`.
 *
 * @param range whole minutes; `end` is exclusive
 */
export function dataPoints(
  gateway: Gateway | undefined,
  { metric, statistic, period }: { metric: string; statistic: string; period: number },
  range: { start: number; end: number },
): DataPoint[] {
  const [valuesOf, compute] = [METRICS.get(metric), STATISTICS.get(statistic)];
  const traffic = gateway?.traffic;
  if (traffic === undefined || valuesOf === undefined || compute === undefined) return [];
  const from = Math.max(range.start, wholeMinute(gateway?.createTime ?? range.start));
  const to = Math.min(range.end, wholeMinute(gateway?.deleteTime ?? range.end));
  const points: DataPoint[] = [];
  const first = range.start + Math.floor((from - range.start) / period) * period;
  for (let time = first; time < to; time += period) {
    const spans: Span[] = [];
    const end = Math.min(time + period, to);
    for (let start = Math.max(time, from); start < end; start = nextHour(start)) {
      spans.push(...valuesOf(traffic, start, (Math.min(nextHour(start), end) - start) / MINUTE));
    }
    if (spans.length > 0) points.push({ time, value: compute(spans) });
  }
  return points;
}

function connectionsAt({ peakConnections }: Traffic, time: number): number {
  const distance = Math.abs(new Date(time).getUTCHours() - PEAK_HOUR);
  return Math.round(peakConnections * (1 - FALL_PER_HOUR * distance));
}

/** Returns a metric that counts all of a day's events in the first minute of the peak hour, and 0 in all others. */
function inPeakHour(countOf: (traffic: Traffic) => number): Metric {
  return (traffic, start, minutes) => {
    const isPeak = start % HOUR === 0 && new Date(start).getUTCHours() === PEAK_HOUR;
    if (!isPeak) return [{ minutes, value: 0 }];
    const rest = minutes > 1 ? [{ minutes: minutes - 1, value: 0 }] : [];
    return [{ minutes: 1, value: countOf(traffic) }, ...rest];
  };
}

function sumOf(spans: readonly Span[]): number {
  return spans.reduce((sum, { minutes, value }) => sum + minutes * value, 0);
}

function minutesOf(spans: readonly Span[]): number {
  return spans.reduce((sum, { minutes }) => sum + minutes, 0);
}

function wholeMinute(time: number): number {
  return Math.floor(time / MINUTE) * MINUTE;
}

function nextHour(time: number): number {
  return (Math.floor(time / HOUR) + 1) * HOUR;
}
