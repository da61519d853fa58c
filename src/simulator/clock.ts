/** Simulated time. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Returns a monotonic clock that starts at the real time and runs `speed` times as fast. */
export function scaledClock(speed: number): Clock {
  const start = Date.now();
  const origin = performance.now();
  return { now: () => start + (performance.now() - origin) * speed };
}
