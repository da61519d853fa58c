import type { Readable, Writable } from 'node:stream';
import type {
  JSONRPCMessage,
  JSONRPCNotification,
  JSONRPCRequest,
  Transport,
} from '@modelcontextprotocol/server';
import { Batches } from './batches.ts';
import { CallQueue } from './call-queue.ts';
import { Lines } from './lines.ts';
import { type Fault, readMessage } from './message-faults.ts';
import * as refusal from './stdio-refusals.ts';

/** The longest line that is read, in bytes. A call is far shorter. */
const LINE_LIMIT = 256 * 1024;

/** The largest batch, in messages, as over HTTP. */
const LARGEST_BATCH = 100;

/** The last revision that has batches. */
const LAST_WITH_BATCHES = '2025-03-26';

/** How long a write may tell that nobody reads the output, in milliseconds. */
const PROBE_MILLISECONDS = 1000;

export interface StdioTransportOptions {
  /** How long requests may go on after the end of the input, in milliseconds. */
  graceMilliseconds: number;
  /** The maximum number of requests that run at once. */
  maxConcurrentCalls: number;
}

/**
 * MCP over a pair of streams, one JSON message a line.
 *
 * It survives more than the SDK's transport. A line that is no message, or a huge one, is answered with an error, and
 * the connection goes on. A client that reads slower than it asks is not read from meanwhile. Requests above the limit
 * wait; notifications, responses and pings never do, since running calls may depend on them. When the client closes its
 * side, the requests that have come are finished and their answers delivered, for at most `graceMilliseconds`.
 */
export class StdioTransport implements Transport {
  onmessage?: (message: JSONRPCMessage) => void;
  onclose?: () => void;
  onerror?: (error: Error) => void;

  readonly #input: Readable;
  readonly #output: Writable;
  readonly #graceMilliseconds: number;
  readonly #calls: CallQueue;
  readonly #batches = new Batches();
  readonly #lines = new Lines(
    LINE_LIMIT,
    (line) => this.#receive(line),
    () => this.#refuse(refusal.lineTooLong(LINE_LIMIT)),
  );
  #revision: string | undefined;
  #state: 'idle' | 'open' | 'ending' | 'closed' = 'idle';
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

  constructor(input: Readable, output: Writable, options: StdioTransportOptions) {
    this.#input = input;
    this.#output = output;
    this.#graceMilliseconds = options.graceMilliseconds;
    this.#calls = new CallQueue(options.maxConcurrentCalls);
  }

  async start(): Promise<void> {
    this.#state = 'open';
    this.#input.on('data', (chunk: Buffer) => this.#lines.read(chunk));
    for (const event of ['end', 'close', 'error']) this.#input.on(event, () => void this.end());
    // Nobody is left to read an answer.
    for (const event of ['close', 'error']) this.#output.on(event, () => void this.close());
  }

  /** Called by the SDK with the revision that an `initialize` has agreed on. */
  setProtocolVersion(revision: string): void {
    this.#revision = revision;
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if ('method' in message || message.id === undefined) return this.#write(message);
    this.#calls.finish(message.id);
    await this.#write(this.#batches.answer(message.id, message));
    this.#startWaiting();
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
    await Promise.race([this.#calls.idle().then(() => delivered(this.#output)), grace]);
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

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#markEnding();
    this.#input.destroy();
    this.onclose?.();
    this.#markClosed();
  }

  /** Writes a message or a batch, if there is one. */
  async #write(message: object | undefined): Promise<void> {
    if (message === undefined) return;
    if (this.#state === 'closed' || this.#output.destroyed || this.#output.writableEnded) return;
    if (this.#output.write(`${JSON.stringify(message)}\n`)) return;
    this.#input.pause();
    this.#drained ??= drained(this.#output).then(() => {
      this.#drained = undefined;
      if (this.#state === 'open') this.#input.resume();
    });
    await this.#drained;
  }

  #receive(line: Buffer): void {
    const text = line.toString('utf8').trim();
    if (text === '' || this.#state !== 'open') return;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      this.#refuse(refusal.NOT_JSON);
      return;
    }
    if (Array.isArray(value)) this.#receiveBatch(value);
    else this.#receiveMessage(value, text);
  }

  #receiveMessage(value: unknown, text: string): void {
    const read = readMessage(value);
    if ('fault' in read) this.#refuse(read.fault, idOf(value));
    else this.#take(read.message, text);
  }

  /** Takes a batch whole or not at all. */
  #receiveBatch(values: readonly unknown[]): void {
    if (this.#revision === undefined || this.#revision > LAST_WITH_BATCHES) {
      this.#refuse(refusal.BATCH_NOT_ALLOWED);
      return;
    }
    if (values.length === 0 || values.length > LARGEST_BATCH) {
      this.#refuse(refusal.batchSize(LARGEST_BATCH));
      return;
    }
    const messages: JSONRPCMessage[] = [];
    for (const read of values.map(readMessage)) {
      if ('fault' in read) {
        this.#refuse(read.fault);
        return;
      }
      messages.push(read.message);
    }
    const ids = messages.filter(isRequest).map(({ id }) => id);
    if (new Set(ids).size < ids.length || ids.some((id) => this.#batches.has(id))) {
      this.#refuse(refusal.BATCH_IDS);
      return;
    }
    this.#batches.open(ids);
    for (const message of messages) this.#take(message, JSON.stringify(message));
  }

  /** A subscription lasts as long as the connection and is never answered, so it does not count as running. */
  #take(message: JSONRPCMessage, text: string): void {
    if (!isRequest(message)) this.#takeOther(message);
    else if (message.method === 'subscriptions/listen') this.#deliver(message);
    else if (message.method === 'ping') {
      this.#calls.start(message.id);
      this.#deliver(message);
    } else if (this.#calls.tryStart(message.id)) this.#deliver(message);
    else if (!this.#calls.tryWait(message.id, text)) {
      const fault = refusal.tooManyCalls(this.#calls.limit);
      void this.#write(this.#batches.answer(message.id, answerOf(fault, message.id)));
      this.onerror?.(new Error(fault.message));
    }
  }

  /** A cancelled request is never answered. MCP does not know of one that still waits. */
  #takeOther(message: JSONRPCMessage): void {
    const cancelled = isCancellation(message) ? message.params?.requestId : undefined;
    if (cancelled === undefined || !this.#calls.cancel(cancelled)) this.#deliver(message);
    if (cancelled === undefined) return;
    void this.#write(this.#batches.omit(cancelled));
    this.#startWaiting();
  }

  #startWaiting(): void {
    while (this.#state !== 'closed') {
      const text = this.#calls.next();
      if (text === undefined) return;
      const read = readMessage(JSON.parse(text));
      if ('message' in read) this.#deliver(read.message);
    }
  }

  #deliver(message: JSONRPCMessage): void {
    try {
      this.onmessage?.(message);
    } catch (error) {
      if (isRequest(message)) this.#calls.finish(message.id);
      this.onerror?.(error as Error);
    }
  }

  /** Answers what is not passed on. Without a known id the answer has none: clients reject `null`. */
  #refuse(fault: Fault, id?: string | number): void {
    void this.#write(answerOf(fault, id));
    this.onerror?.(new Error(fault.message));
  }
}

function answerOf({ code, message, hint, retryAfterSeconds: seconds }: Fault, id?: string | number) {
  const retry = seconds === undefined ? {} : { retry_after_seconds: seconds };
  const data = { retryable: seconds !== undefined, ...retry, hint };
  return { jsonrpc: '2.0' as const, ...(id === undefined ? {} : { id }), error: { code, message, data } };
}

function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
  return 'method' in message && 'id' in message;
}

function isCancellation(message: JSONRPCMessage): message is JSONRPCNotification {
  return 'method' in message && message.method === 'notifications/cancelled';
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
