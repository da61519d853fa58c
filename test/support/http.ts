import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import {
  type AuthProvider,
  type ClientOptions,
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport as LegacyTransportType } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { HttpFront, type HttpFrontOptions } from '../../src/serve/http/front.ts';
import { serverFor } from '../../src/serve/http.ts';
import { openSession, type Session, type SessionOptions } from './session.ts';

/** The server of a session behind an HTTP front on a free port of 127.0.0.1, closed when the test is over. */
export interface Front extends Session {
  front: HttpFront;
  url: string;
}

export async function openFront(
  options: SessionOptions = {},
  front: Partial<HttpFrontOptions> = {},
): Promise<Front> {
  const session = await openSession(options);
  onTestFinished(session.close);
  const served = await HttpFront.open(serverFor(session.dependencies), {
    host: '127.0.0.1',
    port: 0,
    allowedHosts: [],
    allowedOrigins: [],
    maxBodyBytes: 262_144,
    requestTimeoutSeconds: 915,
    maxConcurrentCalls: 64,
    authentication: undefined,
    audit: session.dependencies.audit,
    checkState: () => session.dependencies.state.check(),
    graceMilliseconds: 10_000,
    logger: pino({ level: 'silent' }),
    ...front,
  });
  onTestFinished(async () => {
    await served.end();
    await session.dependencies.state.holds.idle();
  });
  return { ...session, front: served, url: served.url };
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The body as JSON, or the last message of an event stream. */
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  json: any;
}

export interface Sent {
  method?: string;
  /** The target as it is sent; the path of the URL by default. */
  target?: string;
  headers?: Record<string, string>;
  body?: string | Buffer | object;
  signal?: AbortSignal;
  /** Gets what has come of the answer, each time that there is more. */
  onData?: (text: string) => void;
}

/** Sends one request, with any Host, over a connection of its own. */
export function send(
  url: string,
  { method = 'POST', target, headers = {}, body, signal, onData }: Sent = {},
): Promise<Answer> {
  const bytes =
    body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, {
      method,
      ...(target === undefined ? {} : { path: target }),
      headers: { ...JSON_HEADERS, ...headers },
      agent: false,
      signal,
    });
    request.on('error', reject);
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
        onData?.(text);
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          json: parsed(text, response.headers['content-type']),
        }),
      );
    });
    request.end(bytes);
  });
}

const JSON_HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};

function parsed(text: string, type = ''): unknown {
  const [last = text] = type.startsWith('text/event-stream')
    ? [...text.matchAll(/^data: ?(\{.*)$/gm)].map(([, data]) => data).slice(-1)
    : [];
  try {
    return JSON.parse(last);
  } catch {
    return undefined;
  }
}

/** A request of the 2025 revisions. */
export function legacyRequest(method: string, params: object = {}, id: number | string = 1): object {
  return { jsonrpc: '2.0', id, method, params };
}

export function legacyCall(name: string, args: object = {}, id: number | string = 1): object {
  return legacyRequest('tools/call', { name, arguments: args }, id);
}

/** A request of the revision 2026-07-28: the body, and the headers that repeat parts of it. */
export function modernRequest(
  method: string,
  params: { name?: string; [member: string]: unknown } = {},
  revision = '2026-07-28',
): Pick<Sent, 'body' | 'headers'> {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': revision,
    'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  return {
    body: { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } },
    headers: {
      'mcp-protocol-version': revision,
      'mcp-method': method,
      ...(params.name === undefined ? {} : { 'mcp-name': params.name }),
    },
  };
}

/** The common part of both generations of clients. */
interface AnyClient {
  revision: string | undefined;
  tools: () => Promise<string[]>;
  // biome-ignore lint/suspicious/noExplicitAny: results of every shape
  call: (name: string, args: Record<string, unknown>) => Promise<any>;
  close: () => Promise<void>;
}

interface ConnectOptions {
  /** Makes the client able to ask its user; returns the user's answer. */
  confirm?: () => boolean;
  token?: string;
}

type Connect = (url: string, options?: ConnectOptions) => Promise<AnyClient>;

export const connectModern: Connect = async (url, { confirm, token } = {}) => {
  const options: ClientOptions = {
    capabilities: confirm === undefined ? {} : { elicitation: {} },
    versionNegotiation: { mode: 'auto' },
  };
  const client = new ModernClient({ name: 'v2', version: '1.0.0' }, options);
  if (confirm !== undefined) {
    client.setRequestHandler('elicitation/create', () => ({
      action: 'accept',
      content: { confirm: confirm() },
    }));
  }
  const authProvider: AuthProvider = { token: async () => token };
  await client.connect(new ModernTransport(new URL(url), token === undefined ? {} : { authProvider }));
  onTestFinished(() => client.close());
  return {
    revision: client.getNegotiatedProtocolVersion(),
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: (name, given) => client.callTool({ name, arguments: given }),
    close: () => client.close(),
  };
};

export const connectLegacy: Connect = async (url, { confirm, token } = {}) => {
  const capabilities = confirm === undefined ? {} : { elicitation: {} };
  const client = new LegacyClient({ name: 'v1', version: '1.0.0' }, { capabilities });
  if (confirm !== undefined) {
    client.setRequestHandler(ElicitRequestSchema, async () => ({
      action: 'accept',
      content: { confirm: confirm() },
    }));
  }
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const transport = new LegacyTransport(new URL(url), { requestInit: { headers } });
  // The types of the 1.x package do not fit under exactOptionalPropertyTypes.
  await client.connect(transport as LegacyTransportType);
  onTestFinished(() => client.close());
  return {
    revision: '2025-11-25',
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: (name, given) => client.callTool({ name, arguments: given }),
    close: () => client.close(),
  };
};

/** A promise and the function that settles it. */
export function deferred<T = void>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
