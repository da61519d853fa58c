import { EventEmitter, once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { connectEc2, type Ec2 } from '../../src/aws/ec2.ts';
import { FAST_TIMEOUTS } from '../support/session.ts';

const MEGABYTE = Buffer.alloc(1_000_000, ' ');

/** EC2 at an endpoint whose answers `send` writes; `ended` resolves with the megabytes that were sent when it ended. */
async function endpointThatSends(send: (response: ServerResponse) => Promise<number>) {
  const sent = new EventEmitter();
  const ended = once(sent, 'end').then(([megabytes]: number[]) => megabytes);
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/xml' });
    void send(response).then((megabytes) => sent.emit('end', megabytes));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' };
  const target = { region: 'us-east-1', endpoint: `http://127.0.0.1:${port}`, credentials };
  const timeouts = { ...FAST_TIMEOUTS, read: 3000, readAttempt: 3000 };
  const ec2 = connectEc2(target, '0.0.0', pino({ level: 'silent' }), timeouts);
  onTestFinished(() => {
    ec2.close();
    server.close();
    server.closeAllConnections();
  });
  return { ec2, ended };
}

/** Writes until the connection is closed, as fast as it is read or, with a pause, slower. Returns the megabytes. */
async function endlessly(response: ServerResponse, pause = 0): Promise<number> {
  let megabytes = 0;
  while (!response.destroyed && megabytes < 500) {
    const isTaken = response.write(MEGABYTE);
    megabytes += 1;
    if (!isTaken) {
      await new Promise<void>((resolve) => {
        response.once('drain', resolve);
        response.once('close', resolve);
      });
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return megabytes;
}

function read(ec2: Ec2) {
  return ec2.readPage('us-east-1', { filters: [] }, new AbortController().signal);
}

it('an answer without an end is cut, and named', async () => {
  const { ec2, ended } = await endpointThatSends((response) => endlessly(response));
  await expect(read(ec2)).rejects.toMatchObject({
    report: {
      code: 'bad_response',
      message: 'What answered in place of EC2 sent more than 64 MB.',
    },
  });
  expect(await ended).toBeLessThan(150);
});

it('an answer that is still sent when the call has ended is read no further', async () => {
  const { ec2, ended } = await endpointThatSends((response) => endlessly(response, 200));
  await expect(read(ec2)).rejects.toMatchObject({ report: { code: 'timed_out' } });
  expect(await ended).toBeLessThan(32);
});
