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

/** Signatures that only the issuer can make; with a shared secret (HS…) whoever checks could sign as well. */
const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

/** How far the issuer's clock may be from ours, in seconds. */
const CLOCK_TOLERANCE = 30;

/** How long one request to the issuer may take, in milliseconds. */
const TIMEOUTS = 5000;

/** How long the issuer's metadata is believed, in milliseconds. */
const METADATA_AGE = 3_600_000;

/** How long keys are kept, and how soon a key that is not among them is looked for again, in milliseconds. */
const KEYS_AGE = 600_000;
const LOOK_AGAIN = 30_000;

/** How long the last known keys go on to count while the issuer cannot be asked, in milliseconds. */
const KEYS_OUTLIVE_ISSUER = 6 * 3_600_000;

const metadataSchema = z.object({ issuer: z.string(), jwks_uri: z.string() });

type Keys = ReturnType<typeof createRemoteJWKSet>;

export interface IssuerOptions {
  issuer: string;
  audience: string;
  logger: Logger;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** How soon a key that is not known is looked for again, in milliseconds. */
  lookAgain?: number;
}

/**
 * Access tokens (JWTs) of one authorization server. Nothing is asked of it before the first token comes, so that
 * this server starts while that one is down.
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
      throw this.#explained(error);
    }
  }

  /** Asked for by jose once the token's form and algorithm are right. An issuer that is down takes no caller along. */
  readonly #keyFor = async (header: JWSHeaderParameters, token: FlattenedJWSInput) => {
    const { now } = this.#options;
    try {
      const keys = await this.#currentKeys();
      const key = await keys(header, token);
      this.#lastGood = { keys: keys.jwks(), at: now() };
      return key;
    } catch (error) {
      const { keys, at } = this.#lastGood;
      const isTokensFault = BAD_TOKENS.some(([kind]) => error instanceof kind);
      if (isTokensFault || keys === undefined || now() - at > KEYS_OUTLIVE_ISSUER) throw error;
      return createLocalJWKSet(keys)(header, token).catch(() => {
        // Among the keys of now it may be.
        throw error;
      });
    }
  };

  #currentKeys(): Promise<Keys> {
    const { now } = this.#options;
    if (this.#keys === undefined || now() > this.#keysUntil) {
      this.#keysUntil = now() + METADATA_AGE;
      this.#keys = this.#discover().catch((error: unknown) => {
        this.#keys = undefined;
        throw error;
      });
    }
    return this.#keys;
  }

  /** The issuer's keys by its metadata: RFC 8414, or OpenID Connect Discovery in both of its forms. */
  async #discover(): Promise<Keys> {
    const { issuer, lookAgain = LOOK_AGAIN } = this.#options;
    const problems: string[] = [];
    for (const url of metadataUrls(issuer)) {
      try {
        const metadata = metadataSchema.parse(await getJson(url));
        if (metadata.issuer !== issuer) throw new Error(`it is that of ${metadata.issuer}`);
        const jwksUri = new URL(metadata.jwks_uri);
        if (jwksUri.protocol !== 'https:' && !isLoopback(jwksUri.hostname)) {
          throw new Error('its keys are not served over https');
        }
        return createRemoteJWKSet(jwksUri, {
          timeoutDuration: TIMEOUTS,
          cooldownDuration: lookAgain,
          cacheMaxAge: KEYS_AGE,
        });
      } catch (error) {
        problems.push(`${url}: ${(error as Error).message}`);
      }
    }
    throw new Error(`no metadata of the issuer: ${problems.join('; ')}`);
  }

  /** A token that is bad is the caller's business; an issuer that cannot be asked is nobody's fault who calls. */
  #explained(error: unknown): Error {
    for (const [kind, reason] of BAD_TOKENS) if (error instanceof kind) return new InvalidToken(reason);
    this.#options.logger.error({ reason: (error as Error).message }, 'the issuer of tokens cannot be asked');
    return new Refusal({
      status: 503,
      message: 'The authorization server cannot be asked for its keys, so no token can be checked now.',
      hint: 'The token may be good: send the same request again in a while. Whoever runs this server finds the reason in its log.',
      retryAfterSeconds: 30,
    });
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
  [errors.JWSInvalid, 'The token is no signed JWT.'],
  [errors.JWTInvalid, 'The token is no JWT.'],
  [errors.JOSENotSupported, 'The token uses something that is not supported.'],
];

/** Whose token it is: what goes on record and binds confirmations has to tell one from another. */
function subjectOf({ sub }: JWTPayload): string {
  if (typeof sub === 'string' && sub !== '' && sub.length <= LONGEST_SUBJECT) return sub;
  throw new errors.JWTInvalid('no subject');
}

/** RFC 9068 leaves the length open; OpenID Connect allows 255. */
const LONGEST_SUBJECT = 255;

/** `scope` by RFC 9068; some issuers write `scp`, a text or a list. */
function scopesOf({ scope, scp }: JWTPayload): string[] {
  const list = [scope, scp].flatMap((value) => (Array.isArray(value) ? value : [value]));
  return list.flatMap((value) => (typeof value === 'string' ? value.split(' ') : [])).filter(Boolean);
}

function metadataUrls(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [
    ...new Set([
      `${origin}/.well-known/oauth-authorization-server${path}`,
      `${origin}/.well-known/openid-configuration${path}`,
      `${origin}${path}/.well-known/openid-configuration`,
    ]),
  ];
}

async function getJson(url: string): Promise<unknown> {
  const response = await fetch(url, {
    headers: { accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUTS),
  });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response.json();
}
