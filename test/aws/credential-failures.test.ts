import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Fault, NEXT_STEPS, REPORTS } from '../../src/aws/credential-faults.ts';
import type { SourceKind } from '../../src/aws/credential-sources.ts';
import type { TargetRole } from '../../src/aws/settings.ts';
import type { Timeouts } from '../../src/vocabulary/timeouts.ts';
import { useAwsHome } from '../support/aws-home.ts';
import {
  type Answer,
  ec2Refusal,
  inAnHour,
  jsonBody,
  jsonError,
  loginToken,
  type Role,
  reset,
  silence,
  ssoToken,
  startEndpoints,
  sts,
  stsError,
  text,
  useEndpoints,
} from '../support/credential-endpoints.ts';
import { connect, failureReport, readAll, SENTENCE } from '../support/ec2-stub.ts';

const home = useAwsHome();

const PAST = '2020-01-01T00:00:00Z';
const ROLE = 'arn:aws:iam::111122223333:role/ops';
const SECRET = 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY';

/** How one source is set up, and what its configuration is called. */
interface Setup {
  kind: SourceKind;
  set: () => void;
  profile?: string;
  role?: TargetRole;
}

const keys = (name: string) =>
  `[profile ${name}]\naws_access_key_id = AKIABASE\naws_secret_access_key = secret\n`;

const variables = (values: Record<string, string>): void => {
  for (const [name, value] of Object.entries(values)) vi.stubEnv(name, value);
};

const environment = (values: Record<string, string>): Setup => ({
  kind: 'environment',
  set: () => variables(values),
});

const profile = (kind: SourceKind, config: string, prepare: () => void = () => {}): Setup => ({
  kind,
  profile: 'ops',
  set: () => {
    home.writeConfig(config);
    prepare();
  },
});

const process_ = (script: string): Setup => ({
  kind: 'credential_process',
  profile: 'ops',
  set: () => home.writeCredentialProcess(script),
});

const prints = (output: object): Setup =>
  profile('credential_process', `[profile ops]\ncredential_process = echo '${JSON.stringify(output)}'\n`);

const SSO = `[profile ops]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = ReadOnly
[sso-session corp]
sso_region = us-east-1
sso_start_url = https://example.awsapps.com/start
`;
const LEGACY_SSO = `[profile ops]
sso_account_id = 111122223333
sso_role_name = ReadOnly
sso_region = us-east-1
sso_start_url = https://example.awsapps.com/start
`;
const loggedIn = profile('sso', SSO, () => void home.write(...ssoToken('corp', inAnHour())));

const LOGIN = '[profile ops]\nlogin_session = arn:aws:iam::111122223333:user/me\nregion = us-east-1\n';
const consoleLogin = (expiresAt: string): Setup =>
  profile(
    'login',
    LOGIN,
    () => void home.write(...loginToken('arn:aws:iam::111122223333:user/me', expiresAt)),
  );

const webIdentity: Setup = {
  kind: 'web_identity',
  set: () =>
    variables({
      AWS_WEB_IDENTITY_TOKEN_FILE: home.write('token', 'a.b.c'),
      AWS_ROLE_ARN: ROLE,
    }),
};
const webIdentityProfile: Setup = {
  kind: 'web_identity',
  profile: 'ops',
  set: () =>
    home.writeConfig(
      `[profile ops]\nrole_arn = ${ROLE}\nweb_identity_token_file = ${home.write('token', 'a.b.c')}\n`,
    ),
};

const assuming = (members = 'source_profile = base'): string =>
  `[profile ops]\nrole_arn = ${ROLE}\n${members}\n`;
const role = profile('role', `${assuming()}${keys('base')}`);

const targetRole: Setup = {
  ...profile('target_role', keys('ops')),
  role: { arn: ROLE, accountId: '111122223333', name: 'prod' },
};

const CONTAINER = (url: string) => variables({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/container` });
const INSTANCE = assuming('credential_source = Ec2InstanceMetadata');

/** An answer whose Date is an hour ahead of this machine's clock. */
const anHourLater = (answer: Answer): Answer => {
  return (response, request) => {
    response.setHeader('date', new Date(Date.now() + 3_600_000).toUTCString());
    answer(response, request);
  };
};

/** One cell: a source, what happens there, and what the caller has to be told. */
type Cell = [
  what: string,
  fault: Fault,
  setup: Setup,
  answers: Partial<Record<Role, Answer>>,
  message: RegExp,
  hint: RegExp,
];

const refusing = (answer: Answer): Partial<Record<Role, Answer>> => ({ sts: answer });
const portal = (answer: Answer) => ({ portal: answer });
const signin = (answer: Answer) => ({ signin: answer });
const agent = (answer: Answer) => ({ container: answer });
const imds = (answer: Answer) => ({ instance: answer });

const container: Setup = { kind: 'container', set: () => {} };
const podIdentity: Setup = {
  kind: 'container',
  set: () => vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', home.write('pod-token', 'jwt')),
};
const instanceProfile = profile('instance', INSTANCE);

const CELLS: Cell[] = [
  // The environment.
  [
    'half of a key pair',
    'absent',
    environment({ AWS_ACCESS_KEY_ID: 'AKIA1' }),
    {},
    /The environment/,
    /Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.*restart/,
  ],
  [
    'a line break in the key',
    'malformed',
    environment({ AWS_ACCESS_KEY_ID: 'AKIA1\n', AWS_SECRET_ACCESS_KEY: 'secret' }),
    {},
    /AWS_ACCESS_KEY_ID holds a space, a line break/,
    /restart the server/,
  ],
  [
    'a space in the token',
    'malformed',
    environment({ AWS_ACCESS_KEY_ID: 'AKIA1', AWS_SECRET_ACCESS_KEY: 's', AWS_SESSION_TOKEN: ' t' }),
    {},
    /AWS_SESSION_TOKEN holds a space/,
    /restart the server/,
  ],
  [
    'an expired token',
    'expired',
    environment({ AWS_ACCESS_KEY_ID: 'AKIA1', AWS_SECRET_ACCESS_KEY: 's', AWS_SESSION_TOKEN: 't' }),
    { ec2: ec2Refusal(400, 'ExpiredToken') },
    /says EC2/,
    /Set new AWS_ACCESS_KEY_ID.*restart/,
  ],

  // A profile as such.
  [
    'a profile that does not exist',
    'absent',
    profile('profile', '[profile other]\nregion = us-east-1\n'),
    {},
    /There is no profile ops/,
    /--profile ops.*\[profile ops\]/,
  ],
  [
    'a profile without credentials',
    'absent',
    profile('profile', '[profile ops]\nregion = us-east-1\n'),
    {},
    /Profile ops has no credentials/,
    /--profile ops/,
  ],
  [
    'an access key without its secret',
    'absent',
    profile('profile', '[profile ops]\naws_access_key_id = AKIA1\n'),
    {},
    /aws_access_key_id without aws_secret_access_key/,
    /--profile ops/,
  ],
  [
    'a role with nothing to assume it',
    'absent',
    profile('profile', `[profile ops]\nrole_arn = ${ROLE}\n`),
    {},
    /neither source_profile nor credential_source/,
    /--profile ops/,
  ],
  [
    'a role with two sources',
    'absent',
    profile(
      'profile',
      `${assuming('source_profile = base\ncredential_source = Environment')}${keys('base')}`,
    ),
    {},
    /both source_profile and credential_source/,
    /--profile ops/,
  ],
  [
    'a source_profile that does not exist',
    'absent',
    profile('profile', assuming()),
    {},
    /There is no profile base/,
    /--profile base/,
  ],
  [
    'source profiles in a circle',
    'absent',
    profile('profile', `${assuming()}[profile base]\nrole_arn = ${ROLE}2\nsource_profile = ops\n`),
    {},
    /source_profile of profile ops leads back to base/,
    /--profile ops/,
  ],
  [
    'an unknown credential_source',
    'absent',
    profile('profile', assuming('credential_source = Lambda')),
    {},
    /credential_source of profile ops is Lambda/,
    /--profile ops/,
  ],
  [
    'a space within the key of a profile',
    'malformed',
    profile('profile_keys', '[profile ops]\naws_access_key_id = AKIA 1\naws_secret_access_key = s\n'),
    {},
    /accessKeyId holds a space/,
    /aws_access_key_id.*of profile ops/,
  ],
  [
    'an expired token in a profile',
    'expired',
    profile('profile_keys', keys('ops')),
    { ec2: ec2Refusal(400, 'ExpiredToken') },
    /says EC2/,
    /profile ops.*--profile ops/,
  ],

  // credential_process.
  [
    'a process that fails',
    'absent',
    process_(`console.error('log in first: ${SECRET} timed out, expired'); process.exit(3);`),
    {},
    /credential_process of profile ops \(node\) gave no credentials: it failed\. log in first: \[masked\] timed out/,
    /--profile ops/,
  ],
  [
    'a program that does not exist',
    'absent',
    profile('credential_process', '[profile ops]\ncredential_process = /nonexistent/helper --token hush\n'),
    {},
    /credential_process of profile ops \(helper\)(?!.*hush)/,
    /--profile ops/,
  ],
  [
    'output that is not JSON',
    'malformed',
    process_("console.log('Welcome')"),
    {},
    /invalid JSON/,
    /"Version": 1.*--profile ops/,
  ],
  ['another version of output', 'malformed', prints({ Version: 2 }), {}, /Version 1/, /--profile ops/],
  [
    'output without a key',
    'malformed',
    prints({ Version: 1, AccessKeyId: 'AKIA1' }),
    {},
    /invalid credentials/,
    /--profile ops/,
  ],
  [
    'output that has expired',
    'expired',
    prints({ Version: 1, AccessKeyId: 'A', SecretAccessKey: 's', Expiration: PAST }),
    {},
    /expired credentials/,
    /--profile ops/,
  ],

  // IAM Identity Center.
  [
    'no login',
    'expired',
    profile('sso', SSO),
    {},
    /IAM Identity Center, for profile ops/,
    /aws sso login --profile ops/,
  ],
  [
    'no login, without sso_session',
    'expired',
    profile('sso', LEGACY_SSO),
    {},
    /IAM Identity Center, for profile ops/,
    /aws sso login --profile ops/,
  ],
  [
    'a login that has expired',
    'expired',
    profile('sso', SSO, () => void home.write(...ssoToken('corp', PAST))),
    {},
    /IAM Identity Center/,
    /aws sso login --profile ops/,
  ],
  [
    'a token that the portal refuses',
    'expired',
    loggedIn,
    portal(jsonError(401, 'UnauthorizedException')),
    /says AWS about UnauthorizedException/,
    /aws sso login --profile ops/,
  ],
  [
    'a role that is not assigned',
    'denied',
    loggedIn,
    portal(jsonError(403, 'ForbiddenException')),
    /says AWS about ForbiddenException/,
    /assigned.*profile ops.*does not help/,
  ],
  [
    'an account that is not known',
    'denied',
    loggedIn,
    portal(jsonError(404, 'ResourceNotFoundException')),
    /says AWS/,
    /assigned/,
  ],
  [
    'a request that the portal rejects',
    'malformed',
    loggedIn,
    portal(jsonError(400, 'InvalidRequestException')),
    /says AWS/,
    /--profile ops/,
  ],
  [
    'too many requests to the portal',
    'throttled',
    loggedIn,
    portal(jsonError(429, 'TooManyRequestsException')),
    /says AWS/,
    /IAM Identity Center limits/,
  ],
  [
    'a portal with a problem',
    'unavailable',
    loggedIn,
    portal(jsonError(500, 'InternalException')),
    /IAM Identity Center/,
    /Wait/,
  ],
  [
    'a portal that answers in HTML',
    'garbled',
    loggedIn,
    portal(text(200, '<html>')),
    /could not be read/,
    /in place of (STS|IAM Identity Center)/,
  ],
  [
    'a portal that resets',
    'unreachable',
    loggedIn,
    portal(reset),
    /IAM Identity Center/,
    /network path.*portal\.sso/,
  ],
  [
    'a profile that lacks the account',
    'absent',
    profile('sso', SSO.replace(/sso_account_id.*\n/, '')),
    {},
    /sso_account_id/,
    /aws configure sso --profile ops/,
  ],
  [
    'an sso-session that does not exist',
    'absent',
    profile('sso', SSO.replace('[sso-session corp]', '[sso-session other]')),
    {},
    /sso-session corp/,
    /aws configure sso --profile ops/,
  ],

  // aws login.
  [
    'no console login',
    'expired',
    profile('login', LOGIN),
    {},
    /aws login session of profile ops/,
    /Run aws login --profile ops/,
  ],
  [
    'a console login that has ended',
    'expired',
    consoleLogin(PAST),
    signin(jsonError(403, 'AccessDeniedException', { error: 'TOKEN_EXPIRED' })),
    /expired/,
    /Run aws login --profile ops/,
  ],
  [
    'a password that was changed',
    'expired',
    consoleLogin(PAST),
    signin(jsonError(403, 'AccessDeniedException', { error: 'USER_CREDENTIALS_CHANGED' })),
    /password/,
    /Run aws login --profile ops/,
  ],
  [
    'no permission to renew',
    'denied',
    consoleLogin(PAST),
    signin(jsonError(403, 'AccessDeniedException', { error: 'INSUFFICIENT_PERMISSIONS' })),
    /CreateOAuth2Token/,
    /signin:CreateOAuth2Token.*--profile ops/,
  ],
  [
    'too many renewals',
    'throttled',
    consoleLogin(PAST),
    signin(jsonError(429, 'TooManyRequestsError')),
    /aws login session/,
    /AWS Sign-In limits/,
  ],
  [
    'a sign-in service that resets',
    'unreachable',
    consoleLogin(PAST),
    signin(reset),
    /aws login session/,
    /network path/,
  ],
  [
    'a token file that is broken',
    'expired',
    profile(
      'login',
      LOGIN,
      () => void home.write(loginToken('arn:aws:iam::111122223333:user/me', PAST)[0], '{'),
    ),
    {},
    /aws login session/,
    /Run aws login --profile ops/,
  ],

  [
    'a sign-in service in trouble',
    'unavailable',
    consoleLogin(PAST),
    signin(jsonError(500, 'InternalServerException')),
    /aws login session/,
    /Wait/,
  ],

  [
    'a sign-in service that answers in HTML',
    'garbled',
    consoleLogin(PAST),
    signin(text(200, '<html>')),
    /could not be read/,
    /in place of AWS Sign-In/,
  ],

  // Web identity.
  [
    'a token file that does not exist',
    'absent',
    {
      kind: 'web_identity',
      set: () => variables({ AWS_WEB_IDENTITY_TOKEN_FILE: '/nonexistent/token', AWS_ROLE_ARN: ROLE }),
    },
    {},
    /\/nonexistent\/token/,
    /AWS_WEB_IDENTITY_TOKEN_FILE/,
  ],
  [
    'a token file without a role',
    'absent',
    { kind: 'web_identity', set: () => variables({ AWS_WEB_IDENTITY_TOKEN_FILE: home.write('token', 't') }) },
    {},
    /web identity token/,
    /AWS_ROLE_ARN/,
  ],
  [
    'a token that STS does not accept',
    'denied',
    webIdentity,
    refusing(stsError(400, 'InvalidIdentityToken')),
    /says STS about InvalidIdentityToken/,
    /trust policy of arn:aws:iam::111122223333:role\/ops.*AssumeRoleWithWebIdentity/,
  ],
  [
    'a role that does not trust the token',
    'denied',
    webIdentityProfile,
    refusing(stsError(403, 'AccessDenied')),
    /says STS.*/,
    /trust policy/,
  ],
  [
    'claims that the issuer rejects',
    'denied',
    webIdentity,
    refusing(stsError(403, 'IDPRejectedClaim')),
    /says STS/,
    /trust policy/,
  ],
  [
    'a token that has expired',
    'expired',
    webIdentity,
    refusing(stsError(400, 'ExpiredTokenException')),
    /says STS/,
    /new token written into the token file/,
  ],
  [
    'an issuer that STS cannot reach',
    'unavailable',
    webIdentity,
    refusing(stsError(400, 'IDPCommunicationError')),
    /says STS/,
    /Wait/,
  ],
  [
    'a role that is not an ARN',
    'malformed',
    webIdentity,
    refusing(stsError(400, 'ValidationError')),
    /says STS/,
    /Correct the role/,
  ],
  [
    'a region without STS',
    'region_disabled',
    webIdentity,
    refusing(stsError(403, 'RegionDisabledException')),
    /says STS/,
    /STS activated/,
  ],
  [
    'too many requests to STS',
    'throttled',
    webIdentity,
    refusing(stsError(400, 'Throttling')),
    /says STS/,
    /STS limits/,
  ],
  [
    'an STS with a problem',
    'unavailable',
    webIdentity,
    refusing(stsError(503, 'ServiceUnavailable')),
    /says STS/,
    /Wait/,
  ],
  [
    'a page in place of STS',
    'garbled',
    webIdentity,
    refusing(text(200, '<html><br></html>')),
    /could not be read/,
    /in place of (STS|IAM Identity Center)/,
  ],
  [
    'an STS that resets',
    'unreachable',
    webIdentity,
    refusing(reset),
    /web identity token/,
    /network path.*STS/,
  ],

  // Roles.
  [
    'a role that may not be assumed',
    'denied',
    role,
    refusing(stsError(403, 'AccessDenied')),
    /role arn:aws:iam::111122223333:role\/ops of profile ops.*says STS/,
    /sts:AssumeRole.*trust policy.*--profile base/,
  ],
  [
    'a base key that has expired',
    'expired',
    role,
    refusing(stsError(403, 'ExpiredToken')),
    /says STS/,
    /profile base/,
  ],
  [
    'a base key that does not exist',
    'key_rejected',
    role,
    refusing(stsError(403, 'InvalidClientTokenId')),
    /says STS/,
    /access key of profile base/,
  ],
  [
    'a duration that is too long',
    'malformed',
    role,
    refusing(stsError(400, 'ValidationError')),
    /says STS/,
    /duration_seconds.*profile ops/,
  ],
  [
    'too many assumptions',
    'throttled',
    role,
    refusing(stsError(400, 'Throttling')),
    /says STS/,
    /STS limits/,
  ],
  ['an STS in trouble', 'unavailable', role, refusing(stsError(500, 'InternalFailure')), /says STS/, /Wait/],
  [
    'no answer of STS to read',
    'garbled',
    role,
    refusing(text(502, '<html><br></html>')),
    /could not be read/,
    /in place of (STS|IAM Identity Center)/,
  ],
  [
    'an answer without credentials',
    'garbled',
    role,
    refusing(text(200, '<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>')),
    /could not be read/,
    /in place of (STS|IAM Identity Center)/,
  ],
  ['an STS that cannot be reached', 'unreachable', role, refusing(reset), /role arn/, /network path.*STS/],
  [
    'a role that needs an MFA code',
    'absent',
    profile(
      'role',
      `${assuming('source_profile = base\nmfa_serial = arn:aws:iam::1:mfa/me')}[profile base]\ncredential_process = exit 3\n`,
    ),
    {},
    /MFA/,
    /MFA code.*profile ops/,
  ],
  [
    'a base whose process fails',
    'absent',
    profile('credential_process', `${assuming()}[profile base]\ncredential_process = exit 3\n`),
    {},
    /credential_process of profile base \(exit\)/,
    /--profile base/,
  ],
  [
    'a base without a login',
    'expired',
    profile('sso', `${assuming()}${SSO.replace('profile ops', 'profile base')}`),
    {},
    /for profile base/,
    /aws sso login --profile base/,
  ],
  [
    'a base in an empty environment',
    'absent',
    profile('environment', assuming('credential_source = Environment')),
    {},
    /The environment/,
    /AWS_ACCESS_KEY_ID/,
  ],

  [
    'a region whose STS is off',
    'region_disabled',
    role,
    refusing(stsError(403, 'RegionDisabledException')),
    /says STS/,
    /STS activated/,
  ],

  [
    'a clock that differs by an hour',
    'clock',
    role,
    refusing(anHourLater(stsError(403, 'SignatureDoesNotMatch'))),
    /says STS/,
    /Set the clock/,
  ],

  // The role of a target.
  [
    'a role of a target that may not be assumed',
    'denied',
    targetRole,
    refusing(stsError(403, 'AccessDenied')),
    /role arn:aws:iam::111122223333:role\/ops of target prod.*says STS/,
    /sts:AssumeRole on arn:aws:iam::111122223333:role\/ops.*trust policy.*access key of profile ops/,
  ],
  [
    'expired credentials below a role of a target',
    'expired',
    targetRole,
    refusing(stsError(403, 'ExpiredToken')),
    /says STS/,
    /profile ops/,
  ],
  [
    'an unknown key below a role of a target',
    'key_rejected',
    targetRole,
    refusing(stsError(403, 'InvalidClientTokenId')),
    /says STS/,
    /access key of profile ops/,
  ],
  [
    'a duration that a role of a target forbids',
    'malformed',
    targetRole,
    refusing(stsError(400, 'ValidationError')),
    /says STS/,
    /maximum session duration/,
  ],
  [
    'a policy that STS cannot read',
    'malformed',
    targetRole,
    refusing(stsError(400, 'MalformedPolicyDocument')),
    /says STS/,
    /target prod/,
  ],
  [
    'too many tags',
    'too_large',
    targetRole,
    refusing(stsError(400, 'PackedPolicyTooLarge')),
    /says STS/,
    /transitive session tags/,
  ],
  [
    'too many sessions of a target',
    'throttled',
    targetRole,
    refusing(stsError(400, 'Throttling')),
    /says STS/,
    /STS limits/,
  ],
  [
    'an STS in trouble below a target',
    'unavailable',
    targetRole,
    refusing(stsError(500, 'InternalFailure')),
    /says STS/,
    /Wait/,
  ],
  [
    'an answer for a target without a role',
    'garbled',
    targetRole,
    refusing(sts),
    /could not be read/,
    /in place of STS/,
  ],
  [
    'an STS that breaks below a target',
    'unreachable',
    targetRole,
    refusing(reset),
    /role arn/,
    /network path.*STS/,
  ],
  [
    'a region of a target whose STS is off',
    'region_disabled',
    targetRole,
    refusing(stsError(403, 'RegionDisabledException')),
    /says STS/,
    /STS activated/,
  ],
  [
    'a clock an hour off below a target',
    'clock',
    targetRole,
    refusing(anHourLater(stsError(403, 'SignatureDoesNotMatch'))),
    /says STS/,
    /Set the clock/,
  ],

  // Containers.
  [
    'a task without a role',
    'denied',
    container,
    agent(jsonError(404, 'NotFound')),
    /container credential endpoint \(AWS_CONTAINER_CREDENTIALS_FULL_URI\).*404/,
    /role/,
  ],
  [
    'a pod whose token is refused',
    'denied',
    podIdentity,
    agent(jsonError(403, 'AccessDeniedException')),
    /403/,
    /Pod Identity association/,
  ],
  ['an agent that is asked too much', 'throttled', container, agent(text(429, '')), /429/, /limits/],
  ['an agent in trouble', 'unavailable', container, agent(text(500, '')), /500/, /Wait/],
  [
    'an agent that garbles',
    'garbled',
    container,
    agent(text(200, '<html>')),
    /could not be read/,
    /container credential endpoint/,
  ],
  [
    'an agent that leaves out the token',
    'garbled',
    container,
    agent(jsonBody({ AccessKeyId: 'A' })),
    /could not be read/,
    /container credential endpoint/,
  ],
  [
    'an agent that resets',
    'unreachable',
    container,
    agent(reset),
    /container credential endpoint/,
    /container agent/,
  ],
  [
    'an agent that does not answer',
    'hangs',
    container,
    agent(silence),
    /container credential endpoint/,
    /container agent/,
  ],
  [
    'an endpoint that is not allowed',
    'absent',
    {
      kind: 'container',
      set: () => variables({ AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://example.com/x' }),
    },
    {},
    /URL not accepted/,
    /AWS_CONTAINER_CREDENTIALS_FULL_URI/,
  ],
  [
    'an endpoint that is no URL',
    'absent',
    { kind: 'container', set: () => variables({ AWS_CONTAINER_CREDENTIALS_FULL_URI: '//' }) },
    {},
    /Invalid URL/,
    /AWS_CONTAINER_CREDENTIALS_FULL_URI/,
  ],
  [
    'a pod token that cannot be read',
    'absent',
    {
      kind: 'container',
      set: () => variables({ AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '/nonexistent/pod-token' }),
    },
    {},
    /\/nonexistent\/pod-token/,
    /AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE/,
  ],

  [
    'an expired token of an agent',
    'expired',
    container,
    { ec2: ec2Refusal(400, 'ExpiredToken') },
    /says EC2/,
    /agent/,
  ],

  // Instances; without a profile that names them they are asked last, and their failure is no news.
  [
    'an instance without a role',
    'absent',
    instanceProfile,
    imds(text(404, '')),
    /instance metadata service/,
    /Attach a role/,
  ],
  [
    'an instance that refuses',
    'denied',
    instanceProfile,
    imds(text(403, '')),
    /instance metadata service/,
    /Enable the instance metadata service/,
  ],
  [
    'an instance that is asked too much',
    'throttled',
    instanceProfile,
    imds(text(429, '')),
    /instance metadata service/,
    /limits/,
  ],
  [
    'an instance in trouble',
    'unavailable',
    instanceProfile,
    imds(text(500, '')),
    /instance metadata service/,
    /Wait/,
  ],
  [
    'an instance that garbles',
    'garbled',
    instanceProfile,
    imds(text(200, '<html>')),
    /could not be read/,
    /instance metadata service/,
  ],
  [
    'a machine that resets',
    'unreachable',
    instanceProfile,
    imds(reset),
    /instance metadata service/,
    /EC2 instance.*--profile/,
  ],
  [
    'an instance that does not answer',
    'hangs',
    instanceProfile,
    imds(silence),
    /instance metadata service/,
    /--profile/,
  ],
  [
    'an expired token of an instance',
    'expired',
    instanceProfile,
    { ec2: ec2Refusal(400, 'ExpiredToken') },
    /says EC2/,
    /role of profile ops|instance/,
  ],
  [
    'nothing anywhere',
    'absent',
    { kind: 'none', set: () => {} },
    imds(text(404, '')),
    /No AWS credentials were found/,
    /--simulate/,
  ],
];

const tested = new Set<string>();

/** Connects with short timeouts to endpoints that answer so. */
async function connectTo(
  setup: Setup,
  answers: Partial<Record<Role, Answer>>,
  timeouts: Partial<Timeouts> = {},
) {
  const endpoints = await startEndpoints(answers);
  useEndpoints(endpoints.url);
  if (setup.kind === 'container') CONTAINER(endpoints.url);
  setup.set();
  const target = { credentials: undefined, profile: setup.profile, role: setup.role };
  // A container endpoint is asked four times, with pauses of a fifth.
  const readAttempt = setup.kind === 'container' ? 250 : 500;
  return { ...connect(onTestFinished, target, { readAttempt, ...timeouts }), ...endpoints };
}

describe('a source of credentials that fails', () => {
  it.each(CELLS)('tells of %s that it is %s', async (_, fault, setup, answers, message, hint) => {
    const timeouts = fault === 'hangs' ? { read: 600 } : {};
    const { ec2, seen, log } = await connectTo(setup, answers, timeouts);
    const report = await failureReport(readAll(ec2));
    expect(report).toMatchObject(REPORTS[fault]);
    expect(report.message).toMatch(message);
    expect(report.hint).toMatch(hint);
    expect(report.hint).toMatch(SENTENCE);
    expect(JSON.stringify(report)).not.toMatch(/undefined|\[object/);
    expect(`${JSON.stringify(report)}${log.text}`).not.toContain(SECRET);
    expect(seen.filter(({ role }) => role === 'ec2').length === 0).toBe(answers.ec2 === undefined);
    tested.add(`${setup.kind} ${fault}`);
  });

  it.each<[string, Setup, Partial<Record<Role, Answer>>, RegExp]>([
    ['a process', process_('process.stdin.resume();'), {}, /^The credential_process of profile ops \(node\)/],
    ['the portal', loggedIn, portal(silence), /^IAM Identity Center, for profile ops/],
    ['the sign-in service', consoleLogin(PAST), signin(silence), /^The aws login session of profile ops/],
    ['STS, for a token', webIdentity, refusing(silence), /^The web identity token/],
    [
      'STS, for a role',
      role,
      refusing(silence),
      /^The role arn:aws:iam::111122223333:role\/ops of profile ops/,
    ],
    ['STS, for a target', targetRole, refusing(silence), /^The role \S+ of target prod/],
    ['the agent of a container', container, agent(silence), /^The container credential endpoint/],
  ])('is named when %s hangs, not EC2', async (_, setup, answers, message) => {
    const { ec2 } = await connectTo(setup, answers, { read: 300, readAttempt: 2000 });
    const report = await failureReport(readAll(ec2));
    expect(report).toMatchObject({ code: 'timed_out', retryable: true });
    expect(report.message).toMatch(message);
    expect(report.message).toContain('did not give credentials within 0.3 s. Nothing was sent.');
    expect(report.hint).toMatch(SENTENCE);
    tested.add(`${setup.kind} hangs`);
  });

  it('is in the log with its words, once for as long as they are the same', async () => {
    const { ec2, log, answers } = await connectTo(role, refusing(stsError(403, 'AccessDenied')));
    const complaints = () => log.text.split('\n').filter((line) => line.includes('gave no credentials'));
    for (let calls = 0; calls < 2; calls++) await failureReport(readAll(ec2));
    expect(complaints().map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({
        level: 40,
        code: 'not_authorized',
        profile: 'ops',
        provider: 'role',
        msg: expect.stringContaining('of profile ops gave no credentials: says STS about AccessDenied'),
      }),
    ]);
    answers.sts = stsError(403, 'ExpiredToken');
    await failureReport(readAll(ec2));
    expect(complaints()).toHaveLength(2);
  });

  it('is asked anew by the call after one that hung', async () => {
    const { ec2, answers, signed } = await connectTo(role, refusing(silence), {
      read: 300,
      readAttempt: 2000,
    });
    expect((await failureReport(readAll(ec2))).code).toBe('timed_out');
    delete answers.sts;
    expect(await readAll(ec2)).toMatchObject({ natGateways: [] });
    expect(signed('ec2')).toEqual(['ASIAROLE']);
  });

  it('has been tried for every next step that there is', () => {
    const cells = Object.entries(NEXT_STEPS).flatMap(([kind, steps]) =>
      Object.keys(steps).map((fault) => `${kind} ${fault}`),
    );
    expect(cells.filter((cell) => !tested.has(cell))).toEqual([]);
  });
});
