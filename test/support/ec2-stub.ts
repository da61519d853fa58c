import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { connectEc2, type Ec2 } from '../../src/aws/ec2.ts';
import type { Permit } from '../../src/aws/permit.ts';
import type { Ec2Target } from '../../src/aws/settings.ts';
import type { UnassignRequest } from '../../src/aws/unassign.ts';
import { type ErrorReport, Failure } from '../../src/vocabulary/failure.ts';
import { TIMEOUTS, type Timeouts } from '../../src/vocabulary/timeouts.ts';
import { GATEWAY, type Received, type Reply, XML } from './ec2-replies.ts';

/** `connectEc2`, through the real SDK, against a stub that replies as the test says. */

export const REGION = 'us-east-1';

export const REQUEST: UnassignRequest = {
  region: REGION,
  natGatewayId: GATEWAY,
  privateIps: ['10.0.0.5', '10.0.0.6'],
  maxDrainDurationSeconds: 60,
};

/** Registers a clean-up: `onTestFinished` of the test, because concurrent tests have no global one. */
type Finish = (cleanUp: () => void | Promise<void>) => void;

/** The account that STS names for an access key; STS never answers if there is none. */
export type AccountOf = (accessKeyId: string) => string | undefined;

/** Records requests to EC2 and gives each `reply`; answers STS from `accountOf`. */
async function startStub(reply: Reply, accountOf: AccountOf) {
  const requests: Received[] = [];
  const server = createServer(async (incoming, response) => {
    const request = { ...(await receive(incoming)), index: requests.length };
    if (request.action === 'GetCallerIdentity') return sendAccount(response, accountOf(request.accessKeyId));
    requests.push(request);
    reply(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, close };
}

async function receive(incoming: IncomingMessage): Promise<Omit<Received, 'index'>> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
  const { authorization = '', 'user-agent': userAgent, 'x-amz-date': date } = incoming.headers;
  return {
    action: form.get('Action') ?? '',
    dryRun: form.get('DryRun') === 'true',
    form,
    accessKeyId: /Credential=([^/]+)\//.exec(authorization)?.[1] ?? '',
    userAgent,
    signedAt: Date.parse(String(date).replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5')),
  };
}

function sendAccount(response: ServerResponse, account: string | undefined): void {
  if (account === undefined) return;
  const result = `<GetCallerIdentityResult><Account>${account}</Account></GetCallerIdentityResult>`;
  response
    .writeHead(200, { ...XML, connection: 'close' })
    .end(
      `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${result}</GetCallerIdentityResponse>`,
    );
}

/** Connects with static credentials in `REGION` unless `target` says otherwise; keeps the log at level trace. */
export function connect(finish: Finish, target: Ec2Target, timeouts: Partial<Timeouts> = {}) {
  const log = { text: '' };
  const write = (line: string): void => {
    log.text += line;
  };
  const ec2 = connectEc2(
    { region: REGION, credentials: { accessKeyId: 'AKIAFIRST', secretAccessKey: 'secret' }, ...target },
    '0.0.0',
    pino({ level: 'trace' }, { write }),
    { ...TIMEOUTS, ...timeouts },
  );
  finish(() => ec2.close());
  return { ec2, log };
}

interface StubOptions {
  target?: Ec2Target;
  timeouts?: Partial<Timeouts>;
  accountOf?: AccountOf;
}

export async function connectToStub(
  finish: Finish,
  reply: Reply,
  { target, timeouts, accountOf = () => '123456789012' }: StubOptions = {},
) {
  const stub = await startStub(reply, accountOf);
  finish(() => stub.close());
  return {
    ...connect(finish, { endpoint: stub.url, ...target }, timeouts),
    stub,
    requests: stub.requests,
  };
}

export const neverAborted = new AbortController().signal;

/** Whose attempt a dry run is. */
export const BY = { id: '5f0c4a52-9d0e-4b65-8f2c-1d6a7c3e9b10', principal: 'token:alice' };

/** Reads a page of all gateways in `region`. */
export function readAll(ec2: Ec2, region = REGION) {
  return ec2.readPage(region, { filters: [] }, neverAborted);
}

/** The report of the `Failure` that `promise` rejects with. */
export async function failureReport(promise: Promise<unknown>): Promise<ErrorReport> {
  const error = await promise.then(
    (value) => new Error(`resolved with ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Failure)) throw error;
  return error.report;
}

/** Passes a dry run, which is the only way to a permit. */
export async function permitFor(ec2: Ec2, request = REQUEST): Promise<Permit> {
  const dryRun = await ec2.unassign.dryRun(request, neverAborted, BY);
  if (!dryRun.passed) throw new Error(dryRun.error.message);
  return dryRun.permit;
}

/** Numbers of dry runs and of real calls among the requests. */
export function sent(requests: readonly Received[]): { dryRuns: number; realCalls: number } {
  const unassigns = requests.filter(({ action }) => action === 'UnassignPrivateNatGatewayAddress');
  const dryRuns = unassigns.filter(({ dryRun }) => dryRun).length;
  return { dryRuns, realCalls: unassigns.length - dryRuns };
}

/** Matches a sentence of at least four words, as every hint must be. */
export const SENTENCE = /^\S+( \S+){3,}$/;
