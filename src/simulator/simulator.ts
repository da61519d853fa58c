import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { ACCOUNT_ID, authenticate, authorize } from './authorization.ts';
import { type Clock, scaledClock } from './clock.ts';
import { type Answer, failure, stsSuccess, success } from './envelope.ts';
import { defaultInventory, type SimulatedNatGateway } from './inventory.ts';
import { Network } from './network.ts';
import { Parameters, QueryError } from './query.ts';
import { Throttle } from './throttle.ts';

export { ACCOUNT_ID, DENIED_ACCESS_KEY_ID, READER_ACCESS_KEY_ID } from './authorization.ts';
export { type Clock, scaledClock } from './clock.ts';
export type { Answer } from './envelope.ts';
export { defaultInventory, privateNatGateway, type SimulatedNatGateway } from './inventory.ts';

/** The endpoint's own record of one request. */
export interface SimulatorCall {
  action: string;
  parameters: Record<string, string>;
  dryRun: boolean;
  requestId: string;
  status: number;
  /** EC2's code, where the answer is an error. */
  code?: string | undefined;
  /** Whether the gateways are different now. */
  changed: boolean;
  /** Simulated time, milliseconds since the epoch. */
  at: number;
}

/** One request on its way through, as an interceptor sees it. */
export interface Exchange {
  action: string;
  parameters: Record<string, string>;
  dryRun: boolean;
  request: IncomingMessage;
  response: ServerResponse;
  /** Does what was asked, now and once, and returns the answer without sending it. */
  apply: () => Answer;
}

/** Stands between a request and its answer; `undefined` means that it has dealt with the socket itself. */
export type Intercept = (exchange: Exchange) => Promise<Answer | undefined>;

export interface SimulatorOptions {
  /** Default: any free one. The address is always 127.0.0.1. */
  port?: number;
  /** Default: `us-east-1`. */
  region?: string;
  /** Default: real time. */
  clock?: Clock;
  /** How much later than they happen describes see changes, in simulated seconds. Default: 0. */
  readLagSeconds?: number;
  /** Whether EC2's published request limits hold. Default: true. */
  throttling?: boolean;
  /** Default: one gateway of every kind that matters. */
  inventory?: SimulatedNatGateway[];
  /** Where tests put faults. */
  intercept?: Intercept;
  /** Told of every request once it was carried out or refused. */
  onCall?: (call: SimulatorCall) => void;
}

/** A running endpoint. */
export interface Simulator {
  readonly url: string;
  readonly region: string;
  /** Ends every connection and stops. */
  close(): Promise<void>;
}

const BODY_LIMIT = 1024 * 1024;

/**
 * Starts an EC2 endpoint on loopback that speaks the EC2 Query protocol to any AWS SDK or the aws CLI.
 *
 * @throws NodeJS.ErrnoException where the port is taken
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { port = 0, region = 'us-east-1', clock = scaledClock(1), readLagSeconds = 0 } = options;
  const network = new Network(options.inventory ?? defaultInventory(clock.now()), clock.now, readLagSeconds);
  const throttle = options.throttling === false ? undefined : new Throttle(Date.now);
  const intercept: Intercept = options.intercept ?? (async ({ apply }) => apply());

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = randomUUID();
    let parameters: Parameters;
    try {
      parameters = new Parameters(await bodyOf(request));
    } catch (error) {
      return send(response, refusal(error, requestId));
    }
    const { action } = parameters;
    const dryRun = /^true$/i.test(parameters.all().DryRun ?? '');
    let answer: Answer | undefined;
    const apply = (): Answer => {
      if (answer !== undefined) throw new Error('this request was carried out already');
      const { changed, code, ...carriedOut } = carryOut(request, parameters, requestId);
      answer = carriedOut.answer;
      const { status } = answer;
      const call = { action, parameters: parameters.all(), dryRun, requestId, status, code, changed };
      options.onCall?.({ ...call, at: clock.now() });
      return answer;
    };
    const exchange = { action, parameters: parameters.all(), dryRun, request, response, apply };
    const intercepted = await intercept(exchange);
    if (intercepted !== undefined) send(response, intercepted);
  }

  function carryOut(request: IncomingMessage, parameters: Parameters, requestId: string) {
    const { action } = parameters;
    try {
      if (action === '')
        throw new QueryError('MissingAction', 'The request must contain the parameter Action');
      const accessKeyId = authenticate(request.headers.authorization, region);
      const act = actions[action];
      if (act === undefined) {
        throw new QueryError('InvalidAction', `The action ${action} is not valid for this web service.`);
      }
      throttle?.take(action);
      authorize(accessKeyId, action);
      return { ...act(parameters, requestId, accessKeyId), code: undefined };
    } catch (error) {
      const code = error instanceof QueryError ? error.code : 'InternalError';
      return { answer: refusal(error, requestId), changed: false, code };
    }
  }

  const actions: Record<string, ((...args: [Parameters, string, string]) => Carried) | undefined> = {
    __proto__: null as never,
    DescribeNatGateways: (parameters, requestId) => {
      const { data, changed } = network.describeNatGateways(parameters);
      if (parameters.dryRun) {
        throw new QueryError('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
      }
      return { answer: success('DescribeNatGateways', requestId, data), changed };
    },
    UnassignPrivateNatGatewayAddress: (parameters, requestId) => {
      const { data, changed } = network.unassignPrivateNatGatewayAddress(parameters);
      return { answer: success('UnassignPrivateNatGatewayAddress', requestId, data), changed };
    },
    AssignPrivateNatGatewayAddress: (parameters, requestId) => {
      const { data, changed } = network.assignPrivateNatGatewayAddress(parameters);
      return { answer: success('AssignPrivateNatGatewayAddress', requestId, data), changed };
    },
    GetCallerIdentity: (_, requestId, accessKeyId) => ({
      answer: stsSuccess('GetCallerIdentity', requestId, {
        Arn: `arn:aws:iam::${ACCOUNT_ID}:user/${accessKeyId}`,
        UserId: accessKeyId,
        Account: ACCOUNT_ID,
      }),
      changed: false,
    }),
  };

  server.on('clientError', (_, socket) => {
    const { status, body } = failure(400, randomUUID(), 'InvalidRequest', 'The request is not valid HTTP');
    const head = `HTTP/1.1 ${status} Bad Request\r\ncontent-type: text/xml;charset=UTF-8\r\nconnection: close`;
    if (socket.writable) socket.end(`${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    else (socket as Socket).destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Carried {
  answer: Answer;
  changed: boolean;
}

/** The body of a form that is not too large. */
async function bodyOf(request: IncomingMessage): Promise<string> {
  if (request.method !== 'POST') {
    throw new QueryError('InvalidRequest', `The method ${request.method} is not supported; use POST`, 405);
  }
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type)) {
    throw new QueryError('InvalidRequest', 'The content type must be application/x-www-form-urlencoded', 415);
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size <= BODY_LIMIT) chunks.push(chunk as Buffer);
  }
  if (size > BODY_LIMIT) throw new QueryError('RequestEntityTooLarge', 'The request is too large', 413);
  return Buffer.concat(chunks).toString('utf8');
}

function refusal(error: unknown, requestId: string): Answer {
  if (error instanceof QueryError) return failure(error.status, requestId, error.code, error.message);
  return failure(500, requestId, 'InternalError', 'An internal error has occurred');
}

/** Node adds a `Date` of real time: a simulated one would set off the SDK's correction of clock skew. */
function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
