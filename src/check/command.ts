import type { CheckFlags } from '../config/configure.ts';
import { checkSetUp, type Progress, type SetUpToCheck } from './check.ts';
import { asJson, asLines, asTable } from './report.ts';

/** Erases the line, for the next text in its place. */
const ERASE = '\r\u001b[K';

/** Checks a set-up and prints the report. Resolves to the exit code. */
export async function checkCommand(options: SetUpToCheck & CheckFlags): Promise<number> {
  const { stdout, env } = process;
  // Node's own warnings would stand between the lines of the report.
  process.removeAllListeners('warning');
  const isFancy = stdout.isTTY === true && !env.NO_COLOR && !options.json;
  const columns = stdout.columns || 80;
  const report = await checkSetUp(options, isFancy ? lineOfProgress(columns) : () => {});
  const lines = isFancy ? ERASE + asTable(report, columns) : asLines(report);
  try {
    await printed(options.json ? asJson(report) : lines);
  } catch (error) {
    process.stderr.write(`nat-gateway-mcp: the report cannot be written: ${(error as Error).message}\n`);
    return 1;
  }
  return report.ok ? 0 : 1;
}

function lineOfProgress(columns: number): Progress {
  return (waitingFor) => {
    process.stdout.write(
      `${ERASE}Waiting for ${waitingFor.join(', ')} …`.slice(0, columns + ERASE.length - 1),
    );
  };
}

/**
 * Waits until the text has left, because the process exits then; a reader that is gone needs nothing.
 *
 * @throws Error where the text could not be written
 */
function printed(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const onEnd = (error?: NodeJS.ErrnoException | null): void =>
      error && error.code !== 'EPIPE' ? reject(error) : resolve();
    process.stdout.once('error', onEnd);
    process.stdout.write(text, onEnd);
  });
}
