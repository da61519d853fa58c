import type { ServerResponse } from 'node:http';

/** Replies of a stub in place of EC2: EC2's own, and everything else that can come back. */

export const GATEWAY = 'nat-0123456789abcdef0';

/** A request as the stub received it. */
export interface Received {
  action: string;
  dryRun: boolean;
  form: URLSearchParams;
  accessKeyId: string;
  userAgent: string | undefined;
  /** The time of the signature, milliseconds since the epoch. */
  signedAt: number;
  /** Number of requests received before this one. */
  index: number;
}

export type Reply = (response: ServerResponse, request: Received) => void;

export const XML = { 'content-type': 'text/xml;charset=UTF-8', 'x-amzn-requestid': 'request-1' };

export function answer(status: number, body: string, headers: Record<string, string> = {}): Reply {
  return (response) => void response.writeHead(status, { ...XML, ...headers }).end(body);
}

/** An error in EC2's envelope. */
export function ec2Error(
  status: number,
  code: string,
  message = `says EC2 about ${code}`,
  headers: Record<string, string> = {},
): Reply {
  const error = `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  const body = `<?xml version="1.0" encoding="UTF-8"?>
<Response><Errors>${error}</Errors><RequestID>request-1</RequestID></Response>`;
  return answer(status, body, headers);
}

/** An answer to DescribeNatGateways: no gateways. */
export const emptyPage = answer(
  200,
  '<DescribeNatGatewaysResponse><requestId>request-1</requestId><natGatewaySet/></DescribeNatGatewaysResponse>',
);

export const html = (status: number): Reply =>
  answer(status, '<html><body>Bad<br>Gateway</body></html>', { 'content-type': 'text/html' });

export const reset: Reply = (response) => void response.socket?.resetAndDestroy();

export const closeWithoutAnswer: Reply = (response) => void response.socket?.end();

export const neverAnswer: Reply = () => {};

/** Announces a long body, sends its beginning and resets the connection. */
export const resetWithinBody: Reply = (response) => {
  response.writeHead(200, { ...XML, 'content-length': '1000' });
  response.write('<DescribeNatGatewaysResponse>', () => response.socket?.resetAndDestroy());
};

export const dryRunPassed = ec2Error(
  412,
  'DryRunOperation',
  'Request would have succeeded, but DryRun flag is set.',
);

/** The answer to a real call, with addresses as `IP status`. */
export function unassigned(gateway: string, ...addresses: string[]): Reply {
  const items = addresses.map((address) => {
    const [privateIp, status] = address.split(' ');
    return `<item><privateIp>${privateIp}</privateIp><status>${status}</status></item>`;
  });
  return answer(
    200,
    `<UnassignPrivateNatGatewayAddressResponse><requestId>request-1</requestId><natGatewayId>${gateway}</natGatewayId><natGatewayAddressSet>${items.join('')}</natGatewayAddressSet></UnassignPrivateNatGatewayAddressResponse>`,
  );
}

export const accepted = unassigned(GATEWAY, '10.0.0.5 unassigning', '10.0.0.6 unassigning');

/** Passes dry runs and gives `reply` to real calls. */
export function afterDryRun(reply: Reply): Reply {
  return (response, request) => (request.dryRun ? dryRunPassed : reply)(response, request);
}
