import type { AwsCredentialIdentity } from '@smithy/types';
import type { Identity } from '../identity.ts';
import { READ_POLICY } from './session-policy.ts';
import type { RoleAssumer, RoleSession, SessionRequest } from './target-role.ts';

/** An hour, which no role forbids; roles that are assumed by a role get no more. */
const REQUEST: SessionRequest = { name: 'nat-gateway-mcp-read', policy: READ_POLICY, seconds: 3600 };

/** When the session is renewed in the background before it expires, in milliseconds. */
const RENEWAL = 300_000;

/** The session in a target's role that signs all reads. It may change nothing, whatever the role may. */
export class ReadSession {
  readonly #assumer: RoleAssumer;
  #current: RoleSession | undefined;
  #pending: Promise<RoleSession> | undefined;

  constructor(assumer: RoleAssumer) {
    this.#assumer = assumer;
  }

  /**
   * The credentials until they expire. They are renewed in the background before that, and when the base credentials
   * have changed; a renewal that fails is tried again with the next request.
   *
   * @throws CredentialSourceError
   */
  async credentials(region: string): Promise<AwsCredentialIdentity> {
    return (await this.#session(region)).credentials;
  }

  /** @throws CredentialSourceError */
  async identity(region: string): Promise<Identity> {
    return this.#assumer.identityIn(await this.#session(region));
  }

  async #session(region: string): Promise<RoleSession> {
    const current = this.#current;
    const left = (current?.expiresAt ?? 0) - Date.now();
    if (current === undefined || left <= 0) return this.#renew(region);
    const isOfBase = current.assumedBy === this.#assumer.base.accessKeyId();
    if (left < RENEWAL || !isOfBase) this.#renew(region).catch(() => {});
    return current;
  }

  #renew(region: string): Promise<RoleSession> {
    this.#pending ??= this.#assumer
      .assume(region, REQUEST)
      .then((session) => {
        this.#current = session;
        return session;
      })
      .finally(() => {
        this.#pending = undefined;
      });
    return this.#pending;
  }
}
