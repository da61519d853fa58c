import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { RpcBody } from '../../../src/serve/http/rpc-body.ts';

/** A request whose body is what is written to it. */
function openRequest(): PassThrough & IncomingMessage {
  return Object.assign(new PassThrough(), { headers: {} }) as unknown as PassThrough & IncomingMessage;
}

describe('a body that comes byte by byte', () => {
  it('is joined as it comes: no chunk is kept', async () => {
    const request = openRequest();
    const reading = RpcBody.read(request, 1000);
    const text = JSON.stringify({ jsonrpc: '2.0', id: 'é', method: 'ping' });
    // The same chunk over and over: one that was kept would have changed by the end.
    const chunk = Buffer.alloc(1);
    for (const byte of Buffer.from(text)) {
      chunk[0] = byte;
      request.emit('data', chunk);
    }
    chunk[0] = 0;
    request.emit('end');
    expect((await reading).json).toEqual({ jsonrpc: '2.0', id: 'é', method: 'ping' });
  });

  it('is refused at the byte that is too many, before it has ended', async () => {
    const request = openRequest();
    const reading = RpcBody.read(request, 3);
    for (const byte of ['1', '2', '3', '4']) request.emit('data', Buffer.from(byte));
    await expect(reading).rejects.toMatchObject({ status: 413 });
  });

  it('is refused if its caller leaves before its end', async () => {
    const request = openRequest();
    const reading = RpcBody.read(request, 1000);
    request.emit('data', Buffer.from('{}'));
    request.destroy();
    await expect(reading).rejects.toMatchObject({ status: 400 });
  });
});
