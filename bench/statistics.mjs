// Statistics of samples. Machines are noisy and drift, so these are medians, and ratios of samples taken side by side.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median, the least and the most. */
function figure(values) {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

/** How many times the floor: the median of the pairs' ratios, because a pair is taken at the same time. */
function ratio(values, floors) {
  return median(values.map((value, index) => value / floors[index]));
}

/**
 * Takes samples of all subjects in turn, A B C A B C …, after one round that is not counted.
 *
 * @returns the samples of each subject, in order
 */
export async function inTurn(subjects, rounds) {
  const samples = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const [name, take] of Object.entries(subjects)) {
      const sample = await take(round + 1);
      if (round >= 0) samples[name].push(sample);
    }
  }
  return samples;
}

/** The duration of `work`, in milliseconds. */
export async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/**
 * A row of the report: this server's samples, a floor and a target where there are any. The target applies to the ratio
 * where there is a floor, and to the median otherwise.
 */
export function row({ name, unit, values, floorName, floors, target }) {
  const ours = figure(values);
  const floor = floors === undefined ? undefined : { name: floorName, ...figure(floors) };
  const times = floors === undefined ? undefined : ratio(values, floors);
  const met = target === undefined ? undefined : (times ?? ours.median) <= target;
  return { name, unit, samples: values.length, ours, floor, ratio: times, target, met };
}
