// Starts a process to measure, and speaks to it in JSON-RPC lines.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** An environment without AWS configuration. */
const BARE_ENVIRONMENT = {
  PATH: process.env.PATH,
  HOME: '/nonexistent',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
};

const INITIALIZE = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'bench', version: '1.0.0' },
};

export class Child {
  #child;
  #waiting = new Map();
  #id = 0;

  constructor(file, args = [], environment = {}) {
    this.#child = spawn(process.execPath, [file, ...args], {
      env: { ...BARE_ENVIRONMENT, ...environment },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const { id, result, error } = JSON.parse(line);
      const { resolve, reject } = this.#waiting.get(id);
      if (error === undefined) resolve(result);
      else reject(new Error(error.message));
    });
  }

  request(method, params = {}) {
    const id = ++this.#id;
    this.#send({ id, method, params });
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  /** Sends the handshake and the first request of every host at once, as fast as a client can. */
  async listTools() {
    const initialized = this.request('initialize', INITIALIZE);
    this.#send({ method: 'notifications/initialized' });
    const [, list] = await Promise.all([initialized, this.request('tools/list')]);
    return list;
  }

  /** Calls a tool; a refusal or an error ends the benchmark. */
  async call(name, args) {
    const result = await this.request('tools/call', { name, arguments: args });
    if (result.isError) throw new Error(result.content[0].text);
    return result;
  }

  /** Resident memory in MB, now and at its peak; `undefined` where the system does not say. */
  memory() {
    try {
      const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
      const megabytes = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)[1]) / 1024;
      return { now: megabytes('VmRSS'), peak: megabytes('VmHWM') };
    } catch {
      return { now: residentByPs(this.#child.pid), peak: undefined };
    }
  }

  async end() {
    const exit = once(this.#child, 'exit');
    this.#child.kill();
    await exit;
  }

  #send(message) {
    this.#child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }
}

function residentByPs(pid) {
  try {
    return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)])) / 1024;
  } catch {
    return undefined;
  }
}

/** What a model reads of a result. */
export function textOf({ content }) {
  return content.map(({ text }) => text).join('\n');
}

/** Starts the embedded endpoint, and returns the environment in which the AWS SDK finds it. */
export async function startEndpoint(file, { gateways, delay = 0, prefixLists = false }) {
  const child = spawn(process.execPath, [file], {
    env: {
      ...BARE_ENVIRONMENT,
      GATEWAYS: String(gateways),
      DELAY: String(delay),
      PREFIX_LISTS: prefixLists ? 'yes' : 'no',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [url] = await once(child.stdout, 'data');
  const environment = {
    AWS_ENDPOINT_URL: String(url).trim(),
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'AKIABENCH',
    AWS_SECRET_ACCESS_KEY: 'secret',
  };
  return { environment, end: () => child.kill() };
}

export function gatewayId(index) {
  return `nat-${index.toString(16).padStart(17, '0')}`;
}
