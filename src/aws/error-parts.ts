import { withoutSecrets } from '../vocabulary/secrets.ts';

/** System calls that come before a connection: a failure in one of them means that nothing was sent. */
const BEFORE_CONNECTION: ReadonlySet<string> = new Set(['connect', 'getaddrinfo']);

/** Longer messages are cut before anything looks for secrets in them, in characters. */
const LONGEST_MESSAGE = 8000;

/** The longest `retry-after` that is believed, in seconds. */
const LONGEST_RETRY_AFTER = 3600;

/** The parts of a thrown value that decide what it means, read without trusting its shape. */
export interface ErrorParts {
  name: string;
  /** Without secrets. */
  message: string;
  /** EC2's code; absent unless the answer was EC2's error envelope. */
  awsCode: string | undefined;
  status: number | undefined;
  requestId: string | undefined;
  attempts: number | undefined;
  retryAfter: number | undefined;
  /** The `Date` header of the answer, milliseconds since the epoch. */
  date: number | undefined;
  /** Node's error codes, of the error and of the errors it wraps. */
  codes: string[];
  /** Whether all of these codes come from before there was a connection. */
  neverConnected: boolean;
}

/** The parts of whatever the SDK threw. */
export function errorParts(error: unknown): ErrorParts {
  const top = record(error);
  const metadata = record(top.$metadata);
  const headers = record(record(top.$response).headers);
  const name = text(top.name) ?? 'Error';
  const code = text(top.Code);
  // Errors that the SDK has a class for carry "Exception" in their name, and not always in their code.
  const isNamed = code === name || (code !== undefined && `${code}Exception` === name);
  const isAnswer = top.$fault !== undefined && name !== 'Unknown' && isNamed;
  const retryAfter = Number(text(headers['retry-after']));
  const date = Date.parse(text(headers.date) ?? '');
  const faults = nodeFaults(error);
  return {
    name,
    // The SDK's text for an answer without a message.
    message: withoutSecrets(
      text(top.message)
        ?.slice(0, LONGEST_MESSAGE)
        .replace(/^UnknownError$/, '') ?? '',
    ),
    awsCode: isAnswer ? code : undefined,
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

/** Node's codes and system calls: of the innermost errors, where one wraps others. */
function nodeFaults(error: unknown, depth = 0): { code: string; syscall: string | undefined }[] {
  const { code, syscall, cause, errors } = record(error);
  const wrapped = [...(Array.isArray(errors) ? errors : []), cause];
  const inner = depth < 4 ? wrapped.flatMap((each) => nodeFaults(each, depth + 1)) : [];
  if (inner.length > 0 || typeof code !== 'string') return inner;
  return [{ code, syscall: text(syscall) }];
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
