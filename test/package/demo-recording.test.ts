import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

/** The recording in the README shows what the demo prints. `npm run record-demo` makes it anew. */

interface Recording {
  draw: (lines: { text: string; at: number }[]) => string;
  read: (svg: string) => string[];
  withoutTimes: (lines: string[]) => string[];
}

const pathOf = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const { draw, read, withoutTimes }: Recording = await import(pathOf('scripts/demo-recording.mjs'));

describe('docs/images/demo.svg', () => {
  it('shows what the demo prints', { timeout: 120_000 }, async () => {
    const recorded = read(await readFile(pathOf('docs/images/demo.svg'), 'utf8'));
    const { stdout } = await promisify(execFile)(process.execPath, [pathOf('scripts/demo.mjs')]);
    expect(withoutTimes(recorded)).toEqual(withoutTimes(stdout.trimEnd().split('\n')));
  });
});

describe('a drawn session', () => {
  it('reads back as it was, with markup, indentation and lines that are longer than the terminal', () => {
    const texts = ['', '  a <b> & "c" &lt; d', `    ${'long '.repeat(60)}`, 'end'];
    expect(read(draw(texts.map((text, at) => ({ text, at }))))).toEqual(texts);
  });

  it('keeps every text but times and progress', () => {
    expect(
      withoutTimes([
        '  released by 2026-11-27T07:57:34.906Z at the latest',
        '  0 of 1 addresses released; the last of them in 58 s at the latest',
        '  0 of 1 addresses released',
        '  10.0.1.11 is released; this wait took 5.8 s of real time',
        '  0 of 1 addresses freed',
        '  59 s',
      ]),
    ).toEqual([
      '  released by TIME at the latest',
      '  10.0.1.11 is released; this wait took N s of real time',
      '  0 of 1 addresses freed',
      '  59 s',
    ]);
  });
});
