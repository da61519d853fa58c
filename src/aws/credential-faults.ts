import type { ErrorCode } from '../vocabulary/failure.ts';
import { profileFlag } from './aws-codes.ts';
import type { Source, SourceKind } from './credential-sources.ts';

/**
 * What can go wrong at each source of credentials, how it is reported, and the next step: one table, which
 * `docs/credentials.md` shows and a test goes through.
 */

/** What can go wrong at a source of credentials. */
export const FAULTS = [
  'absent',
  'denied',
  'key_rejected',
  'expired',
  'malformed',
  'too_large',
  'garbled',
  'throttled',
  'unreachable',
  'unavailable',
  'hangs',
  'clock',
  'region_disabled',
] as const;
export type Fault = (typeof FAULTS)[number];

/** How each fault is reported, whatever the source. */
export const REPORTS: Readonly<Record<Fault, { code: ErrorCode; retryable: boolean }>> = {
  absent: { code: 'credentials_missing', retryable: true },
  denied: { code: 'not_authorized', retryable: false },
  key_rejected: { code: 'not_authorized', retryable: false },
  expired: { code: 'credentials_expired', retryable: true },
  malformed: { code: 'credentials_missing', retryable: true },
  too_large: { code: 'precondition_failed', retryable: false },
  garbled: { code: 'bad_response', retryable: true },
  throttled: { code: 'throttled', retryable: true },
  unreachable: { code: 'unreachable', retryable: true },
  unavailable: { code: 'aws_error', retryable: true },
  hangs: { code: 'timed_out', retryable: true },
  clock: { code: 'clock_skew', retryable: true },
  region_disabled: { code: 'region_not_enabled', retryable: false },
};

const flagOf = ({ profile }: Source): string => profileFlag(profile);

type Step = (source: Source) => string;
type Steps = Partial<Record<Fault, Step>>;

const login =
  (command: string): Step =>
  (source) =>
    `Run ${command}${flagOf(source)}, then call again; no restart is needed.`;
const check: Step = (source) => `Check with: aws sts get-caller-identity${flagOf(source)}`;
const wait =
  (who: string): Step =>
  () =>
    `Wait some seconds, then call again: ${who} limits requests.`;
const network =
  (what: string): Step =>
  () =>
    `Check the network path from this server to ${what} (DNS, firewall, HTTPS_PROXY), then call again.`;
const between =
  (what: string): Step =>
  () =>
    `Check what answers in place of ${what} (a proxy, a captive portal, a wrong AWS_ENDPOINT_URL), then call again.`;
const again: Step = () => 'Wait some seconds, then call again.';

const ofSts: Steps = {
  throttled: wait('STS'),
  unreachable: network('STS'),
  hangs: network('STS'),
  unavailable: again,
  garbled: between('STS'),
  region_disabled: () =>
    'Have STS activated in this region for the account (IAM, account settings), or start the server with another --region.',
};
const restart = 'and restart the server, which keeps the environment it was started with.';

/** The next step, by source and fault: a fault that has none here cannot happen to that source. */
export const NEXT_STEPS: Readonly<Record<SourceKind, Steps>> = {
  static: {},
  environment: {
    absent: () => `Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ${restart}`,
    expired: () =>
      `Set new AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, ${restart} A profile (--profile) is renewed without a restart.`,
    malformed: () => `Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN again, ${restart}`,
  },
  profile_keys: {
    expired: (source) =>
      `Write new keys into profile ${source.profile}, then call again; no restart is needed. ${check(source)}`,
    malformed: (source) =>
      `Correct aws_access_key_id, aws_secret_access_key or aws_session_token of profile ${source.profile}, then call again.`,
  },
  credential_process: {
    absent: (source) => `Repair the credential_process of profile ${source.profile}. ${check(source)}`,
    expired: (source) =>
      `Renew what the credential_process of profile ${source.profile} hands out (log in again), then call again. ${check(source)}`,
    malformed: (source) =>
      `Have the credential_process of profile ${source.profile} print {"Version": 1, "AccessKeyId": …, "SecretAccessKey": …} and nothing else on stdout. ${check(source)}`,
    hangs: (source) =>
      `End the credential_process of profile ${source.profile}, or give it what it waits for; it cannot ask anybody here. Then call again.`,
  },
  sso: {
    absent: (source) =>
      `Complete profile ${source.profile} (sso_session or sso_start_url and sso_region; sso_account_id, sso_role_name) with: aws configure sso${flagOf(source)}`,
    denied: (source) =>
      `Have sso_role_name assigned in sso_account_id of profile ${source.profile}, or correct them: IAM Identity Center gives this user no such role. Logging in again does not help.`,
    expired: login('aws sso login'),
    malformed: (source) =>
      `Correct the settings of profile ${source.profile}, then log in: aws sso login${flagOf(source)}`,
    garbled: between('IAM Identity Center'),
    throttled: wait('IAM Identity Center'),
    unreachable: network('the portal of IAM Identity Center (portal.sso.REGION.amazonaws.com)'),
    unavailable: again,
    hangs: network('the portal of IAM Identity Center (portal.sso.REGION.amazonaws.com)'),
  },
  login: {
    denied: (source) =>
      `Have signin:CreateOAuth2Token allowed for this user, then run aws login${flagOf(source)}`,
    expired: login('aws login'),
    garbled: between('AWS Sign-In'),
    throttled: wait('AWS Sign-In'),
    unreachable: network('AWS Sign-In (REGION.signin.aws.amazon.com)'),
    unavailable: again,
    hangs: network('AWS Sign-In (REGION.signin.aws.amazon.com)'),
  },
  web_identity: {
    ...ofSts,
    absent: () =>
      'Make the token file readable to this server (AWS_WEB_IDENTITY_TOKEN_FILE, or web_identity_token_file of the profile) and name the role (AWS_ROLE_ARN, role_arn).',
    denied: ({ roleArn }) =>
      `Have the trust policy of ${roleArn} allow sts:AssumeRoleWithWebIdentity for the issuer, audience and subject of this token, and the issuer registered as an identity provider of the account.`,
    expired: () => 'Have a new token written into the token file, then call again; no restart is needed.',
    malformed: ({ roleArn }) => `Correct the role (${roleArn}) or the token file; STS's message says which.`,
  },
  role: {
    ...ofSts,
    clock: () => 'Set the clock of this machine (NTP), then call again.',
    denied: (source) =>
      `Have sts:AssumeRole on ${source.roleArn} allowed for ${source.base?.name}, and allowed in the role's trust policy (with its external_id or conditions). ${check({ ...source, profile: source.base?.profile })}`,
    key_rejected: ({ base }) =>
      `STS does not accept ${base?.name}: the access key is wrong, deactivated or deleted. Correct it, then call again.`,
    expired: (source) => (source.base === undefined ? again(source) : nextStep(source.base, 'expired')),
    malformed: (source) =>
      `Correct role_arn, external_id, duration_seconds or role_session_name of profile ${source.profile}; STS's message says which.`,
    absent: (source) =>
      `This server cannot ask for an MFA code. Use a profile with temporary credentials instead of profile ${source.profile} with mfa_serial (aws sts get-session-token, or IAM Identity Center).`,
  },
  target_role: {
    ...ofSts,
    clock: () => 'Set the clock of this machine (NTP), then call again.',
    denied: (source) => refusedStep(source),
    key_rejected: ({ base }) =>
      `STS does not accept ${baseName(base)}: the access key is wrong, deactivated or deleted. Correct it, then call again.`,
    expired: (source) => (source.base === undefined ? again(source) : nextStep(source.base, 'expired')),
    malformed: ({ target }) =>
      `Correct the role or the external id of target ${target}, or the role's maximum session duration; STS's message says which.`,
    too_large: ({ base }) =>
      `STS packs the session's policy and tags together with the tags that ${baseName(base)} pass on. Have fewer transitive session tags set on those credentials.`,
  },
  container: {
    absent: () =>
      'Correct AWS_CONTAINER_CREDENTIALS_FULL_URI (https, or http on this machine or a container agent) and AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, which ECS and the EKS Pod Identity agent set.',
    denied: () =>
      'Check that the task or pod has a role (task role on ECS, Pod Identity association on EKS), and that its authorization token is current.',
    expired: () => 'Check the agent that hands out the role of this container, then call again.',
    garbled: () => 'Check what answers at the container credential endpoint, then call again.',
    throttled: wait('the container credential endpoint'),
    unreachable: () =>
      'Check that the container agent runs and that this server may reach it, then call again.',
    unavailable: again,
    hangs: () => 'Check the container agent, which accepts requests and does not answer, then call again.',
  },
  instance: {
    absent: () =>
      'Attach a role to the instance (an instance profile), and allow a hop limit of 2 for a container on it.',
    denied: () => 'Enable the instance metadata service for this instance, and check its hop limit.',
    expired: () => 'Check the role of the instance, then call again.',
    garbled: () => 'Check what answers in place of the instance metadata service, then call again.',
    throttled: wait('the instance metadata service'),
    unreachable: () =>
      'Check that this machine is an EC2 instance whose metadata service can be reached, or name a profile (--profile).',
    unavailable: again,
    hangs: () => 'Check the instance metadata service, or name a profile (--profile), then call again.',
  },
  profile: {
    absent: ({ profile }) =>
      `Correct the profile (--profile, AWS_PROFILE), or configure it: aws configure sso${profileFlag(profile)}, or aws configure${profileFlag(profile)}. In the config file its section is [profile ${profile}]. No other source is used in its place.`,
  },
  none: {
    absent: () =>
      'Give the server AWS credentials (--profile, AWS_PROFILE, AWS_ACCESS_KEY_ID, an instance or container role; for IAM Identity Center: aws sso login), then call again. To try it without an account, start it with --simulate.',
  },
};

/** What each action on a role is wanted for. */
const WANTED_FOR: Readonly<Record<string, string>> = {
  'sts:AssumeRole': 'with the external id of the target, where the trust policy demands one',
  'sts:TagSession': 'because changes are tagged with their caller, attempt and approvers',
  'sts:SetSourceIdentity':
    'because the target sets a source identity; credentials that carry another one can set none',
};

/** Which permission is missing, and both places where it has to be. */
function refusedStep({ roleArn, base, refusedAction = 'sts:AssumeRole' }: Source): string {
  const why = WANTED_FOR[refusedAction];
  return `Have ${refusedAction} on ${roleArn} allowed in the role's trust policy and in the policy of ${baseName(base)}${why === undefined ? '' : `, ${why}`}.`;
}

function baseName(base: Source | undefined): string {
  return base?.name ?? 'the credentials of this server';
}

/** The next step after a fault; where the table has none, that of a source that has no credentials. */
export function nextStep(source: Source, fault: Fault): string {
  const steps = NEXT_STEPS[source.kind];
  return (steps[fault] ?? steps.absent ?? check)(source);
}
