import { setTimeout as sleep } from 'node:timers/promises';
import type { State } from '../changes/state.ts';
import type { Settings } from '../config/options.ts';
import type { Logger } from '../vocabulary/logger.ts';
import { onAbort } from '../vocabulary/on-abort.ts';

/** How long requests in flight may go on during a shutdown, in milliseconds; what still runs is answered then. */
export const REQUESTS_MILLISECONDS = 10_000;

/** How long answers may take to be read, in milliseconds. */
export const ANSWERS_MILLISECONDS = 2000;

/** How long a shutdown takes at most, in milliseconds. */
export const GRACE_MILLISECONDS = REQUESTS_MILLISECONDS + ANSWERS_MILLISECONDS;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** With --targets, SIGHUP reads the file again instead. */
export function endingSignals({ targets }: Pick<Settings, 'targets'>): readonly NodeJS.Signals[] {
  return SIGNALS.filter((signal) => targets === undefined || signal !== 'SIGHUP');
}

const FAULTS = ['uncaughtException', 'unhandledRejection'] as const;

/** Aborted by one of the signals or by an uncaught fault, which are logged. A second signal exits at once. */
export function terminationSignal(logger: Logger, signals: readonly NodeJS.Signals[] = SIGNALS): AbortSignal {
  const controller = new AbortController();
  let isEnding = false;
  for (const signal of signals) {
    process.on(signal, () => {
      if (isEnding) process.exit(1);
      isEnding = true;
      logger.info({ signal }, 'shutting down');
      controller.abort();
    });
  }
  for (const event of FAULTS) {
    process.on(event, (error: unknown) => {
      logger.fatal({ err: error }, 'uncaught fault; finishing requests in flight');
      process.exitCode = 1;
      controller.abort();
    });
  }
  return controller.signal;
}

/** Aborted `milliseconds` after `signal`. */
export function delayed(signal: AbortSignal, milliseconds: number): AbortSignal {
  const controller = new AbortController();
  onAbort(signal, () => setTimeout(() => controller.abort(), milliseconds));
  return controller.signal;
}

/**
 * Waits for `closed` and for running changes; gives up after the grace period. It also waits for a change whose caller is
 * gone, and for the turn in which its outcome is recorded.
 */
export async function finished(closed: Promise<void>, state: State): Promise<void> {
  const over = closed.then(() => state.holds.idle()).then(() => sleep(0));
  await Promise.race([over, sleep(GRACE_MILLISECONDS)]);
  await state.close();
}
