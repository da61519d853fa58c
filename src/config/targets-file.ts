import { closeSync, fstatSync, openSync, readSync, statSync, unwatchFile, watchFile } from 'node:fs';
import type { Rules } from '../nat-gateway/stricter.ts';
import { parseTargets, RefusedTargets, type Target } from './targets.ts';

/** Far above 200 targets with all that they may have. */
const LARGEST_BYTES = 1_048_576;

/** How often the file is looked at while nobody asks for its targets, in milliseconds. */
const WATCH_MILLISECONDS = 2000;

interface Log {
  info(details: object, message: string): void;
  error(details: object, message: string): void;
}

/**
 * Reads a file of targets once.
 *
 * @throws RefusedTargets with every mistake
 */
export function readTargets(file: string, ofServer: Rules): readonly Target[] {
  return parseTargets(read(file), ofServer);
}

/**
 * The targets of a file that may change while the server runs. A change is read when the targets are asked for, so it
 * holds for the next call; a change that is refused keeps the targets of before.
 */
export class TargetsFile {
  readonly #file: string;
  readonly #ofServer: Rules;
  readonly #log: Log;
  #targets: readonly Target[];
  /** The text of the targets in force: Kubernetes writes the same text into a new file. */
  #text: string;
  /** The version of the file that was looked at last, whether it was refused or not. */
  #version: string;
  #isRefused = false;

  /** @throws RefusedTargets with every mistake */
  constructor(file: string, ofServer: Rules, log: Log) {
    this.#file = file;
    this.#ofServer = ofServer;
    this.#log = log;
    // Taken first: the file may change while it is read.
    this.#version = versionAt(file);
    this.#text = read(file);
    this.#targets = parseTargets(this.#text, ofServer);
  }

  /** The targets in force. Take them once for each call, because the next answer may differ. */
  current(): readonly Target[] {
    if (versionAt(this.#file) !== this.#version) this.reload();
    return this.#targets;
  }

  /** Reads the file, even if it looks as before. */
  reload(): void {
    try {
      this.#version = versionAt(this.#file);
      this.#accept(read(this.#file));
    } catch (error) {
      if (!(error instanceof RefusedTargets)) throw error;
      this.#isRefused = true;
      const { mistakes } = error;
      this.#log.error({ mistakes }, 'the file of --targets is refused: the targets of before stay in force');
    }
  }

  #accept(text: string): void {
    const isSame = text === this.#text;
    const targets = isSame ? this.#targets : parseTargets(text, this.#ofServer);
    if (this.#isRefused || !isSame) this.#log.info({ targets: targets.length }, 'read the file of --targets');
    this.#isRefused = false;
    this.#text = text;
    this.#targets = targets;
  }

  /**
   * Reads the file on SIGHUP, and soon after it changed, until the function that this returns is called. It does not keep
   * the process alive.
   */
  watch(): () => void {
    const onHangup = (): void => this.reload();
    const onStat = (): void => void this.current();
    process.on('SIGHUP', onHangup);
    watchFile(this.#file, { persistent: false, interval: WATCH_MILLISECONDS }, onStat);
    return () => {
      process.off('SIGHUP', onHangup);
      unwatchFile(this.#file, onStat);
    };
  }
}

/** Tells versions of a file apart, also where an editor or Kubernetes puts another file in its place. */
function versionAt(file: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch (error) {
    return codeOf(error);
  }
}

function read(file: string): string {
  let descriptor: number | undefined;
  try {
    // Looked at first, because opening a pipe waits for its writer.
    if (!statSync(file).isFile()) throw new RefusedTargets(['is not a file']);
    descriptor = openSync(file, 'r');
    // Windows has no such modes.
    if (process.platform !== 'win32' && (fstatSync(descriptor).mode & 0o022) !== 0) {
      throw new RefusedTargets(['can be written to by others than its owner: run chmod go-w on it']);
    }
    return textOf(descriptor);
  } catch (error) {
    if (error instanceof RefusedTargets) throw error;
    throw new RefusedTargets([`cannot be read (${codeOf(error)})`]);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function textOf(descriptor: number): string {
  const bytes = Buffer.alloc(LARGEST_BYTES + 1);
  let length = 0;
  for (;;) {
    const count = readSync(descriptor, bytes, length, bytes.length - length, null);
    length += count;
    if (length > LARGEST_BYTES) throw new RefusedTargets([`is larger than ${LARGEST_BYTES} bytes`]);
    if (count === 0) break;
  }
  try {
    // Leaves out the byte order mark that some editors write.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length));
  } catch {
    throw new RefusedTargets(['is not UTF-8']);
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}
