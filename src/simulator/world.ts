import type { SimulatedAccount, SimulatedRole } from './accounts.ts';
import { ACCOUNT_ID, arnOf, type Signature, signatureOf } from './authorization.ts';
import type { Caller, LocalCaller } from './caller.ts';
import type { Ec2Error } from './errors.ts';
import type { Place } from './place.ts';
import { parsePolicy } from './policy-document.ts';
import {
  roleArnOf,
  roleIdOf,
  type Session,
  type SessionRecord,
  Sessions,
  sessionArnOf,
  sessionRecord,
} from './sessions.ts';

/** The headers that tell who signed a request. */
export interface Signed {
  authorization: string | undefined;
  securityToken: string | undefined;
}

/** How a service refuses credentials. */
export interface Refusals {
  invalid: () => Ec2Error;
  expired: () => Ec2Error;
}

/** Who signed a request, as it is recorded. */
export interface SignerRecord {
  accessKeyId: string;
  accountId: string;
  /** Region of the signature. */
  region: string;
  /** Absent for a static key. */
  session?: SessionRecord;
}

export interface WorldOptions {
  /** The place of every static key. */
  home: Place;
  accounts: readonly SimulatedAccount[];
  /** Makes the state of a region when its first request comes. */
  open: (account: SimulatedAccount, region: string) => Place;
}

/** Access key ids that STS hands out. */
const TEMPORARY = /^ASIA[A-Z2-7]{16}$/;

/** All accounts with their places, roles and sessions. */
export class World {
  readonly home: Place;
  readonly sessions = new Sessions();
  readonly #accounts: ReadonlyMap<string, SimulatedAccount>;
  readonly #places = new Map<string, Place>();
  readonly #open: WorldOptions['open'];

  constructor({ home, accounts, open }: WorldOptions) {
    this.home = home;
    this.#accounts = new Map(accounts.map((account) => [account.accountId, account]));
    this.#open = open;
  }

  /**
   * Returns who calls, and the place that the signature names.
   *
   * @throws Ec2Error by `refusals`
   */
  localCaller(signed: Signed, services: readonly string[], refusals: Refusals): LocalCaller {
    const caller = this.#caller(signed, services, refusals);
    const place = this.#placeOf(caller);
    if (place === undefined) throw refusals.invalid();
    return { ...caller, place };
  }

  /**
   * Returns who calls STS. Static keys may use it in every region of the accounts.
   *
   * @throws Ec2Error by `refusals`
   */
  stsCaller(signed: Signed, refusals: Refusals): Caller {
    const caller = this.#caller(signed, ['sts'], refusals);
    const isServed =
      this.#placeOf(caller) !== undefined ||
      (caller.session === undefined &&
        [...this.#accounts.values()].some(({ regions }) => Object.hasOwn(regions, caller.region)));
    if (!isServed) throw refusals.invalid();
    return caller;
  }

  /** Whether a call is one to which the place never answers. */
  hangs(signed: Signed): boolean {
    const signature = signatureOf(signed.authorization);
    if (signature === undefined || signature.service === 'sts') return false;
    const session = this.sessions.get(signature.accessKeyId);
    return session !== undefined && this.#regionOf(session.accountId, signature.region)?.trouble === 'hangs';
  }

  /** Returns who signed a request, accepted or not; `undefined` if the key or the header is not known. */
  signerOf({ authorization }: Signed): SignerRecord | undefined {
    const signature = signatureOf(authorization);
    if (signature === undefined) return undefined;
    const { accessKeyId, region } = signature;
    const session = this.sessions.get(accessKeyId);
    if (session !== undefined) {
      return { accessKeyId, accountId: session.accountId, region, session: sessionRecord(session) };
    }
    return TEMPORARY.test(accessKeyId) ? undefined : { accessKeyId, accountId: ACCOUNT_ID, region };
  }

  roleOf(accountId: string, name: string): SimulatedRole | undefined {
    return this.#accounts.get(accountId)?.roles.find((role) => role.name === name);
  }

  #caller({ authorization, securityToken }: Signed, services: readonly string[], refusals: Refusals): Caller {
    const signature = signatureOf(authorization);
    if (signature === undefined || !services.includes(signature.service)) throw refusals.invalid();
    if (!TEMPORARY.test(signature.accessKeyId)) return staticCaller(signature);
    const session = this.sessions.get(signature.accessKeyId);
    if (session === undefined || session.sessionToken !== securityToken) throw refusals.invalid();
    if (session.expiration <= Date.now()) throw refusals.expired();
    return this.#sessionCaller(session, signature);
  }

  #sessionCaller(session: Session, { accessKeyId, region }: Signature): Caller {
    const { accountId, roleName } = session;
    const policy = this.roleOf(accountId, roleName)?.policy ?? {};
    return {
      accessKeyId,
      accountId,
      region,
      arn: sessionArnOf(session),
      userId: roleIdOf(session),
      principals: [accountId, roleArnOf(session), sessionArnOf(session)],
      session,
      rolePolicy: parsePolicy(JSON.stringify(policy)),
    };
  }

  #placeOf({ accountId, region, session }: Caller): Place | undefined {
    if (session === undefined) return region === this.home.region ? this.home : undefined;
    const account = this.#accounts.get(accountId);
    if (account === undefined || this.#regionOf(accountId, region) === undefined) return undefined;
    const key = `${accountId}/${region}`;
    const place = this.#places.get(key) ?? this.#open(account, region);
    this.#places.set(key, place);
    return place;
  }

  #regionOf(accountId: string, region: string) {
    const regions = this.#accounts.get(accountId)?.regions ?? {};
    return Object.hasOwn(regions, region) ? regions[region] : undefined;
  }
}

function staticCaller({ accessKeyId, region }: Signature): Caller {
  const arn = arnOf(accessKeyId);
  const principals = [ACCOUNT_ID, arn];
  return { accessKeyId, accountId: ACCOUNT_ID, region, arn, userId: accessKeyId, principals };
}
