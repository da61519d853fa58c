import { request as requestHttp } from 'node:http';
import { Agent, type AgentOptions, type RequestOptions, request as requestHttps } from 'node:https';
import { isIP, isIPv6, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { failed, type HttpProxy, refused } from './proxy.ts';

/** What Node passes on: the options of the request, and those of the agent. */
interface Target extends RequestOptions {
  /** Closes the connection to a proxy that does not answer. */
  gaveUp?: AbortSignal;
}

type Done = (error: Error | null, socket?: Duplex) => void;

/** Connects to HTTPS endpoints through tunnels that the proxy opens with CONNECT. Fails with `ProxyError`. */
export class TunnelAgent extends Agent {
  readonly #proxy: HttpProxy;

  constructor(proxy: HttpProxy, options: AgentOptions & Pick<Target, 'gaveUp'>) {
    super(options);
    this.#proxy = proxy;
  }

  /** Node calls it for each connection and waits for `done`; TLS with the target is left to Node's own agent. */
  override createConnection(options: Target, done: Done): undefined {
    const proxy = this.#proxy;
    const { host, port, gaveUp } = options;
    const target = `${isIPv6(host ?? '') ? `[${host}]` : host}:${port}`;
    const connecting = connect(proxy, target, gaveUp);
    connecting.once('connect', ({ statusCode = 0 }, socket: Socket, head: Buffer) => {
      if (statusCode !== 200) {
        socket.destroy();
        return done(refused(proxy, target, statusCode));
      }
      socket.unshift(head);
      const overTunnel = { ...options, socket };
      done(null, super.createConnection(overTunnel) ?? socket);
    });
    connecting.on('error', (error) => done(gaveUp?.aborted ? error : failed(proxy, target, error)));
    connecting.end();
  }
}

function connect(
  { host, port, isTls, authorization }: HttpProxy,
  target: string,
  signal: AbortSignal | undefined,
) {
  return (isTls ? requestHttps : requestHttp)({
    method: 'CONNECT',
    path: target,
    host,
    port,
    // Else Node would take it from the header Host.
    servername: isIP(host) === 0 ? host : '',
    agent: false,
    headers: {
      host: target,
      connection: 'keep-alive',
      'proxy-connection': 'keep-alive',
      ...(authorization === undefined ? {} : { 'proxy-authorization': authorization }),
    },
    ...(signal === undefined ? {} : { signal }),
  });
}
