import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The built program. */
export const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** An environment in which no AWS configuration can be found. */
export const BARE_ENVIRONMENT: Record<string, string> = {
  PATH: process.env.PATH ?? '',
  HOME: '/nonexistent',
  AWS_EC2_METADATA_DISABLED: 'true',
};

/** The revision of the modern era, and the envelope that each of its requests carries. */
const MODERN = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

interface Message {
  id?: number;
  // biome-ignore lint/suspicious/noExplicitAny: JSON-RPC messages of every shape
  result?: any;
  error?: { code: number; message: string };
}

/** The server as a process, spoken to line by line. */
export class ServerProcess {
  readonly child: ChildProcess;
  /** Lines on stdout that are no JSON-RPC message. */
  readonly stray: string[] = [];
  readonly messages: Message[] = [];
  log = '';
  /** The exit code, or the signal that ended it. */
  readonly exit: Promise<number | string>;
  #nextId = 1;
  #arrived: (() => void)[] = [];

  constructor(args: readonly string[] = [], environment: Record<string, string> = {}) {
    this.child = spawn(process.execPath, [MAIN, ...args], {
      env: { ...BARE_ENVIRONMENT, ...environment },
      stdio: 'pipe',
    });
    this.child.stdin?.on('error', () => {});
    this.child.stderr?.on('data', (chunk) => {
      this.log += chunk;
    });
    if (this.child.stdout !== null) {
      createInterface({ input: this.child.stdout }).on('line', (line) => this.#take(line));
    }
    this.exit = once(this.child, 'exit').then(([code, signal]) => code ?? signal);
  }

  send(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  /** Sends a request of the modern era, without waiting for its answer. */
  post(method: string, params: Record<string, unknown> = {}): number {
    const id = this.#nextId++;
    this.send(JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: MODERN } }));
    return id;
  }

  async request(method: string, params: Record<string, unknown> = {}): Promise<Message> {
    const id = this.post(method, params);
    return this.until((message) => message.id === id);
  }

  call(name: string, args: Record<string, unknown>): Promise<Message> {
    return this.request('tools/call', { name, arguments: args });
  }

  /** The first message, already here or still to come, that fits. */
  async until(fits: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const found = this.messages.find(fits);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#arrived.push(resolve));
    }
  }

  /** Waits until the log says so. */
  async logged(text: string): Promise<void> {
    while (!this.log.includes(text)) await sleep(10);
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
    for (const resolve of this.#arrived.splice(0)) resolve();
  }
}
