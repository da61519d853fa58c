import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Quota } from '../../../src/serve/http/quota.ts';
import { ReceivedBody } from '../../../src/serve/http/received-body.ts';
import { RpcBody } from '../../../src/serve/http/rpc-body.ts';

/** A request whose body is what is written to it, its response, and the body as the server receives it. */
function openRequest({
  limit = 1000,
  quota = new Quota(1_000_000),
  needsToken = false,
  headers = {},
}: {
  limit?: number;
  quota?: Quota;
  needsToken?: boolean;
  headers?: object;
}) {
  const request = Object.assign(new PassThrough(), { headers });
  const response = new PassThrough();
  const body = new ReceivedBody(
    request as unknown as IncomingMessage,
    response as unknown as ServerResponse,
    { limit, quota, needsToken },
  );
  const send = (bytes: number) => request.emit('data', Buffer.alloc(bytes));
  return { request, response, body, send };
}

describe('a body that comes byte by byte', () => {
  it('is joined as it comes: no chunk is kept', async () => {
    const { request, body } = openRequest({});
    const reading = body.take(undefined);
    const text = JSON.stringify({ jsonrpc: '2.0', id: 'é', method: 'ping' });
    // The same chunk over and over: one that was kept would have changed by the end.
    const chunk = Buffer.alloc(1);
    for (const byte of Buffer.from(text)) {
      chunk[0] = byte;
      request.emit('data', chunk);
    }
    chunk[0] = 0;
    request.emit('end');
    expect(new RpcBody(await reading).json).toEqual({ jsonrpc: '2.0', id: 'é', method: 'ping' });
  });

  it('is joined before anybody asks for it, as its token may take seconds to check', async () => {
    const { request, body } = openRequest({ needsToken: true });
    const chunk = Buffer.from('1');
    request.emit('data', chunk);
    chunk[0] = 0;
    request.emit('end');
    expect(new TextDecoder().decode(await body.take('token:ada'))).toBe('1');
  });

  it('is refused at the byte that is too many, before it has ended', async () => {
    const { request, body } = openRequest({ limit: 3 });
    const reading = body.take(undefined);
    for (const byte of ['1', '2', '3', '4']) request.emit('data', Buffer.from(byte));
    await expect(reading).rejects.toMatchObject({ status: 413 });
  });

  it('is refused if its caller leaves before its end', async () => {
    const { request, body } = openRequest({});
    const reading = body.take(undefined);
    request.emit('data', Buffer.from('{}'));
    request.destroy();
    await expect(reading).rejects.toMatchObject({ status: 400 });
  });
});

describe('bodies that do not end', () => {
  const limit = 100_000;

  it('are refused for a while when they hold too many bytes together, and ordinary ones never', async () => {
    const quota = new Quota(limit);
    const first = openRequest({ limit, quota });
    first.send(limit);
    const second = openRequest({ limit, quota });
    second.send(limit);
    const refused = second.body.take(undefined);
    await expect(refused).rejects.toMatchObject({ status: 503 });
    const ordinary = openRequest({ limit, quota });
    ordinary.send(4096);
    ordinary.request.emit('end');
    expect(await ordinary.body.take(undefined)).toHaveLength(4096);
    first.response.destroy();
    await new Promise((resolve) => first.response.once('close', resolve));
    const third = openRequest({ limit, quota });
    third.send(limit);
    third.request.emit('end');
    expect(await third.body.take(undefined)).toHaveLength(limit);
  });

  it('hold a quarter at most for one token', async () => {
    const quota = new Quota(4 * limit);
    const bodies = ['token:mallory', 'token:mallory', 'token:ada'].map((principal) => {
      const { body, send, request } = openRequest({ limit, quota });
      const taken = body.take(principal);
      send(limit);
      request.emit('end');
      return taken;
    });
    const outcomes = await Promise.allSettled(bodies);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('hold a quarter at most while their tokens are checked, and count for their callers after that', async () => {
    const quota = new Quota(4 * limit);
    const open = () => openRequest({ limit, quota, needsToken: true });
    const [first, second] = [open(), open()];
    first.send(limit);
    second.send(limit);
    await expect(second.body.take('token:grace')).rejects.toMatchObject({ status: 503 });
    first.request.emit('end');
    await first.body.take('token:ada');
    const [third, fourth] = [open(), open()];
    third.send(limit);
    await expect(third.body.take('token:ada')).rejects.toMatchObject({ status: 503 });
    fourth.send(limit);
    fourth.request.emit('end');
    expect(await fourth.body.take('token:grace')).toHaveLength(limit);
  });

  it('hold nothing once they are refused', async () => {
    const quota = new Quota(limit);
    const { body, send } = openRequest({ limit, quota });
    send(limit);
    send(1);
    await expect(body.take(undefined)).rejects.toMatchObject({ status: 413 });
    await quota.idle();
    expect(quota.take(limit)).toBeDefined();
  });
});
