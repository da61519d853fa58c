import { type Rules, stricter } from '../nat-gateway/stricter.ts';
import { SESSION_TAGS } from '../vocabulary/names.ts';
import { partitionOf } from '../vocabulary/partition.ts';
import { type IamPolicy, iamPolicy, type Statement } from './iam-policy.ts';
import { RefusedTargets, type Target } from './targets.ts';

/**
 * The policies with the fewest permissions for many accounts. Source of actions and condition keys: Service Authorization
 * Reference, AWS STS and Amazon EC2; `aws:RequestedRegion` is a global key that every request has.
 */

/**
 * Characters of a policy that IAM takes, white space not counted. Trust policies may have 2048 by default, which the
 * longest external id does not reach; the service control policy is always the same.
 */
const MOST_CHARACTERS = 6144;

/** Stands in trust policies for the principal that runs the server, which the file does not name. */
export const SERVER_PRINCIPAL = 'arn:PARTITION:iam::ACCOUNT_OF_THE_SERVER:role/ROLE_OF_THE_SERVER';

export interface TargetPolicies {
  /** For each source of credentials: what it needs to assume its roles. Attach every one of `policies`. */
  credentials: { profile?: string; policies: IamPolicy[] }[];
  targets: {
    name: string;
    account_id: string;
    role_arn?: string;
    profile?: string;
    /** Of the role, or of the credentials themselves where there is none. */
    permission_policy: IamPolicy;
    trust_policy?: TrustPolicy;
  }[];
  /** For the accounts of all targets with a role. */
  service_control_policy?: IamPolicy;
}

interface TrustPolicy {
  Version: '2012-10-17';
  Statement: (Omit<Statement, 'Resource'> & { Principal: { AWS: string } })[];
}

/** @throws RefusedTargets if AWS would not take a policy for its size */
export function policiesOfTargets(
  targets: readonly Target[],
  rules: Rules,
  canRestore: boolean,
): TargetPolicies {
  const assumed = targets.filter(hasRole);
  const sources = [...new Set(assumed.map(({ profile }) => profile))];
  const policies: TargetPolicies = {
    credentials: sources.map((profile) => ({
      ...(profile === undefined ? {} : { profile }),
      policies: assumingPolicies(assumed.filter((target) => target.profile === profile)),
    })),
    targets: targets.map((target) => {
      const { name, accountId, roleArn, profile } = target;
      return {
        ...{ name, account_id: accountId },
        ...(roleArn === undefined ? {} : { role_arn: roleArn }),
        ...(profile === undefined ? {} : { profile }),
        permission_policy: permissionPolicy(target, rules, canRestore),
        ...(hasRole(target) ? { trust_policy: trustPolicy(target) } : {}),
      };
    }),
    ...(assumed.length === 0 ? {} : { service_control_policy: serviceControlPolicy() }),
  };
  refuseLargePolicies(policies);
  return policies;
}

function refuseLargePolicies({ targets }: TargetPolicies): void {
  const tooLarge = targets.flatMap(({ name, permission_policy }) => {
    const { length } = JSON.stringify(permission_policy);
    const hint = 'name fewer gateways or tags, or split its regions into several targets';
    if (length <= MOST_CHARACTERS) return [];
    return [
      `the permission policy of ${name} has ${length} characters, and AWS takes ${MOST_CHARACTERS}: ${hint}`,
    ];
  });
  if (tooLarge.length > 0) throw new RefusedTargets(tooLarge);
}

type Assumed = Target & { roleArn: string };

function hasRole(target: Target): target is Assumed {
  return target.roleArn !== undefined;
}

/** The policy of the server itself under the rules of the target, in its account and regions. */
function permissionPolicy(target: Target, rules: Rules, canRestore: boolean): IamPolicy {
  const { Version, Statement } = iamPolicy(stricter(rules, target.rules), canRestore);
  return { Version, Statement: Statement.map((statement) => inRegions(statement, target.regions)) };
}

/** Reads have no resource that could name a region. */
function inRegions(statement: Statement, regions: readonly string[]): Statement {
  if (statement.Effect !== 'Allow' || statement.Resource !== '*') return statement;
  const { Condition = {} } = statement;
  const equals = { ...Condition.StringEquals, 'aws:RequestedRegion': [...regions] };
  return { ...statement, Condition: { ...Condition, StringEquals: equals } };
}

/**
 * A statement for each action, because the external id is a condition of sts:AssumeRole alone. The name of a session gives
 * no permission, so it is no condition.
 */
function trustPolicy({ regions: [region = ''], externalId, sourceIdentity }: Assumed): TrustPolicy {
  const principal = { AWS: SERVER_PRINCIPAL.replace('PARTITION', partitionOf(region)) };
  const allow = (Sid: string, Action: string) =>
    ({ Sid, Effect: 'Allow', Principal: principal, Action }) as const;
  const tags = { 'ForAllValues:StringEquals': { 'aws:TagKeys': Object.values(SESSION_TAGS) } };
  return {
    Version: '2012-10-17',
    Statement: [
      {
        ...allow('Assume', 'sts:AssumeRole'),
        ...(externalId === undefined
          ? {}
          : { Condition: { StringEquals: { 'sts:ExternalId': externalId } } }),
      },
      { ...allow('TagSession', 'sts:TagSession'), Condition: tags },
      ...(sourceIdentity ? [allow('SetSourceIdentity', 'sts:SetSourceIdentity')] : []),
    ],
  };
}

/** As many policies as the roles need, because 200 ARNs do not fit into one. */
function assumingPolicies(targets: readonly Assumed[]): IamPolicy[] {
  const roles = [...new Map(targets.map((target) => [target.roleArn, target])).values()];
  const groups: Assumed[][] = [[]];
  for (const role of roles) {
    const group = groups.at(-1) ?? [];
    const { length } = JSON.stringify(assumingPolicy([...group, role]));
    if (length > MOST_CHARACTERS) groups.push([role]);
    else group.push(role);
  }
  return groups.map(assumingPolicy);
}

function assumingPolicy(targets: readonly Assumed[]): IamPolicy {
  const arns = (some: readonly Assumed[]): string[] => some.map(({ roleArn }) => roleArn);
  const identified = targets.filter(({ sourceIdentity }) => sourceIdentity);
  const allow = (Sid: string, Action: string | string[], some: readonly Assumed[]): Statement => ({
    ...{ Sid, Effect: 'Allow', Action },
    Resource: arns(some),
  });
  return {
    Version: '2012-10-17',
    Statement: [
      allow('AssumeRolesOfTargets', ['sts:AssumeRole', 'sts:TagSession'], targets),
      ...(identified.length > 0 ? [allow('SetSourceIdentity', 'sts:SetSourceIdentity', identified)] : []),
    ],
  };
}

/** Denies changes to every session that does not tell its attempt. A deny of an organisation has no exceptions here. */
function serviceControlPolicy(): IamPolicy {
  const names = ['Unassign', 'Assign'].map((verb) => `ec2:${verb}PrivateNatGatewayAddress`);
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'ChangeNatGatewayAddressesByAttempt',
        Effect: 'Deny',
        Action: names,
        Resource: '*',
        Condition: { Null: { [`aws:PrincipalTag/${SESSION_TAGS.attempt}`]: 'true' } },
      },
    ],
  };
}
