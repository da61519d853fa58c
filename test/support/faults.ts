import type { Answer, Exchange, Intercept } from '../../src/simulator/simulator.ts';

/** Changes or replaces an answer; `undefined` when it has dealt with the connection itself. */
export type Fault = (exchange: Exchange, answer: Answer) => Answer | undefined;

const xml = { 'content-type': 'text/xml;charset=UTF-8', 'x-amzn-requestid': 'fault' };
const html = { 'content-type': 'text/html' };

function error(status: number, ...codes: string[]): Fault {
  const errors = codes.map((code) => `<Error><Code>${code}</Code><Message>says the test</Message></Error>`);
  const body = `<Response><Errors>${errors.join('')}</Errors><RequestID>fault</RequestID></Response>`;
  return () => ({ status, headers: xml, body });
}

function plain(status: number, body: string, headers: Record<string, string> = html): Fault {
  return () => ({ status, headers, body });
}

/** Sends a part of the answer, then resets the connection or leaves it open. */
function partly(part: number, then: 'reset' | 'hang'): Fault {
  return ({ response }, { status, headers, body }) => {
    const bytes = Buffer.from(body);
    response.writeHead(status, { ...headers, 'content-length': bytes.length });
    response.write(bytes.subarray(0, Math.floor(bytes.length * part)), () => {
      if (then === 'reset') response.socket?.resetAndDestroy();
    });
    return undefined;
  };
}

/** Cuts the body and declares the shorter length, so that the connection ends in order. */
export function cutAt(bytes: number): Fault {
  return (_, { status, headers, body }) => ({
    status,
    headers,
    body: Buffer.from(body).subarray(0, bytes).toString('utf8'),
  });
}

/** Faults whose answer does not tell whether EC2 carried out the request. */
export const AMBIGUOUS: Readonly<Record<string, Fault>> = {
  'connection reset': ({ response }) => {
    response.socket?.resetAndDestroy();
    return undefined;
  },
  'connection closed without an answer': ({ response }) => {
    response.socket?.end();
    return undefined;
  },
  'reset within the body': partly(0.5, 'reset'),
  'hang within the body': partly(0.5, 'hang'),
  'no answer at all': () => undefined,
  '500 InternalError': error(500, 'InternalError'),
  '503 Unavailable': error(503, 'Unavailable'),
  '500 of an unknown code': error(500, 'SomethingNew'),
  '500 with two errors': error(500, 'InternalError', 'Unavailable'),
  '502 in HTML': plain(502, '<html><body>Bad Gateway</body></html>'),
  '503 in HTML': plain(503, '<html><body>Unavailable</body></html>'),
  '504 without a body': plain(504, ''),
  '200 without a body': plain(200, '', xml),
  '204': plain(204, '', xml),
  '200 in HTML': plain(200, '<html><body>Please log in</body></html>'),
  '200 that is not XML': plain(200, '{"ok":true}', xml),
  '200 cut in half': (exchange, answer) => cutAt(answer.body.length / 2)(exchange, answer),
  '200 of another shape': plain(200, '<Something><else/></Something>', xml),
  '403 without a body': plain(403, '', xml),
  '404 without a body': plain(404, '', xml),
  '302 to elsewhere': plain(302, '', { location: 'http://127.0.0.1:1/' }),
  'garbage said to be gzip': plain(200, 'not gzip', { ...xml, 'content-encoding': 'gzip' }),
};

/** Refusals that prove that EC2 did nothing: a parsed 4xx, or throttling. */
export const DEFINITE: Readonly<Record<string, { fault: Fault; code: string }>> = {
  '400 InvalidParameterValue': { fault: error(400, 'InvalidParameterValue'), code: 'invalid_argument' },
  '400 OperationInProgress': { fault: error(400, 'OperationInProgress'), code: 'precondition_failed' },
  '400 NatGatewayNotFound': { fault: error(400, 'NatGatewayNotFound'), code: 'gateway_not_found' },
  '400 RequestExpired': { fault: error(400, 'RequestExpired'), code: 'credentials_expired' },
  '400 of an unknown code': { fault: error(400, 'SomethingNew'), code: 'aws_error' },
  '401 AuthFailure': { fault: error(401, 'AuthFailure'), code: 'not_authorized' },
  '403 UnauthorizedOperation': { fault: error(403, 'UnauthorizedOperation'), code: 'not_authorized' },
  '503 RequestLimitExceeded': { fault: error(503, 'RequestLimitExceeded'), code: 'throttled' },
};

/** The requests of one attempt. */
export type Phase = 'describe' | 'dry run' | 'real call';

export function phaseOf({ action, dryRun }: Exchange): Phase | undefined {
  if (action === 'DescribeNatGateways') return 'describe';
  if (action !== 'UnassignPrivateNatGatewayAddress') return undefined;
  return dryRun ? 'dry run' : 'real call';
}

/** Applies `fault` to the first `times` requests of a phase, before or after EC2 carries them out. */
export function striking(phase: Phase, when: 'before' | 'after', fault: Fault, times = Infinity): Intercept {
  let left = times;
  return async (exchange) => {
    if (phaseOf(exchange) !== phase || left <= 0) return exchange.apply();
    left -= 1;
    const unsent: Answer = { status: 200, headers: xml, body: '<unsent/>' };
    return fault(exchange, when === 'after' ? exchange.apply() : unsent);
  };
}
