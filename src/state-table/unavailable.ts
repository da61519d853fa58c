import { Failure, type FailureDetails } from '../vocabulary/failure.ts';

/** The causes that somebody has to mend, by the error of DynamoDB. */
const TO_MEND: Readonly<Record<string, string>> = {
  ResourceNotFoundException:
    'The table does not exist in this region and account. The operator of this server has to create it (nat-gateway-mcp state-table prints a template), or correct --state-table and --state-region.',
  AccessDeniedException:
    'The operator of this server has to grant it the actions on the table that nat-gateway-mcp iam-policy --state-table NAME prints.',
  ValidationException:
    'The table does not have the keys pk and sk, both strings. The operator of this server has to create one from the template that nat-gateway-mcp state-table prints.',
};

/** Errors of credentials, which may be others by now. */
const OF_CREDENTIALS = /^(ExpiredToken|UnrecognizedClient|InvalidSignature|InvalidClientTokenId|Credential)/;

const THROTTLED = /^(Throttling|ProvisionedThroughputExceeded|RequestLimitExceeded)/;

/** The failure of a request to the table, with its cause. Nobody knows whether a write was made. */
export function unavailable(table: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  const { name, code, $metadata } = error as {
    name?: string;
    code?: string;
    $metadata?: { httpStatusCode?: number; requestId?: string };
  };
  const hint = TO_MEND[name ?? ''];
  const details: FailureDetails = {
    code: 'state_unavailable',
    message: `The state table ${table} ${causeOf(name, code, $metadata?.httpStatusCode)}, so nothing was changed.`,
    retryable: hint === undefined,
    retry_after_seconds: THROTTLED.test(name ?? '') ? 5 : undefined,
    hint,
    aws_code: $metadata?.httpStatusCode === undefined ? undefined : name,
    request_id: $metadata?.requestId,
  };
  return new Failure(details);
}

/** Whether the client is to be made anew for the next request. */
export function concernsClient(error: unknown): boolean {
  return OF_CREDENTIALS.test((error as Error).name);
}

function causeOf(name = 'Error', code: string | undefined, status: number | undefined): string {
  // The SDK calls a connection that was closed a time-out.
  if (code !== 'ECONNRESET' && (name === 'TimeoutError' || name === 'AbortError'))
    return 'did not answer in time';
  if (THROTTLED.test(name)) return 'is throttled';
  if (name.startsWith('Credential')) return 'cannot be asked, because there are no AWS credentials';
  if (status !== undefined) return `answered ${name} (HTTP ${status})`;
  return `could not be reached (${code ?? name})`;
}

/** The failure of a write that other replicas were faster at, again and again. */
export function unresolved(table: string): Failure {
  return new Failure({
    code: 'state_unavailable',
    message: `Too many calls at once write to the state table ${table}, so nothing was changed.`,
    retryable: true,
    retry_after_seconds: 5,
  });
}
