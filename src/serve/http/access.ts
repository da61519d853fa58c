import type { IncomingHttpHeaders } from 'node:http';
import { isLoopback, isWildcard, LOOPBACK_HOSTS } from '../../config/loopback.ts';
import { Refusal } from './refusal.ts';

/**
 * Which names this server answers to, and which web pages may call it. Without both checks a page of anyone's could
 * reach a server on the reader's own machine, by a name of its own that resolves to it (DNS rebinding).
 */
export class Access {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string> | undefined;

  /**
   * `boundHost` is the host that is listened on. Lists that are empty mean the defaults: the loopback names and
   * `boundHost`, and no origins but those of this machine.
   */
  constructor(boundHost: string, allowedHosts: readonly string[], allowedOrigins: readonly string[]) {
    const bound = boundHost.includes(':') ? `[${boundHost}]` : boundHost;
    const byDefault = [...LOOPBACK_HOSTS, ...(isWildcard(boundHost) ? [] : [bound])];
    const hosts = allowedHosts.length > 0 ? allowedHosts : byDefault;
    this.#hosts = new Set(hosts.map((host) => host.toLowerCase()));
    this.#origins =
      allowedOrigins.length > 0 ? new Set(allowedOrigins.map((origin) => origin.toLowerCase())) : undefined;
  }

  /** @throws Refusal (403) where Host or Origin is not allowed */
  check(headers: IncomingHttpHeaders): void {
    const [, host] = /^([^:[\]]+|\[[^\]]+\])(?::\d{1,5})?$/.exec(headers.host?.toLowerCase() ?? '') ?? [];
    if (host === undefined || !this.#hosts.has(host)) {
      throw new Refusal({
        status: 403,
        message: 'The Host of this request is not one this server answers to.',
        hint: 'Call it by a name it knows; whoever runs this server can add one with --allowed-hosts.',
      });
    }
    if (headers.origin !== undefined && !this.#allowsOrigin(headers.origin.toLowerCase())) {
      throw new Refusal({
        status: 403,
        message: 'Pages of this Origin may not call this server.',
        hint: 'Call it from elsewhere; whoever runs this server can add an origin with --allowed-origins.',
      });
    }
  }

  /**
   * The headers with which a browser lets a page of this Origin call and read the answer; none but for the origins
   * that the operator has named. The check itself is `check`.
   */
  cors(origin: string | undefined): Readonly<Record<string, string>> {
    if (origin === undefined || !this.#origins?.has(origin.toLowerCase())) return {};
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
