import { ProxyError } from '../proxy/proxy.ts';
import { Failure } from '../vocabulary/failure.ts';
import { boundedText, withStop } from '../vocabulary/text.ts';
import type { Stage } from './attempts.ts';
import { mappingFor, type RequestContext } from './aws-codes.ts';
import { BodyTooLong, LONGEST_BODY } from './body-limit.ts';
import { credentialFailure, hangingSource, renewal } from './credential-failures.ts';
import { CredentialSourceError, type Source } from './credential-sources.ts';
import { type ErrorParts, errorParts } from './error-parts.ts';
import { type ConfiguredEndpoint, ENDPOINT_SETTINGS, misconfigured, regionUnknown } from './settings.ts';

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

/** The longest message of AWS that is passed on, in characters. */
const MESSAGE_LIMIT = 1000;

/** What a failed request was about, and how far it came; without a stage, only the error tells. */
export interface FailureContext extends RequestContext {
  stage?: Stage | undefined;
  /** The name of the proxy that it went through. */
  proxy?: string | undefined;
  /** Where the credentials come from, as far as it is known. */
  source?: Source | undefined;
  /** Where a setting names the endpoint. */
  endpoint?: ConfiguredEndpoint | undefined;
}

/** The failure of a request to EC2, with a code, a message and a next step, from whatever was thrown. */
export function failureFrom(error: unknown, context: FailureContext): Failure {
  if (error instanceof Failure) return error;
  return asFarAs(context.stage, explained(error, context));
}

function explained(error: unknown, context: FailureContext): Failure {
  if (error instanceof CredentialSourceError) return credentialFailure(error, context);
  const parts = errorParts(error);
  if (parts.awsCode !== undefined) return refusedByAws(parts.awsCode, parts, context);
  if (error instanceof ProxyError) return failedAtProxy(error);
  if (error instanceof BodyTooLong) {
    return notEc2(`more than ${LONGEST_BODY / 1_000_000} MB`, parts, context);
  }
  return (
    (parts.status === undefined ? beforeSending(parts, context) : undefined) ??
    answerNotOfEc2(parts, context) ??
    brokenConnection(parts, context) ??
    noAnswer(parts, context) ??
    untrustedTls(parts, context) ??
    (context.stage === 'connecting' ? noConnection(context) : unknownFault())
  );
}

/**
 * Decides by the stage whether the request can have changed anything. Without a connection nothing has left, whatever
 * the error looks like: that of a source of credentials can be an answer of STS. With one, only EC2's own answer proves
 * that nothing was changed.
 */
function asFarAs(stage: Stage | undefined, failure: Failure): Failure {
  const { report, effect } = failure;
  if (stage === undefined) return failure;
  if (stage === 'connected') {
    return new Failure(report, { effect: report.aws_code === undefined ? 'possible' : effect });
  }
  return new Failure({ ...report, message: `${withStop(report.message)} Nothing was sent.` });
}

/** EC2's own refusal, in its error envelope. */
function refusedByAws(awsCode: string, parts: ErrorParts, context: FailureContext): Failure {
  const { status, attempts } = parts;
  const mapping = mappingFor(awsCode, parts, context);
  const { source } = context;
  const hint =
    mapping.code === 'credentials_expired' && source !== undefined
      ? renewal(source)
      : mapping.hint?.(context);
  const parsed4xx = status !== undefined && status >= 400 && status < 500 && attempts === 1;
  return new Failure(
    {
      code: mapping.code,
      message: boundedText(withoutEncodedMessage(parts.message) || awsCode, MESSAGE_LIMIT),
      retryable: mapping.retryable,
      retry_after_seconds: parts.retryAfter,
      hint,
      aws_code: awsCode,
      request_id: parts.requestId,
    },
    { effect: mapping.code === 'throttled' || parsed4xx ? 'none' : 'possible' },
  );
}

/** What fails before a request leaves: credentials, the region, the connection itself. */
function beforeSending(parts: ErrorParts, context: FailureContext): Failure | undefined {
  const { name, message, codes, neverConnected } = parts;
  const { region } = context;
  if (name === 'EndpointError') return misconfigured(withStop(message), ENDPOINT_SETTINGS);
  if (/region is missing/i.test(message)) return regionUnknown();
  if (!neverConnected || codes.includes('ETIMEDOUT')) return undefined;
  return new Failure({
    code: 'unreachable',
    message: `The EC2 endpoint of ${region}${named(context)} could not be reached (${codes.join(', ')}).`,
    retryable: true,
    hint:
      hintOf(context) ??
      (codes.includes('ENOTFOUND')
        ? `The endpoint's name does not resolve. If ${region} is mistyped, correct it; else check DNS and the network, and HTTPS_PROXY where a proxy is needed.`
        : undefined),
  });
}

/** A proxy that opened no way to the endpoint. */
function failedAtProxy({ message, hint, isTimeout, isRetryable }: ProxyError): Failure {
  return new Failure({
    code: isTimeout ? 'timed_out' : 'unreachable',
    message: `${message}.`,
    retryable: isRetryable,
    hint,
  });
}

function noConnection(context: FailureContext): Failure {
  return new Failure({
    code: 'unreachable',
    message: `No connection to EC2 in ${context.region}${named(context)}${through(context)} was made.`,
    retryable: true,
    hint: hintOf(context),
  });
}

function answerNotOfEc2(parts: ErrorParts, context: FailureContext): Failure | undefined {
  const { status, codes } = parts;
  const isNoHttp = codes.some((code) => code.startsWith('HPE_'));
  if (status === undefined && !isNoHttp) return undefined;
  const sent = isNoHttp ? 'something that is not HTTP' : `HTTP ${status} and nothing`;
  return notEc2(`${sent} that could be read as EC2's XML`, parts, context);
}

/** An answer that is not EC2's. `sent` says what it is. */
function notEc2(sent: string, { requestId }: ErrorParts, context: FailureContext): Failure {
  return new Failure(
    {
      code: 'bad_response',
      message: `What answered in place of EC2${through(context)} sent ${sent}.`,
      retryable: true,
      request_id: requestId,
    },
    { effect: 'possible' },
  );
}

function brokenConnection({ codes, message }: ErrorParts, context: FailureContext): Failure | undefined {
  const broke = codes.some((code) => BROKEN.has(code) || /^ERR_(SSL|TLS)_(?!CERT)/.test(code));
  if (!broke && !/socket hang up|aborted/i.test(message)) return undefined;
  return new Failure(
    {
      code: 'unreachable',
      message: `The connection to EC2 in ${context.region}${named(context)}${through(context)} broke (${codes.join(', ') || boundedText(message, MESSAGE_LIMIT)}).`,
      retryable: true,
      hint:
        hintOf(context) ??
        'Call again. If it keeps breaking, check the network path to the EC2 endpoint (firewall, proxy, VPN).',
    },
    { effect: 'possible' },
  );
}

function noAnswer({ name, codes }: ErrorParts, context: FailureContext): Failure | undefined {
  const isLate = name === 'TimeoutError' || name === 'AbortError' || codes.includes('ETIMEDOUT');
  return isLate ? timedOut('in time', context) : undefined;
}

/** Certificates are checked before anything is sent; any other fault of TLS can come later. */
function untrustedTls({ codes }: ErrorParts, context: FailureContext): Failure | undefined {
  if (!codes.some((code) => /CERT|SELF_SIGNED|ISSUER|UNABLE_TO_VERIFY/.test(code))) return undefined;
  return new Failure({
    code: 'unreachable',
    message: `No trusted TLS connection to EC2 in ${context.region}${named(context)}${through(context)} (${codes.join(', ')}).`,
    retryable: false,
    hint: 'A proxy that inspects TLS needs its certificate authority in NODE_EXTRA_CA_CERTS.',
  });
}

function unknownFault(): Failure {
  return new Failure(
    {
      code: 'internal',
      message: 'The request to EC2 failed in a way this server does not know.',
      retryable: false,
      hint: 'The server log (stderr) has the details; please report them.',
    },
    { effect: 'possible' },
  );
}

/** If time ran out while being throttled, reports throttling, not a timeout. */
export function outOfTime(seconds: number, latestError: unknown, context: FailureContext): Failure {
  const latest = latestError === undefined ? undefined : failureFrom(latestError, context);
  if (latest?.report.code === 'throttled') return latest;
  return asFarAs(context.stage, timedOut(`within ${seconds} s`, context));
}

function timedOut(when: string, context: FailureContext): Failure {
  const { region, stage, source } = context;
  if (stage === 'preparing' && source !== undefined) return hangingSource(source, when);
  if (stage === 'preparing') {
    return new Failure({
      code: 'timed_out',
      message: `The credentials were not there ${when}.`,
      retryable: true,
      hint: 'Check where the credentials come from (credential_process, STS, IAM Identity Center, the role of the instance or container), then call again.',
    });
  }
  const message =
    stage === 'connecting'
      ? `There was no connection to EC2 in ${region}${named(context)}${through(context)} ${when}.`
      : `EC2${named(context)} did not answer ${when}.`;
  const hint = stage === 'connecting' ? hintOf(context) : undefined;
  return new Failure({ code: 'timed_out', message, retryable: true, hint }, { effect: 'possible' });
}

/** The endpoint that a setting names: whoever set it may have forgotten it. */
function named({ endpoint }: FailureContext): string {
  return endpoint === undefined ? '' : ` (${endpoint.origin}, from ${endpoint.from})`;
}

function hintOf({ endpoint, proxy }: FailureContext): string | undefined {
  if (endpoint === undefined || proxy !== undefined) return undefined;
  const { origin, from } = endpoint;
  return `Check that EC2, or what stands in for it, answers at ${origin}, then call again; if it should not be asked there, correct or remove ${from}, which the operator of this server has to do, and restart the server where it is a variable.`;
}

function through({ proxy }: FailureContext): string {
  return proxy === undefined ? '' : ` through the proxy ${proxy}`;
}

/** Whether a failure may go away when settings are read and credentials are resolved afresh. */
export function concernsSession({ report: { code, aws_code } }: Failure): boolean {
  return (
    code === 'credentials_missing' ||
    code === 'credentials_expired' ||
    (code === 'precondition_failed' && aws_code === undefined) ||
    (code === 'not_authorized' && aws_code !== 'UnauthorizedOperation') ||
    (code === 'region_not_enabled' && aws_code === 'AuthFailure')
  );
}

/** The blob after this label describes the account's policies; it belongs into no log and no conversation. */
function withoutEncodedMessage(message: string): string {
  return message.replace(/\s?Encoded authorization failure message:\s*\S+/gi, '').trimEnd();
}
