import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { ChangeQueue } from '../changes/queue.ts';

/** How long a shutdown waits for requests in flight. */
export const GRACE_MILLISECONDS = 10_000;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const FAULTS = ['uncaughtException', 'unhandledRejection'] as const;

/** Aborted once the process is to end, by a signal or by a fault nobody caught. */
export function toldToEnd(): AbortSignal {
  const controller = new AbortController();
  for (const event of [...SIGNALS, ...FAULTS]) process.once(event, () => controller.abort());
  return controller.signal;
}

/** Ends in order on a signal and on a fault nobody caught; a second signal ends at once. */
export function endWith(end: () => Promise<void>, logger: Logger): void {
  let isEnding = false;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (isEnding) process.exit(1);
      isEnding = true;
      logger.info({ signal }, 'shutting down');
      void end();
    });
  }
  for (const event of FAULTS) {
    process.on(event, (error: unknown) => {
      logger.fatal({ err: error }, 'a fault nobody caught; finishing what is in flight');
      process.exitCode = 1;
      void end();
    });
  }
}

/**
 * Settles when `closed` has, and no change is running any more, or when the grace period is over. A change whose
 * caller is gone is still awaited, and the turn in which its outcome goes on record.
 */
export async function settled(closed: Promise<void>, changes: ChangeQueue): Promise<void> {
  const over = closed.then(() => changes.idle()).then(() => sleep(0));
  await Promise.race([over, sleep(GRACE_MILLISECONDS)]);
}
