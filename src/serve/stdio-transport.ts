import type { Readable, Writable } from 'node:stream';
import { type JSONRPCMessage, parseJSONRPCMessage, type Transport } from '@modelcontextprotocol/server';

/** The longest line that is read, in bytes. A call is far shorter. */
const LINE_LIMIT = 256 * 1024;

/** How long a write may tell that nobody reads the output, in milliseconds. */
const PROBE_MILLISECONDS = 1000;

const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;

/**
 * MCP over a pair of streams, one JSON message a line.
 *
 * It survives more than the SDK's transport. A line that is no message, or a huge one, is answered with an error, and
 * the connection goes on. A client that reads slower than it asks is not read from meanwhile. When the client closes its
 * side, requests in flight are finished and their answers delivered, for at most `graceMilliseconds`.
 */
export class StdioTransport implements Transport {
  onmessage?: (message: JSONRPCMessage) => void;
  onclose?: () => void;
  onerror?: (error: Error) => void;

  readonly #input: Readable;
  readonly #output: Writable;
  readonly #graceMilliseconds: number;
  /** Requests not yet answered, by id; a client may use one id twice. */
  readonly #inFlight = new Map<string | number, number>();
  #partial: Buffer[] = [];
  #partialBytes = 0;
  #skipping = false;
  #state: 'idle' | 'open' | 'ending' | 'closed' = 'idle';
  #whenEmpty: (() => void) | undefined;
  /** Settles when a slow reader has caught up. */
  #drained: Promise<void> | undefined;
  #markEnding: () => void = () => {};
  #markClosed: () => void = () => {};

  /** Settles when no more messages are taken. */
  readonly ending = new Promise<void>((resolve) => {
    this.#markEnding = resolve;
  });

  /** Settles when the connection is over. */
  readonly closed = new Promise<void>((resolve) => {
    this.#markClosed = resolve;
  });

  constructor(input: Readable, output: Writable, graceMilliseconds: number) {
    this.#input = input;
    this.#output = output;
    this.#graceMilliseconds = graceMilliseconds;
  }

  async start(): Promise<void> {
    this.#state = 'open';
    this.#input.on('data', (chunk: Buffer) => this.#read(chunk));
    for (const event of ['end', 'close', 'error']) this.#input.on(event, () => void this.end());
    // Nobody is left to read an answer.
    for (const event of ['close', 'error']) this.#output.on(event, () => void this.close());
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if ('id' in message && message.id !== undefined && !('method' in message)) this.#settle(message.id);
    await this.#write(message);
  }

  /** Takes no more messages, finishes and delivers requests in flight within the grace period, and closes. */
  async end(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.#markEnding();
    this.#input.pause();
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#graceMilliseconds);
    });
    await Promise.race([this.#allAnswered().then(() => delivered(this.#output)), grace]);
    clearTimeout(timer);
    await this.close();
  }

  /**
   * Whether the output still has a reader. A pipe or a socket tells only when it is written to, so this writes a space,
   * which JSON allows in front of the next message: for a client there is no line of its own, as an empty one would be.
   * Without a reader the write fails at once; one that has to wait has a reader that is slow.
   */
  async isHeard(): Promise<boolean> {
    const output = this.#output;
    if (this.#state === 'closed' || output.destroyed || output.writableEnded) return false;
    return new Promise((resolve) => {
      const slow = setTimeout(() => resolve(true), PROBE_MILLISECONDS);
      output.write(' ', (error) => {
        clearTimeout(slow);
        resolve(error === null || error === undefined);
      });
    });
  }

  async #allAnswered(): Promise<void> {
    if (this.#inFlight.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
    });
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#markEnding();
    this.#input.destroy();
    this.onclose?.();
    this.#markClosed();
  }

  async #write(message: object): Promise<void> {
    if (this.#state === 'closed' || this.#output.destroyed || this.#output.writableEnded) return;
    if (this.#output.write(`${JSON.stringify(message)}\n`)) return;
    this.#input.pause();
    this.#drained ??= drained(this.#output).then(() => {
      this.#drained = undefined;
      if (this.#state === 'open') this.#input.resume();
    });
    await this.#drained;
  }

  #read(chunk: Buffer): void {
    let rest = chunk;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      this.#keep(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
      this.#finishLine();
    }
    this.#keep(rest);
  }

  #keep(part: Buffer): void {
    if (this.#skipping || part.length === 0) return;
    if (this.#partialBytes + part.length > LINE_LIMIT) {
      this.#skipping = true;
      this.#partial = [];
      this.#refuse(INVALID_REQUEST, `A message may have at most ${LINE_LIMIT} bytes`);
      return;
    }
    this.#partial.push(part);
    this.#partialBytes += part.length;
  }

  #finishLine(): void {
    const line = Buffer.concat(this.#partial).toString('utf8').trim();
    const skipped = this.#skipping;
    this.#partial = [];
    this.#partialBytes = 0;
    this.#skipping = false;
    if (skipped || line === '' || this.#state !== 'open') return;
    this.#receive(line);
  }

  #receive(line: string): void {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      this.#refuse(PARSE_ERROR, 'Parse error: a line must be one JSON message');
      return;
    }
    let message: JSONRPCMessage;
    try {
      message = parseJSONRPCMessage(value);
    } catch {
      this.#refuse(INVALID_REQUEST, 'Not a JSON-RPC 2.0 message', idOf(value));
      return;
    }
    this.#track(message);
    try {
      this.onmessage?.(message);
    } catch (error) {
      if ('id' in message) this.#settle(message.id);
      this.onerror?.(error as Error);
    }
  }

  /** A subscription lasts as long as the connection, and a cancelled request is never answered: neither is in flight. */
  #track(message: JSONRPCMessage): void {
    if (!('method' in message)) return;
    if ('id' in message) {
      if (message.method === 'subscriptions/listen') return;
      this.#inFlight.set(message.id, (this.#inFlight.get(message.id) ?? 0) + 1);
    } else if (message.method === 'notifications/cancelled') {
      this.#settle(message.params?.requestId);
    }
  }

  #settle(id: unknown): void {
    if (typeof id !== 'string' && typeof id !== 'number') return;
    const left = (this.#inFlight.get(id) ?? 0) - 1;
    if (left > 0) this.#inFlight.set(id, left);
    else this.#inFlight.delete(id);
    if (this.#inFlight.size === 0) this.#whenEmpty?.();
  }

  /** Answers a line that is no request. Without a known id the answer has none: clients reject `null`. */
  #refuse(code: number, message: string, id?: string | number): void {
    const answer = { jsonrpc: '2.0' as const, ...(id === undefined ? {} : { id }), error: { code, message } };
    void this.#write(answer);
    this.onerror?.(new Error(message));
  }
}

function idOf(value: unknown): string | number | undefined {
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : undefined;
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}

/** Settles when everything written has left, or nobody is there to read it. */
function delivered(output: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (output.destroyed || output.writableEnded) resolve();
    else output.write('', () => resolve());
  });
}

function drained(output: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'close', 'error']) output.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'close', 'error']) output.on(event, done);
  });
}
