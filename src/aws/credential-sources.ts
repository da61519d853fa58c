import type { Section } from './settings.ts';

/** Where credentials can come from: the links of the SDK's chain, and what a profile can name. */
export type SourceKind =
  | 'static'
  | 'environment'
  | 'profile_keys'
  | 'credential_process'
  | 'sso'
  | 'login'
  | 'web_identity'
  | 'role'
  | 'target_role'
  | 'container'
  | 'instance'
  | 'profile'
  | 'none';

/** One source, as messages and records name it. */
export interface Source {
  kind: SourceKind;
  /** Stands in a sentence: "the credential_process of profile ops (helper)". */
  name: string;
  /** The profile whose login or keys are to be renewed. */
  profile?: string | undefined;
  /** Of a role: whose ARN, and the source of the credentials that assume it. */
  roleArn?: string | undefined;
  base?: Source | undefined;
  /** Of a role that a target names: the target, and the action that STS refused. */
  target?: string | undefined;
  refusedAction?: string | undefined;
  /** Of a role that wants a code of this MFA device. */
  mfaSerial?: string | undefined;
  /** Of a profile without a usable source: what it lacks. */
  problem?: string | undefined;
  /** Asked although nothing configures it, so that its failure is no news. */
  isImplicit?: true | undefined;
}

/** The failure of one source, told later with what is known of the source. */
export class CredentialSourceError extends Error {
  readonly source: Source;

  constructor(source: Source, cause: unknown) {
    super(source.name, { cause });
    this.name = 'CredentialSourceError';
    this.source = source;
  }
}

/** Credentials with a space, a line break or another character that none of AWS's has. */
export class UnfitCharacters extends Error {
  constructor(members: readonly string[]) {
    super(`${members.join(' and ')} holds a space, a line break or another character that cannot be in it.`);
    this.name = 'UnfitCharacters';
  }
}

type Profiles = Readonly<Record<string, Section>>;

export const ENVIRONMENT: Source = {
  kind: 'environment',
  name: 'the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)',
};

export const INSTANCE: Source = {
  kind: 'instance',
  name: 'the instance metadata service',
  isImplicit: true,
};

/** Stands for the whole chain where no source is configured. */
export const NONE: Source = {
  kind: 'none',
  name: 'no source',
  problem:
    'No AWS credentials were found: neither the environment, nor profile default, nor a container, nor the instance metadata service has any.',
};

/** A token file that variables name, as on EKS with roles for service accounts. */
export function tokenFileOfEnvironment(): Source {
  const { AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_ROLE_ARN: roleArn } = process.env;
  return webIdentity(file ?? '', roleArn, 'AWS_WEB_IDENTITY_TOKEN_FILE');
}

/** The endpoint of a container's role, on ECS or as an EKS Pod Identity agent. */
export function container(): Source {
  const { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: relative } = process.env;
  const variable = `AWS_CONTAINER_CREDENTIALS_${relative ? 'RELATIVE' : 'FULL'}_URI`;
  return { kind: 'container', name: `the container credential endpoint (${variable})` };
}

/** The source that a profile names, found in the order in which the SDK looks for it. */
export function sourceOfProfile(
  profile: string,
  profiles: Profiles,
  visited: readonly string[] = [],
): Source {
  const section = profiles[profile];
  if (section === undefined) {
    return empty(profile, `There is no profile ${profile} in the AWS configuration files.`);
  }
  const hasKeys = section.aws_access_key_id !== undefined && section.aws_secret_access_key !== undefined;
  const isAssuming = (section.source_profile === undefined) !== (section.credential_source === undefined);
  if (visited.length > 0 && hasKeys) return keysOf(profile);
  if (section.role_arn !== undefined && isAssuming) return roleOf(profile, section, profiles, visited);
  if (hasKeys) return keysOf(profile);
  if (section.web_identity_token_file !== undefined && section.role_arn !== undefined) {
    return {
      ...webIdentity(section.web_identity_token_file, section.role_arn, `profile ${profile}`),
      profile,
    };
  }
  if (section.credential_process !== undefined) {
    const program = basename(section.credential_process);
    const name = `the credential_process of profile ${profile} (${program})`;
    return { kind: 'credential_process', name, profile };
  }
  if (Object.keys(section).some((member) => SSO_MEMBERS.has(member))) {
    return ssoOf(profile, section, profiles);
  }
  if (section.login_session !== undefined) {
    return { kind: 'login', name: `the aws login session of profile ${profile}`, profile };
  }
  return incomplete(profile, section);
}

/** Where a source's first credentials come from: the base of a role's base, and so on. */
export function leafOf(source: Source): Source {
  return source.base === undefined ? source : leafOf(source.base);
}

/** The source that assumes `roleArn`, among a source and its bases. */
export function roleIn(source: Source, roleArn: string | undefined): Source {
  if (source.roleArn === roleArn || source.base === undefined) return source;
  return roleIn(source.base, roleArn);
}

/** The role that wants an MFA code, among a source and its bases. */
export function roleWithMfa(source: Source): Source | undefined {
  if (source.mfaSerial !== undefined || source.base === undefined) {
    return source.mfaSerial === undefined ? undefined : source;
  }
  return roleWithMfa(source.base);
}

const SSO_MEMBERS: ReadonlySet<string> = new Set([
  'sso_start_url',
  'sso_account_id',
  'sso_session',
  'sso_region',
  'sso_role_name',
]);

function keysOf(profile: string): Source {
  return { kind: 'profile_keys', name: `the access key of profile ${profile}`, profile };
}

function ssoOf(profile: string, { sso_session: session }: Section, profiles: Profiles): Source {
  const isLost = session !== undefined && profiles[`sso-session.${session}`] === undefined;
  const problem = isLost
    ? `Profile ${profile} names [sso-session ${session}], which the AWS config file does not have.`
    : undefined;
  return { kind: 'sso', name: `IAM Identity Center, for profile ${profile}`, profile, problem };
}

function webIdentity(file: string, roleArn: string | undefined, where: string): Source {
  return { kind: 'web_identity', name: `the web identity token in ${file} (${where})`, roleArn };
}

function roleOf(profile: string, section: Section, profiles: Profiles, visited: readonly string[]): Source {
  const { role_arn: roleArn, source_profile: from, credential_source: named } = section;
  const name = `the role ${roleArn} of profile ${profile}`;
  const role = { kind: 'role' as const, name, profile, roleArn, mfaSerial: section.mfa_serial };
  if (from === undefined) return { ...role, base: namedSource(profile, named) };
  if (visited.includes(from)) {
    return {
      ...role,
      base: unusable(profile, `source_profile of profile ${profile} leads back to ${from}.`),
    };
  }
  return { ...role, base: sourceOfProfile(from, profiles, [...visited, from]) };
}

function namedSource(profile: string, name: string | undefined): Source {
  if (name === 'Environment') return ENVIRONMENT;
  if (name === 'EcsContainer') return container();
  if (name === 'Ec2InstanceMetadata') return INSTANCE;
  return unusable(
    profile,
    `credential_source of profile ${profile} is ${name}, not Environment, EcsContainer or Ec2InstanceMetadata.`,
  );
}

function unusable(profile: string, problem: string): Source {
  return { kind: 'profile', name: `profile ${profile}`, profile, problem };
}

function empty(profile: string, problem: string): Source {
  return { ...unusable(profile, problem), isImplicit: true };
}

function incomplete(profile: string, section: Section): Source {
  const { role_arn, source_profile, credential_source, aws_access_key_id, aws_secret_access_key } = section;
  if (role_arn !== undefined) {
    const both = source_profile !== undefined && credential_source !== undefined;
    const how = both ? 'both source_profile and' : 'neither source_profile nor';
    return unusable(profile, `Profile ${profile} has role_arn with ${how} credential_source.`);
  }
  if (aws_access_key_id !== undefined) {
    return unusable(profile, `Profile ${profile} has aws_access_key_id without aws_secret_access_key.`);
  }
  if (aws_secret_access_key !== undefined) {
    return unusable(profile, `Profile ${profile} has aws_secret_access_key without aws_access_key_id.`);
  }
  return empty(profile, `Profile ${profile} has no credentials.`);
}

/** The program of a command line without its arguments, which may be secret. */
function basename(command: string): string {
  const [, quoted, plain = ''] = /^\s*(?:"([^"]*)"|(\S*))/.exec(command) ?? [];
  return (quoted ?? plain).replace(/^.*[\\/]/, '');
}
