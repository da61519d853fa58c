import { type ClientRequest, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { NodeHttpHandler, type NodeHttpHandlerOptions } from '@smithy/node-http-handler';
import { failed, type HttpProxy, late } from '../proxy/proxy.ts';
import { TunnelAgent } from '../proxy/tunnel-agent.ts';
import { proxyFor } from '../proxy/variables.ts';
import { boundBody } from './body-limit.ts';

type Handle = NodeHttpHandler['handle'];
type HandlerRequest = Parameters<Handle>[0];

/** What this handler is told of one request, beside the SDK's own options. */
interface ConnectionOptions {
  /** Called with the name of the proxy, if there is one, before the request gets its connection. */
  onProxy?: (name: string) => void;
  /** Called as soon as the request has a connection to its endpoint; until then nothing of it can have left. */
  onConnected?: () => void;
}

/**
 * The SDK's HTTP handler, extended by the proxies of the environment, which the SDK ignores, and by a bound on answers.
 *
 * The variables are read for each request, because the endpoint's host is known only then. `connectionTimeout` bounds
 * the way to the endpoint as a whole: name, socket, CONNECT and TLS.
 */
export class ProxyAwareHandler extends NodeHttpHandler {
  readonly #options: NodeHttpHandlerOptions;
  readonly #connectionTimeout: number;
  readonly #http = new HttpAgent({ keepAlive: true });
  readonly #https = new HttpsAgent({ keepAlive: true });
  readonly #tunnels = new Map<string, TunnelAgent>();

  constructor({ connectionTimeout = 0, ...options }: NodeHttpHandlerOptions) {
    super(options);
    this.#options = options;
    this.#connectionTimeout = connectionTimeout;
  }

  override async handle(request: HandlerRequest, options: Parameters<Handle>[1] & ConnectionOptions = {}) {
    const way = wayTo(request);
    if (way.proxy !== undefined) options.onProxy?.(way.proxy.name);
    return new Promise<Awaited<ReturnType<Handle>>>((resolve, reject) => {
      const connecting = new Connecting(way, this.#connectionTimeout, options.onConnected, reject);
      // A handler for one request, so that its connection can be watched; connections live in the agent.
      const agent = watched(this.#agentFor(way), connecting);
      new NodeHttpHandler({ ...this.#options, httpAgent: agent, httpsAgent: agent })
        .handle(way.request, options)
        .then(
          (answer) => {
            boundBody(answer.response.body, options.abortSignal);
            resolve(answer);
          },
          (error) => reject(connecting.explain(error)),
        )
        .finally(() => connecting.end());
    });
  }

  override destroy(): void {
    super.destroy();
    for (const agent of [this.#http, this.#https, ...this.#tunnels.values()]) agent.destroy();
  }

  #agentFor({ proxy, isTunnel, request }: Way): HttpAgent {
    if (proxy !== undefined && isTunnel) return this.#through(proxy);
    return request.protocol === 'https:' ? this.#https : this.#http;
  }

  #through(proxy: HttpProxy): HttpAgent {
    const key = JSON.stringify(proxy);
    const known = this.#tunnels.get(key);
    if (known !== undefined) return known;
    const agent = new TunnelAgent(proxy, { keepAlive: true });
    this.#tunnels.set(key, agent);
    return agent;
  }
}

/** How a request gets to its endpoint. */
interface Way {
  /** Host and port of the endpoint. */
  target: string;
  proxy: HttpProxy | undefined;
  /** Whether the proxy passes on bytes to the endpoint; else it gets the request itself. */
  isTunnel: boolean;
  request: HandlerRequest;
}

/** @throws ProxyError if a variable names an unusable proxy */
function wayTo(request: HandlerRequest): Way {
  const { protocol, hostname, port } = request;
  const isTunnel = protocol === 'https:';
  const target = `${hostname}:${port ?? (isTunnel ? 443 : 80)}`;
  const proxy = proxyFor(new URL(`${protocol}//${target}`), process.env);
  const isForwarded = proxy !== undefined && !isTunnel;
  return { target, proxy, isTunnel, request: isForwarded ? forwarded(request, target, proxy) : request };
}

/** The request as a proxy gets it for a plain HTTP endpoint, which it is not asked to tunnel to (RFC 9112, 3.2.2). */
function forwarded(
  request: HandlerRequest,
  target: string,
  { host, port, isTls, authorization }: HttpProxy,
): HandlerRequest {
  const credentials = authorization === undefined ? {} : { 'proxy-authorization': authorization };
  return Object.assign(request.clone(), {
    protocol: isTls ? 'https:' : 'http:',
    hostname: host,
    port,
    path: `http://${target}${request.path}`,
    headers: { host: target, ...request.headers, ...credentials },
  });
}

/** Follows one request until it has its connection; fails it if it does not get one in time. */
class Connecting {
  readonly #way: Way;
  readonly #timeout: number;
  readonly #onConnected: () => void;
  readonly #fail: (error: Error) => void;
  #gaveUp: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isConnected = false;

  constructor(
    way: Way,
    timeout: number,
    onConnected: (() => void) | undefined,
    fail: (error: Error) => void,
  ) {
    this.#way = way;
    this.#timeout = timeout;
    this.#onConnected = onConnected ?? (() => {});
    this.#fail = fail;
  }

  /**
   * Node writes a request when it has a socket, and keeps the bytes back until that socket is connected and TLS is
   * agreed upon. An unknown kind of socket counts as connected, so that only what has certainly not left is called so.
   */
  follow(request: ClientRequest): void {
    if (this.#timeout > 0) {
      this.#timer = setTimeout(() => this.#giveUp(request), this.#timeout);
    }
    const isTls = this.#way.request.protocol === 'https:';
    request.once('socket', (socket) => {
      // Without a route, for example, connecting fails before the request has its socket.
      if (socket.destroyed) return;
      if (request.reusedSocket || !isOpening(socket, isTls)) this.#connected();
      else socket.once(isTls ? 'secureConnect' : 'connect', () => this.#connected());
    });
  }

  /** For `TunnelAgent`: aborted when there will be no connection. Other agents do not ask for it. */
  get gaveUp(): AbortSignal {
    this.#gaveUp ??= new AbortController();
    return this.#gaveUp.signal;
  }

  /** Names the proxy where the connection to it failed; `TunnelAgent` does that for its own. */
  explain(error: Error): Error {
    const { proxy, isTunnel, target } = this.#way;
    const isOfProxy = proxy !== undefined && !isTunnel && !this.#isConnected && error.name !== 'AbortError';
    return isOfProxy ? failed(proxy, target, error) : error;
  }

  end(): void {
    clearTimeout(this.#timer);
    if (!this.#isConnected) this.#gaveUp?.abort();
  }

  #connected(): void {
    this.#isConnected = true;
    clearTimeout(this.#timer);
    this.#onConnected();
  }

  /** A request without a socket reports its destruction only once it gets one, so that the failure is passed on here. */
  #giveUp(request: ClientRequest): void {
    const { proxy, target } = this.#way;
    const error = proxy === undefined ? timedOut(this.#timeout) : late(proxy, target, this.#timeout);
    request.destroy(error);
    this.#fail(error);
  }
}

/** Whether a new socket still has its connection, or its TLS handshake, before it. */
function isOpening(socket: Socket, isTls: boolean): boolean {
  return isTls ? socket instanceof TLSSocket && !socket.getPeerFinished() : socket.connecting;
}

function timedOut(milliseconds: number): Error {
  const error = new Error(`no connection to the endpoint within ${milliseconds} ms`);
  return Object.assign(error, { name: 'TimeoutError' });
}

/** Node calls `addRequest` of an agent with every request; its type is not declared. */
interface RequestQueue {
  addRequest(request: ClientRequest, options: object): void;
}

/** The agent, with its connections, for one request that `connecting` follows. */
function watched<A extends HttpAgent>(agent: A, connecting: Connecting): A {
  const addRequest: RequestQueue['addRequest'] = (request, options) => {
    connecting.follow(request);
    const ofTunnel = agent instanceof TunnelAgent ? { gaveUp: connecting.gaveUp } : {};
    (agent as unknown as RequestQueue).addRequest(request, { ...options, ...ofTunnel });
  };
  return Object.create(agent, { addRequest: { value: addRequest } });
}
