import {
  getOAuthProtectedResourceMetadataUrl,
  type OAuthProtectedResourceMetadata,
} from '@modelcontextprotocol/server';
import { isLoopback } from '../../config/loopback.ts';
import { type Scope, USUAL_SCOPES } from '../../vocabulary/names.ts';

/** The paths at which clients look for the metadata; some append the path of the resource (RFC 9728, section 3). */
export const METADATA_PATHS = '/.well-known/oauth-protected-resource/*';

/** The metadata with which clients get a token for this server (RFC 9728). */
export class ProtectedResource {
  readonly issuer: string;
  readonly #audience: string;
  readonly #scopePrefix: string;
  readonly #scopes: readonly Scope[];

  /** `scopePrefix` is what the issuer puts before the names of this server's scopes. */
  constructor(issuer: string, audience: string, scopePrefix = '', scopes: readonly Scope[] = USUAL_SCOPES) {
    this.#scopes = scopes;
    this.issuer = issuer;
    this.#audience = audience;
    this.#scopePrefix = scopePrefix;
  }

  /** The name of a scope at the issuer, by which clients request it. */
  scopeName(scope: Scope): string {
    return this.#scopePrefix + scope;
  }

  /** The URL of the metadata, for a client that called under `host`. */
  metadataUrl(host: string): string {
    return getOAuthProtectedResourceMetadataUrl(this.#url(host));
  }

  metadata(host: string): OAuthProtectedResourceMetadata {
    return {
      resource: this.#url(host).href,
      authorization_servers: [this.issuer],
      scopes_supported: this.#scopes.map((scope) => this.scopeName(scope)),
      bearer_methods_supported: ['header'],
      resource_name: 'nat-gateway-mcp',
    };
  }

  /**
   * The URL by which clients know this server: its audience if that is a URL, else the host they called. TLS ends in
   * front of this server, so the name of another machine means https.
   */
  #url(host: string): URL {
    if (/^https?:/.test(this.#audience) && URL.canParse(this.#audience)) return new URL(this.#audience);
    const { hostname } = new URL(`http://${host}`);
    return new URL(`${isLoopback(hostname) ? 'http' : 'https'}://${host}/mcp`);
  }
}
