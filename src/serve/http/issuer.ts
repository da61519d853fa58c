import { errors, type JWTPayload, jwtVerify } from 'jose';
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

/** RFC 9068 sets no maximum length of a subject; OpenID Connect allows 255. */
const MAX_SUBJECT_LENGTH = 255;

export interface IssuerOptions extends IssuerKeysOptions {
  audience: string;
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
    const { issuer, audience, now } = this.#options;
    try {
      const { payload } = await jwtVerify(token, this.#keys.find, {
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

  /** A bad token is refused with 401. If the issuer does not answer, the token may be good: 503. */
  #verdictOn(error: unknown): Error {
    for (const [kind, reason] of BAD_TOKENS) if (error instanceof kind) return new InvalidToken(reason);
    if (!(error instanceof KeysUnavailable)) {
      const reason = (error as Error).message;
      this.#options.logger.error({ reason }, 'cannot use the keys of the token issuer');
    }
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
