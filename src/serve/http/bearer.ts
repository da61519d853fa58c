import type { AuthInfo } from '@modelcontextprotocol/server';
import { SCOPES, type Scope } from '../../vocabulary/names.ts';
import type { ProtectedResource } from './protected-resource.ts';
import { Refusal } from './refusal.ts';

/** Who calls, as their token tells. */
export interface Caller {
  /** `token:NAME`, or `ISSUER#SUBJECT`; goes on record, and binds confirmations. */
  principal: string;
  scopes: readonly string[];
}

/** A token that is none of ours: unknown, expired, for someone else, or no token at all. */
export class InvalidToken extends Error {}

/** What tells a good token from a bad one. */
export interface Verifier {
  /**
   * @throws InvalidToken with a reason that may be told to the caller
   * @throws Refusal where it cannot be told now
   */
  verify(token: string): Promise<Caller>;
}

/** Lets in who brings a good token, with what it allows. */
export class Authorization {
  readonly #verifier: Verifier;
  /** Where tokens come from an authorization server: what clients have to know to get one. */
  readonly resource: ProtectedResource | undefined;

  constructor(verifier: Verifier, resource?: ProtectedResource) {
    this.#verifier = verifier;
    this.resource = resource;
  }

  /**
   * Who calls, as MCP's handlers will see it. The token itself stays here.
   *
   * @throws Refusal 401 without a good token
   */
  async enter(header: string | undefined, host: string): Promise<AuthInfo> {
    const [, token] = /^Bearer +([^\s,]+)$/i.exec(header ?? '') ?? [];
    if (token === undefined) throw this.#unauthorized(host, undefined);
    try {
      const { principal, scopes } = await this.#verifier.verify(token);
      return { token: '', clientId: principal, scopes: [...scopes] };
    } catch (error) {
      if (error instanceof InvalidToken) throw this.#unauthorized(host, error.message);
      throw error;
    }
  }

  /** @throws Refusal 403 where the token lacks one of the scopes */
  require(scopes: readonly Scope[], authInfo: AuthInfo, host: string): void {
    const missing = scopes.filter((scope) => !authInfo.scopes.includes(scope));
    if (missing.length === 0) return;
    const list = missing.join(' ');
    throw new Refusal({
      status: 403,
      message: `This needs the scope ${list}, which the token does not have. Nothing was done.`,
      hint: `Call with a token that has the scope ${list}, or ask whoever runs this server for one.`,
      headers: {
        'www-authenticate': this.#challenge(host, {
          error: 'insufficient_scope',
          error_description: `The scope ${list} is missing`,
          // What clients have to ask for: what they have, which a new token would lack otherwise, and the rest.
          scope: SCOPES.filter((scope) => [...missing, ...authInfo.scopes].includes(scope)).join(' '),
        }),
      },
    });
  }

  #unauthorized(host: string, reason: string | undefined): Refusal {
    // RFC 6750, section 3.1: no error code for who brought no token.
    const error = reason === undefined ? {} : { error: 'invalid_token', error_description: reason };
    return new Refusal({
      status: 401,
      message: reason ?? 'This server needs a token: Authorization: Bearer TOKEN.',
      hint:
        this.resource === undefined
          ? 'Ask whoever runs this server for a token.'
          : `Get a token from ${this.resource.issuer}, for this server and with the scopes ${SCOPES.join(' ')} as needed.`,
      headers: { 'www-authenticate': this.#challenge(host, { ...error, scope: SCOPES.join(' ') }) },
    });
  }

  #challenge(host: string, parameters: Record<string, string>): string {
    const resource =
      this.resource === undefined ? {} : { resource_metadata: this.resource.metadataUrl(host) };
    const list = Object.entries({ ...parameters, ...resource }).map(
      ([name, value]) => `${name}="${value.replace(/[^\x20-\x7e]|["\\]/g, ' ')}"`,
    );
    return `Bearer ${list.join(', ')}`;
  }
}
