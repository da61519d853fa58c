import { type ClientRequest, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { NodeHttpHandler, type NodeHttpHandlerOptions } from '@smithy/node-http-handler';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { getProxyForUrl } from 'proxy-from-env';

type Handle = NodeHttpHandler['handle'];
type HandlerRequest = Parameters<Handle>[0];

/** What this handler is told of one request, beside the SDK's own options. */
interface ConnectionOptions {
  /** Called as soon as the request has a connection to its endpoint; until then nothing of it can have left. */
  onConnected?: () => void;
}

/** An answer of the proxy to CONNECT that opens no tunnel. */
export class ProxyRefusal extends Error {
  /** Where the SDK looks for it, to decide whether another attempt is worth it. `NaN` if the answer is not HTTP. */
  readonly $metadata: { httpStatusCode: number };

  constructor(status: number) {
    super(`the proxy answered CONNECT with ${status}`);
    this.name = 'ProxyRefusal';
    this.$metadata = { httpStatusCode: status };
  }
}

/**
 * The SDK's HTTP handler, extended by `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, which the SDK ignores.
 *
 * The variables are read for each request, because the endpoint's host is known only then. `connectionTimeout` bounds
 * the way to the endpoint as a whole: name, socket, CONNECT and TLS.
 */
export class ProxyAwareHandler extends NodeHttpHandler {
  readonly #options: NodeHttpHandlerOptions;
  readonly #connectionTimeout: number;
  readonly #http = new HttpAgent({ keepAlive: true });
  readonly #https = new HttpsAgent({ keepAlive: true });
  readonly #proxies = new Map<string, TunnelAgent>();

  constructor({ connectionTimeout = 0, ...options }: NodeHttpHandlerOptions) {
    super(options);
    this.#options = options;
    this.#connectionTimeout = connectionTimeout;
  }

  override handle(request: HandlerRequest, options: Parameters<Handle>[1] & ConnectionOptions = {}) {
    return new Promise<Awaited<ReturnType<Handle>>>((resolve, reject) => {
      const connecting = new Connecting(
        request.protocol === 'https:',
        this.#connectionTimeout,
        options.onConnected,
        reject,
      );
      // A handler for one request, so that its connection can be watched; connections live in the agent.
      const agent = watched(this.#agentFor(request), connecting);
      new NodeHttpHandler({ ...this.#options, httpAgent: agent, httpsAgent: agent })
        .handle(request, options)
        .then(resolve, reject)
        .finally(() => connecting.end());
    });
  }

  override destroy(): void {
    super.destroy();
    for (const agent of [this.#http, this.#https, ...this.#proxies.values()]) agent.destroy();
  }

  #agentFor({ protocol, hostname, port }: HandlerRequest): HttpAgent {
    if (protocol !== 'https:') return this.#http;
    const proxy = getProxyForUrl(`https://${hostname}${port === undefined ? '' : `:${port}`}/`);
    return proxy === '' ? this.#https : this.#through(proxy);
  }

  #through(proxy: string): HttpAgent {
    const known = this.#proxies.get(proxy);
    if (known !== undefined) return known;
    const agent = new TunnelAgent(proxy, { keepAlive: true });
    this.#proxies.set(proxy, agent);
    return agent;
  }
}

/** Closes the connection to the proxy with a request that gave up; the agent itself would wait for the proxy for ever. */
class TunnelAgent extends HttpsProxyAgent<string> {
  override connect(request: ClientRequest, options: ConnectOptions): Promise<Socket> {
    const connectOpts = { ...this.connectOpts, signal: options.gaveUp };
    return super.connect.call(Object.create(this, { connectOpts: { value: connectOpts } }), request, options);
  }
}

type ConnectOptions = Parameters<HttpsProxyAgent<string>['connect']>[1] & { gaveUp?: AbortSignal };

/** Follows one request until it has its connection; fails it if it does not get one in time. */
class Connecting {
  readonly #isTls: boolean;
  readonly #timeout: number;
  readonly #onConnected: () => void;
  readonly #fail: (error: Error) => void;
  readonly #gaveUp = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #isConnected = false;

  constructor(
    isTls: boolean,
    timeout: number,
    onConnected: (() => void) | undefined,
    fail: (error: Error) => void,
  ) {
    this.#isTls = isTls;
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
      this.#timer = setTimeout(() => this.#giveUp(request, timedOut(this.#timeout)), this.#timeout);
    }
    request.once('proxyConnect', ({ statusCode }: { statusCode: number }) => {
      // Else the agent would hand over the proxy's answer as if it were the endpoint's.
      if (statusCode !== 200) this.#giveUp(request, new ProxyRefusal(statusCode));
    });
    request.once('socket', (socket) => {
      // Without a route, for example, connecting fails before the request has its socket.
      if (socket.destroyed) return;
      if (request.reusedSocket || !isOpening(socket, this.#isTls)) this.#connected();
      else socket.once(this.#isTls ? 'secureConnect' : 'connect', () => this.#connected());
    });
  }

  /** For `TunnelAgent`: aborted when there will be no connection. */
  get gaveUp(): AbortSignal {
    return this.#gaveUp.signal;
  }

  /** For `TunnelAgent`, which otherwise guesses it from the call stack, and keeps a tunnel where no request finds it. */
  get secureEndpoint(): boolean {
    return this.#isTls;
  }

  end(): void {
    clearTimeout(this.#timer);
    if (!this.#isConnected) this.#gaveUp.abort();
  }

  #connected(): void {
    this.#isConnected = true;
    clearTimeout(this.#timer);
    this.#onConnected();
  }

  /** A request without a socket reports its destruction only once it gets one, so that the failure is passed on here. */
  #giveUp(request: ClientRequest, error: Error): void {
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
    const { gaveUp, secureEndpoint } = connecting;
    (agent as unknown as RequestQueue).addRequest(request, { ...options, gaveUp, secureEndpoint });
  };
  return Object.create(agent, { addRequest: { value: addRequest } });
}
