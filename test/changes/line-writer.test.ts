import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { LineWriter } from '../../src/changes/line-writer.ts';

const fault = (code: string): Error => Object.assign(new Error(code), { code });

/** Something with room for a number of bytes, as a pipe has, that may be read, broken, and mended. */
class Pipe {
  text = '';
  room: number;
  broken: string | undefined;
  tries = 0;

  constructor(room: number) {
    this.room = room;
  }

  put = (bytes: Buffer): number => {
    this.tries += 1;
    if (this.broken !== undefined) throw fault(this.broken);
    if (this.room === 0) throw fault('EAGAIN');
    const part = bytes.subarray(0, this.room);
    this.text += part.toString();
    this.room -= part.length;
    return part.length;
  };

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }
}

const reportOf = (dropped: number): string => `dropped ${dropped}\n`;

/** Lines of 1 KiB, of which a writer keeps 256. */
const line = (index: number): string => `${`${index} `.padEnd(1023, 'x')}\n`;
const WAITING = 256;

function retried(): void {
  vi.advanceTimersByTime(20);
}

function fakeTimers(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
}

describe('a line', () => {
  it('is out when write returns, if there is room', () => {
    const pipe = new Pipe(Infinity);
    expect(new LineWriter(pipe.put).write('a\n')).toBe(true);
    expect(pipe.text).toBe('a\n');
  });

  it('waits while there is no room, and is written before later ones', () => {
    fakeTimers();
    const pipe = new Pipe(0);
    const writer = new LineWriter(pipe.put, { reportOf });
    expect([writer.write('a\n'), writer.write('b\n')]).toEqual([true, true]);
    pipe.room = Infinity;
    retried();
    writer.write('c\n');
    expect(pipe.text).toBe('a\nb\nc\n');
  });

  it('that is out in part is finished before anything else, a line for now included', () => {
    fakeTimers();
    const pipe = new Pipe(2);
    const writer = new LineWriter(pipe.put, { reportOf });
    expect(writer.write('first\n')).toBe(true);
    writer.write('waits\n');
    pipe.room = Infinity;
    writer.writeNow('now\n');
    retried();
    expect(pipe.text).toBe('first\nnow\nwaits\n');
  });

  it('is dropped where the write fails, and counted in the next that works', () => {
    const pipe = new Pipe(Infinity);
    const writer = new LineWriter(pipe.put, { reportOf });
    pipe.broken = 'EPIPE';
    expect([writer.write('a\n'), writer.write('b\n')]).toEqual([false, false]);
    pipe.broken = undefined;
    expect(writer.write('c\n')).toBe(true);
    expect(pipe.text).toBe('dropped 2\nc\n');
  });

  it('that follows a torn one starts on a line of its own', () => {
    fakeTimers();
    const pipe = new Pipe(3);
    const writer = new LineWriter(pipe.put);
    writer.write('torn\n');
    pipe.broken = 'ENOSPC';
    retried();
    Object.assign(pipe, { broken: undefined, room: Infinity });
    writer.write('whole\n');
    expect(pipe.text).toBe('tor\nwhole\n');
    const later = new LineWriter(pipe.put, { isTorn: true });
    later.write('a\n');
    later.write('b\n');
    expect(pipe.text).toBe('tor\nwhole\n\na\nb\n');
  });
});

describe('ten thousand lines that nobody reads', () => {
  it('cost 256 KiB and a few tries, and are counted where they are missing once somebody reads', () => {
    fakeTimers();
    const pipe = new Pipe(10 * 1024 + 100);
    const writer = new LineWriter(pipe.put, { reportOf });
    const kept = Array.from({ length: 10_000 }, (_, index) => writer.write(line(index))).filter(Boolean);
    // Ten are out, one is begun, and the rest of the room is in memory.
    expect(kept).toHaveLength(11 + WAITING);
    expect(pipe.tries).toBeLessThan(20);
    pipe.room = Infinity;
    retried();
    writer.write('later\n');
    expect(pipe.lines).toHaveLength(11 + WAITING + 2);
    expect(pipe.lines.slice(0, 11 + WAITING).map((each) => `${each}\n`)).toEqual(
      Array.from({ length: 11 + WAITING }, (_, index) => line(index)),
    );
    expect(pipe.lines.slice(-2)).toEqual([`dropped ${10_000 - 11 - WAITING}`, 'later']);
  });

  it('are followed by no other before their number, however slowly it is read', () => {
    fakeTimers();
    const pipe = new Pipe(0);
    const writer = new LineWriter(pipe.put, { reportOf });
    let index = 0;
    while (writer.write(line(index))) index += 1;
    let dropped = 1;
    for (let reads = 0; reads < WAITING - 1; reads++) {
      pipe.room = 1024;
      retried();
      if (!writer.write(line(index + dropped))) dropped += 1;
    }
    pipe.room = Infinity;
    retried();
    expect(pipe.lines.at(-1)).toBe(`dropped ${dropped}`);
    expect(dropped).toBe(WAITING);
  });
});

describe('a line for now', () => {
  it('goes ahead of the lines that wait', () => {
    fakeTimers();
    const pipe = new Pipe(0);
    const writer = new LineWriter(pipe.put);
    writer.write('waits\n');
    pipe.room = 4;
    writer.writeNow('now\n');
    pipe.room = Infinity;
    retried();
    expect(pipe.text).toBe('now\nwaits\n');
  });

  it('is not written later when it found no room', () => {
    fakeTimers();
    const pipe = new Pipe(0);
    const writer = new LineWriter(pipe.put);
    expect(() => writer.writeNow('refused\n')).toThrow('EAGAIN');
    pipe.room = Infinity;
    retried();
    writer.write('b\n');
    expect(pipe.text).toBe('b\n');
  });

  it('waits for a reader for a moment', () => {
    const pipe = new Pipe(0);
    const put = (bytes: Buffer): number => {
      if (pipe.tries === 3) pipe.room = Infinity;
      return pipe.put(bytes);
    };
    new LineWriter(put).writeNow('a\n');
    expect(pipe.text).toBe('a\n');
  });

  it('waits for no reader when another has just waited in vain', () => {
    const pipe = new Pipe(0);
    const writer = new LineWriter(pipe.put);
    expect(() => writer.writeNow('a\n')).toThrow('EAGAIN');
    const { tries } = pipe;
    expect(tries).toBeGreaterThan(3);
    for (let index = 0; index < 10; index++) expect(() => writer.writeNow('a\n')).toThrow('EAGAIN');
    expect(pipe.tries).toBe(tries + 10);
  });

  it('throws at once where the write fails', () => {
    const pipe = new Pipe(Infinity);
    pipe.broken = 'EPIPE';
    const writer = new LineWriter(pipe.put);
    expect(() => writer.writeNow('a\n')).toThrow('EPIPE');
    expect(pipe.tries).toBe(1);
  });
});

describe('close', () => {
  it('writes what waits, and the number of dropped lines', () => {
    const pipe = new Pipe(0);
    const writer = new LineWriter(pipe.put, { reportOf });
    while (writer.write(line(0)));
    pipe.room = Infinity;
    writer.close();
    expect(pipe.lines).toHaveLength(WAITING + 1);
    expect(pipe.lines.at(-1)).toBe('dropped 1');
  });

  it.each(['EAGAIN', 'EPIPE'])('ends although nothing can be written (%s)', (code) => {
    const pipe = new Pipe(0);
    const writer = new LineWriter(pipe.put, { reportOf });
    writer.write('a\n');
    pipe.broken = code;
    writer.close();
    expect(pipe.text).toBe('');
  });
});
