import { type AssumeRoleRequest, assumeRoleRequest } from './assume-role-request.ts';
import { type Caller, isAllowed } from './caller.ts';
import { type Answer, type Element, stsSuccess } from './envelope.ts';
import { accessDenied, expiredToken, invalidClientToken, validationError } from './errors-sts.ts';
import { decide } from './policy.ts';
import { parsePolicy } from './policy-document.ts';
import type { QueryParameters } from './query.ts';
import { roleIdOf, type Session, sessionArnOf } from './sessions.ts';
import type { Refusals, Signed, World } from './world.ts';

/** Longest session of a role assumed by another role's session. */
const CHAINED_SECONDS = 3600;

/** IAM's default of a role's maximum session duration. */
const DEFAULT_MAX_SECONDS = 3600;

const REFUSALS: Refusals = { invalid: invalidClientToken, expired: expiredToken };

interface StsCall extends Signed {
  parameters: QueryParameters;
}

/** Returns the actions of STS by name. A static key's `GetCallerIdentity` is refused as by EC2. */
export function createSts(world: World, ofEc2: Refusals) {
  return new Map([
    [
      'GetCallerIdentity',
      (call: StsCall, requestId: string): Answer => {
        const refusals = world.signerOf(call)?.session === undefined ? ofEc2 : REFUSALS;
        return callerIdentity(requestId, world.localCaller(call, ['ec2', 'sts'], refusals));
      },
    ],
    [
      'AssumeRole',
      (call: StsCall, requestId: string): Answer =>
        assumeRole(requestId, call.parameters, world.stsCaller(call, REFUSALS), world),
    ],
  ]);
}

/** Answers `GetCallerIdentity`, which STS allows without any permission. */
function callerIdentity(requestId: string, { arn, userId, accountId }: Caller): Answer {
  return stsSuccess('GetCallerIdentity', requestId, { Arn: arn, UserId: userId, Account: accountId });
}

/**
 * Answers `AssumeRole`.
 *
 * @throws StsError
 */
function assumeRole(requestId: string, parameters: QueryParameters, caller: Caller, world: World): Answer {
  const request = assumeRoleRequest(parameters);
  const role = world.roleOf(request.accountId, request.roleName);
  const inherited = inheritedTags(caller.session);
  const sourceIdentity = caller.session?.sourceIdentity ?? request.sourceIdentity;
  const context = contextOf(request, sourceIdentity);
  for (const action of requiredActions(request, inherited, sourceIdentity)) {
    const trusted =
      role !== undefined &&
      decide(parsePolicy(JSON.stringify(role.trust), 'trust'), {
        action,
        resource: request.roleArn,
        context,
        principals: caller.principals,
      }) === 'allowed';
    const changesIdentity = action === 'sts:SetSourceIdentity' && isOtherIdentity(request, caller.session);
    if (!trusted || changesIdentity || !isAllowed(caller, { action, resource: request.roleArn, context })) {
      throw accessDenied(caller.arn, action, request.roleArn);
    }
  }
  checkSeconds(request.seconds, role?.maxSessionSeconds ?? DEFAULT_MAX_SECONDS, caller.session);
  checkInherited(request, inherited);
  const session = world.sessions.create({
    accountId: request.accountId,
    roleName: request.roleName,
    name: request.sessionName,
    policyText: request.policyText,
    policy: request.policy,
    tags: new Map([...inherited, ...request.tags]),
    transitiveTagKeys: [...inherited.keys(), ...request.transitiveTagKeys],
    sourceIdentity,
    // SDKs read whole seconds.
    expiration: Math.floor(Date.now() / 1000 + request.seconds) * 1000,
  });
  return stsSuccess('AssumeRole', requestId, assumedRole(session));
}

function assumedRole(session: Session): Element {
  const { accessKeyId, secretAccessKey, sessionToken, expiration, sourceIdentity } = session;
  return {
    Credentials: {
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      SessionToken: sessionToken,
      Expiration: new Date(expiration).toISOString().replace('.000Z', 'Z'),
    },
    AssumedRoleUser: { AssumedRoleId: roleIdOf(session), Arn: sessionArnOf(session) },
    SourceIdentity: sourceIdentity,
  };
}

/** Each is asked of the role's trust policy and of the caller's own policies. */
function requiredActions(
  { tags }: AssumeRoleRequest,
  inherited: ReadonlyMap<string, string>,
  sourceIdentity: string | undefined,
): string[] {
  return [
    'sts:AssumeRole',
    ...(tags.size + inherited.size > 0 ? ['sts:TagSession'] : []),
    ...(sourceIdentity === undefined ? [] : ['sts:SetSourceIdentity']),
  ];
}

function isOtherIdentity({ sourceIdentity }: AssumeRoleRequest, session: Session | undefined): boolean {
  const set = session?.sourceIdentity;
  return set !== undefined && sourceIdentity !== undefined && sourceIdentity !== set;
}

function contextOf(
  { tags, transitiveTagKeys, externalId, sessionName }: AssumeRoleRequest,
  sourceIdentity: string | undefined,
): Map<string, readonly string[]> {
  const entries: [string, readonly (string | undefined)[]][] = [
    ['sts:externalid', [externalId]],
    ['sts:rolesessionname', [sessionName]],
    ['sts:sourceidentity', [sourceIdentity]],
    ['sts:transitivetagkeys', transitiveTagKeys],
    ['aws:tagkeys', [...tags.keys()]],
    ...[...tags].map(([key, value]): [string, string[]] => [`aws:requesttag/${key.toLowerCase()}`, [value]]),
  ];
  return new Map(
    entries
      .map(([key, values]): [string, string[]] => [key, values.filter((value) => value !== undefined)])
      .filter(([, values]) => values.length > 0),
  );
}

function inheritedTags(session: Session | undefined): ReadonlyMap<string, string> {
  const keys = session?.transitiveTagKeys.map((key) => key.toLowerCase()) ?? [];
  return new Map([...(session?.tags ?? [])].filter(([key]) => keys.includes(key.toLowerCase())));
}

function checkSeconds(seconds: number, most: number, session: Session | undefined): void {
  if (session !== undefined && seconds > CHAINED_SECONDS) {
    throw validationError(
      'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.',
    );
  }
  if (seconds > most) {
    throw validationError('The requested DurationSeconds exceeds the MaxSessionDuration set for this role.');
  }
}

function checkInherited({ tags }: AssumeRoleRequest, inherited: ReadonlyMap<string, string>): void {
  const keys = [...inherited.keys()].map((key) => key.toLowerCase());
  if ([...tags.keys()].some((key) => keys.includes(key.toLowerCase()))) {
    throw validationError(
      "One of the specified tag keys can't be set because it conflicts with a transitive tag key of the calling session.",
    );
  }
}
