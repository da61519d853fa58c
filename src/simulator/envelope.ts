import XMLBuilder from 'fast-xml-builder';
import type { Ec2Error } from './errors.ts';

/** A response before it is sent. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Content of an XML element; `undefined` members are left out. */
export interface Element {
  [name: string]: string | number | boolean | Element | Element[] | undefined;
}

const builder = new XMLBuilder({
  ignoreAttributes: false,
  tagValueProcessor: (_name, value) => (typeof value === 'string' ? legible(value) : value),
});

/** Builds EC2's success envelope: the result's members are siblings of `requestId`. */
export function success(action: string, requestId: string, members: Element): Answer {
  return answer(200, requestId, {
    [`${action}Response`]: {
      '@_xmlns': 'http://ec2.amazonaws.com/doc/2016-11-15/',
      requestId,
      ...members,
    },
  });
}

/** Builds the success envelope of STS, which nests the result. */
export function stsSuccess(action: string, requestId: string, members: Element): Answer {
  return answer(200, requestId, {
    [`${action}Response`]: {
      '@_xmlns': 'https://sts.amazonaws.com/doc/2011-06-15/',
      [`${action}Result`]: members,
      ResponseMetadata: { RequestId: requestId },
    },
  });
}

/** Builds EC2's error envelope. */
export function failure(error: Ec2Error, requestId: string): Answer {
  return answer(error.status, requestId, {
    Response: {
      Errors: { Error: { Code: error.code, Message: error.message } },
      RequestID: requestId,
    },
  });
}

/** Builds the error envelope of STS. */
export function stsFailure(error: Ec2Error, requestId: string): Answer {
  return answer(error.status, requestId, {
    ErrorResponse: {
      '@_xmlns': 'https://sts.amazonaws.com/doc/2011-06-15/',
      Error: { Type: 'Sender', Code: error.code, Message: error.message },
      RequestId: requestId,
    },
  });
}

/** Headers are those of real responses (aws-sdk-go-v2 #2254); Node adds `Date` when it sends. */
function answer(status: number, requestId: string, root: Element): Answer {
  return {
    status,
    headers: {
      'x-amzn-requestid': requestId,
      'cache-control': 'no-cache, no-store',
      'content-type': 'text/xml;charset=UTF-8',
      server: 'AmazonEC2',
    },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n${builder.build(root).replaceAll('\r', '&#xD;')}`,
  };
}

/** Replaces the characters that XML 1.0 cannot carry: most control characters and lone surrogates. */
function legible(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to replace
  return value.toWellFormed().replaceAll(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd');
}
