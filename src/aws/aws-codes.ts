import type { ErrorCode } from '../vocabulary/failure.ts';
import type { ErrorParts } from './error-parts.ts';

/** What a failed request was about, for messages and hints. */
export interface RequestContext {
  region: string;
  profile?: string | undefined;
  /** When the answer was looked at, milliseconds since the epoch, to notice a skewed clock. */
  now: number;
}

/** What a code of AWS's means to a caller. */
export interface Mapping {
  code: ErrorCode;
  retryable: boolean;
  hint: (context: RequestContext) => string;
}

const notFound: Mapping = {
  code: 'gateway_not_found',
  retryable: false,
  hint: ({ region }) =>
    `No such gateway in ${region} for these credentials. Check the id, the region and the account; describe_nat_gateway_addresses lists what is there.`,
};

const throttled: Mapping = {
  code: 'throttled',
  retryable: true,
  hint: () =>
    'EC2 limits requests per account and region. Nothing was changed. Wait some seconds, then call again.',
};

const badArgument: Mapping = {
  code: 'invalid_argument',
  retryable: false,
  hint: () => 'EC2 rejected an argument; its message says which. Correct it and call again.',
};

const precondition: Mapping = {
  code: 'precondition_failed',
  retryable: false,
  hint: () => 'Look at the gateway with describe_nat_gateway_addresses; its state does not allow this.',
};

export const expired: Mapping = {
  code: 'credentials_expired',
  retryable: true,
  hint: ({ profile }) =>
    `Renew the credentials (for IAM Identity Center: aws sso login${profileFlag(profile)}), then call again; no restart is needed.`,
};

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

const skewed: Mapping = {
  code: 'clock_skew',
  retryable: true,
  hint: () => "This machine's clock differs from AWS's by minutes. Set it right (NTP), then call again.",
};

const awsTrouble: Mapping = {
  code: 'aws_error',
  retryable: true,
  hint: () => 'AWS had a problem of its own. Wait some seconds, then call again.',
};

/** AWS's codes, EC2's own and the common ones. Source: "Error codes for the Amazon EC2 API". */
const AWS_CODES: Readonly<Record<string, Mapping>> = {
  NatGatewayNotFound: notFound,
  'InvalidNatGatewayID.NotFound': notFound,
  NatGatewayMalformed: { ...badArgument, hint: () => 'A NAT gateway id is nat- and 17 hexadecimal digits.' },

  UnauthorizedOperation: {
    code: 'not_authorized',
    retryable: false,
    hint: () =>
      'The credentials lack this permission: ec2:DescribeNatGateways to look, ec2:UnassignPrivateNatGatewayAddress on the gateway (dry runs included) to unassign. Someone who may change IAM has to grant it.',
  },
  AuthFailure: notAccepted,
  InvalidClientTokenId: notAccepted,
  UnrecognizedClientException: notAccepted,
  SignatureDoesNotMatch: notAccepted,
  Blocked: {
    ...notAccepted,
    hint: () => 'The AWS account is blocked. Its owner has to contact AWS Support.',
  },
  PendingVerification: {
    ...notAccepted,
    retryable: true,
    hint: () => 'AWS is still verifying this account in this region; that can take hours.',
  },
  OptInRequired: notEnabled,

  RequestExpired: expired,
  ExpiredToken: expired,
  ExpiredTokenException: expired,
  TokenRefreshRequired: expired,
  RequestTimeTooSkewed: skewed,
  RequestInTheFuture: skewed,

  RequestLimitExceeded: throttled,
  Throttling: throttled,
  ThrottlingException: throttled,
  ThrottledException: throttled,
  RequestThrottled: throttled,
  RequestThrottledException: throttled,
  EC2ThrottledException: throttled,
  TooManyRequestsException: throttled,
  SlowDown: throttled,

  OperationInProgress: {
    code: 'precondition_failed',
    retryable: true,
    hint: () =>
      'EC2 accepts one change at a time on a gateway. Look with describe_nat_gateway_addresses until none of its addresses is changing, then call again.',
  },
  IncorrectState: precondition,
  UnsupportedOperation: precondition,
  OperationNotPermitted: precondition,
  DependencyViolation: precondition,

  InvalidParameter: badArgument,
  InvalidParameterValue: badArgument,
  InvalidParameterCombination: badArgument,
  MissingParameter: badArgument,
  UnknownParameter: badArgument,
  'InvalidAddress.Malformed': badArgument,
  InvalidMaxResults: badArgument,
  FilterLimitExceeded: {
    ...badArgument,
    hint: () => 'Too many values in one filter. Ask for fewer at a time.',
  },
  InvalidPaginationToken: {
    ...badArgument,
    hint: () => 'The list moved on since this token was made. Start again without next_token.',
  },

  Unavailable: awsTrouble,
  ServiceUnavailable: awsTrouble,
  InternalError: awsTrouble,
  InternalFailure: awsTrouble,
  ServerInternal: awsTrouble,
  BandwidthLimitExceeded: throttled,
};

/** EC2's Date header is compared with the local clock from this difference on, the one at which the SDK acts. */
const SKEW_MILLISECONDS = 240_000;

/** What a code of AWS's means here and now; an unknown one passes through. */
export function mappingFor(awsCode: string, failure: ErrorParts, context: RequestContext): Mapping {
  const known = Object.hasOwn(AWS_CODES, awsCode) ? AWS_CODES[awsCode] : undefined;
  if (known === undefined) {
    const serverSide = failure.status !== undefined && failure.status >= 500;
    return {
      code: 'aws_error',
      retryable: serverSide,
      hint: () =>
        serverSide
          ? awsTrouble.hint(context)
          : `EC2 answered ${awsCode}, a code this server has no advice for; its message is passed on as it is.`,
    };
  }
  if ((known === expired || known === notAccepted) && isSkewed(failure, context)) return skewed;
  if (awsCode === 'AuthFailure' && failure.status === 401 && isOptInRegion(context.region)) return notEnabled;
  return known;
}

function isSkewed({ date }: ErrorParts, { now }: RequestContext): boolean {
  return date !== undefined && Math.abs(date - now) >= SKEW_MILLISECONDS;
}

/** Regions launched before March 2019 are enabled for every account; those since have to be opted into. */
const ALWAYS_ENABLED =
  /^(us-(east|west)-[12]|ap-south-1|ap-northeast-[123]|ap-southeast-[12]|ca-central-1|eu-(central|north)-1|eu-west-[123]|sa-east-1|(cn|us-gov)-.*)$/;

function isOptInRegion(region: string): boolean {
  return !ALWAYS_ENABLED.test(region);
}

export function profileFlag(profile: string | undefined): string {
  return profile === undefined ? '' : ` --profile ${profile}`;
}
