import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { Simulator } from '../../src/simulator/simulator.ts';

/** The built program. */
export const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** An environment without any AWS configuration. */
export const BARE_ENVIRONMENT: Record<string, string> = {
  PATH: process.env.PATH ?? '',
  HOME: '/nonexistent',
  AWS_EC2_METADATA_DISABLED: 'true',
};

/** Makes a server take an endpoint for AWS. */
export function endpointEnvironment({ url }: Pick<Simulator, 'url'>): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'AKIATEST',
    AWS_SECRET_ACCESS_KEY: 'secret',
  };
}

/** The envelope of every request of revision 2026-07-28. */
const MODERN = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

interface Message {
  id?: number | string;
  method?: string;
  // biome-ignore lint/suspicious/noExplicitAny: JSON-RPC messages of every shape
  result?: any;
  error?: { code: number; message: string };
}

/** The server as a process that is spoken to line by line. */
export class ServerProcess {
  readonly child: ChildProcess;
  /** Lines on stdout that are not JSON-RPC messages. */
  readonly stray: string[] = [];
  readonly messages: Message[] = [];
  log = '';
  /** The exit code or the signal that ended the process. */
  readonly exit: Promise<number | string>;
  #nextId = 1;
  #waiting: (() => void)[] = [];

  constructor(args: readonly string[] = [], environment: Record<string, string> = {}, main = MAIN) {
    this.child = spawn(process.execPath, [main, ...args], {
      env: { ...BARE_ENVIRONMENT, ...environment },
      stdio: 'pipe',
    });
    this.child.stdin?.on('error', () => {});
    this.child.stderr?.on('data', (chunk) => {
      this.log += chunk;
      this.#wake();
    });
    if (this.child.stdout !== null) {
      createInterface({ input: this.child.stdout }).on('line', (line) => this.#take(line));
    }
    this.exit = once(this.child, 'exit').then(([code, signal]) => code ?? signal);
  }

  send(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  /** Sends a request of revision 2026-07-28 and returns its id without waiting for the answer. */
  post(method: string, params: Record<string, unknown> = {}): number {
    const id = this.#nextId++;
    this.send(JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: MODERN } }));
    return id;
  }

  async request(method: string, params: Record<string, unknown> = {}): Promise<Message> {
    return this.answerTo(this.post(method, params));
  }

  call(name: string, args: Record<string, unknown>): Promise<Message> {
    return this.request('tools/call', { name, arguments: args });
  }

  answerTo(id: number | string): Promise<Message> {
    return this.until((message) => message.id === id);
  }

  /** Initializes the connection for the 2025 revisions, in which a request is sent without an envelope. */
  async initialize(capabilities: object = {}, protocolVersion = '2025-11-25'): Promise<void> {
    const params = {
      protocolVersion,
      capabilities,
      clientInfo: { name: 'raw', version: '1.0.0' },
    };
    this.send(JSON.stringify({ jsonrpc: '2.0', id: 'initialize', method: 'initialize', params }));
    await this.answerTo('initialize');
    this.send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }));
  }

  /** The first message that fits, received already or still to come. */
  async until(fits: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const found = this.messages.find(fits);
      if (found !== undefined) return found;
      await this.#output();
    }
  }

  /** Waits until the log contains `text`. */
  async logged(text: string): Promise<void> {
    while (!this.log.includes(text)) await this.#output();
  }

  /** Records of the audit log on stderr. */
  get audit(): Record<string, unknown>[] {
    return this.log.split('\n').flatMap((line) => (line.startsWith('{"audit"') ? [JSON.parse(line)] : []));
  }

  #take(line: string): void {
    try {
      const message = JSON.parse(line) as Message & { jsonrpc?: string };
      if (message.jsonrpc !== '2.0') throw new Error('not JSON-RPC');
      this.messages.push(message);
    } catch {
      this.stray.push(line);
    }
    this.#wake();
  }

  #output(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Starts the server over stdio; it is killed when the test is over. */
export function startServer(
  args: readonly string[] = ['--simulate'],
  environment: Record<string, string> = {},
  main = MAIN,
): ServerProcess {
  const server = new ServerProcess(args, environment, main);
  onTestFinished(() => void server.child.kill('SIGKILL'));
  return server;
}
