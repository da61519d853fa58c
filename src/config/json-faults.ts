/**
 * What JSON.parse does not tell of a text: where it breaks off being JSON, and which members an object has twice, of
 * which JSON.parse silently takes the last.
 */

/** Deeper nesting than any file of this server has; the reader below recurses. */
const DEEPEST = 32;

const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;
const ATOM = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** The reason why a text is not the JSON of one value, with its line and column; undefined if it is. */
export function jsonFault(text: string): string | undefined {
  try {
    new Reader(text).read();
    return undefined;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const before = text.slice(0, error.offset).split('\n');
    return `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}: ${error.message}`;
  }
}

class Fault extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

class Reader {
  readonly #text: string;
  #offset = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): void {
    this.#value(0);
    if (this.#peek() !== '') throw this.#expected('the end of the file');
  }

  #value(depth: number): void {
    if (depth > DEEPEST) throw new Fault(`nested more than ${DEEPEST} levels deep`, this.#offset);
    const next = this.#peek();
    if (next === '{') this.#object(depth);
    else if (next === '[') this.#list(']', () => this.#value(depth + 1));
    else if (this.#take(STRING) === undefined && this.#take(ATOM) === undefined) {
      throw this.#expected('a value');
    }
  }

  #object(depth: number): void {
    const names = new Set<string>();
    this.#list('}', () => {
      this.#peek();
      const start = this.#offset;
      const text = this.#take(STRING);
      if (text === undefined) throw this.#expected('the name of a member in double quotes');
      const name = String(JSON.parse(text));
      if (names.has(name)) throw new Fault(`${text} stands twice in one object`, start);
      names.add(name);
      this.#expect(':');
      this.#value(depth + 1);
    });
  }

  /** Reads what opens, items separated by commas, and what closes. */
  #list(end: string, item: () => void): void {
    this.#offset += 1;
    if (this.#peek() === end) {
      this.#offset += 1;
      return;
    }
    for (;;) {
      item();
      const next = this.#peek();
      if (next !== ',' && next !== end) throw this.#expected(`"," or "${end}"`);
      this.#offset += 1;
      if (next === end) return;
    }
  }

  #expect(character: string): void {
    if (this.#peek() !== character) throw this.#expected(`"${character}"`);
    this.#offset += 1;
  }

  /** The next character that is no space; empty at the end. */
  #peek(): string {
    this.#take(SPACE);
    return this.#text[this.#offset] ?? '';
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#offset;
    const [taken] = pattern.exec(this.#text) ?? [];
    this.#offset += taken?.length ?? 0;
    return taken;
  }

  #expected(what: string): Fault {
    return new Fault(`expected ${what}`, this.#offset);
  }
}
