import { errors, jwtVerify } from 'jose';
import { callerOf, RefusedClaim, type TokenRules } from './access-token.ts';
import { type Caller, InvalidToken, type Verifier } from './bearer.ts';
import { IssuerKeys, type IssuerKeysOptions, KeysUnavailable } from './issuer-keys.ts';
import { Refusal } from './refusal.ts';

/** Signatures that only the issuer can make. With a shared secret (HS…), a server that checks could sign as well. */
const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

/** Allowed difference between the clocks of the issuer and this server, in seconds. */
const CLOCK_TOLERANCE = 30;

/** Longer text is cut in the log. */
const LOGGED_LENGTH = 300;

export interface IssuerOptions extends TokenRules, IssuerKeysOptions {
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** Verifies access tokens (JWTs) of one authorization server. */
export class Issuer implements Verifier {
  readonly #options: IssuerOptions;
  readonly #keys: IssuerKeys;

  constructor(options: IssuerOptions) {
    this.#options = options;
    this.#keys = new IssuerKeys(options);
  }

  async verify(token: string): Promise<Caller> {
    const { issuer, now } = this.#options;
    try {
      const { payload, protectedHeader } = await jwtVerify(token, this.#keys.find, {
        issuer,
        algorithms: ALGORITHMS,
        requiredClaims: ['exp'],
        clockTolerance: CLOCK_TOLERANCE,
        currentDate: new Date(now()),
      });
      return callerOf(payload, protectedHeader, this.#options);
    } catch (error) {
      throw this.#verdictOn(error);
    }
  }

  /** A bad token is refused with 401. If the issuer does not answer, the token may be good: 503. */
  #verdictOn(error: unknown): Error {
    const { logger } = this.#options;
    const refused = this.#refusedClaim(error);
    if (refused !== undefined) {
      const { claim, details } = refused;
      logger.warn({ claim, ...loggable(details) }, 'a token was refused for one of its claims');
      return refused;
    }
    for (const [kind, reason] of BAD_TOKENS) if (error instanceof kind) return new InvalidToken(reason);
    if (!(error instanceof KeysUnavailable)) {
      logger.error({ reason: (error as Error).message }, 'cannot use the keys of the token issuer');
    }
    const message = 'The keys of the authorization server cannot be read, so no token can be checked now.';
    const hint =
      'The token may be good: send the same request again later. The log of this server has the reason.';
    return new Refusal(503, message, hint, { retryAfterSeconds: 30 });
  }

  /** jose checks issuer and times, after the signature. */
  #refusedClaim(error: unknown): RefusedClaim | undefined {
    if (error instanceof RefusedClaim) return error;
    const isOfClaim = error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired;
    if (!isOfClaim) return undefined;
    const { claim, payload } = error;
    if (error instanceof errors.JWTExpired) {
      return new RefusedClaim(claim, 'The token has expired', { found: payload[claim] });
    }
    const message = BAD_CLAIMS[claim] ?? 'The token has a malformed claim';
    const expected = claim === 'iss' ? { expected: this.#options.issuer } : {};
    return new RefusedClaim(claim, message, { found: payload[claim], ...expected });
  }
}

const BAD_CLAIMS: Readonly<Record<string, string>> = {
  iss: 'The token is not from the issuer that this server trusts',
  exp: 'The token has no expiry',
  nbf: 'The token is not valid yet',
};

const BAD_TOKENS: readonly [new (...args: never[]) => Error, string][] = [
  [errors.JWSSignatureVerificationFailed, 'The signature of the token is wrong.'],
  [errors.JOSEAlgNotAllowed, 'The token is signed with an algorithm that is not accepted.'],
  [errors.JWKSNoMatchingKey, 'The token is signed with a key that the issuer does not list.'],
  [errors.JWKSMultipleMatchingKeys, 'The token does not say with which key it is signed.'],
  [errors.JWSInvalid, 'The token is not a signed JWT.'],
  [errors.JWTInvalid, 'The token is not a JWT.'],
  [errors.JOSENotSupported, 'The token uses a feature that is not supported.'],
];

/** The issuer signed these values, but others may have chosen them. */
function loggable(details: RefusedClaim['details']): Record<string, string> {
  const texts = Object.entries(details).map(([name, value]) => [name, JSON.stringify(value) ?? 'none']);
  return Object.fromEntries(texts.map(([name = '', text = '']) => [name, text.slice(0, LOGGED_LENGTH)]));
}
