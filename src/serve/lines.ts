/**
 * Splits bytes into lines of at most `limit` bytes. What has come of a line is joined at once: pieces that wait are objects
 * of their own, and can cost hundreds of times their bytes.
 */
export class Lines {
  readonly #limit: number;
  readonly #onLine: (line: Buffer) => void;
  readonly #onTooLong: () => void;
  #joined = Buffer.alloc(0);
  #length = 0;
  #isTooLong = false;

  /** `onTooLong` is called once for a line, as soon as it is too long. */
  constructor(limit: number, onLine: (line: Buffer) => void, onTooLong: () => void) {
    this.#limit = limit;
    this.#onLine = onLine;
    this.#onTooLong = onTooLong;
  }

  read(chunk: Buffer): void {
    let rest = chunk;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      this.#append(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
      this.#finish();
    }
    this.#append(rest);
  }

  #append(part: Buffer): void {
    if (this.#isTooLong) return;
    const length = this.#length + part.length;
    if (length > this.#limit) {
      this.#isTooLong = true;
      this.#joined = Buffer.alloc(0);
      this.#onTooLong();
      return;
    }
    this.#makeRoomFor(length);
    this.#joined.set(part, this.#length);
    this.#length = length;
  }

  #makeRoomFor(length: number): void {
    if (length <= this.#joined.length) return;
    const grown = Buffer.alloc(Math.min(this.#limit, Math.max(length, 2 * this.#joined.length)));
    grown.set(this.#joined.subarray(0, this.#length));
    this.#joined = grown;
  }

  #finish(): void {
    const line = this.#joined.subarray(0, this.#length);
    const isTooLong = this.#isTooLong;
    this.#joined = Buffer.alloc(0);
    this.#length = 0;
    this.#isTooLong = false;
    if (!isTooLong) this.#onLine(line);
  }
}
