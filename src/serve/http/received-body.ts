import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Quota } from './quota.ts';
import { bodyTooLarge, notJson, type Refusal, tooManyBytes } from './refusal.ts';

/** Each body has this much outside the quota. Ordinary calls are shorter, so large ones cannot stop them. */
const FREE_BYTES = 4096;

/** Stands for the callers whose token is still being checked. No principal has this name. */
const UNKNOWN_CALLER = '';

export interface BodyOptions {
  /** The maximum length of this body, in bytes. */
  limit: number;
  /** Bytes of all bodies that are being read or answered. */
  quota: Quota;
  /** Whether the caller will be known by a token, which is checked while the body arrives. */
  needsToken: boolean;
}

/**
 * The bytes of a request's body, joined as they come: chunks that wait are objects of their own, and can cost hundreds of
 * times their bytes. Create it in the turn of the event loop in which the request arrives, before any chunk waits.
 */
export class ReceivedBody {
  readonly #options: BodyOptions;
  readonly #whole: Promise<void>;
  #joined = new Uint8Array(0);
  #length = 0;
  #principal: string | undefined;
  #release: (() => void) | undefined;
  #isRefused = false;
  #reject: (refusal: Refusal) => void = () => {};

  constructor(request: IncomingMessage, response: ServerResponse, options: BodyOptions) {
    this.#options = options;
    this.#principal = options.needsToken ? UNKNOWN_CALLER : undefined;
    this.#whole = new Promise((resolve, reject) => {
      this.#reject = reject;
      // Leaving an iteration early would destroy the connection that a refusal has to go through, so these are events.
      request.on('data', (chunk: Uint8Array) => this.#append(chunk));
      request.on('end', resolve);
      for (const event of ['error', 'close']) {
        // After its end a request closes as well.
        request.on(event, () => request.readableEnded || reject(notJson()));
      }
    });
    // A door further out may refuse the request first.
    this.#whole.catch(() => {});
    if (request.destroyed) this.#refuse(notJson());
    if (Number(request.headers['content-length']) > options.limit) this.#refuse(bodyTooLarge(options.limit));
    // Until then, what was parsed from the bytes is in memory too.
    response.once('close', () => this.#drop());
  }

  /**
   * The whole body, once. Its bytes count for `principal` from now on.
   *
   * @throws Refusal 413 if it is too long, 503 if too many bytes are in use, 400 if the caller left before its end
   */
  async take(principal: string | undefined): Promise<Uint8Array> {
    this.#principal = principal;
    if (!this.#charge(this.#joined.length)) {
      this.#drop();
      throw tooManyBytes();
    }
    await this.#whole;
    const bytes = this.#joined.subarray(0, this.#length);
    this.#joined = new Uint8Array(0);
    return bytes;
  }

  #append(chunk: Uint8Array): void {
    if (this.#isRefused) return;
    const length = this.#length + chunk.length;
    if (length > this.#options.limit) this.#refuse(bodyTooLarge(this.#options.limit));
    else if (!this.#makeRoomFor(length)) this.#refuse(tooManyBytes());
    else this.#joined.set(chunk, this.#length);
    this.#length = length;
  }

  #makeRoomFor(length: number): boolean {
    if (length <= this.#joined.length) return true;
    const size = Math.min(this.#options.limit, Math.max(length, 2 * this.#joined.length));
    if (!this.#charge(size)) return false;
    const grown = new Uint8Array(size);
    grown.set(this.#joined.subarray(0, this.#length));
    this.#joined = grown;
    return true;
  }

  /** Takes the quota for `size` bytes in the place of what is held. */
  #charge(size: number): boolean {
    this.#release?.();
    this.#release = this.#options.quota.take(Math.max(0, size - FREE_BYTES), this.#principal);
    return this.#release !== undefined;
  }

  /** Refuses the body, and ignores the rest of it. */
  #refuse(refusal: Refusal): void {
    this.#drop();
    this.#reject(refusal);
  }

  #drop(): void {
    this.#isRefused = true;
    this.#joined = new Uint8Array(0);
    this.#release?.();
  }
}
