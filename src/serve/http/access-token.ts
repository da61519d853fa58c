import type { JWTHeaderParameters, JWTPayload } from 'jose';
import { TARGET_NAME } from '../../vocabulary/ids.ts';
import { SCOPES, type Scope } from '../../vocabulary/names.ts';
import { type Caller, InvalidToken } from './bearer.ts';

/** The rules for the claims of an access token whose signature, issuer and times are right. */
export interface TokenRules {
  issuer: string;
  audience: string;
  /** Clients whose tokens count as for this server although they name no audience. */
  clientIds: readonly string[];
  /** What the issuer puts before the names of this server's scopes. */
  scopePrefix: string;
  /** The claim that lists the targets which a token may use; undefined if every token may use all. */
  targetsClaim?: string | undefined;
}

/** Refuses a token for one of its claims. The message may be told to the caller, and names the claim. */
export class RefusedClaim extends InvalidToken {
  readonly claim: string;
  /** For the log alone, because only the operator can act on it. */
  readonly details: { found?: unknown; expected?: unknown };

  constructor(claim: string, message: string, details: RefusedClaim['details'] = {}) {
    super(`${message} (${claim}).`);
    this.claim = claim;
    this.details = details;
  }
}

/**
 * RFC 9068 has at+jwt, with or without application/. Many issuers write JWT or nothing; Keycloak also writes Bearer into
 * the payload.
 */
const ACCESS_TOKEN_TYPES = ['at+jwt', 'application/at+jwt', 'jwt', 'bearer'];

/** RFC 9068 sets no maximum length of a subject; OpenID Connect allows 255. */
const MAX_SUBJECT_LENGTH = 255;

/** @throws RefusedClaim */
export function callerOf(payload: JWTPayload, header: JWTHeaderParameters, rules: TokenRules): Caller {
  refuseOtherTypes(payload, header);
  requireAudience(payload, rules);
  return {
    principal: `${rules.issuer}#${subjectOf(payload)}`,
    scopes: scopesOf(payload, rules),
    targets: targetsOf(payload, rules),
  };
}

/** Refuses id tokens, refresh tokens and the like, which the issuer signs with the same keys. */
function refuseOtherTypes(payload: JWTPayload, header: JWTHeaderParameters): void {
  const message = 'This is not an access token';
  for (const typ of [header.typ, payload.typ]) {
    if (typ === undefined || ACCESS_TOKEN_TYPES.includes(String(typ).toLowerCase())) continue;
    throw new RefusedClaim('typ', message, { found: typ });
  }
  const { token_use: use } = payload;
  if (use !== undefined && use !== 'access') throw new RefusedClaim('token_use', message, { found: use });
  const isScoped = payload.scope !== undefined || payload.scp !== undefined;
  // By OpenID Connect, claims of id tokens. Some issuers put the nonce into access tokens as well.
  const mark = ['at_hash', 'c_hash', ...(isScoped ? [] : ['nonce'])].find((claim) => claim in payload);
  if (mark !== undefined) throw new RefusedClaim(mark, message);
}

/** A token of a listed client needs no audience; a wrong audience is refused, whichever client has the token. */
function requireAudience(payload: JWTPayload, { audience, clientIds }: TokenRules): void {
  const { aud } = payload;
  if (aud !== undefined) {
    if ([aud].flat().includes(audience)) return;
    throw new RefusedClaim('aud', 'The token is not for this server', { found: aud, expected: audience });
  }
  const claim = ['client_id', 'azp'].find((name) => payload[name] !== undefined);
  if (clientIds.length === 0 || claim === undefined) {
    throw new RefusedClaim('aud', 'The token names no audience', { expected: audience });
  }
  const found = payload[claim];
  if (clientIds.some((id) => id === found)) return;
  const message = 'The token names no audience, and no client that this server accepts without one';
  throw new RefusedClaim(claim, message, { found, expected: clientIds });
}

/**
 * The subject tells callers apart in audit records, and confirmations are bound to it. Where a token has none, it is
 * for the client itself.
 */
function subjectOf({ sub, client_id }: JWTPayload): string {
  const subject = sub === undefined ? client_id : sub;
  if (typeof subject === 'string' && subject !== '' && subject.length <= MAX_SUBJECT_LENGTH) return subject;
  throw new RefusedClaim('sub', 'The token names neither a subject nor a client');
}

/**
 * The scopes of this server in a token: those granted to the client (`scope`, or `scp` at Okta and Microsoft), or else
 * what its subject may do (`roles` at Microsoft, `permissions` at Auth0). The latter add nothing to a grant, as a client
 * may have asked for less than its user may do.
 */
function scopesOf(payload: JWTPayload, rules: TokenRules): Scope[] {
  const { scope, scp, roles, permissions } = payload;
  const granted = named([scope, scp].flat().flatMap(words), payload, rules);
  if (granted.length > 0) return granted;
  // Microsoft's id tokens have roles as well, but name no client.
  return namesClient(payload) ? named([roles, permissions].flat(), payload, rules) : [];
}

/**
 * The targets that a token may use: none if it lacks the claim. Names that no target can have are left out, because an
 * issuer may list groups for other servers there.
 */
function targetsOf(payload: JWTPayload, { targetsClaim }: TokenRules): string[] | undefined {
  if (targetsClaim === undefined) return undefined;
  const found = Object.hasOwn(payload, targetsClaim) ? payload[targetsClaim] : [];
  const names: unknown[] = Array.isArray(found) ? found : words(found);
  if ((!Array.isArray(found) && typeof found !== 'string') || !names.every(isText)) {
    throw new RefusedClaim(targetsClaim, 'The token has a claim of targets that is no list of texts', {
      found,
    });
  }
  return [...new Set(names.filter((name) => TARGET_NAME.test(name)))];
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function words(value: unknown): string[] {
  return typeof value === 'string' ? value.split(' ') : [];
}

function namesClient({ azp, client_id, appid, cid }: JWTPayload): boolean {
  return [azp, client_id, appid, cid].some((client) => typeof client === 'string');
}

/** Without an audience, the name alone could be the scope of another API of the same issuer. */
function named(names: readonly unknown[], { aud }: JWTPayload, { scopePrefix }: TokenRules): Scope[] {
  const prefixes = aud === undefined ? [scopePrefix] : [scopePrefix, ''];
  return SCOPES.filter((scope) => prefixes.some((prefix) => names.includes(prefix + scope)));
}
