import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWSHeaderParameters,
  type JWTPayload,
  jwtVerify,
} from 'jose';
import type { Logger } from 'pino';
import * as z from 'zod';
import { isLoopback } from '../../config/loopback.ts';
import { type Caller, InvalidToken, type Verifier } from './bearer.ts';
import { Refusal } from './refusal.ts';

/** Signatures that only the issuer can make. With a shared secret (HS…), a server that checks could sign as well. */
const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

/** Allowed difference between the clocks of the issuer and this server, in seconds. */
const CLOCK_TOLERANCE = 30;

/** Time limit of one request to the issuer, in milliseconds. */
const REQUEST_TIMEOUT = 5000;

/** Maximum age of the issuer's metadata and of its keys, in milliseconds. */
const METADATA_MAX_AGE = 3_600_000;
const KEYS_MAX_AGE = 600_000;

/** Pause before the keys are read again for a token whose key is not among them, in milliseconds. */
const KEYS_COOLDOWN = 30_000;

/** How long the last known keys stay valid while the issuer does not answer, in milliseconds. */
const KEYS_OUTLIVE_ISSUER = 6 * 3_600_000;

/** RFC 9068 sets no maximum length of a subject; OpenID Connect allows 255. */
const MAX_SUBJECT_LENGTH = 255;

const metadataSchema = z.object({ issuer: z.string(), jwks_uri: z.string() });

type Keys = ReturnType<typeof createRemoteJWKSet>;

export interface IssuerOptions {
  issuer: string;
  audience: string;
  logger: Logger;
  /** Milliseconds since the epoch. */
  now: () => number;
  keysCooldown?: number;
}

/**
 * Verifies access tokens (JWTs) of one authorization server. The first token causes the first request to it, so that
 * this server can start while that one is down.
 */
export class Issuer implements Verifier {
  readonly #options: IssuerOptions;
  #keys: Promise<Keys> | undefined;
  #keysUntil = 0;
  #lastGood: { keys: JSONWebKeySet | undefined; at: number } = { keys: undefined, at: 0 };

  constructor(options: IssuerOptions) {
    this.#options = options;
  }

  async verify(token: string): Promise<Caller> {
    const { issuer, audience, now } = this.#options;
    try {
      const { payload } = await jwtVerify(token, this.#keyFor, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        requiredClaims: ['exp', 'sub'],
        clockTolerance: CLOCK_TOLERANCE,
        currentDate: new Date(now()),
      });
      return { principal: `${issuer}#${subjectOf(payload)}`, scopes: scopesOf(payload) };
    } catch (error) {
      throw this.#verdictOn(error);
    }
  }

  /** Called by jose once form and algorithm of the token are right. Falls back to the last known keys. */
  readonly #keyFor = async (header: JWSHeaderParameters, token: FlattenedJWSInput) => {
    const { now } = this.#options;
    try {
      const keys = await this.#currentKeys();
      const key = await keys(header, token);
      this.#lastGood = { keys: keys.jwks(), at: now() };
      return key;
    } catch (error) {
      const { keys, at } = this.#lastGood;
      const isTokenBad = BAD_TOKENS.some(([kind]) => error instanceof kind);
      if (isTokenBad || keys === undefined || now() - at > KEYS_OUTLIVE_ISSUER) throw error;
      return createLocalJWKSet(keys)(header, token).catch(() => {
        // The issuer may have new keys, so a key that is not among the old ones proves nothing.
        throw error;
      });
    }
  };

  #currentKeys(): Promise<Keys> {
    const { now } = this.#options;
    if (this.#keys === undefined || now() > this.#keysUntil) {
      this.#keysUntil = now() + METADATA_MAX_AGE;
      this.#keys = this.#discover().catch((error: unknown) => {
        this.#keys = undefined;
        throw error;
      });
    }
    return this.#keys;
  }

  /** Finds the keys through the issuer's metadata: RFC 8414, or OpenID Connect Discovery in both of its forms. */
  async #discover(): Promise<Keys> {
    const { issuer, keysCooldown = KEYS_COOLDOWN } = this.#options;
    const problems: string[] = [];
    for (const url of metadataUrls(issuer)) {
      try {
        return createRemoteJWKSet(await keysUrl(url, issuer), {
          timeoutDuration: REQUEST_TIMEOUT,
          cooldownDuration: keysCooldown,
          cacheMaxAge: KEYS_MAX_AGE,
        });
      } catch (error) {
        problems.push(`${url}: ${(error as Error).message}`);
      }
    }
    throw new Error(`no metadata of the issuer: ${problems.join('; ')}`);
  }

  /** A bad token is refused with 401. If the issuer does not answer, the token may be good: 503. */
  #verdictOn(error: unknown): Error {
    for (const [kind, reason] of BAD_TOKENS) if (error instanceof kind) return new InvalidToken(reason);
    this.#options.logger.error(
      { reason: (error as Error).message },
      'cannot read the keys of the token issuer',
    );
    const message = 'The keys of the authorization server cannot be read, so no token can be checked now.';
    const hint =
      'The token may be good: send the same request again later. The log of this server has the reason.';
    return new Refusal(503, message, hint, { retryAfterSeconds: 30 });
  }
}

const BAD_TOKENS: readonly [new (...args: never[]) => Error, string][] = [
  [errors.JWTExpired, 'The token has expired.'],
  [
    errors.JWTClaimValidationFailed,
    'The token is not from the right issuer, not for this server, or incomplete.',
  ],
  [errors.JWSSignatureVerificationFailed, 'The signature of the token is wrong.'],
  [errors.JOSEAlgNotAllowed, 'The token is signed with an algorithm that is not accepted.'],
  [errors.JWKSNoMatchingKey, 'The token is signed with a key that the issuer does not list.'],
  [errors.JWKSMultipleMatchingKeys, 'The token does not say with which key it is signed.'],
  [errors.JWSInvalid, 'The token is not a signed JWT.'],
  [errors.JWTInvalid, 'The token is not a JWT.'],
  [errors.JOSENotSupported, 'The token uses a feature that is not supported.'],
];

/** The subject tells callers apart in audit records, and confirmations are bound to it. */
function subjectOf({ sub }: JWTPayload): string {
  if (typeof sub === 'string' && sub !== '' && sub.length <= MAX_SUBJECT_LENGTH) return sub;
  throw new errors.JWTInvalid('no subject');
}

/** Reads `scope` (RFC 9068) and `scp`, a text or a list, which some issuers write instead. */
function scopesOf({ scope, scp }: JWTPayload): string[] {
  const list = [scope, scp].flatMap((value) => (Array.isArray(value) ? value : [value]));
  return list.flatMap((value) => (typeof value === 'string' ? value.split(' ') : [])).filter(Boolean);
}

function metadataUrls(issuer: string): Set<string> {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return new Set([
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ]);
}

/** The URL of the keys, by the metadata at `url`. @throws Error if it is not the metadata of `issuer` */
async function keysUrl(url: string, issuer: string): Promise<URL> {
  const response = await fetch(url, {
    headers: { accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(REQUEST_TIMEOUT),
  });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const metadata = metadataSchema.parse(await response.json());
  if (metadata.issuer !== issuer) throw new Error(`it names the issuer ${metadata.issuer}`);
  const keys = new URL(metadata.jwks_uri);
  if (keys.protocol === 'https:' || isLoopback(keys.hostname)) return keys;
  throw new Error('its keys are not served over https');
}
