import XMLBuilder from 'fast-xml-builder';
import type { Ec2Error } from './errors.ts';

/** A response before it is sent. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** The content of an XML element; members that are `undefined` are left out. */
export interface Element {
  [name: string]: string | number | boolean | Element | Element[] | undefined;
}

const builder = new XMLBuilder({
  ignoreAttributes: false,
  tagValueProcessor: (_name, value) => (typeof value === 'string' ? legible(value) : value),
});

/** EC2's envelope of a success: the result's members beside `requestId`. */
export function success(action: string, requestId: string, members: Element): Answer {
  return answer(200, requestId, {
    [`${action}Response`]: {
      '@_xmlns': 'http://ec2.amazonaws.com/doc/2016-11-15/',
      requestId,
      ...members,
    },
  });
}

/** The envelope of a success of STS, which nests the result; SDKs ask it who they are. */
export function stsSuccess(action: string, requestId: string, members: Element): Answer {
  return answer(200, requestId, {
    [`${action}Response`]: {
      '@_xmlns': 'https://sts.amazonaws.com/doc/2011-06-15/',
      [`${action}Result`]: members,
      ResponseMetadata: { RequestId: requestId },
    },
  });
}

/** EC2's envelope of an error. */
export function failure(error: Ec2Error, requestId: string): Answer {
  return answer(error.status, requestId, {
    Response: {
      Errors: { Error: { Code: error.code, Message: error.message } },
      RequestID: requestId,
    },
  });
}

/** The headers are those of real responses (aws-sdk-go-v2 #2254); `Date` is added as it is sent. */
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

/** The text without what XML 1.0 cannot carry: most control characters and lone surrogates. */
function legible(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return value.toWellFormed().replaceAll(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd');
}
