import type { AuthInfo } from '@modelcontextprotocol/server';
import { SCOPES, type Scope, USUAL_SCOPES } from '../../vocabulary/names.ts';
import type { ProtectedResource } from './protected-resource.ts';
import { Refusal } from './refusal.ts';

/** The caller that a token stands for. */
export interface Caller {
  /**
   * `token:NAME`, or `ISSUER#SUBJECT` with the client in place of a subject that is absent. Audit records name it, and
   * confirmations are bound to it.
   */
  principal: string;
  scopes: readonly string[];
  /** The only targets that the caller may use; undefined if it may use all. */
  targets?: readonly string[] | undefined;
}

/** A token that is unknown, malformed, expired, or meant for another server. */
export class InvalidToken extends Error {}

/** Tells good tokens from bad ones. */
export interface Verifier {
  /**
   * @throws InvalidToken with a reason that the caller may read
   * @throws Refusal if the token cannot be checked now
   */
  verify(token: string): Promise<Caller>;
}

/** Demands a bearer token of each caller, with the scopes that the request needs (RFC 6750). */
export class BearerAuthentication {
  readonly #verifier: Verifier;
  /** The scopes that this server asks for. */
  readonly #scopes: readonly Scope[];
  /** Set if tokens come from an authorization server: the metadata that clients need to get one. */
  readonly resource: ProtectedResource | undefined;

  constructor(verifier: Verifier, resource?: ProtectedResource, scopes: readonly Scope[] = USUAL_SCOPES) {
    this.#scopes = scopes;
    this.#verifier = verifier;
    this.resource = resource;
  }

  /**
   * The caller, as MCP's handlers will see it. They never get the token itself.
   *
   * @throws Refusal (401) without a good token
   */
  async authenticate(header: string | undefined, host: string): Promise<AuthInfo> {
    const [, token] = /^Bearer +([^\s,]+)$/i.exec(header ?? '') ?? [];
    if (token === undefined) throw this.#unauthorized(host, undefined);
    try {
      const { principal, scopes, targets } = await this.#verifier.verify(token);
      return { token: '', clientId: principal, scopes: [...scopes], extra: { targets } };
    } catch (error) {
      if (error instanceof InvalidToken) throw this.#unauthorized(host, error.message);
      throw error;
    }
  }

  /** @throws Refusal (403) if the token lacks one of the scopes */
  requireScopes(scopes: readonly Scope[], caller: AuthInfo, host: string): void {
    const missing = scopes.filter((scope) => this.#scopes.includes(scope) && !caller.scopes.includes(scope));
    if (missing.length === 0) return;
    const list = this.#named(missing);
    const challenge = this.#challenge(host, {
      error: 'insufficient_scope',
      error_description: `The scope ${list} is missing`,
      // Clients ask for exactly these, so the scopes that the token has already must be among them.
      scope: this.#named(SCOPES.filter((scope) => [...missing, ...caller.scopes].includes(scope))),
    });
    const message = `This needs the scope ${list}, which the token does not have. Nothing was done.`;
    const hint = `Call with a token that has the scope ${list}, or ask the operator of this server for one.`;
    throw new Refusal(403, message, hint, { headers: challenge });
  }

  /** The scopes by the names under which clients request them. */
  #named(scopes: readonly Scope[]): string {
    return scopes.map((scope) => this.resource?.scopeName(scope) ?? scope).join(' ');
  }

  #unauthorized(host: string, reason: string | undefined): Refusal {
    const scope = this.#named(this.#scopes);
    // RFC 6750, section 3.1: no error code if the request had no token.
    const error = reason === undefined ? {} : { error: 'invalid_token', error_description: reason };
    const message = reason ?? 'This server needs a token: Authorization: Bearer TOKEN.';
    const hint =
      this.resource === undefined
        ? 'Ask the operator of this server for a token.'
        : `Get a token from ${this.resource.issuer}, for this server and with the scopes ${scope} as needed.`;
    return new Refusal(401, message, hint, { headers: this.#challenge(host, { ...error, scope }) });
  }

  #challenge(host: string, parameters: Record<string, string>): Record<string, string> {
    const resource =
      this.resource === undefined ? {} : { resource_metadata: this.resource.metadataUrl(host) };
    const list = Object.entries({ ...parameters, ...resource }).map(
      ([name, value]) => `${name}="${value.replace(/[^\x20-\x7e]|["\\]/g, ' ')}"`,
    );
    return { 'www-authenticate': `Bearer ${list.join(', ')}` };
  }
}
