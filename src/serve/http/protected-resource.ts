import {
  getOAuthProtectedResourceMetadataUrl,
  type OAuthProtectedResourceMetadata,
} from '@modelcontextprotocol/server';
import { isLoopback } from '../../config/loopback.ts';
import { SCOPES } from '../../vocabulary/names.ts';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** What clients have to know to get a token for this server: its metadata by RFC 9728. */
export class ProtectedResource {
  readonly issuer: string;
  readonly #audience: string;

  constructor(issuer: string, audience: string) {
    this.issuer = issuer;
    this.#audience = audience;
  }

  /** Where the metadata is, for a client that called under `host`. */
  metadataUrl(host: string): string {
    return getOAuthProtectedResourceMetadataUrl(this.#url(host));
  }

  /** Whether `path` is where clients look for the metadata. */
  isMetadataPath(path: string): boolean {
    return path === WELL_KNOWN || path.startsWith(`${WELL_KNOWN}/`);
  }

  metadata(host: string): OAuthProtectedResourceMetadata {
    return {
      resource: this.#url(host).href,
      authorization_servers: [this.issuer],
      scopes_supported: [...SCOPES],
      bearer_methods_supported: ['header'],
      resource_name: 'nat-gateway-mcp',
    };
  }

  /**
   * This server as clients know it: its audience, where that is a URL, else by the name they called. TLS ends in
   * front of this server, so that a name of another machine means https.
   */
  #url(host: string): URL {
    if (/^https?:/.test(this.#audience) && URL.canParse(this.#audience)) return new URL(this.#audience);
    const { hostname } = new URL(`http://${host}`);
    return new URL(`${isLoopback(hostname) ? 'http' : 'https'}://${host}/mcp`);
  }
}
