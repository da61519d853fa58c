/**
 * From what AWS answers, or the SDK fails with, to an error a caller can act on. One table of AWS codes, one
 * function for failures that carry none.
 */

import { boundedText } from '../nat-gateway/text.ts';

/** Every `error.code` of this server; the list is closed. */
export const ERROR_CODES = [
  'invalid_argument',
  'gateway_not_found',
  'precondition_failed',
  'policy_denied',
  'confirmation_unavailable',
  'not_authorized',
  'credentials_missing',
  'credentials_expired',
  'region_unknown',
  'region_not_enabled',
  'clock_skew',
  'throttled',
  'timed_out',
  'unreachable',
  'bad_response',
  'dry_run_not_honoured',
  'outcome_unknown',
  'audit_unavailable',
  'aws_error',
  'internal',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** A failure as the caller sees it: what happened, whether the same call may succeed later, and the next step. */
export interface ErrorReport {
  code: ErrorCode;
  message: string;
  retryable: boolean;
  retry_after_seconds?: number | undefined;
  hint: string;
  aws_code?: string | undefined;
  request_id?: string | undefined;
}

/** A request to EC2 that failed. */
export class Ec2Failure extends Error {
  readonly report: ErrorReport;
  /**
   * Whether the request can have changed anything. `none` is claimed only where nothing was sent, EC2 answered a
   * parsed 4xx on the only send, or it throttled; everything else is `possible`.
   */
  readonly effect: 'none' | 'possible';
  /** Whether the HTTP status said success, whatever came with it. */
  readonly saidSuccess: boolean;

  constructor(report: ErrorReport, effect: 'none' | 'possible' = 'none', saidSuccess = false) {
    super(report.message);
    this.name = 'Ec2Failure';
    this.report = report;
    this.effect = effect;
    this.saidSuccess = saidSuccess;
  }
}

/** What a failed request was about, for messages and hints. */
export interface RequestContext {
  region: string;
  profile?: string | undefined;
  /** When the answer was looked at, milliseconds since the epoch, to notice a skewed clock. */
  now: number;
}

interface Mapping {
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

const expired: Mapping = {
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

/** The system calls that come before a connection: what fails in them has sent nothing. */
const BEFORE_CONNECTION: ReadonlySet<string> = new Set(['connect', 'getaddrinfo']);

/** Node's codes for a connection that broke: the request may have arrived. */
const BROKEN: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ECONNABORTED',
  'EPROTO',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
]);

/** EC2's Date header is compared with the local clock from this difference on, the one at which the SDK acts. */
const SKEW_MILLISECONDS = 240_000;

/** An hour: what asks for more, in seconds, is not believed. */
const LONGEST_RETRY_AFTER = 3600;

/** How much of a message from AWS is passed on, in characters. */
const MESSAGE_LIMIT = 1000;

/** Turns whatever a request to EC2 threw into a failure with a code, a message and a next step. */
export function explain(error: unknown, context: RequestContext): Ec2Failure {
  if (error instanceof Ec2Failure) return error;
  const failure = anatomy(error);
  const { awsCode, status } = failure;
  if (awsCode !== undefined) {
    const mapping = mappingFor(awsCode, failure, context);
    const throttles = mapping.code === 'throttled';
    const parsed4xx = status !== undefined && status >= 400 && status < 500 && failure.attempts === 1;
    return new Ec2Failure(
      {
        code: mapping.code,
        message: boundedText(withoutEncodedMessage(failure.message) || awsCode, MESSAGE_LIMIT),
        retryable: mapping.retryable,
        retry_after_seconds: failure.retryAfter,
        hint: mapping.hint(context),
        aws_code: awsCode,
        request_id: failure.requestId,
      },
      throttles || parsed4xx ? 'none' : 'possible',
    );
  }
  return withoutAwsCode(failure, context);
}

/** The failure of a request that was given up after `seconds`. */
export function timedOut(seconds: number): Ec2Failure {
  return new Ec2Failure(
    {
      code: 'timed_out',
      message: `EC2 did not answer within ${seconds} s.`,
      retryable: true,
      hint: 'Call again. If it keeps timing out, check the network path to the EC2 endpoint (proxy, VPN, VPC endpoint).',
    },
    'possible',
  );
}

/** The failure of a read or dry run that its caller gave up. */
export function cancelled(): Ec2Failure {
  return new Ec2Failure({
    code: 'timed_out',
    message: 'The call was cancelled before it changed anything.',
    retryable: true,
    hint: 'Call again if it is still wanted.',
  });
}

/** The failure of a call for which no region is known. */
export function regionUnknown(): Ec2Failure {
  return new Ec2Failure({
    code: 'region_unknown',
    message: 'No region is known for this call, and none is guessed.',
    retryable: false,
    hint: 'Pass region (for example us-east-1), or start the server with --region, AWS_REGION, or a profile that has one. AWS_DEFAULT_REGION is read by the AWS CLI only.',
  });
}

/** The failure of a real call that other credentials would have signed than its dry run; nothing was sent. */
export function credentialsChanged(): Ec2Failure {
  return new Ec2Failure({
    code: 'credentials_expired',
    message: 'The credentials changed between the dry run and the real call, which was not sent.',
    retryable: true,
    hint: 'Nothing was changed. Call again: everything is checked anew with the credentials there are now.',
  });
}

/** Whether a failure may go away when credentials are resolved afresh. */
export function concernsCredentials(failure: Ec2Failure): boolean {
  const { code, aws_code } = failure.report;
  return (
    code === 'credentials_missing' ||
    code === 'credentials_expired' ||
    (code === 'not_authorized' && aws_code !== 'UnauthorizedOperation') ||
    (code === 'region_not_enabled' && aws_code === 'AuthFailure')
  );
}

function mappingFor(awsCode: string, failure: Anatomy, context: RequestContext): Mapping {
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

function withoutAwsCode(failure: Anatomy, context: RequestContext): Ec2Failure {
  const { name, message, codes } = failure;
  const { region, profile } = context;
  const detail = boundedText(message, MESSAGE_LIMIT);
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError' || name === 'ProviderError') {
    const outdated = /expired|refresh|sso login|sso session/i.test(message);
    return new Ec2Failure(
      outdated
        ? { code: 'credentials_expired', message: detail, retryable: true, hint: expired.hint(context) }
        : {
            code: 'credentials_missing',
            message: detail,
            retryable: true,
            hint: `No AWS credentials were found${profile === undefined ? '' : ` in profile ${profile}`}. Give the server some (--profile, AWS_PROFILE, AWS_ACCESS_KEY_ID, an instance or container role; for IAM Identity Center: aws sso login${profileFlag(profile)}), then call again. To try it without an account, start it with --simulate.`,
          },
    );
  }
  if (/region is missing/i.test(message)) return regionUnknown();
  if (failure.neverConnected && !codes.includes('ETIMEDOUT')) {
    return new Ec2Failure({
      code: 'unreachable',
      message: `The EC2 endpoint of ${region} could not be reached (${codes.join(', ')}). Nothing was sent.`,
      retryable: true,
      hint: codes.includes('ENOTFOUND')
        ? `The endpoint's name does not resolve. If ${region} is mistyped, correct it; else check DNS and the network, and HTTPS_PROXY where a proxy is needed.`
        : 'Check the network path to the EC2 endpoint (firewall, VPN, HTTPS_PROXY), then call again.',
    });
  }
  const isNoHttp = codes.some((code) => code.startsWith('HPE_'));
  if (failure.status !== undefined || isNoHttp) {
    const sent = isNoHttp ? 'something that is not HTTP' : `HTTP ${failure.status} and nothing`;
    return new Ec2Failure(
      {
        code: 'bad_response',
        message: `What answered in place of EC2 sent ${sent} that could be read as EC2's XML.`,
        retryable: true,
        hint: 'Something between this server and EC2 may have answered (a proxy, a captive portal, a wrong AWS_ENDPOINT_URL). Check it, then call again.',
        request_id: failure.requestId,
      },
      'possible',
      failure.status !== undefined && failure.status >= 200 && failure.status < 300,
    );
  }
  if (
    codes.some((code) => BROKEN.has(code) || /^ERR_(SSL|TLS)_(?!CERT)/.test(code)) ||
    /socket hang up|aborted/i.test(message)
  ) {
    return new Ec2Failure(
      {
        code: 'unreachable',
        message: `The connection to EC2 in ${region} broke (${codes.join(', ') || detail}).`,
        retryable: true,
        hint: 'Call again. If it keeps breaking, check the network path to the EC2 endpoint (firewall, proxy, VPN).',
      },
      'possible',
    );
  }
  if (name === 'TimeoutError' || name === 'AbortError' || codes.includes('ETIMEDOUT')) {
    const { report } = timedOut(0);
    return new Ec2Failure({ ...report, message: 'EC2 did not answer in time.' }, 'possible');
  }
  // Certificates are looked at before anything is sent; any other fault of TLS can come later.
  if (codes.some((code) => /CERT|SELF_SIGNED|ISSUER|UNABLE_TO_VERIFY/.test(code))) {
    return new Ec2Failure({
      code: 'unreachable',
      message: `No trusted TLS connection to EC2 in ${region} (${codes.join(', ')}). Nothing was sent.`,
      retryable: false,
      hint: 'A proxy that inspects TLS needs its certificate authority in NODE_EXTRA_CA_CERTS.',
    });
  }
  return new Ec2Failure(
    {
      code: 'internal',
      message: 'The request to EC2 failed in a way this server does not know.',
      retryable: false,
      hint: 'The server log (stderr) has the details; please report them.',
    },
    'possible',
  );
}

/** The parts of an error that decide, read without trusting its shape. */
interface Anatomy {
  name: string;
  message: string;
  /** EC2's code, where the answer was EC2's error envelope. */
  awsCode: string | undefined;
  status: number | undefined;
  requestId: string | undefined;
  attempts: number | undefined;
  retryAfter: number | undefined;
  /** The `Date` header of the answer, milliseconds since the epoch. */
  date: number | undefined;
  /** Node's error codes, of the error and of everything it wraps. */
  codes: string[];
  /** Whether all of these come from before there was a connection. */
  neverConnected: boolean;
}

function anatomy(error: unknown): Anatomy {
  const top = record(error);
  const metadata = record(top.$metadata);
  const headers = record(record(top.$response).headers);
  const name = text(top.name) ?? 'Error';
  const isAnswer = top.$fault !== undefined && name !== 'Unknown' && text(top.Code) === name;
  const retryAfter = Number(text(headers['retry-after']));
  const date = Date.parse(text(headers.date) ?? '');
  const faults = nodeFaults(error);
  return {
    name,
    // The SDK's own words for an answer without a message.
    message: text(top.message)?.replace(/^UnknownError$/, '') ?? '',
    awsCode: isAnswer ? name : undefined,
    status: number(metadata.httpStatusCode),
    requestId: text(metadata.requestId),
    attempts: number(metadata.attempts),
    retryAfter: retryAfter > 0 ? Math.ceil(Math.min(retryAfter, LONGEST_RETRY_AFTER)) : undefined,
    date: Number.isNaN(date) ? undefined : date,
    codes: [...new Set(faults.map(({ code }) => code))],
    neverConnected:
      faults.length > 0 &&
      faults.every(({ syscall }) => syscall !== undefined && BEFORE_CONNECTION.has(syscall)),
  };
}

/** Node's own account of what went wrong: of the innermost errors, where one wraps others. */
function nodeFaults(error: unknown, depth = 0): { code: string; syscall: string | undefined }[] {
  const { code, syscall, cause, errors } = record(error);
  const wrapped = [...(Array.isArray(errors) ? errors : []), cause];
  const inner = depth < 4 ? wrapped.flatMap((each) => nodeFaults(each, depth + 1)) : [];
  if (inner.length > 0 || typeof code !== 'string') return inner;
  return [{ code, syscall: text(syscall) }];
}

function isSkewed({ date }: Anatomy, { now }: RequestContext): boolean {
  return date !== undefined && Math.abs(date - now) >= SKEW_MILLISECONDS;
}

/** Regions launched before March 2019 are enabled for every account; those since have to be opted into. */
const ALWAYS_ENABLED =
  /^(us-(east|west)-[12]|ap-south-1|ap-northeast-[123]|ap-southeast-[12]|ca-central-1|eu-(central|north)-1|eu-west-[123]|sa-east-1|(cn|us-gov)-.*)$/;

function isOptInRegion(region: string): boolean {
  return !ALWAYS_ENABLED.test(region);
}

/** The blob after this label describes the account's policies; it belongs into no log and no conversation. */
function withoutEncodedMessage(message: string): string {
  return message.replace(/\s*Encoded authorization failure message:\s*\S+/gi, '');
}

function profileFlag(profile: string | undefined): string {
  return profile === undefined ? '' : ` --profile ${profile}`;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
