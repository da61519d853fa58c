import XMLBuilder from 'fast-xml-builder';

/** The answers of the EC2 Query protocol (and of STS for the one action of it that is served). */

/** An HTTP answer before it is sent. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Data of an answer: elements by name; a list is written as `item` elements, `undefined` not at all. */
export interface Data {
  [element: string]: string | boolean | number | Data | Data[] | undefined;
}

const builder = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  suppressEmptyNode: true,
});

const EC2_NAMESPACE = 'http://ec2.amazonaws.com/doc/2016-11-15/';
const STS_NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';

/** The success of an EC2 action: `requestId` stands beside the data, there is no result element. */
export function success(action: string, requestId: string, data: Data): Answer {
  return answer(200, requestId, {
    [`${action}Response`]: { '@xmlns': EC2_NAMESPACE, requestId, ...elements(data) },
  });
}

/** The success of an STS action, which nests its data. */
export function stsSuccess(action: string, requestId: string, data: Data): Answer {
  return answer(200, requestId, {
    [`${action}Response`]: {
      '@xmlns': STS_NAMESPACE,
      [`${action}Result`]: elements(data),
      ResponseMetadata: { RequestId: requestId },
    },
  });
}

/** EC2's error envelope; here it is `RequestID`. */
export function failure(status: number, requestId: string, code: string, message: string): Answer {
  return answer(status, requestId, {
    Response: { Errors: { Error: { Code: code, Message: xmlText(message) } }, RequestID: requestId },
  });
}

function answer(status: number, requestId: string, content: object): Answer {
  return {
    status,
    headers: {
      'content-type': 'text/xml;charset=UTF-8',
      'x-amzn-requestid': requestId,
      server: 'AmazonEC2',
      'cache-control': 'no-cache, no-store',
    },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n${builder.build(content)}`,
  };
}

function elements(data: Data): Record<string, unknown> {
  const built: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(data)) {
    if (value === undefined) continue;
    if (Array.isArray(value)) built[name] = value.length === 0 ? '' : { item: value.map(elements) };
    else if (typeof value === 'object') built[name] = elements(value);
    else built[name] = xmlText(String(value));
  }
  return built;
}

/** XML 1.0 has no way to write most control characters and lone surrogates. */
function xmlText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that XML forbids
  return text.toWellFormed().replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd');
}
