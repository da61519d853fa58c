import { isLoopback, isWildcard, LOOPBACK_HOSTS } from '../../config/loopback.ts';
import { hostsDiffer, Refusal } from './refusal.ts';

/** Where a request says that it goes, and comes from. */
interface Claims {
  hostHeader: string | undefined;
  targetHost: string | undefined;
  origin: string | undefined;
}

const HOST_AND_PORT = /^([^:[\]]+|\[[^\]]+\])(?::(\d{1,5}))?$/;
const MAX_PORT = 65_535;

/**
 * Checks the host name that a request calls and the web origin that it comes from. Without both checks, any web page
 * could reach a server on its reader's machine through a host name that resolves to it (DNS rebinding).
 */
export class Access {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string> | undefined;

  /**
   * An empty list means the default: the loopback names and `boundHost`, the host that is listened on; and the
   * origins of this machine.
   */
  constructor(boundHost: string, allowedHosts: readonly string[], allowedOrigins: readonly string[]) {
    const bound = boundHost.includes(':') ? `[${boundHost}]` : boundHost;
    const byDefault = [...LOOPBACK_HOSTS, ...(isWildcard(boundHost) ? [] : [bound])];
    const hosts = allowedHosts.length > 0 ? allowedHosts : byDefault;
    this.#hosts = new Set(hosts.map((host) => host.toLowerCase()));
    this.#origins =
      allowedOrigins.length > 0 ? new Set(allowedOrigins.map((origin) => origin.toLowerCase())) : undefined;
  }

  /**
   * `targetHost` is the host in the target of the request, if it has one.
   *
   * @throws Refusal 403 if Host or Origin is not allowed, 400 if the target names another host
   */
  check({ hostHeader = '', targetHost = hostHeader, origin }: Claims): void {
    const [, host, port = '0'] = HOST_AND_PORT.exec(hostHeader.toLowerCase()) ?? [];
    if (host === undefined || Number(port) > MAX_PORT || !this.#hosts.has(host)) {
      const hint = 'Call it under a host name that it allows; its operator can add one with --allowed-hosts.';
      throw new Refusal(403, 'This server does not answer to the Host of this request.', hint);
    }
    if (targetHost.toLowerCase() !== hostHeader.toLowerCase()) throw hostsDiffer();
    if (origin !== undefined && !this.#allowsOrigin(origin.toLowerCase())) {
      const hint = 'Call it from another origin; its operator can add this one with --allowed-origins.';
      throw new Refusal(403, 'Web pages of this Origin may not call this server.', hint);
    }
  }

  /** The headers with which a browser lets a page of an allowed origin call, and read the answer. */
  cors(origin: string | undefined): Readonly<Record<string, string>> | undefined {
    if (origin === undefined || !this.#allowsOrigin(origin.toLowerCase())) return undefined;
    return {
      vary: 'Origin',
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers':
        'authorization, content-type, mcp-protocol-version, mcp-method, mcp-name, last-event-id',
      'access-control-expose-headers': 'www-authenticate, retry-after',
      'access-control-max-age': '600',
    };
  }

  #allowsOrigin(origin: string): boolean {
    if (this.#origins !== undefined) return this.#origins.has(origin);
    const [, host] = /^https?:\/\/([^:/[\]]+|\[[^\]]+\])(?::\d{1,5})?$/.exec(origin) ?? [];
    return host !== undefined && isLoopback(host);
  }
}
