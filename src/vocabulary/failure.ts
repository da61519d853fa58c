/** Failures as callers see them: a closed list of codes, and for each failure the next step. */

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
export class Failure extends Error {
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
    this.name = 'Failure';
    this.report = report;
    this.effect = effect;
    this.saidSuccess = saidSuccess;
  }
}

/** The failure of a request that was given up after `seconds`. */
export function timedOut(seconds: number): Failure {
  return new Failure(
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
export function cancelled(): Failure {
  return new Failure({
    code: 'timed_out',
    message: 'The call was cancelled before it changed anything.',
    retryable: true,
    hint: 'Call again if it is still wanted.',
  });
}

/** The failure of a call for which no region is known. */
export function regionUnknown(): Failure {
  return new Failure({
    code: 'region_unknown',
    message: 'No region is known for this call, and none is guessed.',
    retryable: false,
    hint: 'Pass region (for example us-east-1), or start the server with --region, AWS_REGION, or a profile that has one. AWS_DEFAULT_REGION is read by the AWS CLI only.',
  });
}

/** The failure of a real call that other credentials would have signed than its dry run; nothing was sent. */
export function credentialsChanged(): Failure {
  return new Failure({
    code: 'credentials_expired',
    message: 'The credentials changed between the dry run and the real call, which was not sent.',
    retryable: true,
    hint: 'Nothing was changed. Call again: everything is checked anew with the credentials there are now.',
  });
}

/** Whether a failure may go away when credentials are resolved afresh. */
export function concernsCredentials(failure: Failure): boolean {
  const { code, aws_code } = failure.report;
  return (
    code === 'credentials_missing' ||
    code === 'credentials_expired' ||
    (code === 'not_authorized' && aws_code !== 'UnauthorizedOperation') ||
    (code === 'region_not_enabled' && aws_code === 'AuthFailure')
  );
}
