import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type NodeIncomingMessageLike, toNodeHandler } from '@modelcontextprotocol/node';
import {
  type AuthInfo,
  createMcpHandler,
  type McpHttpHandler,
  type McpServerFactory,
} from '@modelcontextprotocol/server';
import type { Logger } from 'pino';
import { isLoopback } from '../../config/loopback.ts';
import { Access } from './access.ts';
import type { Authorization } from './bearer.ts';
import { readJson } from './body.ts';
import { CallSlots } from './call-slots.ts';
import { methodNotAllowed, notFound, Refusal, refuse, shuttingDown, tooManyCalls } from './refusal.ts';
import { RpcBody } from './rpc-body.ts';

/** Where to serve, to whom, and how much of it. */
export interface HttpFrontOptions {
  host: string;
  port: number;
  allowedHosts: readonly string[];
  allowedOrigins: readonly string[];
  maxBodyBytes: number;
  requestTimeoutSeconds: number;
  maxConcurrentCalls: number;
  maxSubscriptions: number;
  /** Without it everyone may call who can reach the host. */
  authorization: Authorization | undefined;
  /** How long a shutdown waits for calls in flight, in milliseconds. */
  graceMilliseconds: number;
  /** How long a client may take to send its headers, and its whole request, in milliseconds. */
  headersMilliseconds?: number;
  bodyMilliseconds?: number;
  logger: Logger;
}

/** Connections, idle ones included; each holds a file descriptor. */
const MAX_CONNECTIONS = 2000;

/** Longer than the minute for which load balancers keep idle connections, so that none of theirs ends in a race. */
const KEEP_ALIVE_MILLISECONDS = 65_000;

/**
 * MCP over HTTP, both eras, without sessions: every request is complete in itself, and any process with the same
 * settings can answer it.
 *
 * A request goes through the doors in this order: Host and Origin, shutdown, token, method, content type, size,
 * JSON, scopes, concurrent calls.
 */
export class HttpFront {
  readonly #options: HttpFrontOptions;
  readonly #server: Server;
  readonly #access: Access;
  readonly #slots: CallSlots;
  readonly #calls: McpHttpHandler;
  /** Apart from the calls, so that a shutdown ends subscriptions at once and lets calls finish. */
  readonly #subscriptions: McpHttpHandler;
  #end: Promise<void> | undefined;
  #isEnding = false;
  #markEnding: () => void = () => {};
  #markClosed: () => void = () => {};

  /** Settles when no more calls are taken. */
  readonly ending = new Promise<void>((resolve) => {
    this.#markEnding = resolve;
  });

  /** Settles when nothing is served any more. */
  readonly closed = new Promise<void>((resolve) => {
    this.#markClosed = resolve;
  });

  private constructor(factory: McpServerFactory, options: HttpFrontOptions) {
    const { host, allowedHosts, allowedOrigins, maxConcurrentCalls, maxSubscriptions, logger } = options;
    this.#options = options;
    this.#access = new Access(host, allowedHosts, allowedOrigins);
    this.#slots = new CallSlots(maxConcurrentCalls);
    const onerror = (error: Error): void => logger.warn({ reason: error.message }, 'protocol error');
    // Streams from the start, with a sign of life every few seconds: clients give up on silence in minutes.
    this.#calls = createMcpHandler(factory, { responseMode: 'sse', onerror });
    this.#subscriptions = createMcpHandler(factory, { maxSubscriptions, onerror });
    this.#server = createServer({ connectionsCheckingInterval: 1000 }, (request, response) => {
      this.#handle(request, response).catch((error: unknown) => {
        logger.error({ err: error }, 'a request failed');
        response.destroy();
      });
    });
    this.#server.headersTimeout = options.headersMilliseconds ?? 10_000;
    this.#server.requestTimeout = options.bodyMilliseconds ?? 30_000;
    this.#server.keepAliveTimeout = KEEP_ALIVE_MILLISECONDS;
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /**
   * Listens, and serves what `factory` makes for each request.
   *
   * @throws NodeJS.ErrnoException where the address cannot be listened on
   * @throws Error where others can reach it and there is no authorization
   */
  static async open(factory: McpServerFactory, options: HttpFrontOptions): Promise<HttpFront> {
    const front = new HttpFront(factory, options);
    await new Promise<void>((resolve, reject) => {
      front.#server.once('error', reject);
      front.#server.listen({ host: options.host, port: options.port }, resolve);
    });
    front.#server.on('error', (error) => options.logger.error({ err: error }, 'trouble with connections'));
    const { address } = front.#server.address() as AddressInfo;
    if (options.authorization === undefined && !isLoopback(address)) {
      // A name can mean anything; this is what it means here.
      front.#server.close();
      throw new Error(`${options.host} is ${address}, which others can reach, and there is no authorization`);
    }
    return front;
  }

  /** Where MCP is served. */
  get url(): string {
    const { address, port, family } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/mcp`;
  }

  /**
   * Takes no more calls, lets those in flight finish within the grace period, and closes. Until then it answers
   * others that it is shutting down, so that load balancers learn of it.
   */
  end(): Promise<void> {
    this.#end ??= this.#close();
    return this.#end;
  }

  async #close(): Promise<void> {
    this.#isEnding = true;
    this.#markEnding();
    this.#server.closeIdleConnections();
    await this.#subscriptions.close();
    await Promise.race([this.#slots.idle(), sleep(this.#options.graceMilliseconds)]);
    await this.#calls.close();
    this.#server.close();
    this.#server.closeAllConnections();
    this.#markClosed();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.split('?')[0] ?? '/';
    response.setHeader('cache-control', 'no-store');
    response.once('close', () => {
      if (this.#isEnding) setImmediate(() => this.#server.closeIdleConnections());
    });
    if (path === '/healthz') return tell(response, 200, { status: 'up' });
    if (path === '/readyz') {
      return !this.#isEnding
        ? tell(response, 200, { status: 'ready' })
        : tell(response, 503, { status: 'shutting_down' });
    }
    let messages: RpcBody | undefined;
    let authInfo: AuthInfo | undefined;
    try {
      this.#access.check(request.headers);
      const { host = '', origin } = request.headers;
      const cors = Object.entries(this.#access.cors(origin));
      for (const [name, value] of cors) response.setHeader(name, value);
      // A browser asks before it sends, without a token.
      if (cors.length > 0 && request.method === 'OPTIONS') return void response.writeHead(204).end();
      const { authorization, maxBodyBytes } = this.#options;
      if (authorization?.resource?.isMetadataPath(path)) {
        return tell(response, 200, authorization.resource.metadata(host));
      }
      if (path !== '/mcp') throw notFound();
      if (this.#isEnding) throw shuttingDown();
      authInfo = await authorization?.enter(request.headers.authorization, host);
      if (request.method !== 'POST') throw methodNotAllowed();
      const body = await readJson(request, maxBodyBytes);
      messages = new RpcBody(body);
      if (authInfo !== undefined) authorization?.require(messages.scopes, authInfo, host);
      if (messages.isSubscription) return await serve(this.#subscriptions, request, response, body, authInfo);
      await this.#call(messages, request, response, body, authInfo);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const refused = {
        status: error.details.status,
        path: path.slice(0, 200),
        principal: authInfo?.clientId,
      };
      this.#options.logger.warn(refused, error.message);
      if (this.#isEnding) response.setHeader('connection', 'close');
      refuse(response, error, messages?.id ?? null);
    }
  }

  /** Runs the call within its time, and holds its slots until its answer is over. */
  async #call(
    messages: RpcBody,
    request: IncomingMessage,
    response: ServerResponse,
    body: unknown,
    authInfo: AuthInfo | undefined,
  ): Promise<void> {
    if (this.#isEnding) throw shuttingDown();
    if (response.destroyed) return;
    const release = this.#slots.take(messages.calls, authInfo?.clientId);
    if (release === undefined) throw tooManyCalls(this.#slots.limit);
    const { requestTimeoutSeconds, logger } = this.#options;
    const timer = setTimeout(() => {
      logger.warn({ requestTimeoutSeconds }, 'a request took too long and was cut');
      response.destroy();
    }, requestTimeoutSeconds * 1000);
    response.once('close', () => {
      clearTimeout(timer);
      release();
    });
    await serve(this.#calls, request, response, body, authInfo);
  }
}

/** Hands a request over to MCP. */
async function serve(
  handler: McpHttpHandler,
  request: IncomingMessage,
  response: ServerResponse,
  body: unknown,
  auth: AuthInfo | undefined,
): Promise<void> {
  if (auth !== undefined) Object.assign(request, { auth });
  // The adapter's types do without `undefined` where Node's have it.
  await toNodeHandler(handler)(request as NodeIncomingMessageLike, response, body);
}

function tell(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}
