import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import type { RecordOutput } from './audit-log.ts';
import { LineWriter } from './line-writer.ts';

/** Bytes at the end of an existing file that are searched for changes of earlier processes: more than a day's. */
const TAIL_BYTES = 4 * 1024 * 1024;

/** How often a record is written again because its file was removed meanwhile. */
const MOST_REMOVALS = 3;

// O_NONBLOCK: opening a FIFO without a reader fails, and writing to one that is full, instead of waiting. Windows has
// neither it nor O_NOFOLLOW.
const { O_APPEND, O_CREAT, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const TO_WRITE = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
const TO_READ = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

/** Why a path cannot be opened for records, by the code of the failure. */
const UNFIT: Readonly<Record<string, string>> = {
  ELOOP: 'it is a symbolic link: name the file itself, or leave --audit-log out for stderr',
  EISDIR: 'it is a directory: name a file in it',
  ENXIO: 'it is a FIFO that nobody reads: start its reader first',
};

/** The file that is open. */
interface OpenFile {
  descriptor: number;
  stats: Stats;
  lines: LineWriter;
}

/**
 * Appends records to the file at a path: a regular file, which is flushed to disk, or a FIFO with a reader. Another file
 * takes over when the path leads to it, as it does after a rotation.
 */
export class AuditFile implements RecordOutput {
  /** The end of the records from before it was opened, those of the file that was rotated last included. */
  readonly earlier: string;
  readonly #path: string;
  #open: OpenFile;

  /** @throws Error whose message completes "--audit-log cannot be opened: …" */
  constructor(path: string) {
    this.#path = path;
    this.#open = open(path);
    const isFile = this.#open.stats.isFile();
    // The name that logrotate gives to the previous file by default.
    this.earlier = isFile ? `${tailIfReadable(`${path}.1`)}\n${tailOf(path)}` : '';
  }

  /** @throws Error unless the record is in the file at the path, and flushed */
  writeNow(line: string): void {
    for (let removals = 0; removals < MOST_REMOVALS; removals++) {
      this.#followPath();
      const { descriptor, lines } = this.#open;
      lines.writeNow(line);
      flush(descriptor);
      if (fstatSync(descriptor).nlink > 0) return;
    }
    throw new Error('its file is removed again and again');
  }

  /** Where the path leads to no fit file, the record goes to the file that is open, which a rotation may have kept. */
  write(line: string): boolean {
    try {
      this.#followPath();
    } catch {}
    const { descriptor, lines } = this.#open;
    try {
      if (!lines.write(line)) return false;
      flush(descriptor);
      return fstatSync(descriptor).nlink > 0;
    } catch {
      return false;
    }
  }

  close(): void {
    const { descriptor, lines } = this.#open;
    lines.close();
    closeSync(descriptor);
  }

  #followPath(): void {
    const { stats } = this.#open;
    const found = lstatSync(this.#path, { throwIfNoEntry: false });
    if (found?.dev === stats.dev && found.ino === stats.ino) return;
    const next = open(this.#path);
    this.close();
    this.#open = next;
  }
}

/** Opens a file for records; a new one is readable by its owner alone. */
function open(path: string): OpenFile {
  const descriptor = openFit(path);
  try {
    const stats = fstatSync(descriptor);
    refuseUnfit(path, stats);
    const put = (bytes: Buffer): number => writeSync(descriptor, bytes);
    // A process that died while writing left half a line.
    const isTorn = stats.isFile() && stats.size > 0 && tailOf(path, 1) !== '\n';
    return { descriptor, stats, lines: new LineWriter(put, { isTorn }) };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function openFit(path: string): number {
  try {
    return openSync(path, TO_WRITE, 0o600);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const reason = UNFIT[code];
    throw reason === undefined ? error : Object.assign(new Error(reason), { code });
  }
}

function refuseUnfit(path: string, stats: Stats): void {
  if (!stats.isFile() && !stats.isFIFO()) throw new Error('it is neither a regular file nor a FIFO');
  // Windows has no such modes.
  if (process.platform === 'win32' || (stats.mode & 0o077) === 0) return;
  const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
  throw new Error(`others than its owner have access to it (mode ${mode}): run chmod 600 ${path}`);
}

/** Pipes have nothing to flush, and answer EINVAL. */
function flush(descriptor: number): void {
  try {
    fsyncSync(descriptor);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
  }
}

/** The file is not the server's to insist on: a rotation may have given it to somebody else. */
function tailIfReadable(path: string): string {
  try {
    return tailOf(path);
  } catch {
    return '';
  }
}

/** The end of a regular file; empty where there is none. */
function tailOf(path: string, bytes = TAIL_BYTES): string {
  let descriptor: number;
  try {
    descriptor = openSync(path, TO_READ);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return '';
    const length = Math.min(stats.size, bytes);
    const buffer = Buffer.alloc(length);
    const read = readSync(descriptor, buffer, 0, length, stats.size - length);
    return buffer.subarray(0, read).toString('utf8');
  } finally {
    closeSync(descriptor);
  }
}

/** Whether a path, such as /dev/stdout, is the file to which a standard stream of this process writes. */
export function isWrittenBy(stream: number, path: string): boolean {
  if (!existsSync(path)) return false;
  const [file, written] = [statSync(path), fstatSync(stream)];
  return file.dev === written.dev && file.ino === written.ino && !file.isCharacterDevice();
}
