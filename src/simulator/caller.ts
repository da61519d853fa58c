import { allowedActions } from './authorization.ts';
import type { Place } from './place.ts';
import { type AccessRequest, type Decision, decide, type PolicyDocument } from './policy.ts';
import type { Session } from './sessions.ts';

/** The principal of a request, and where it goes. */
export interface Caller {
  accessKeyId: string;
  accountId: string;
  region: string;
  arn: string;
  userId: string;
  /** What a trust policy may name: the account, the principal, and the role of a session. */
  principals: readonly string[];
  /** Absent for a static key. */
  session?: Session;
  /** Policy of the session's role. */
  rolePolicy?: PolicyDocument;
}

/** A caller at an enabled region of its account. */
export interface LocalCaller extends Caller {
  place: Place;
}

/** Returns whether all policies of the caller allow a request. */
export function isAllowed(caller: Caller, request: AccessRequest): boolean {
  return denialOf(caller, request) === undefined;
}

/**
 * Returns why a request is refused, in IAM's words (IAM User Guide, "Troubleshoot access denied error messages"), or
 * `undefined` if it is allowed.
 */
export function denialOf(caller: Caller, request: AccessRequest): string | undefined {
  const { action, resource } = request;
  const reason = reasonOf(caller, request);
  if (reason === undefined) return undefined;
  const on = resource === '*' || caller.session === undefined ? '' : ` on resource: ${resource}`;
  return `User: ${caller.arn} is not authorized to perform: ${action}${on} ${reason}`;
}

function reasonOf(caller: Caller, request: AccessRequest): string | undefined {
  const { session, rolePolicy } = caller;
  if (session === undefined || rolePolicy === undefined) {
    const name = request.action.replace(/^\w+:/, '');
    const isGranted = allowedActions(caller.accessKeyId)?.includes(name) ?? true;
    return isGranted ? undefined : `because no identity-based policy allows the ${request.action} action`;
  }
  const withTags = {
    ...request,
    context: new Map([...principalContext(caller, session), ...request.context]),
  };
  const decisions: [Decision, string, string][] = [
    [decide(rolePolicy, withTags), 'an identity-based policy', 'identity-based policy'],
    [
      session.policy === undefined ? 'allowed' : decide(session.policy, withTags),
      'a session policy',
      'session policy',
    ],
  ];
  const denying = decisions.find(([decision]) => decision === 'denied');
  if (denying !== undefined) return `with an explicit deny in ${denying[1]}`;
  const silent = decisions.find(([decision]) => decision === 'not allowed');
  return silent && `because no ${silent[2]} allows the ${request.action} action`;
}

function principalContext(caller: Caller, session: Session): [string, readonly string[]][] {
  const { accountId, roleName, sourceIdentity, tags } = session;
  return [
    ['aws:requestedregion', [caller.region]],
    ['aws:principalaccount', [accountId]],
    ['aws:principalarn', [`arn:aws:iam::${accountId}:role/${roleName}`]],
    ...[...tags].map(([key, value]): [string, string[]] => [
      `aws:principaltag/${key.toLowerCase()}`,
      [value],
    ]),
    ...(sourceIdentity === undefined ? [] : [['aws:sourceidentity', [sourceIdentity]] as [string, string[]]]),
  ];
}
