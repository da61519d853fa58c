import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { LineWriter } from '../changes/line-writer.ts';
import type { Logger } from '../vocabulary/logger.ts';
import { withoutSecrets } from '../vocabulary/secrets.ts';
import { visibleJson } from '../vocabulary/text.ts';

// For pino alone; the bundler leaves this line out, and puts pino where it is required.
const require = createRequire(import.meta.url);

const STDERR = 2;

/** stderr, for log lines and for audit records, and the logger that writes to it. */
export interface Log {
  logger: Logger;
  stderr: LineWriter;
}

/**
 * Logs JSON lines to stderr, Node's own warnings included. Where nobody reads them they are dropped, and counted in the
 * next line that is read.
 */
export function openLog(level: string): Log {
  const stderr: LineWriter = new LineWriter(stderrPut(), { reportOf: (dropped) => droppedLine(dropped) });
  const logger = openedByFirstLine(() => openPino(level, stderr));
  process.removeAllListeners('warning');
  process.on('warning', (warning) => logger.warn({ name: warning.name }, warning.message));
  process.once('exit', () => stderr.close());
  return { logger, stderr };
}

/** The logger that `open` makes once there is a line to write. */
function openedByFirstLine(open: () => Logger): Logger {
  let opened: Logger | undefined;
  const at = (level: keyof Logger) => {
    return (...line: unknown[]) => {
      opened ??= open();
      Reflect.apply(opened[level], opened, line);
    };
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), fatal: at('fatal') };
}

/** Loads pino: with the first line, as it takes a twentieth of a start, of which most are over before there is one. */
function openPino(level: string, stderr: LineWriter): Logger {
  const { pino } = require('pino') as typeof import('pino');
  return pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: errorMembers },
    },
    { write: (line: string) => void stderr.write(visibleJson(line)) },
  );
}

function droppedLine(dropped: number): string {
  const time = new Date().toISOString();
  const msg = 'log lines were dropped, because stderr was not read';
  return `${JSON.stringify({ level: 'warn', time, pid: process.pid, dropped, msg })}\n`;
}

/**
 * Returns a function that writes to stderr without waiting for its reader.
 *
 * Whether a write waits is a property of what is open, which stderr often shares with other processes; Node restores it
 * when it exits. A pipe or a terminal is therefore opened once more, for this process alone. That is impossible for a
 * socket (as Node gives to its children), for a pipe of another user, and outside Linux: there waiting is switched off
 * before each write.
 */
function stderrPut(): (bytes: Buffer) => number {
  // Without a listener, a library that writes to a closed stderr would end the process.
  process.stderr.on('error', () => {});
  const own = fstatSync(STDERR).isFile() ? undefined : openedAgain();
  if (own !== undefined) return (bytes) => writeSync(own, bytes);
  // The type of process.stderr does not tell of its handle.
  const { _handle: handle } = process.stderr as { _handle?: { setBlocking?: (isBlocking: boolean) => void } };
  return (bytes) => {
    handle?.setBlocking?.(false);
    return writeSync(STDERR, bytes);
  };
}

function openedAgain(): number | undefined {
  const { O_NOCTTY, O_NONBLOCK, O_WRONLY } = constants;
  try {
    return openSync(`/proc/self/fd/${STDERR}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch {
    return undefined;
  }
}

/** The members of an error that are logged; others may hold requests, answers and credentials. */
function errorMembers(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error };
  const { name, message, stack = '', code } = error as NodeJS.ErrnoException;
  const frames = stack.split('\n').filter((line) => /^ {4}at /.test(line));
  return { type: name, message: withoutSecrets(message.slice(0, 8000)), code, stack: frames.join('\n') };
}
