import { ERRORS, type ErrorCode } from '../vocabulary/failure.ts';
import type { ErrorParts } from './error-parts.ts';

/** What a failed request was about, for messages and hints. */
export interface RequestContext {
  region: string;
  profile?: string | undefined;
  /** When the answer arrived, in milliseconds since the epoch, to notice a skewed clock. */
  now: number;
}

/** A code of AWS in terms of this server. Without a hint of its own it gets the next step of `code`. */
export interface Mapping {
  code: ErrorCode;
  retryable: boolean;
  hint?: (context: RequestContext) => string;
}

const expired = {
  code: 'credentials_expired',
  retryable: true,
  hint: ({ profile }: RequestContext) =>
    `Renew the credentials (for IAM Identity Center: aws sso login${profileFlag(profile)}), then call again; no restart is needed.`,
} as const satisfies Mapping;

const notAccepted: Mapping = {
  code: 'not_authorized',
  retryable: false,
  hint: ({ region, profile }) =>
    `AWS did not accept these credentials in ${region}: the access key is wrong or deactivated, or the region is not enabled for the account. Check with: aws sts get-caller-identity${profileFlag(profile)}`,
};

const notEnabled: Mapping = {
  code: 'region_not_enabled',
  retryable: false,
  hint: ({ region }) =>
    `${region} may not be enabled for this account. Check with: aws account get-region-opt-status --region-name ${region}; or use another region.`,
};

const notFound: Mapping = {
  code: 'gateway_not_found',
  retryable: false,
  hint: ({ region }) =>
    `No such gateway in ${region} for these credentials. ${ERRORS.gateway_not_found.nextStep}`,
};
const skewed: Mapping = { code: 'clock_skew', retryable: true };
const throttled: Mapping = { code: 'throttled', retryable: true };
const precondition: Mapping = { code: 'precondition_failed', retryable: false };
const badArgument = (hint: string): Mapping => ({
  code: 'invalid_argument',
  retryable: false,
  hint: () => hint,
});
const awsTrouble: Mapping = {
  code: 'aws_error',
  retryable: true,
  hint: () => 'AWS had a problem of its own. Wait some seconds, then call again.',
};

/** AWS's codes by their meaning, EC2's own and the common ones. Source: "Error codes for the Amazon EC2 API". */
const GROUPS: readonly [Mapping, string][] = [
  [notFound, 'NatGatewayNotFound InvalidNatGatewayID.NotFound'],
  [badArgument('A NAT gateway id is nat- and 17 hexadecimal digits.'), 'NatGatewayMalformed'],
  [
    badArgument('EC2 rejected an argument; its message says which. Correct it and call again.'),
    'InvalidParameter InvalidParameterValue InvalidParameterCombination MissingParameter UnknownParameter InvalidAddress.Malformed InvalidMaxResults',
  ],
  [badArgument('Too many values in one filter. Ask for fewer at a time.'), 'FilterLimitExceeded'],
  [
    badArgument('The list moved on since this token was made. Start again without next_token.'),
    'InvalidPaginationToken',
  ],
  [
    {
      code: 'not_authorized',
      retryable: false,
      hint: () =>
        'The credentials lack this permission: ec2:DescribeNatGateways to look, ec2:UnassignPrivateNatGatewayAddress on the gateway (dry runs included) to unassign. Someone who may change IAM has to grant it.',
    },
    'UnauthorizedOperation',
  ],
  [notAccepted, 'AuthFailure InvalidClientTokenId UnrecognizedClientException SignatureDoesNotMatch'],
  [
    { ...notAccepted, hint: () => 'The AWS account is blocked. Its owner has to contact AWS Support.' },
    'Blocked',
  ],
  [
    {
      ...notAccepted,
      retryable: true,
      hint: () => 'AWS is still verifying this account in this region; that can take hours.',
    },
    'PendingVerification',
  ],
  [notEnabled, 'OptInRequired'],
  [expired, 'RequestExpired ExpiredToken ExpiredTokenException TokenRefreshRequired'],
  [skewed, 'RequestTimeTooSkewed RequestInTheFuture'],
  [
    throttled,
    'RequestLimitExceeded Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException EC2ThrottledException TooManyRequestsException SlowDown BandwidthLimitExceeded',
  ],
  [
    {
      code: 'precondition_failed',
      retryable: true,
      hint: () =>
        'EC2 accepts one change at a time on a gateway. Wait until none of its addresses is changing, then call again.',
    },
    'OperationInProgress',
  ],
  [precondition, 'IncorrectState UnsupportedOperation OperationNotPermitted DependencyViolation'],
  [awsTrouble, 'Unavailable ServiceUnavailable InternalError InternalFailure ServerInternal'],
];

const AWS_CODES: ReadonlyMap<string, Mapping> = new Map(
  GROUPS.flatMap(([mapping, codes]) => codes.split(' ').map((code): [string, Mapping] => [code, mapping])),
);

/** The least difference between EC2's Date header and the local clock that counts as skew; the SDK acts at the same. */
export const SKEW_MILLISECONDS = 240_000;

/** The meaning of a code of AWS here and now; an unknown code passes through. */
export function mappingFor(awsCode: string, parts: ErrorParts, context: RequestContext): Mapping {
  const known = AWS_CODES.get(awsCode);
  if (known === undefined) return unknownCode(awsCode, parts);
  if ((known === expired || known === notAccepted) && isSkewed(parts, context)) return skewed;
  if (awsCode === 'AuthFailure' && parts.status === 401 && isOptInRegion(context.region)) return notEnabled;
  return known;
}

function unknownCode(awsCode: string, { status }: ErrorParts): Mapping {
  if ((status ?? 0) >= 500) return awsTrouble;
  const hint = `EC2 answered ${awsCode}, a code this server has no advice for; its message is passed on as it is.`;
  return { code: 'aws_error', retryable: false, hint: () => hint };
}

function isSkewed({ date }: ErrorParts, { now }: RequestContext): boolean {
  return Math.abs((date ?? now) - now) >= SKEW_MILLISECONDS;
}

/** Regions launched before March 2019 are enabled for every account; those since have to be opted into. */
const ALWAYS_ENABLED =
  /^(us-(east|west)-[12]|ap-south-1|ap-northeast-[123]|ap-southeast-[12]|ca-central-1|eu-(central|north)-1|eu-west-[123]|sa-east-1|(cn|us-gov)-.*)$/;

function isOptInRegion(region: string): boolean {
  return !ALWAYS_ENABLED.test(region);
}

/** The flag of the AWS CLI, quoted for a shell where the name needs it. */
export function profileFlag(profile: string | undefined): string {
  if (profile === undefined) return '';
  return ` --profile ${/^[\w@%+=:,./-]+$/.test(profile) ? profile : `'${profile.replaceAll("'", "'\\''")}'`}`;
}
