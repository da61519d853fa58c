import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { createMcpHandler, type McpServerFactory } from '@modelcontextprotocol/server';
import { isLoopback } from '../../config/loopback.ts';
import { Access } from './access.ts';
import { type AppOptions, app, type Bindings } from './app.ts';
import { Connections } from './connections.ts';
import { Quota } from './quota.ts';
import { Refusal } from './refusal.ts';
import { RefusalLog } from './refusal-log.ts';

export interface HttpFrontOptions extends AppOptions {
  host: string;
  port: number;
  allowedHosts: readonly string[];
  allowedOrigins: readonly string[];
  maxConcurrentCalls: number;
  /** How long a shutdown waits for running calls, in milliseconds. */
  graceMilliseconds: number;
  /** How long a client may take to send its headers, and its whole request, in milliseconds. */
  headersMilliseconds?: number;
  bodyMilliseconds?: number;
  /** The maximum number of open connections on which no call runs. */
  maxWaitingConnections?: number;
}

/** Each connection holds a file descriptor, and tens of kilobytes. */
const MAX_WAITING_CONNECTIONS = 1000;

/** Longer reasons are cut in the log. */
const LONGEST_REASON = 500;

/** How many bodies of the maximum size may be read or answered at once. */
const MAX_LARGE_BODIES = 16;

/** Longer than the minute for which load balancers keep idle connections, so that they close first. */
const KEEP_ALIVE_MILLISECONDS = 65_000;

/**
 * Listens, serves MCP over HTTP, and ends in order. There are no sessions, so any process with the same settings can
 * answer any request.
 */
export class HttpFront {
  readonly #server: Server;
  readonly #bindings: Bindings;
  readonly #graceMilliseconds: number;
  readonly #end = new AbortController();

  /** Settles when no more calls are taken. */
  readonly ending: Promise<unknown> = once(this.#end.signal, 'abort');

  /** Settles when nothing is served any more. */
  readonly closed: Promise<void> = this.ending.then(() => this.#close());

  private constructor(factory: McpServerFactory, options: HttpFrontOptions) {
    const { host, allowedHosts, allowedOrigins, maxConcurrentCalls } = options;
    const { authentication, maxBodyBytes, requestTimeoutSeconds, audit, checkState, logger } = options;
    const onerror = (error: Error): void => logger.warn({ reason: error.message }, 'protocol error');
    this.#graceMilliseconds = options.graceMilliseconds;
    this.#bindings = {
      ...{ authentication, maxBodyBytes, requestTimeoutSeconds, audit, checkState, logger },
      refusals: new RefusalLog(logger),
      access: new Access(host, allowedHosts, allowedOrigins),
      connections: new Connections(options.maxWaitingConnections ?? MAX_WAITING_CONNECTIONS),
      slots: new Quota(maxConcurrentCalls),
      bodyBytes: new Quota(MAX_LARGE_BODIES * maxBodyBytes),
      // A stream has a comment every few seconds, because clients give up after minutes of silence.
      streaming: createMcpHandler(factory, { responseMode: 'sse', onerror }),
      answering: createMcpHandler(factory, { responseMode: 'auto', onerror }),
      ending: this.#end.signal,
    };
    this.#server = this.#createServer(options);
  }

  /**
   * Listens, and serves what `factory` makes for each request.
   *
   * @throws NodeJS.ErrnoException if the address cannot be listened on
   * @throws Error if others can reach the address and there is no authentication
   */
  static async open(factory: McpServerFactory, options: HttpFrontOptions): Promise<HttpFront> {
    const front = new HttpFront(factory, options);
    front.#server.listen({ host: options.host, port: options.port });
    await once(front.#server, 'listening');
    front.#server.on('error', (error) => options.logger.error({ err: error }, 'trouble with connections'));
    const { address } = front.#server.address() as AddressInfo;
    if (options.authentication === undefined && !isLoopback(address)) {
      // Known only now: the host may be a name.
      front.#server.close();
      throw new Error(`${options.host} is ${address}, which others can reach, and there is no authorization`);
    }
    return front;
  }

  /** The URL of the MCP endpoint. */
  get url(): string {
    const { address, port, family } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/mcp`;
  }

  /**
   * Takes no more calls, waits for running ones within the grace period, and closes. Until then, further calls are
   * refused by an answer, so that load balancers learn of the shutdown.
   */
  end(): Promise<void> {
    this.#end.abort();
    return this.closed;
  }

  async #close(): Promise<void> {
    const { slots, streaming, answering } = this.#bindings;
    this.#server.closeIdleConnections();
    await Promise.race([slots.idle(), sleep(this.#graceMilliseconds)]);
    await Promise.all([streaming.close(), answering.close()]);
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #createServer({ headersMilliseconds, bodyMilliseconds }: HttpFrontOptions): Server {
    const fetch = (request: Request, node: object) =>
      app.fetch(request, { ...(node as HttpBindings), ...this.#bindings });
    const listener = getRequestListener(fetch, {
      // Completes the URL of a request without a Host, as HTTP/1.0 allows. The check of the Host refuses it still.
      hostname: 'localhost',
      overrideGlobalObjects: false,
      // Would cut a connection whose refused body takes longer than half a second, before its client reads why.
      autoCleanupIncoming: false,
      errorHandler: (error) => {
        const refusal = Refusal.of(error);
        const reason = String(error).slice(0, LONGEST_REASON);
        this.#bindings.refusals.warn({ status: refusal.status, reason }, refusal.message);
        return refusal.toResponse(null);
      },
    });
    const server = createServer({
      connectionsCheckingInterval: 1000,
      headersTimeout: headersMilliseconds ?? 10_000,
      requestTimeout: bodyMilliseconds ?? 30_000,
      keepAliveTimeout: KEEP_ALIVE_MILLISECONDS,
    });
    this.#bindings.connections.watch(server);
    return server.on('request', (request, response) => {
      // The rest of what a closed connection has sent.
      if (request.socket.destroyed) return;
      response.setHeader('cache-control', 'no-store');
      response.once('close', () => {
        if (this.#end.signal.aborted) setImmediate(() => server.closeIdleConnections());
      });
      void listener(request, response);
    });
  }
}
