/** AWS JSON 1.0, the protocol in which the AWS SDK for JavaScript calls CloudWatch. */
import type { Answer } from './envelope.ts';
import { Ec2Error } from './errors.ts';

export const JSON_MEDIA_TYPE = 'application/x-amz-json-1.0';

const TARGET = /^GraniteServiceVersion20100801\.(?<action>\w+)$/;

/** Decoded body of a request. */
export type JsonBody = Readonly<Record<string, unknown>>;

/** @throws Ec2Error `UnknownOperationException` unless the `X-Amz-Target` is an action of CloudWatch */
export function actionOfTarget(target: string | string[] | undefined): string {
  const action = TARGET.exec(String(target ?? ''))?.groups?.action;
  if (action === undefined) throw unknownOperation();
  return action;
}

export const unknownOperation = () =>
  new Ec2Error('UnknownOperationException', 'The requested operation is not recognized by the service.');

/** @throws Ec2Error `SerializationException` unless the body is a JSON object */
export function decodeJson(body: Uint8Array): JsonBody {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonBody;
  } catch {
    // Answered as any other body that is no object.
  }
  throw new Ec2Error('SerializationException', 'The request body is not a JSON object.');
}

export function jsonSuccess(requestId: string, members: object): Answer {
  return answer(200, requestId, members);
}

/** The older code of an error goes into a header as well: CloudWatch's service model is `awsQueryCompatible`. */
export function jsonFailure(error: Ec2Error, requestId: string): Answer {
  const { status, code, message } = error;
  const { type, query } = ERROR_TYPES.get(code) ?? { type: code, query: undefined };
  const { headers, ...rest } = answer(status, requestId, {
    __type: `com.amazonaws.cloudwatch#${type}`,
    message,
  });
  return { ...rest, headers: { ...headers, ...(query && { 'x-amzn-query-error': `${query};Sender` }) } };
}

/** Error shapes of CloudWatch's service model, by the code that they had in the Query protocol. */
const ERROR_TYPES: ReadonlyMap<string, { type: string; query: string }> = new Map(
  [
    ['ValidationError', 'ValidationException'],
    ['InvalidNextToken', 'InvalidNextToken'],
    ['Throttling', 'ThrottlingException'],
  ].map(([query = '', type = '']) => [query, { type, query }]),
);

function answer(status: number, requestId: string, members: object): Answer {
  return {
    status,
    headers: { 'x-amzn-requestid': requestId, 'content-type': JSON_MEDIA_TYPE },
    body: JSON.stringify(members),
  };
}
