import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import * as z from 'zod';
import { isLoopback } from '../../config/loopback.ts';
import type { Logger } from '../../vocabulary/logger.ts';
import { readJson } from './issuer-request.ts';

/** Time limit of one reading of metadata and keys, in milliseconds: no caller waits longer for the issuer. */
const READING_TIMEOUT = 5000;

/** Maximum age of the issuer's metadata, in milliseconds. */
const METADATA_MAX_AGE = 3_600_000;

/** Age from which the keys are read again while calls go on, in milliseconds. */
const KEYS_MAX_AGE = 600_000;

/** Age from which a call waits for the new keys, unless the issuer is known to fail, in milliseconds. */
const KEYS_MAX_STALE = 3_600_000;

/** How long the last known keys stay valid while the issuer does not answer, in milliseconds. */
const KEYS_OUTLIVE_ISSUER = 6 * 3_600_000;

/** Pause before the keys are read again for a token whose key is not among them, in milliseconds. */
const KEYS_COOLDOWN = 30_000;

/** Pause after a failed reading, in milliseconds. Each further failure doubles it, up to the pause above. */
const FIRST_PAUSE = 5000;

const metadataSchema = z.object({ issuer: z.string(), jwks_uri: z.string() });
const keysSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) });

export interface IssuerKeysOptions {
  issuer: string;
  logger: Logger;
  /** Milliseconds since any moment: set by hand, the wall clock could keep old keys valid. */
  monotonic: () => number;
  keysCooldown?: number;
}

/** There are no keys to check a token with. The reason is in the log already. */
export class KeysUnavailable extends Error {}

/**
 * The keys of one issuer. They are read at the first token, so that this server can start while the issuer is down.
 *
 * Callers share one reading. A failure is remembered for a while, and known keys serve meanwhile, so that an issuer
 * that hangs does not delay every call.
 */
export class IssuerKeys {
  readonly #options: Required<IssuerKeysOptions>;
  #metadataUrls: readonly URL[];
  #keysUrl: { url: URL; readAt: number } | undefined;
  #keys: { find: JWTVerifyGetKey; readAt: number } | undefined;
  #failures = 0;
  #failedAt = 0;
  #reading: Promise<void> | undefined;

  constructor(options: IssuerKeysOptions) {
    this.#options = { keysCooldown: KEYS_COOLDOWN, ...options };
    this.#metadataUrls = metadataUrls(options.issuer);
  }

  /**
   * Finds the key of a token. jose calls it once form and algorithm of the token are right.
   *
   * @throws KeysUnavailable if the issuer had to be asked and did not answer
   * @throws errors.JWKSNoMatchingKey if the issuer does not list the key
   */
  readonly find: JWTVerifyGetKey = async (...token) => {
    await this.#refresh();
    try {
      return await this.#findKnown(...token);
    } catch (error) {
      const isUnknown = error instanceof errors.JWKSNoMatchingKey;
      if (!isUnknown || this.#age() < this.#options.keysCooldown) throw error;
      await this.#read();
      return await this.#findKnown(...token);
    }
  };

  #findKnown(...token: Parameters<JWTVerifyGetKey>): ReturnType<JWTVerifyGetKey> {
    if (this.#keys === undefined) throw new KeysUnavailable();
    return this.#keys.find(...token);
  }

  /** Milliseconds since the keys were read. */
  #age(): number {
    return this.#keys === undefined ? Infinity : this.#options.monotonic() - this.#keys.readAt;
  }

  /** Reads the keys again if they are old, and waits for it only where it must. */
  async #refresh(): Promise<void> {
    const age = this.#age();
    if (age > KEYS_OUTLIVE_ISSUER) return await this.#read();
    if (age <= KEYS_MAX_AGE) return;
    const isFailing = this.#failures > 0;
    const reading = this.#read().catch(() => {
      // The known keys serve.
    });
    if (age > KEYS_MAX_STALE && !isFailing) await reading;
  }

  /** @throws KeysUnavailable at once within the pause after a failure */
  async #read(): Promise<void> {
    const { keysCooldown, monotonic } = this.#options;
    const pause = Math.min(keysCooldown, FIRST_PAUSE * 2 ** (this.#failures - 1));
    if (this.#failures > 0 && monotonic() - this.#failedAt < pause) throw new KeysUnavailable();
    this.#reading ??= this.#readNow().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  /** Reads the keys. @throws Error that says why it cannot */
  async load(): Promise<void> {
    const signal = AbortSignal.timeout(READING_TIMEOUT);
    const find = await keysAt(await this.#discover(signal), signal);
    this.#keys = { find, readAt: this.#options.monotonic() };
  }

  async #readNow(): Promise<void> {
    const { logger, monotonic } = this.#options;
    try {
      await this.load();
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      this.#failedAt = monotonic();
      logger.error({ reason: (error as Error).message }, 'cannot read the keys of the token issuer');
      throw new KeysUnavailable();
    }
  }

  /** The URL of the keys, by the issuer's metadata: RFC 8414, or OpenID Connect Discovery in both of its forms. */
  async #discover(signal: AbortSignal): Promise<URL> {
    const { issuer, monotonic } = this.#options;
    const known = this.#keysUrl;
    if (known !== undefined && monotonic() - known.readAt <= METADATA_MAX_AGE) return known.url;
    const problems: string[] = [];
    for (const metadataUrl of this.#metadataUrls) {
      try {
        const url = keysUrlIn(await readJson(metadataUrl, signal), issuer);
        this.#keysUrl = { url, readAt: monotonic() };
        return url;
      } catch (error) {
        problems.push(`${metadataUrl}: ${(error as Error).message}`);
        if (signal.aborted) break;
      }
    }
    // One URL may hang and another answer.
    const [first, ...others] = this.#metadataUrls;
    if (first !== undefined && signal.aborted) this.#metadataUrls = [...others, first];
    throw new Error(`no metadata of the issuer: ${problems.join('; ')}`);
  }
}

function metadataUrls(issuer: string): URL[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const urls = new Set([
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ]);
  return [...urls].map((url) => new URL(url));
}

async function keysAt(url: URL, signal: AbortSignal): Promise<JWTVerifyGetKey> {
  try {
    const keys = keysSchema.safeParse(await readJson(url, signal));
    if (!keys.success) throw new Error('the answer is not a set of keys');
    return createLocalJWKSet(keys.data);
  } catch (error) {
    throw new Error(`${url}: ${(error as Error).message}`);
  }
}

/** The URL of the keys. @throws Error if this is not the metadata of `issuer` */
function keysUrlIn(json: unknown, issuer: string): URL {
  const metadata = metadataSchema.safeParse(json);
  if (!metadata.success) throw new Error('it lacks issuer or jwks_uri');
  if (metadata.data.issuer !== issuer) throw new Error(`it names the issuer ${metadata.data.issuer}`);
  const url = new URL(metadata.data.jwks_uri);
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))) return url;
  throw new Error('its keys are not served over https');
}
