import { type ErrorCode, Failure } from '../vocabulary/failure.ts';
import { boundedText, visibleLine } from '../vocabulary/text.ts';
import { mappingFor, type RequestContext } from './aws-codes.ts';
import { type Fault, nextStep, REPORTS } from './credential-faults.ts';
import { type CredentialSourceError, type Source, UnfitCharacters } from './credential-sources.ts';
import { type ErrorParts, errorParts } from './error-parts.ts';
import { ENDPOINT_SETTINGS, misconfigured } from './settings.ts';

/** Codes of STS, IAM Identity Center and AWS Sign-In by their meaning where credentials are asked for. */
const CODES: Readonly<Record<string, Fault>> = {
  AccessDenied: 'denied',
  AccessDeniedException: 'denied',
  ForbiddenException: 'denied',
  ResourceNotFoundException: 'denied',
  InvalidIdentityToken: 'denied',
  IDPRejectedClaim: 'denied',
  UnauthorizedException: 'expired',
  IDPCommunicationError: 'unavailable',
  RegionDisabledException: 'region_disabled',
  PackedPolicyTooLarge: 'too_large',
  TooManyRequestsError: 'throttled',
};

/** What the mapping of EC2's codes makes of the rest. */
const BY_CODE: Partial<Record<ErrorCode, Fault>> = {
  not_authorized: 'key_rejected',
  credentials_expired: 'expired',
  throttled: 'throttled',
  clock_skew: 'clock',
};

/** Faults that only the words of the SDK's providers tell, the first that fits. */
const WORDS: readonly [RegExp, Fault][] = [
  [/Failed to load token/, 'expired'],
  [/Required parameters|could not be found|missing required property/, 'absent'],
  [/URL not accepted|Invalid URL|Unsupported endpoint mode|ERR_INVALID_CHAR/, 'absent'],
  // The SDK calls some connections that broke a TimeoutError.
  [/ECONN|ENOTFOUND|EAI_AGAIN|EHOST|ENET|EPIPE|hang up|nable to connect|CONNECT/, 'unreachable'],
  [/TimeoutError|timed out|ETIMEDOUT/, 'hangs'],
  [/status: 429/, 'throttled'],
  [/status: 5\d\d/, 'unavailable'],
  [/status: 4\d\d|insufficient permissions/, 'denied'],
  [/JSON|SyntaxError|Version 1|returned invalid|nvalid response|not of the required format/, 'garbled'],
  [/invalid temporary credential|without credentials/, 'garbled'],
  [/expired|aws (sso )?login|[Rr]eauthenticate/, 'expired'],
];

/** The longest message of a source that is passed on, in characters. */
const MESSAGE_LIMIT = 400;

/** The failure of a source of credentials: which one, in whose words, and how to mend it. */
export function credentialFailure(
  { source, cause }: CredentialSourceError,
  context: RequestContext,
): Failure {
  if (cause instanceof Failure) return cause;
  const parts = withNamedCode(withStatus(cause, errorParts(cause)));
  if (parts.name === 'EndpointError') return misconfigured(parts.message, ENDPOINT_SETTINGS);
  const fault = cause instanceof UnfitCharacters ? 'malformed' : faultOf(source, parts, context);
  const words = fault === 'garbled' ? 'its answer could not be read' : wordsOf(source, parts);
  return new Failure({
    ...REPORTS[fault],
    message: source.problem ?? `${capitalized(source.name)} gave no credentials: ${words}`,
    retry_after_seconds: parts.retryAfter,
    hint: nextStep({ ...source, refusedAction: refusedAction(parts) }, fault),
    aws_code: parts.awsCode,
    request_id: parts.requestId,
  });
}

/** The action that STS names where it refuses one. */
function refusedAction({ message }: ErrorParts): string | undefined {
  return /not authorized to perform: (sts:\w+)/.exec(message)?.[1];
}

/** The failure of a call whose time ended while `source` was asked. */
export function hangingSource(source: Source, when: string): Failure {
  return new Failure({
    ...REPORTS.hangs,
    message: `${capitalized(source.name)} did not give credentials ${when}.`,
    hint: nextStep(source, 'hangs'),
  });
}

/** How credentials of a source are renewed after AWS has called them expired. */
export function renewal(source: Source): string {
  return nextStep(source, 'expired');
}

/** The SDK keeps the status of the instance metadata service beside its words. */
function withStatus(cause: unknown, parts: ErrorParts): ErrorParts {
  const { statusCode } = (cause ?? {}) as { statusCode?: unknown };
  return typeof statusCode === 'number'
    ? { ...parts, message: `${parts.message} (status: ${statusCode})` }
    : parts;
}

/** The SDK's provider for IAM Identity Center keeps of an answer only its text, which begins with the code. */
function withNamedCode(parts: ErrorParts): ErrorParts {
  const [, code, message] =
    /^(?:Failed to refresh token: )?(\w+(?:Exception|RequestsError)): (.*)$/s.exec(parts.message) ?? [];
  return parts.awsCode !== undefined || code === undefined || message === undefined
    ? parts
    : { ...parts, awsCode: code, message };
}

function faultOf(source: Source, parts: ErrorParts, context: RequestContext): Fault {
  const { awsCode, status, codes, name, message } = parts;
  if (source.problem !== undefined || source.kind === 'none') return 'absent';
  if (awsCode !== undefined) {
    const known = CODES[awsCode] ?? BY_CODE[mappingFor(awsCode, parts, context).code];
    const isTrouble = (status !== undefined && status >= 500) || /^(Internal|Service)/.test(awsCode);
    return known ?? (isTrouble ? 'unavailable' : 'malformed');
  }
  if (status !== undefined || codes.some((code) => code.startsWith('HPE_'))) return 'garbled';
  if (source.kind === 'credential_process') return faultOfProcess(message);
  if (codes.some((code) => FILE_CODES.has(code))) return 'absent';
  if (codes.some((code) => !code.startsWith('ERR_INVALID_'))) {
    return codes.includes('ETIMEDOUT') ? 'hangs' : 'unreachable';
  }
  const text = `${name} ${message}`;
  if (source.kind === 'instance' && text.includes('status: 404')) return 'absent';
  return WORDS.find(([words]) => words.test(text))?.[1] ?? 'absent';
}

/** What a process writes to stderr decides nothing. */
function faultOfProcess(message: string): Fault {
  if (/credential_process returned expired credentials\.$/.test(message)) return 'expired';
  return /credential_process (did not return|returned invalid)/.test(message) ? 'malformed' : 'absent';
}

/** Node's codes for a file that cannot be read. */
const FILE_CODES: ReadonlySet<string> = new Set(['ENOENT', 'EACCES', 'EPERM', 'EISDIR', 'ENOTDIR']);

/** The words of the source: bounded, on one line, without what could be a secret. */
function wordsOf(source: Source, { message, codes }: ErrorParts): string {
  const [, output] = /^Command failed: [^\n]*((?:\n.*)?)$/s.exec(message) ?? [];
  const text =
    source.kind === 'credential_process' && output !== undefined ? `it failed. ${output}` : message;
  const secretLength = source.kind === 'credential_process' ? 20 : 100;
  const visible = visibleLine(text).replace(/[A-Za-z0-9+/=_-]{20,}/g, (run) =>
    run.length < secretLength ? run : '…',
  );
  return boundedText(visible || codes.join(', ') || 'no reason was given', MESSAGE_LIMIT);
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
