import { PassThrough, Writable } from 'node:stream';
import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import fc from 'fast-check';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { StdioTransport } from '../../src/serve/stdio-transport.ts';

/** A grace period longer than any test: a test that waits for its end fails. */
const FOREVER = 3_600_000;

/** The longest accepted line, in bytes. */
const LIMIT = 256 * 1024;

const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;
const INVALID_PARAMS = -32602;

interface Options {
  grace?: number;
  /** The maximum number of requests that run at once. */
  calls?: number;
  /** Bytes of output that may wait for a reader. */
  outputBuffer?: number;
}

/** Starts a transport between two streams and records what it receives. */
async function start({ grace = FOREVER, calls = 64, outputBuffer = 1 << 20 }: Options = {}) {
  const input = new PassThrough();
  const output = new PassThrough({ highWaterMark: outputBuffer });
  const transport = new StdioTransport(input, output, {
    graceMilliseconds: grace,
    maxConcurrentCalls: calls,
  });
  const received: JSONRPCMessage[] = [];
  const errors: string[] = [];
  const counts = { closes: 0 };
  transport.onmessage = (message) => void received.push(message);
  transport.onerror = ({ message }) => void errors.push(message);
  transport.onclose = () => {
    counts.closes += 1;
  };
  await transport.start();
  return { input, output, transport, received, errors, counts };
}

type Started = Awaited<ReturnType<typeof start>>;

/** Messages written to the output since the last call. */
function answers({ output }: Started): unknown[] {
  const text = String(output.read() ?? '');
  expect(text === '' || text.endsWith('\n')).toBe(true);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** Writes the chunks, ends the input, and waits until the transport has read everything. */
async function feed(started: Started, ...chunks: (string | Buffer)[]): Promise<void> {
  for (const chunk of chunks) started.input.write(chunk);
  started.input.end();
  await started.transport.ending;
}

/** Writes lines, and waits until the transport has read them; the input stays open. */
async function deliver(started: Started, ...lines: string[]): Promise<void> {
  const mark = `mark ${started.received.length}`;
  const { onmessage } = started.transport;
  await new Promise<void>((resolve) => {
    started.transport.onmessage = (message) => {
      if ('method' in message && message.method === mark) resolve();
      else onmessage?.(message);
    };
    started.input.write([...lines, notification(mark), ''].join('\n'));
  });
  if (onmessage !== undefined) started.transport.onmessage = onmessage;
}

/** Lets everything run that is due; in-memory streams need fewer turns than these. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Whether a promise settles without further events. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  await turns();
  return settled;
}

function notification(method: string, params: Record<string, unknown> = {}): string {
  return JSON.stringify({ jsonrpc: '2.0', method, params });
}

function request(id: string | number, method = 'tools/call'): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params: { name: 'any' } });
}

function reply(id: string | number): JSONRPCMessage {
  return { jsonrpc: '2.0', id, result: {} };
}

function refusal(code: number, id?: string | number) {
  return {
    jsonrpc: '2.0',
    ...(id === undefined ? {} : { id }),
    error: { code, message: expect.any(String), data: { retryable: false, hint: expect.any(String) } },
  };
}

/** A message whose line has exactly `bytes` bytes. */
function ofLength(bytes: number): string {
  const bare = notification('long', { text: '' }).length;
  return notification('long', { text: 'x'.repeat(bytes - bare) });
}

describe('a line', () => {
  it('with a message is delivered unchanged', async () => {
    const started = await start();
    await feed(started, `${notification('a', { text: '✓ "\\n"' })}\n${notification('b')}\n`);
    expect(started.received).toEqual([
      { jsonrpc: '2.0', method: 'a', params: { text: '✓ "\\n"' } },
      { jsonrpc: '2.0', method: 'b', params: {} },
    ]);
    expect(answers(started)).toEqual([]);
    expect(started.errors).toEqual([]);
  });

  it.each(['not json', '{', '{"jsonrpc":"2.0","id":7,"method":"a"', "{'id':7}", '{"id":7}}', '\u0000'])(
    'that is not JSON (%j) is answered with a parse error without an id, and the next is delivered',
    async (line) => {
      const started = await start();
      await feed(started, `${line}\n${notification('next')}\n`);
      expect(answers(started)).toEqual([refusal(PARSE_ERROR)]);
      expect(started.received).toHaveLength(1);
      expect(started.errors).toHaveLength(1);
    },
  );

  it.each<[string, string | number | undefined]>([
    ['{}', undefined],
    ['null', undefined],
    ['5', undefined],
    ['"text"', undefined],
    ['[]', undefined],
    [`[${request(1)}]`, undefined],
    ['{"id":7}', 7],
    ['{"id":"seven","method":"a"}', 'seven'],
    ['{"jsonrpc":"1.0","id":0,"method":"a"}', 0],
    ['{"jsonrpc":"2.0","id":7,"method":5}', 7],
    ['{"jsonrpc":"2.0","id":"","params":{}}', ''],
    ['{"jsonrpc":"2.0","id":null,"method":"a"}', undefined],
    ['{"jsonrpc":"2.0","id":{"a":1},"method":"a"}', undefined],
    ['{"jsonrpc":"2.0","id":true,"method":"a"}', undefined],
  ])('that is not a JSON-RPC message (%s) is refused with the id %j', async (line, id) => {
    const started = await start();
    await feed(started, `${line}\n${notification('next')}\n`);
    expect(answers(started)).toEqual([refusal(INVALID_REQUEST, id)]);
    expect(started.received).toHaveLength(1);
  });

  it('that is blank is ignored, and CRLF ends a line as well', async () => {
    const started = await start();
    await feed(started, `\n\r\n  \n\t\r\n${notification('a')}\r\n\n${notification('b')}\n\r\n`);
    expect(started.received.map((message) => 'method' in message && message.method)).toEqual(['a', 'b']);
    expect(answers(started)).toEqual([]);
  });

  it('may begin with a byte order mark', async () => {
    const started = await start();
    await feed(started, `\ufeff${notification('a')}\n`);
    expect(started.received).toHaveLength(1);
    expect(answers(started)).toEqual([]);
  });

  it('that the end of the input cuts off is ignored', async () => {
    const started = await start();
    await feed(started, `${notification('a')}\n${notification('b')}`);
    expect(started.received).toHaveLength(1);
    expect(answers(started)).toEqual([]);
  });

  it('of the longest accepted length is delivered', async () => {
    const started = await start();
    await feed(started, `${ofLength(LIMIT)}\n`);
    expect(started.received).toHaveLength(1);
    expect(answers(started)).toEqual([]);
  });

  it('that is one byte longer is refused once', async () => {
    const started = await start();
    await feed(started, `${ofLength(LIMIT + 1)}\n`);
    expect(started.received).toEqual([]);
    expect(answers(started)).toEqual([refusal(INVALID_REQUEST)]);
  });

  it.each([
    ['at once', 10 * 1024 * 1024],
    ['in pieces', 64 * 1024],
  ])('of 10 MB, received %s, is refused once, and the next is delivered', async (_, pieces) => {
    const bytes = Buffer.from(`${ofLength(10 * 1024 * 1024)}\n${notification('next')}\n`);
    const chunks: Buffer[] = [];
    for (let from = 0; from < bytes.length; from += pieces) chunks.push(bytes.subarray(from, from + pieces));
    const started = await start();
    await feed(started, ...chunks);
    expect(answers(started)).toEqual([refusal(INVALID_REQUEST)]);
    expect(started.errors).toHaveLength(1);
    expect(started.received).toEqual([{ jsonrpc: '2.0', method: 'next', params: {} }]);
  });

  it('that is too long is refused before it ends; a second one is refused too', async () => {
    const started = await start();
    await feed(started, 'x'.repeat(LIMIT + 1));
    expect(answers(started)).toEqual([refusal(INVALID_REQUEST)]);
    const again = await start();
    const long = 'x'.repeat(LIMIT + 1);
    await feed(again, `${long}\n${long}\n`);
    expect(answers(again)).toEqual([refusal(INVALID_REQUEST), refusal(INVALID_REQUEST)]);
  });

  it('whose receiver throws is reported as an error, and the next is delivered', async () => {
    const started = await start();
    const methods: unknown[] = [];
    started.transport.onmessage = (message) => {
      methods.push('method' in message && message.method);
      if (methods.length === 1) throw new Error('no');
    };
    await feed(started, `${notification('a')}\n${notification('b')}\n`);
    expect(methods).toEqual(['a', 'b']);
    expect(started.errors).toEqual(['no']);
  });

  it('is read the same in whatever chunks it arrives', async () => {
    const line = fc.oneof(
      fc.string({ unit: 'grapheme' }).map((text) => notification('any', { text })),
      fc.constantFrom('', '\r', 'not json ✓', '{"id":"é"}', 'null', '💥', notification('𝒳', { ü: '日本語' })),
    );
    const end = fc.constantFrom('\n', '\r\n');
    const text = fc.array(fc.tuple(line, end), { maxLength: 8 }).map((lines) => lines.flat().join(''));
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(), { maxLength: 20 }), async (lines, cuts) => {
        const bytes = Buffer.from(lines);
        const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
        const pieces = [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length));
        expect(Buffer.concat(pieces)).toEqual(bytes);
        const [whole, inPieces] = [await start(), await start()];
        await feed(whole, bytes);
        await feed(inPieces, ...pieces);
        expect(inPieces.received).toEqual(whole.received);
        expect(answers(inPieces)).toEqual(answers(whole));
      }),
      { numRuns: 300 },
    );
  });

  it('is read the same byte by byte', async () => {
    const bytes = Buffer.from(`${notification('é', { text: '日本語 💥' })}\r\nnot json ✓\n${request('é')}\n`);
    const started = await start();
    await feed(started, ...[...bytes].map((byte) => Buffer.from([byte])));
    expect(started.received).toEqual([
      { jsonrpc: '2.0', method: 'é', params: { text: '日本語 💥' } },
      { jsonrpc: '2.0', id: 'é', method: 'tools/call', params: { name: 'any' } },
    ]);
    expect(answers(started)).toEqual([refusal(PARSE_ERROR)]);
  });
});

describe('a message that is JSON-RPC but for a detail', () => {
  it('may have params that are null, which count as absent', async () => {
    const started = await start();
    await feed(started, `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":null}\n`);
    expect(started.received).toEqual([{ jsonrpc: '2.0', id: 1, method: 'tools/list' }]);
    expect(answers(started)).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['initialize', {}, 'params.protocolVersion: expected string'],
    [
      'initialize',
      { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x' } },
      'params.clientInfo.version: expected string',
    ],
    ['tools/call', { name: 'x', arguments: null }, 'params.arguments: expected object'],
  ])('is told which params are wrong: %s %j', async (method, params, fault) => {
    const started = await start();
    await feed(started, `${JSON.stringify({ jsonrpc: '2.0', id: 7, method, params })}\n`);
    const [answer] = answers(started) as [{ error: { message: string } }];
    expect(answer).toEqual(refusal(INVALID_PARAMS, 7));
    expect(answer.error.message).toMatch(/^The params of \S+ are invalid: [^\n]+\.$/);
    expect(answer.error.message).toContain(fault);
    expect(started.received).toEqual([]);
  });

  it('is told which member is wrong', async () => {
    const started = await start();
    await feed(started, '{"jsonrpc":"2.0","id":7,"method":"tools/list","params":[1],"x":1}\n');
    const [answer] = answers(started) as [{ error: { message: string } }];
    expect(answer).toEqual(refusal(INVALID_REQUEST, 7));
    expect(answer.error.message).toContain('params: expected object');
    expect(answer.error.message).toContain('Unrecognized key: "x"');
  });
});

describe('requests above the limit', () => {
  /** What MCP has received: the ids of requests, and the methods of notifications. */
  const seen = ({ received }: Started): unknown[] =>
    received.map((message) => ('id' in message ? message.id : 'method' in message && message.method));

  it('wait until others have been answered, the oldest first', async () => {
    const started = await start({ calls: 2 });
    await deliver(started, request(1), request(2), request(3), request('4'));
    expect(seen(started)).toEqual([1, 2]);
    await started.transport.send(reply(2));
    expect(seen(started)).toEqual([1, 2, 3]);
    await started.transport.send({ jsonrpc: '2.0', id: 1, error: { code: 1, message: 'no' } });
    expect(seen(started)).toEqual([1, 2, 3, '4']);
    expect(started.received.at(-1)).toEqual(JSON.parse(request('4')));
  });

  it('hold up no notification, no response and no ping', async () => {
    const started = await start({ calls: 1 });
    const answered = JSON.stringify({ jsonrpc: '2.0', id: 'question', result: { action: 'accept' } });
    await deliver(started, request(1), request(2), notification('a'), answered, request(3, 'ping'));
    expect(seen(started)).toEqual([1, 'a', 'question', 3]);
    await started.transport.send(reply(3));
    expect(seen(started)).not.toContain(2);
  });

  it('are forgotten when they are cancelled while they wait', async () => {
    const started = await start({ calls: 1 });
    const cancel = notification('notifications/cancelled', { requestId: 2 });
    await deliver(started, request(1), request(2), request(3), cancel);
    expect(seen(started)).toEqual([1]);
    await started.transport.send(reply(1));
    expect(seen(started)).toEqual([1, 3]);
  });

  it('take the place of one that is cancelled while it runs', async () => {
    const started = await start({ calls: 1 });
    await deliver(started, request(1), request(2), notification('notifications/cancelled', { requestId: 1 }));
    expect(seen(started)).toEqual([1, 'notifications/cancelled', 2]);
  });

  it('are finished after the end of the input', async () => {
    const started = await start({ calls: 1 });
    await feed(started, `${request(1)}\n${request(2)}\n`);
    await started.transport.send(reply(1));
    expect(seen(started)).toEqual([1, 2]);
    expect(await isSettled(started.transport.closed)).toBe(false);
    await started.transport.send(reply(2));
    await started.transport.closed;
    expect(answers(started)).toEqual([reply(1), reply(2)]);
  });

  it('wait on while the reader of the answers is slow', async () => {
    const started = await start({ calls: 1, outputBuffer: 10 });
    await deliver(started, request(1), request(2));
    const sent = started.transport.send(reply(1));
    await turns();
    expect(seen(started)).toEqual([1]);
    expect(answers(started)).toEqual([reply(1)]);
    await sent;
    expect(seen(started)).toEqual([1, 2]);
  });

  it('are refused for the time being when too many bytes wait, and room is made by answers', async () => {
    const started = await start({ calls: 1 });
    const large = (id: number): string =>
      JSON.stringify({
        ...JSON.parse(request(id)),
        params: { name: 'any', arguments: { text: 'x'.repeat(200_000) } },
      });
    const ids = Array.from({ length: 12 }, (_, index) => index + 2);
    await deliver(started, request(1), ...ids.map(large));
    const refused = answers(started) as { id: number }[];
    expect(refused.map(({ id }) => id)).toEqual([12, 13]);
    expect(refused[0]).toEqual({
      jsonrpc: '2.0',
      id: 12,
      error: {
        code: -32000,
        message: expect.stringContaining('at most 1 calls'),
        data: { retryable: true, retry_after_seconds: 5, hint: expect.any(String) },
      },
    });
    await started.transport.send(reply(1));
    await deliver(started, large(14));
    expect(answers(started)).toEqual([reply(1)]);
  });
});

describe('a batch', () => {
  const BATCH = `[${request(1)},${notification('a')},${request('2')}]`;

  async function startWith(revision: string, options: Options = {}): Promise<Started> {
    const started = await start(options);
    started.transport.setProtocolVersion(revision);
    return started;
  }

  it('of the revision 2025-03-26 is answered by one array when the last answer is known', async () => {
    const started = await startWith('2025-03-26');
    await deliver(started, BATCH);
    expect(started.received).toHaveLength(3);
    await started.transport.send(reply('2'));
    await started.transport.send(reply(5));
    expect(answers(started)).toEqual([reply(5)]);
    await started.transport.send(reply(1));
    expect(answers(started)).toEqual([[reply('2'), reply(1)]]);
  });

  it('of notifications gets no answer', async () => {
    const started = await startWith('2025-03-26');
    await feed(started, `[${notification('a')},${notification('b')}]\n`);
    await started.transport.closed;
    expect(started.received).toHaveLength(2);
    expect(answers(started)).toEqual([]);
  });

  it('waits for no cancelled request', async () => {
    const started = await startWith('2025-03-26', { calls: 1 });
    const cancel = (requestId: number | string) => notification('notifications/cancelled', { requestId });
    await deliver(started, BATCH, cancel('2'));
    await started.transport.send(reply(1));
    expect(answers(started)).toEqual([[reply(1)]]);
    await deliver(started, BATCH);
    await started.transport.send(reply(1));
    await deliver(started, cancel('2'));
    expect(answers(started)).toEqual([[reply(1)]]);
  });

  it.each<[string, string, string]>([
    ['is empty', '2025-03-26', '[]'],
    ['has more than 100 messages', '2025-03-26', `[${Array(101).fill(notification('a')).join()}]`],
    ['has a message that is malformed', '2025-03-26', `[${request(1)},{"jsonrpc":"2.0","id":2,"method":5}]`],
    ['has a batch in it', '2025-03-26', `[[${request(1)}]]`],
    ['has an id twice', '2025-03-26', `[${request(1)},${request(1)}]`],
    ['is of a later revision', '2025-06-18', BATCH],
  ])('is refused whole when it %s', async (_, revision, line) => {
    const started = await startWith(revision);
    await feed(started, `${line}\n`);
    expect(answers(started)).toEqual([refusal(INVALID_REQUEST)]);
    expect(started.received).toEqual([]);
    await started.transport.closed;
  });

  it('is refused while another with the same id is being answered', async () => {
    const started = await startWith('2025-03-26');
    await deliver(started, BATCH, `[${request('2')}]`);
    expect(answers(started)).toEqual([refusal(INVALID_REQUEST)]);
  });
});

describe('the end of the input', () => {
  afterEach(() => void vi.useRealTimers());

  it('closes an idle connection', async () => {
    const started = await start();
    await feed(started, `${notification('a')}\n`);
    await started.transport.closed;
    expect(started.counts.closes).toBe(1);
  });

  it('closes the connection when every request has been answered', async () => {
    const started = await start();
    await deliver(started, request(1), request('1'));
    await started.transport.send(reply('1'));
    await started.transport.send({ jsonrpc: '2.0', id: 1, error: { code: 1, message: 'no' } });
    await feed(started);
    await started.transport.closed;
    expect(answers(started)).toHaveLength(2);
  });

  it('waits for a request in flight and sends its answer', async () => {
    const started = await start();
    await feed(started, `${request(1)}\n`);
    expect(await isSettled(started.transport.closed)).toBe(false);
    await started.transport.send(reply(1));
    await started.transport.closed;
    expect(answers(started)).toEqual([reply(1)]);
    expect(started.counts.closes).toBe(1);
  });

  it('waits for requests no longer than the grace period', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const started = await start({ grace: 10_000 });
    await feed(started, `${request(1)}\n`);
    await vi.advanceTimersByTimeAsync(9999);
    expect(await isSettled(started.transport.closed)).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await started.transport.closed;
    await started.transport.send(reply(1));
    expect(answers(started)).toEqual([]);
  });

  it('clears its timer when the answer comes in time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const started = await start({ grace: 10_000 });
    await feed(started, `${request(1)}\n`);
    expect(vi.getTimerCount()).toBe(1);
    await started.transport.send(reply(1));
    await started.transport.closed;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('waits until its answers have been read', async () => {
    const started = await start({ outputBuffer: 10 });
    await deliver(started, request(1));
    void started.transport.send(reply(1));
    started.input.end();
    await started.transport.ending;
    expect(await isSettled(started.transport.closed)).toBe(false);
    expect(answers(started)).toEqual([reply(1)]);
    await started.transport.closed;
  });

  it('waits for answers to be read no longer than the grace period', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const started = await start({ grace: 10_000, outputBuffer: 10 });
    await deliver(started, request(1));
    void started.transport.send(reply(1));
    started.input.end();
    await started.transport.ending;
    vi.advanceTimersByTime(10_000);
    await started.transport.closed;
  });

  it('waits for every request in flight', async () => {
    const started = await start();
    await feed(started, `${request(1)}\n${request(2)}\n${request('2')}\n`);
    await started.transport.send(reply(2));
    await started.transport.send(reply(1));
    expect(await isSettled(started.transport.closed)).toBe(false);
    await started.transport.send(reply('2'));
    await started.transport.closed;
    expect(answers(started)).toEqual([reply(2), reply(1), reply('2')]);
  });

  it('waits for both of two requests with the same id', async () => {
    const started = await start();
    await feed(started, `${request(1)}\n${request(1)}\n`);
    await started.transport.send(reply(1));
    expect(await isSettled(started.transport.closed)).toBe(false);
    await started.transport.send(reply(1));
    await started.transport.closed;
    expect(answers(started)).toEqual([reply(1), reply(1)]);
  });

  it('waits for no cancelled request', async () => {
    const started = await start();
    const cancel = notification('notifications/cancelled', { requestId: 1 });
    await feed(started, `${request(1)}\n${cancel}\n`);
    await started.transport.closed;
    expect(started.received).toHaveLength(2);
  });

  it('waits on when other or unknown requests are cancelled', async () => {
    const started = await start();
    const cancel = (requestId: unknown): string => notification('notifications/cancelled', { requestId });
    await feed(
      started,
      [request(1), request(2), cancel(2), cancel('1'), cancel(9), cancel({}), ''].join('\n'),
    );
    expect(await isSettled(started.transport.closed)).toBe(false);
    await started.transport.send(reply(1));
    await started.transport.closed;
    expect(started.received).toHaveLength(6);
  });

  it('waits for no subscription, which is never answered', async () => {
    const started = await start();
    await feed(started, `${request(1, 'subscriptions/listen')}\n`);
    await started.transport.closed;
    expect(started.received).toHaveLength(1);
  });

  it('waits on when the server sends a request or a notification with the same id', async () => {
    const started = await start();
    await feed(started, `${request(1)}\n`);
    await started.transport.send({ jsonrpc: '2.0', id: 1, method: 'elicitation/create', params: {} });
    await started.transport.send({ jsonrpc: '2.0', method: 'notifications/progress', params: {} });
    expect(await isSettled(started.transport.closed)).toBe(false);
    await started.transport.send(reply(1));
    await started.transport.closed;
    expect(answers(started)).toHaveLength(3);
  });

  it('waits on when a bad line with the same id is refused', async () => {
    const started = await start();
    await feed(started, `${request(1)}\n{"jsonrpc":"1.0","id":1}\n`);
    expect(answers(started)).toEqual([refusal(INVALID_REQUEST, 1)]);
    expect(await isSettled(started.transport.closed)).toBe(false);
    await started.transport.send(reply(1));
    await started.transport.closed;
    expect(answers(started)).toEqual([reply(1)]);
  });

  it('waits for no answer to a request of the server', async () => {
    const started = await start();
    await started.transport.send({ jsonrpc: '2.0', id: 1, method: 'elicitation/create', params: {} });
    await feed(started, `${JSON.stringify(reply(1))}\n`);
    await started.transport.closed;
    expect(started.received).toEqual([reply(1)]);
  });

  it('closes the connection when the input breaks', async () => {
    const started = await start();
    started.input.destroy(new Error('EIO'));
    await started.transport.closed;
    expect(started.counts.closes).toBe(1);
  });
});

describe('end', () => {
  it('accepts no more messages and waits for those in flight', async () => {
    const started = await start();
    await deliver(started, request(1));
    const ended = started.transport.end();
    started.input.write(`${request(2)}\nnot json\n`);
    expect(await isSettled(ended)).toBe(false);
    expect(started.received).toHaveLength(1);
    await started.transport.send(reply(1));
    await ended;
    await started.transport.closed;
    expect(answers(started)).toEqual([reply(1)]);
  });

  it('leaves the rest of a chunk unread', async () => {
    const started = await start();
    started.transport.onmessage = (message) => {
      started.received.push(message);
      void started.transport.end();
    };
    await feed(started, `${notification('a')}\n${notification('b')}\n`);
    await started.transport.closed;
    expect(started.received).toHaveLength(1);
  });

  it('has no further effect the second time', async () => {
    const started = await start();
    await Promise.all([started.transport.end(), started.transport.end()]);
    await started.transport.close();
    expect(started.counts.closes).toBe(1);
  });
});

describe('close', () => {
  it('waits for nothing in flight', async () => {
    const started = await start();
    await deliver(started, request(1));
    await started.transport.close();
    await started.transport.ending;
    await started.transport.closed;
    expect(started.counts.closes).toBe(1);
    expect(started.input.destroyed).toBe(true);
  });
});

describe('an output', () => {
  it.each<[string, (output: PassThrough) => void]>([
    ['closed', (output) => void output.destroy()],
    ['broken', (output) => void output.destroy(new Error('EPIPE'))],
  ])('that is %s closes the connection, even with requests in flight', async (_, breakOutput) => {
    const started = await start();
    await deliver(started, request(1));
    breakOutput(started.output);
    await started.transport.closed;
    expect(started.counts.closes).toBe(1);
    await started.transport.send(reply(1));
  });

  it('that has ended gets no message and raises no error', async () => {
    const started = await start();
    started.output.end();
    await started.transport.send(reply(1));
    await feed(started, 'not json\n');
    expect(started.output.read()).toBeNull();
  });

  it('that closes while requests are waited for closes the connection', async () => {
    const started = await start();
    await feed(started, `${request(1)}\n`);
    expect(await isSettled(started.transport.closed)).toBe(false);
    started.output.destroy();
    await started.transport.closed;
  });

  it('gets one line for each message', async () => {
    const started = await start();
    const text = 'a\nb\r\u2028\u2029 ✓';
    for (const id of [1, 2, 3]) {
      await started.transport.send({ jsonrpc: '2.0', id, result: { text } });
    }
    expect(String(started.output.read()).match(/\n/g)).toHaveLength(3);
  });

  it('that is full delays a send until it is read', async () => {
    const started = await start({ outputBuffer: 10 });
    const sending = started.transport.send(reply(1));
    expect(await isSettled(sending)).toBe(false);
    expect(answers(started)).toEqual([reply(1)]);
    await sending;
  });

  it('that is full stops reading until it is read', async () => {
    const started = await start({ outputBuffer: 10 });
    await deliver(started, request(1));
    const sent = started.transport.send(reply(1));
    started.input.write(`${request(2)}\n`);
    await turns();
    expect(started.received).toHaveLength(1);
    expect(answers(started)).toEqual([reply(1)]);
    await sent;
    await vi.waitFor(() => expect(started.received).toHaveLength(2));
  });

  it('that closes while it is full ends a send', async () => {
    const started = await start({ outputBuffer: 10 });
    const sending = started.transport.send(reply(1));
    expect(await isSettled(sending)).toBe(false);
    started.output.destroy();
    await sending;
  });

  it('gets every message of many that wait, without a warning about listeners', async () => {
    const warnings: string[] = [];
    const listen = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', listen);
    const started = await start({ outputBuffer: 10 });
    const sending = Array.from({ length: 50 }, (_, id) => started.transport.send(reply(id)));
    await isSettled(Promise.all(sending));
    started.output.setEncoding('utf8');
    let text = '';
    started.output.on('data', (chunk: string) => {
      text += chunk;
    });
    await Promise.all(sending);
    process.off('warning', listen);
    expect(text.trimEnd().split('\n')).toEqual(sending.map((_, id) => JSON.stringify(reply(id))));
    expect(started.output.listenerCount('drain')).toBe(0);
    expect(warnings).toEqual([]);
  });
});

describe('whether the output is read', () => {
  it('is so while there is a reader, for whom a space before the next message is all that is written', async () => {
    const started = await start();
    expect(await started.transport.isHeard()).toBe(true);
    await started.transport.send(reply(1));
    expect(String(started.output.read())).toBe(` ${JSON.stringify(reply(1))}\n`);
  });

  it('is so when the reader is slow and the output is full', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const started = await start({ outputBuffer: 10 });
    void started.transport.send(reply(1));
    const heard = started.transport.isHeard();
    expect(await isSettled(heard)).toBe(false);
    await vi.runAllTimersAsync();
    expect(await heard).toBe(true);
  });

  it('is so after the end of the input', async () => {
    const started = await start();
    await feed(started, `${request(1)}\n`);
    expect(await started.transport.isHeard()).toBe(true);
  });

  it('is not so when a write fails, which closes the connection', async () => {
    const output = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) });
    const transport = new StdioTransport(new PassThrough(), output, {
      graceMilliseconds: FOREVER,
      maxConcurrentCalls: 64,
    });
    await transport.start();
    expect(await transport.isHeard()).toBe(false);
    await transport.closed;
  });

  it.each<[string, (started: Started) => void]>([
    ['destroyed', ({ output }) => void output.destroy()],
    ['ended', ({ output }) => void output.end()],
    ['of a closed connection', ({ transport }) => void transport.close()],
  ])('is not so when it is %s', async (_, spoil) => {
    const started = await start();
    spoil(started);
    expect(await started.transport.isHeard()).toBe(false);
  });
});
