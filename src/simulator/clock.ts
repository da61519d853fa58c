/** Simulated time. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

/** A clock that starts at the real time and runs `speed` times as fast. */
export function scaledClock(speed: number): Clock {
  const start = Date.now();
  return { now: () => start + (Date.now() - start) * speed };
}
