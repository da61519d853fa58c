import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts';
import { ServerProcess } from './server-process.ts';

/** An embedded endpoint, and the environment with which a server uses it as AWS. */
export async function sharedEndpoint(options: SimulatorOptions = {}) {
  const simulator = await startSimulator({ throttling: false, ...options });
  onTestFinished(() => simulator.close());
  const environment = {
    AWS_ENDPOINT_URL_EC2: simulator.url,
    AWS_ENDPOINT_URL_STS: simulator.url,
    AWS_REGION: simulator.region,
    AWS_ACCESS_KEY_ID: 'AKIASIMULATEDACCESS0',
    AWS_SECRET_ACCESS_KEY: 'simulated',
  };
  return { simulator, environment };
}

/** The built server as a process that serves over HTTP, killed when the test is over. */
export class HttpProcess extends ServerProcess {
  url = '';

  static async start(
    args: readonly string[],
    environment: Record<string, string> = {},
    address = '0',
  ): Promise<HttpProcess> {
    const process = new HttpProcess(['--http', address, ...args], environment);
    onTestFinished(async () => {
      process.child.kill('SIGKILL');
      await process.exit;
    });
    process.url = await process.#listening();
    return process;
  }

  async #listening(): Promise<string> {
    for (;;) {
      const [, url] = /"url":"([^"]+)"/.exec(this.log) ?? [];
      if (url !== undefined) return url;
      const { stderr } = this.child;
      if (stderr === null) throw new Error('no stderr');
      const ended = await Promise.race([once(stderr, 'data').then(() => undefined), this.exit]);
      if (ended !== undefined) throw new Error(`the server ended with ${ended}: ${this.log}`);
    }
  }
}

/** A request that the proxy passed on. */
interface Passed {
  method: string;
  upstream: number;
}

/** A load balancer that alternates between its upstreams, request by request, and skips those that are down. */
export async function roundRobin(upstreams: readonly string[]) {
  const passed: Passed[] = [];
  let turn = 0;

  const pass = (request: IncomingMessage, response: ServerResponse, body: Buffer, attempts: number): void => {
    const upstream = turn++ % upstreams.length;
    const target = new URL(request.url ?? '/', upstreams[upstream]);
    const onward = httpRequest(target, { method: request.method, headers: request.headers, agent: false });
    let sent = false;
    onward.on('response', (answer) => {
      const { method = '' } = JSON.parse(body.toString() || '{}') as { method?: string };
      passed.push({ method, upstream });
      sent = true;
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    });
    onward.on('error', (error: NodeJS.ErrnoException) => {
      // Only a request that no upstream has received may go to another one.
      if (error.code === 'ECONNREFUSED' && attempts > 1) pass(request, response, body, attempts - 1);
      else if (sent) response.destroy();
      else response.writeHead(502).end();
    });
    onward.end(body);
  };

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    pass(request, response, Buffer.concat(chunks), upstreams.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, passed };
}
