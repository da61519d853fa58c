import { DESCRIBE } from './names.ts';

/** A code of `error.code`: its meaning, and the caller's next step where the failure itself names no better one. */
interface ErrorMeaning {
  meaning: string;
  nextStep: string;
}

/** Every `error.code`. The list is closed; `docs/reference.md` is generated from it. */
export const ERRORS = {
  invalid_argument: {
    meaning: 'An argument does not fit, or `next_token` belongs to another call.',
    nextStep: 'Correct the argument that the message names, then call again.',
  },
  gateway_not_found: {
    meaning: 'These credentials see no such gateway in this region.',
    nextStep: `Check the id, the region and the account. ${DESCRIBE} lists the gateways; a deleted one is shown for about an hour.`,
  },
  precondition_failed: {
    meaning: 'The state of the gateway, or of this server, does not allow it now.',
    nextStep: `Look at the gateway with ${DESCRIBE}: its state does not allow this.`,
  },
  policy_denied: {
    meaning: "The operator's rules forbid it, or the caller's token lacks a scope.",
    nextStep: 'Ask the operator of this server. Do not look for a way around the rule.',
  },
  confirmation_unavailable: {
    meaning: 'A confirmation is required, and this client cannot ask for one, or failed to.',
    nextStep:
      'Use a client that supports MCP elicitation, or have the operator of this server start it with --confirm auto (ask where possible) or --confirm never. Mode "dry_run" needs no confirmation.',
  },
  not_authorized: {
    meaning: 'AWS does not accept the credentials, or they lack a permission.',
    nextStep: 'Have the permission granted that the message names, then call again.',
  },
  credentials_missing: {
    meaning: 'No usable AWS credentials were found.',
    nextStep: 'Configure AWS credentials for this server, then call again; no restart is needed.',
  },
  credentials_expired: {
    meaning: 'The AWS credentials have expired, or changed during the call.',
    nextStep: 'Renew the credentials, then call again; no restart is needed.',
  },
  region_unknown: {
    meaning: 'The call names no region, and the server has none configured, or one that is not a region.',
    nextStep:
      'Pass region (for example us-east-1), or start the server with --region, AWS_REGION, AWS_DEFAULT_REGION, or a profile that has one.',
  },
  region_not_enabled: {
    meaning: 'The region may not be enabled for the account.',
    nextStep: 'Use another region, or have this one enabled.',
  },
  clock_skew: {
    meaning: "This machine's clock differs from AWS's by minutes.",
    nextStep: 'Set the clock of this machine (NTP), then call again.',
  },
  throttled: {
    meaning: 'EC2 limits requests. Nothing was changed.',
    nextStep:
      'EC2 limits requests per account and region. Nothing was changed. Wait some seconds, then call again.',
  },
  timed_out: {
    meaning: 'EC2 did not answer in time, or the call was cancelled.',
    nextStep:
      'Call again. If it keeps timing out, check the network path to the EC2 endpoint (proxy, VPN, VPC endpoint).',
  },
  unreachable: {
    meaning: 'The endpoint could not be reached, or the connection broke.',
    nextStep: 'Check the network path to the EC2 endpoint (firewall, VPN, HTTPS_PROXY), then call again.',
  },
  bad_response: {
    meaning: 'Something answered in place of EC2.',
    nextStep:
      'Check what stands between this server and EC2 (a proxy, a captive portal, a wrong AWS_ENDPOINT_URL), then call again.',
  },
  dry_run_not_honoured: {
    meaning:
      'A dry run was answered with success, which EC2 never does: the change may have been made. Later calls are refused until the server is restarted.',
    nextStep: `Treat it as a possible change. Look at the gateway with ${DESCRIBE}, and at what answers in place of EC2 (AWS_ENDPOINT_URL, a proxy).`,
  },
  outcome_unknown: {
    meaning: 'The real call was sent, and its outcome could not be established.',
    nextStep: `Do not repeat it yet. Look with ${DESCRIBE} in a minute: an address that is unassigning or gone was accepted; one that is still succeeded then was not.`,
  },
  audit_unavailable: {
    meaning: 'The audit record could not be written, so nothing was changed.',
    nextStep:
      'The operator of this server has to make its audit log writable (--audit-log, disk space, stderr); then call again.',
  },
  state_unavailable: {
    meaning:
      'The table that replicas share (`--state-table`) could not be read or written, so nothing was changed.',
    nextStep:
      'Call again in some seconds. If it stays so, the operator of this server has to look at the table: nat-gateway-mcp check tells the reason.',
  },
  aws_error: {
    meaning: 'EC2 answered with any other code, which is passed on with its message.',
    nextStep: 'Do as the message says. Call again where retryable is true.',
  },
  internal: {
    meaning: 'This server failed.',
    nextStep: `Look at the gateway with ${DESCRIBE} before you try again. The log of this server (stderr) has the details; please report them.`,
  },
} as const satisfies Record<string, ErrorMeaning>;

export type ErrorCode = keyof typeof ERRORS;

export const ERROR_CODES = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]];

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

/** An `ErrorReport` yet to be made: without a hint of its own it gets the next step of its code. */
export type FailureDetails = Omit<ErrorReport, 'hint'> & { hint?: string | undefined };

/** The report with the given details, and the hint of its code where they have none. */
export function errorReport(details: FailureDetails): ErrorReport {
  return { ...details, hint: details.hint ?? ERRORS[details.code].nextStep };
}

/** What a failed request may have done. */
export interface Effect {
  /**
   * Whether the request can have changed anything. `none` is claimed only where nothing was sent, EC2 answered a
   * parsed 4xx on the only attempt, or it throttled; everything else is `possible`.
   */
  effect?: 'none' | 'possible';
}

/** A call that failed, or was refused, with everything its caller is told. */
export class Failure extends Error {
  readonly report: ErrorReport;
  readonly effect: 'none' | 'possible';

  constructor(details: FailureDetails, { effect = 'none' }: Effect = {}) {
    super(details.message);
    this.name = 'Failure';
    this.report = errorReport(details);
    this.effect = effect;
  }
}

/** The failure of a call that its caller gave up before anything was changed. */
export function cancelled(): Failure {
  return new Failure({
    code: 'timed_out',
    message: 'The call was cancelled before it changed anything.',
    retryable: true,
    hint: 'Call again if it is still wanted.',
  });
}

/** The failure of a call on a gateway that reads do not show; `question` where another id may be meant. */
export function gatewayNotFound(region: string, natGatewayId: string, question?: string): Failure {
  const { nextStep } = ERRORS.gateway_not_found;
  return new Failure({
    code: 'gateway_not_found',
    message: `There is no NAT gateway ${natGatewayId} in ${region}.`,
    retryable: false,
    hint: question === undefined ? undefined : `${question} ${nextStep}`,
  });
}

/** The report of anything thrown. What is not a `Failure` is a fault of this server, whose details stay in its log. */
export function reportOf(error: unknown): ErrorReport {
  if (error instanceof Failure) return error.report;
  return errorReport({
    code: 'internal',
    message: 'This server failed at something that it should have handled.',
    retryable: false,
  });
}

/** A failure that was thrown, for those who go on with it; anything else is thrown on. */
export function failureThrown(error: unknown): Failure {
  if (error instanceof Failure) return error;
  throw error;
}

/** The cause in a message of `state_unavailable`, for those who tell of no call that was refused. */
export function causeOfState(message: string): string {
  return message.replace(/, so nothing was changed\.$/, '.');
}
