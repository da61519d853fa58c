import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RefusedTargets } from '../../src/config/targets.ts';
import { readTargets, TargetsFile } from '../../src/config/targets-file.ts';
import { OPEN_POLICY } from '../support/session.ts';

const textOf = (...names: string[]): string =>
  JSON.stringify({
    targets: names.map((name, index) => ({
      name,
      account_id: String(111122223330 + index),
      regions: ['eu-west-1'],
    })),
  });

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'targets-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

function fileOf(content: string | Uint8Array = textOf('one')): string {
  const file = join(makeFolder(), 'targets.json');
  writeFileSync(file, content, { mode: 0o644 });
  return file;
}

function open(file: string) {
  const lines: [level: string, details: object][] = [];
  const log = {
    info: (details: object) => void lines.push(['info', details]),
    error: (details: object) => void lines.push(['error', details]),
  };
  const targets = new TargetsFile(file, OPEN_POLICY, log);
  return { targets, lines, names: () => targets.current().map(({ name }) => name) };
}

describe('a file of targets that changes', () => {
  it('is not read again while it stays as it is', () => {
    const { targets, lines } = open(fileOf());
    expect(targets.current()).toBe(targets.current());
    expect(lines).toEqual([]);
  });

  it('is read again when it is written in place', () => {
    const file = fileOf();
    utimesSync(file, 0, 0);
    const { names, lines } = open(file);
    // Of the same length: only its times tell.
    writeFileSync(file, textOf('two'));
    expect(names()).toEqual(['two']);
    expect(lines).toEqual([['info', { targets: 1 }]]);
  });

  it('is read again when an editor puts another file in its place', () => {
    const file = fileOf();
    const { names } = open(file);
    writeFileSync(`${file}~`, textOf('two', 'three'));
    renameSync(`${file}~`, file);
    expect(names()).toEqual(['two', 'three']);
  });

  it('is read again when Kubernetes swaps the folder behind its link', () => {
    const folder = makeFolder();
    const publish = (version: string, content: string): void => {
      mkdirSync(join(folder, version));
      writeFileSync(join(folder, version, 'targets.json'), content);
      symlinkSync(version, join(folder, '..data_tmp'));
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    };
    publish('..2026_01', textOf('one'));
    symlinkSync(join('..data', 'targets.json'), join(folder, 'targets.json'));
    const { names, lines } = open(join(folder, 'targets.json'));
    publish('..2026_02', textOf('two'));
    rmSync(join(folder, '..2026_01'), { recursive: true });
    expect(names()).toEqual(['two']);
    publish('..2026_03', textOf('two'));
    expect(names()).toEqual(['two']);
    expect(lines).toHaveLength(1);
  });

  it('keeps its targets when it is deleted, and says so once', () => {
    const file = fileOf();
    const { names, lines } = open(file);
    unlinkSync(file);
    expect([names(), names()]).toEqual([['one'], ['one']]);
    expect(lines).toEqual([['error', { mistakes: ['cannot be read (ENOENT)'] }]]);
    writeFileSync(file, textOf('one'));
    expect(names()).toEqual(['one']);
    expect(lines.slice(1)).toEqual([['info', { targets: 1 }]]);
  });

  it('keeps its targets when the change is refused, and logs every mistake once', () => {
    const file = fileOf();
    const { names, lines } = open(file);
    writeFileSync(file, textOf('all', 'Two'));
    expect([names(), names()]).toEqual([['one'], ['one']]);
    expect(lines).toEqual([
      [
        'error',
        {
          mistakes: [
            expect.stringMatching(/^targets\[0\]\.name: must be another name/),
            expect.stringMatching(/^targets\[1\]\.name: must be 1 to 64 lower-case letters/),
          ],
        },
      ],
    ]);
  });

  it('keeps its targets while half of the text is written', () => {
    const file = fileOf();
    const { names, lines } = open(file);
    for (const length of [0, 20]) {
      writeFileSync(file, textOf('two').slice(0, length));
      expect(names()).toEqual(['one']);
    }
    writeFileSync(file, textOf('two'));
    expect(names()).toEqual(['two']);
    expect(lines.map(([level]) => level)).toEqual(['error', 'error', 'info']);
  });

  it('is read on SIGHUP, until nobody watches it', () => {
    const file = fileOf();
    const { targets, lines } = open(file);
    const stopWatching = targets.watch();
    process.emit('SIGHUP', 'SIGHUP');
    expect(lines).toEqual([]);
    writeFileSync(file, textOf('two', 'three'));
    process.emit('SIGHUP', 'SIGHUP');
    expect(lines).toEqual([['info', { targets: 2 }]]);
    stopWatching();
    writeFileSync(file, textOf('three'));
    process.emit('SIGHUP', 'SIGHUP');
    expect(lines).toHaveLength(1);
    targets.reload();
    expect(targets.current()[0]?.name).toBe('three');
  });
});

describe('a file that cannot hold targets', () => {
  function mistakesOf(file: string): readonly string[] {
    try {
      readTargets(file, OPEN_POLICY);
      return [];
    } catch (error) {
      if (!(error instanceof RefusedTargets)) throw error;
      return error.mistakes;
    }
  }

  it.each<[string, () => string, string[]]>([
    ['that is missing', () => '/nonexistent/targets.json', ['cannot be read (ENOENT)']],
    ['that is a folder', makeFolder, ['is not a file']],
    ['of more than 1 MiB', () => fileOf(' '.repeat(1_048_577)), ['is larger than 1048576 bytes']],
    ['in another encoding', () => fileOf(Uint8Array.of(0x7b, 0xff)), ['is not UTF-8']],
  ])('is refused: one %s', (_, make, mistakes) => {
    expect(mistakesOf(make())).toEqual(mistakes);
  });

  it('is refused if others can write to it, and accepted if they can read it', () => {
    const file = fileOf();
    for (const mode of [0o664, 0o646]) {
      chmodSync(file, mode);
      expect(mistakesOf(file)).toEqual(['can be written to by others than its owner: run chmod go-w on it']);
    }
    chmodSync(file, 0o444);
    expect(mistakesOf(file)).toEqual([]);
  });

  it('is refused if it is a pipe, without waiting for a writer', () => {
    const pipe = join(makeFolder(), 'pipe');
    execFileSync('mkfifo', [pipe]);
    expect(mistakesOf(pipe)).toEqual(['is not a file']);
  });

  it('may begin with a byte order mark', () => {
    expect(mistakesOf(fileOf(`\ufeff${textOf('one')}`))).toEqual([]);
  });

  it('is refused in time, with at most 50 mistakes, where a list has items without end', () => {
    const [target] = (JSON.parse(textOf('one')) as { targets: object[] }).targets;
    const ids = Array.from({ length: 20_000 }, (_, index) => `nat-${index}`);
    const policy = { 'allow-gateway': [...ids, ...ids.slice(0, 5000)] };
    const mistakes = mistakesOf(fileOf(JSON.stringify({ targets: [{ ...target, policy }] })));
    expect(mistakes).toHaveLength(51);
    expect(mistakes.at(-1)).toMatch(/^and \d+ more mistakes$/);
  });
});
