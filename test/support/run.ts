import { type ExecFileException, execFile } from 'node:child_process';
import { BARE_ENVIRONMENT, MAIN } from './server-process.ts';

/** Runs the program to its end with stdout and stderr as pipes, and a preloaded module. */
export function run(args: readonly string[], environment: Record<string, string> = {}, preloaded = '') {
  const preload =
    preloaded === '' ? [] : ['--import', `data:text/javascript,${encodeURIComponent(preloaded)}`];
  return new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(
      process.execPath,
      [...preload, MAIN, ...args],
      { env: { ...BARE_ENVIRONMENT, ...environment } },
      (error: ExecFileException | null, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

/** Makes a process take its pipes for a terminal. */
export const TERMINAL = 'process.stdin.isTTY = process.stdout.isTTY = process.stderr.isTTY = true;';
