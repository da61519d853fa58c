import { SESSION_TAGS } from '../../vocabulary/names.ts';
import type { Identity, SessionNames } from '../identity.ts';
import type { Pair, Session } from '../session.ts';
import type { TargetRole } from '../settings.ts';
import { callerNames } from './caller.ts';
import { changePolicy, type Permission } from './session-policy.ts';
import type { RoleSession, SessionRequest } from './target-role.ts';

/** The shortest that STS makes; an attempt takes less than a minute. */
const SECONDS = 900;

/** The attempt that a session is for, and its caller. */
export interface AttemptBy {
  /** The UUID that joins the records of the attempt. */
  id: string;
  /** The name of the caller; absent where callers have none. */
  principal?: string | undefined;
  /** The names of the people who approved the change; absent where nobody had to. */
  approvers?: readonly string[] | undefined;
}

/** The clients of one attempt, in a session of their own. */
interface Made {
  of: Session;
  pair: Pair;
}

/**
 * Signs the dry run and the real call of one attempt by a session of its own, which may do nothing else. Nothing is asked
 * of STS until the first request; the clients are forgotten with the permit.
 */
export class AttemptSigner {
  readonly #request: SessionRequest;
  readonly #region: string;
  readonly #told: SessionNames;
  #made: Made | undefined;
  #identity: Identity | undefined;

  constructor(role: TargetRole, by: AttemptBy, permission: Omit<Permission, 'accountId'>) {
    const names = callerNames(by.principal);
    const approvers = by.approvers && callerNames(by.approvers.join(' ')).tag;
    const sourceIdentity = role.sourceIdentity ? names.sourceIdentity : undefined;
    this.#region = permission.region;
    this.#request = {
      // 52 characters of the 64 that STS allows.
      name: `nat-gateway-mcp-${by.id}`,
      policy: changePolicy({ ...permission, accountId: role.accountId }),
      seconds: SECONDS,
      tags: {
        [SESSION_TAGS.caller]: names.tag,
        [SESSION_TAGS.attempt]: by.id,
        ...(approvers === undefined ? {} : { [SESSION_TAGS.approvers]: approvers }),
      },
      sourceIdentity,
    };
    const isMapped = names.isTagMapped || (sourceIdentity !== undefined && names.isSourceIdentityMapped);
    this.#told = {
      name: this.#request.name,
      ...(sourceIdentity === undefined ? {} : { source_identity: sourceIdentity }),
      caller_tag: names.tag,
      ...(approvers === undefined ? {} : { approvers_tag: approvers }),
      ...(isMapped ? { mapped: true } : {}),
    };
  }

  /** Whose key has signed, as STS told; `undefined` before anything was signed. */
  get identity(): Identity | undefined {
    return this.#identity;
  }

  /** Where the latest request was sent from. */
  get made(): Made | undefined {
    return this.#made;
  }

  /** The clients of the attempt; a session that was opened afresh gets new ones, with new credentials. */
  pair(session: Session): Pair {
    if (this.#made?.of === session) return this.#made.pair;
    let assumed: Promise<RoleSession> | undefined;
    const pair = session.pairSignedBy(this.#region, async () => {
      const { assumer } = session;
      if (assumer === undefined) throw new Error('the target has no role');
      assumed ??= assumer.assume(this.#region, this.#request);
      const made = await assumed;
      this.#identity = { ...assumer.identityIn(made), session: this.#told };
      return made.credentials;
    });
    this.#made = { of: session, pair };
    return pair;
  }
}
