import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { AuditFile as File } from '../../src/changes/audit-file.ts';

/** Bytes that can still be written. */
const disk = { room: Number.POSITIVE_INFINITY };

// Test files share modules, so the file on this disk is loaded for these tests alone.
vi.resetModules();
vi.doMock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const writeSync = (descriptor: number, bytes: Buffer): number => {
    if (disk.room === 0) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    const written = fs.writeSync(descriptor, bytes.subarray(0, Math.min(disk.room, bytes.length)));
    disk.room -= written;
    return written;
  };
  return { ...fs, writeSync };
});
const { AuditFile } = await import('../../src/changes/audit-file.ts');
afterAll(() => {
  vi.doUnmock('node:fs');
  vi.resetModules();
});

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  path = join(folder, 'audit.jsonl');
});

afterEach(() => rmSync(folder, { recursive: true }));

function open(): File {
  const file = new AuditFile(path);
  onTestFinished(() => file.close());
  return file;
}

const text = (of = path): string => readFileSync(of, 'utf8');

const WAYS = ['writeNow', 'write'] as const;

describe('a file that is rotated', () => {
  describe.each(WAYS)('before %s', (way) => {
    it('by a rename is created again', () => {
      const file = open();
      file.writeNow('1\n');
      renameSync(path, `${path}.1`);
      file[way]('2\n');
      expect([text(`${path}.1`), text()]).toEqual(['1\n', '2\n']);
      expect(statSync(path).mode & 0o777).toBe(0o600);
    });

    it('by a rename and a new file gets the record in that file', () => {
      const file = open();
      file.writeNow('1\n');
      renameSync(path, `${path}.1`);
      writeFileSync(path, 'half a line', { mode: 0o600 });
      file[way]('2\n');
      expect([text(`${path}.1`), text()]).toEqual(['1\n', 'half a line\n2\n']);
    });

    it('by a copy that is truncated gets the record at its start', () => {
      const file = open();
      file.writeNow('1\n');
      copyFileSync(path, `${path}.1`);
      truncateSync(path);
      file[way]('2\n');
      expect([text(`${path}.1`), text()]).toEqual(['1\n', '2\n']);
    });

    it('by its removal is created again', () => {
      const file = open();
      file.writeNow('1\n');
      rmSync(path);
      file[way]('2\n');
      expect(text()).toBe('2\n');
    });
  });

  it('is written to again when it comes back', () => {
    const file = open();
    renameSync(path, `${path}.1`);
    file.writeNow('1\n');
    renameSync(`${path}.1`, path);
    file.writeNow('2\n');
    expect(text()).toBe('2\n');
  });
});

function wider(path: string): void {
  writeFileSync(path, '');
  chmodSync(path, 0o640);
}

describe('a path that leads to nothing fit for records any more', () => {
  const turns: [string, (path: string) => void, string][] = [
    ['a directory', (path) => mkdirSync(path), 'it is a directory'],
    ['a symbolic link', (path) => symlinkSync(`${path}.1`, path), 'it is a symbolic link'],
    ['a wider mode', wider, '(mode 0640): run chmod 600'],
    ['a FIFO without a reader', (path) => void spawnSync('mkfifo', ['-m', '600', path]), 'that nobody reads'],
  ];

  it.each(turns)('(%s) takes no intent', (_, turn, reason) => {
    const file = open();
    file.writeNow('1\n');
    renameSync(path, `${path}.1`);
    turn(path);
    expect(() => file.writeNow('2\n')).toThrow(reason);
    expect(text(`${path}.1`)).toBe('1\n');
  });

  it.each(turns)('(%s) leaves an outcome to the file that was rotated', (_, turn) => {
    const file = open();
    file.writeNow('1\n');
    renameSync(path, `${path}.1`);
    turn(path);
    expect(file.write('2\n')).toBe(true);
    expect(text(`${path}.1`)).toBe('1\n2\n');
  });

  it('(no folder) takes no intent, and tells that an outcome is lost', () => {
    const gone = join(folder, 'gone');
    mkdirSync(gone);
    const file = new AuditFile(join(gone, 'audit.jsonl'));
    rmSync(gone, { recursive: true });
    expect(() => file.writeNow('1\n')).toThrow('ENOENT');
    expect(file.write('2\n')).toBe(false);
    mkdirSync(gone);
    file.writeNow('3\n');
    file.close();
    expect(text(join(gone, 'audit.jsonl'))).toBe('3\n');
  });
});

describe('a file whose removal comes between the look at the path and the write', () => {
  it('gets the record in a new file', () => {
    const file = open();
    let removals = 0;
    Object.defineProperty(disk, 'room', {
      configurable: true,
      get: () => {
        if (removals++ === 0) rmSync(path);
        return Number.POSITIVE_INFINITY;
      },
      set: () => {},
    });
    onTestFinished(() => {
      Object.defineProperty(disk, 'room', { value: Number.POSITIVE_INFINITY, writable: true });
    });
    file.writeNow('1\n');
    expect(text()).toBe('1\n');
  });
});

describe('what cannot be opened for records', () => {
  it.each([0o640, 0o604, 0o620, 0o602, 0o666])('is a file of mode %o', (mode) => {
    writeFileSync(path, '');
    chmodSync(path, mode);
    expect(() => new AuditFile(path)).toThrow(`(mode 0${mode.toString(8)}): run chmod 600 ${path}`);
  });

  it('is a symbolic link, to no file as well', () => {
    symlinkSync(join(folder, 'target'), path);
    expect(() => new AuditFile(path)).toThrow('it is a symbolic link: name the file itself');
    expect(existsSync(join(folder, 'target'))).toBe(false);
    writeFileSync(join(folder, 'target'), '', { mode: 0o600 });
    expect(() => new AuditFile(path)).toThrow('it is a symbolic link: name the file itself');
  });

  it('is a directory', () => {
    expect(() => new AuditFile(folder)).toThrow('it is a directory: name a file in it');
  });

  it('is a device, which keeps nothing', () => {
    expect(() => new AuditFile('/dev/null')).toThrow('it is neither a regular file nor a FIFO');
  });

  it('is a socket', async () => {
    const server = createServer().listen(path);
    onTestFinished(() => void server.close());
    await vi.waitUntil(() => server.listening);
    expect(() => new AuditFile(path)).toThrow();
  });

  it('is a FIFO without a reader', () => {
    spawnSync('mkfifo', ['-m', '600', path]);
    expect(() => new AuditFile(path)).toThrow('it is a FIFO that nobody reads: start its reader first');
  });

  it('is a FIFO that others can read', () => {
    spawnSync('mkfifo', ['-m', '644', path]);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    onTestFinished(() => closeSync(reader));
    expect(() => new AuditFile(path)).toThrow('(mode 0644)');
  });
});

describe('a FIFO', () => {
  function withReader(): { file: File; read: () => string; leave: () => void } {
    spawnSync('mkfifo', ['-m', '600', path]);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const buffer = Buffer.alloc(1024 * 1024);
    const read = (): string => buffer.subarray(0, readSync(reader, buffer)).toString();
    return { file: open(), read, leave: () => closeSync(reader) };
  }

  it('gives its reader every record', () => {
    const { file, read, leave } = withReader();
    file.writeNow('1\n');
    expect(file.write('2\n')).toBe(true);
    expect(read()).toBe('1\n2\n');
    leave();
  });

  it('whose reader has stopped takes no intent, is given whole records only, and goes on with a reader', () => {
    const { file, read, leave } = withReader();
    const record = `${'x'.repeat(999)}\n`;
    let taken = 0;
    expect(() => {
      for (;;) {
        file.writeNow(record);
        taken += 1;
      }
    }).toThrow('EAGAIN');
    expect(read()).toBe(record.repeat(taken));
    file.writeNow(record);
    expect(read()).toBe(record);
    leave();
  });

  it('whose reader has left takes no intent', () => {
    const { file, leave } = withReader();
    leave();
    expect(() => file.writeNow('1\n')).toThrow('EPIPE');
    expect(file.write('1\n')).toBe(false);
  });
});

describe('the records from before', () => {
  it('are those of the file and of the one that was rotated last', () => {
    writeFileSync(`${path}.1`, 'older\n');
    writeFileSync(path, 'old\n', { mode: 0o600 });
    expect(open().earlier.split('\n').filter(Boolean)).toEqual(['older', 'old']);
  });

  it('are those of the file alone if the other cannot be read', () => {
    mkdirSync(`${path}.1`);
    writeFileSync(path, 'old\n', { mode: 0o600 });
    expect(open().earlier.trim()).toBe('old');
  });
});

describe('a record', () => {
  it('that was written in part is followed by a new line', () => {
    const file = open();
    disk.room = 20;
    expect(file.write(`${'x'.repeat(99)}\n`)).toBe(false);
    disk.room = Number.POSITIVE_INFINITY;
    expect(file.write('2\n')).toBe(true);
    expect(file.write('3\n')).toBe(true);
    expect(text()).toBe(`${'x'.repeat(20)}\n2\n3\n`);
  });

  it('starts on a new line after a last line that was cut short', () => {
    appendFileSync(path, 'garbage\n{"audit":"intent","id":"half', { mode: 0o600 });
    open().write('1\n');
    expect(text()).toBe('garbage\n{"audit":"intent","id":"half\n1\n');
  });
});
