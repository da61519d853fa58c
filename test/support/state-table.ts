import { setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import dynalite from 'dynalite';
import type { State } from '../../src/changes/state.ts';
import { openStateTable } from '../../src/state-table/state-table.ts';
import { tableTemplate } from '../../src/state-table/template.ts';
import { TABLE_TIMES, type TableTimes } from '../../src/state-table/times.ts';
import { ForwardClock, PER_HOUR } from './state-contract.ts';

/** A table of dynalite, behind a proxy that can spoil requests and their answers. */

export const TABLE = 'nat-state';

/** Times for a table that answers slowly on a busy machine, and for one that does not answer. */
export const PATIENT_TIMES: TableTimes = { ...TABLE_TIMES, request: 20_000, attempt: 20_000, pause: 20 };
export const FAST_TIMES: TableTimes = { ...PATIENT_TIMES, request: 700, attempt: 250 };

/** What happens to a request: `lost` is applied, and its answer never arrives. */
export type TableFault = 'none' | 'lost' | 'slow' | 'throttled' | 'error' | 'refused' | 'empty' | 'expired';

export interface TableRequest {
  /** Such as UpdateItem. */
  action: string;
  body: Record<string, unknown>;
}

export class StateTable {
  readonly requests: TableRequest[] = [];
  /** Seconds by which its clock is ahead. */
  secondsAhead = 0;
  /** The fault of a request by its number, from 0 since the fault was set. */
  #fault: (request: TableRequest, number: number) => TableFault = () => 'none';
  #number = 0;
  #tables = 0;
  readonly #closing = new AbortController();
  readonly #store: Server;
  readonly #proxy: Server;

  private constructor(store: Server) {
    setMaxListeners(0, this.#closing.signal);
    this.#store = store;
    this.#proxy = createServer((incoming, answer) => {
      // A slow request may outlast the table.
      this.#pass(incoming, answer).catch(() => incoming.socket.destroy());
    });
  }

  static async start(): Promise<StateTable> {
    const table = new StateTable(dynalite({ createTableMs: 0 }));
    await listening(table.#store);
    await listening(table.#proxy);
    await table.#create(TABLE);
    table.requests.length = 0;
    return table;
  }

  /** Creates another table with nothing in it, and returns its name. */
  async another(): Promise<string> {
    const name = `${TABLE}-${++this.#tables}`;
    await this.#create(name);
    return name;
  }

  /** The configuration of a client of the table. */
  client() {
    return {
      region: 'eu-west-1',
      endpoint: this.endpoint,
      credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' },
      requestHandler: new NodeHttpHandler({ throwOnRequestTimeout: true, connectionTimeout: 1000 }),
    };
  }

  /** A replica that shares the table. */
  replica(options: Partial<Parameters<typeof openStateTable>[0]> = {}): State {
    return openStateTable({
      name: TABLE,
      client: async () => this.client(),
      clocks: new ForwardClock().clocks,
      maxChangesPerHour: PER_HOUR,
      onTrouble: () => {},
      times: PATIENT_TIMES,
      ...options,
    });
  }

  get endpoint(): string {
    return `http://127.0.0.1:${portOf(this.#proxy)}`;
  }

  /** Spoils requests from now on. */
  spoil(fault: (request: TableRequest, number: number) => TableFault): void {
    this.#fault = fault;
    this.#number = 0;
  }

  heal(): void {
    this.spoil(() => 'none');
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const server of [this.#proxy, this.#store]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  async #pass(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const bytes = await bodyOf(incoming);
    const [, action = ''] = String(incoming.headers['x-amz-target']).split('.');
    const received = { action, body: JSON.parse(bytes.toString()) as Record<string, unknown> };
    this.requests.push(received);
    const fault = this.#fault(received, this.#number++);
    if (fault === 'refused') return void incoming.socket.destroy();
    if (fault === 'empty') return void answer.writeHead(200).end('{}');
    if (fault === 'throttled') return fail(answer, 400, 'ThrottlingException');
    if (fault === 'expired') return fail(answer, 400, 'ExpiredTokenException');
    if (fault === 'error') return fail(answer, 500, 'InternalServerError');
    if (fault === 'slow') await sleep(5000, undefined, { ref: false, signal: this.#closing.signal });
    const applied = await this.#forward(incoming, bytes);
    if (fault === 'lost') return void incoming.socket.destroy();
    answer.writeHead(applied.status, applied.headers).end(applied.body);
  }

  async #create(name: string): Promise<void> {
    const client = new DynamoDBClient(this.client());
    const { TableName, ...properties } = tableTemplate(name).Resources.State.Properties;
    const { TimeToLiveSpecification: _, ...known } = properties;
    await client.send(new CreateTableCommand({ TableName, ...known } as never));
    await waitUntilTableExists({ client, maxWaitTime: 5, minDelay: 0.02, maxDelay: 0.02 } as never, {
      TableName,
    });
    client.destroy();
  }

  get #date(): string {
    return new Date(Date.now() + this.secondsAhead * 1000).toUTCString();
  }

  #forward({ url, headers }: IncomingMessage, bytes: Buffer) {
    return new Promise<{ status: number; headers: Record<string, string>; body: Buffer }>(
      (resolve, reject) => {
        const options = { port: portOf(this.#store), path: url, method: 'POST', headers };
        request(options, (response) => {
          bodyOf(response).then((body) => {
            const type = String(response.headers['content-type']);
            const status = response.statusCode ?? 0;
            resolve({ status, headers: { 'content-type': type, date: this.#date }, body });
          }, reject);
        })
          .on('error', reject)
          .end(bytes);
      },
    );
  }
}

function fail(answer: ServerResponse, status: number, code: string): void {
  answer.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' });
  answer.end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${code}`, message: 'spoiled' }));
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function listening(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
