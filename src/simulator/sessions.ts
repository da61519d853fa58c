import { randomBytes } from 'node:crypto';
import type { PolicyDocument } from './policy.ts';

/** A role's session: temporary credentials and what they may do. */
export interface Session {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  /** Real time in milliseconds since the epoch, because SDKs judge credentials by it. */
  expiration: number;
  accountId: string;
  roleName: string;
  name: string;
  /** The session policy as it was sent, and read; absent if there is none. */
  policyText: string | undefined;
  policy: PolicyDocument | undefined;
  tags: ReadonlyMap<string, string>;
  /** Keys of the tags that every later session of the chain inherits. */
  transitiveTagKeys: readonly string[];
  sourceIdentity: string | undefined;
}

/** A session as it is recorded with each of its requests. */
export interface SessionRecord {
  name: string;
  roleArn: string;
  /** The session policy as it was sent; absent if there is none. */
  policy?: string;
  tags: Record<string, string>;
  sourceIdentity?: string;
}

/** Time for which expired sessions still get their own refusal. */
const KEPT_AFTER_EXPIRY = 3_600_000;

export class Sessions {
  readonly #byKey = new Map<string, Session>();

  /** Makes credentials for a session and keeps it. */
  create(members: Omit<Session, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'>): Session {
    this.#forgetOld();
    const session = {
      ...members,
      accessKeyId: `ASIA${uniqueId()}`,
      secretAccessKey: randomBytes(30).toString('base64'),
      sessionToken: randomBytes(270).toString('base64'),
    };
    this.#byKey.set(session.accessKeyId, session);
    return session;
  }

  get(accessKeyId: string): Session | undefined {
    return this.#byKey.get(accessKeyId);
  }

  #forgetOld(): void {
    for (const [key, { expiration }] of this.#byKey) {
      if (expiration + KEPT_AFTER_EXPIRY < Date.now()) this.#byKey.delete(key);
    }
  }
}

/** The 16 characters of AWS's ids after their prefix. */
function uniqueId(): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return [...randomBytes(16)].map((byte) => alphabet.charAt(byte % 32)).join('');
}

export function roleArnOf({ accountId, roleName }: Pick<Session, 'accountId' | 'roleName'>): string {
  return `arn:aws:iam::${accountId}:role/${roleName}`;
}

export function sessionArnOf({ accountId, roleName, name }: Session): string {
  return `arn:aws:sts::${accountId}:assumed-role/${roleName}/${name}`;
}

/** Returns the role's unique id and the session's name, as `GetCallerIdentity` does. The id is the same at each start. */
export function roleIdOf({ accountId, roleName, name }: Session): string {
  const digits = [...accountId].map((digit) => 'ABCDEFGHIJ'.charAt(Number(digit))).join('');
  return `AROA${digits}${`${roleName}XXXX`
    .replaceAll(/[^A-Za-z]/g, '')
    .slice(0, 4)
    .toUpperCase()}:${name}`;
}

export function sessionRecord(session: Session): SessionRecord {
  const { name, policyText, tags, sourceIdentity } = session;
  return {
    name,
    roleArn: roleArnOf(session),
    ...(policyText !== undefined && { policy: policyText }),
    tags: Object.fromEntries(tags),
    ...(sourceIdentity !== undefined && { sourceIdentity }),
  };
}
