import { createHash, generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished, vi } from 'vitest';

/** One loopback server in place of every service that hands out credentials, of STS, and of EC2. */

export type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** The services by the first request that reaches them. */
export type Role = 'sts' | 'portal' | 'oidc' | 'signin' | 'container' | 'instance' | 'ec2';

export interface Seen {
  role: Role;
  action: string;
  accessKeyId: string | undefined;
  /** Of the signature. */
  region: string | undefined;
  headers: IncomingMessage['headers'];
}

const json = (status: number, body: unknown): Answer => {
  return (response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

/** An error of a service that speaks JSON. */
export const jsonError = (status: number, code: string, members: object = {}): Answer => {
  return (response) =>
    void response
      .writeHead(status, { 'content-type': 'application/json', 'x-amzn-errortype': code })
      .end(JSON.stringify({ message: `says AWS about ${code}`, ...members }));
};

export const jsonBody = (body: unknown): Answer => json(200, body);

/** An error of STS. */
export const stsError = (status: number, code: string): Answer => {
  return (response) =>
    void response
      .writeHead(status, { 'content-type': 'text/xml' })
      .end(
        `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>says STS about ${code}</Message></Error><RequestId>sts-1</RequestId></ErrorResponse>`,
      );
};

export const ec2Refusal = (status: number, code: string): Answer => {
  return (response) =>
    void response
      .writeHead(status, { 'content-type': 'text/xml' })
      .end(
        `<Response><Errors><Error><Code>${code}</Code><Message>says EC2</Message></Error></Errors><RequestID>ec2-1</RequestID></Response>`,
      );
};

export const text = (status: number, body: string): Answer => {
  return (response) => void response.writeHead(status, { 'content-type': 'text/plain' }).end(body);
};

export const reset: Answer = (response) => void response.socket?.resetAndDestroy();
export const silence: Answer = () => {};

export const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString();

/** Temporary credentials as container and instance endpoints hand them out. */
export const temporary = (accessKeyId: string) => ({
  Code: 'Success',
  AccessKeyId: accessKeyId,
  SecretAccessKey: 'secret',
  Token: 'token',
  Expiration: inAnHour(),
});

const stsResult = (action: string, result: string): Answer => {
  return (response) =>
    void response
      .writeHead(200, { 'content-type': 'text/xml' })
      .end(
        `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result>${result}</${action}Result></${action}Response>`,
      );
};

/** STS as it should be: roles give `ASIAROLE`, and every key belongs to the account of its name's length. */
export const sts: Answer = (response, request) => {
  const { action } = received(request);
  if (action === 'GetCallerIdentity') {
    const arn = '<Arn>arn:aws:sts::111122223333:assumed-role/ops/me</Arn><Account>111122223333</Account>';
    return stsResult(action, arn)(response, request);
  }
  const members = `<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken><Expiration>${inAnHour()}</Expiration>`;
  return stsResult(action, `<Credentials>${members}</Credentials>`)(response, request);
};

const emptyPage = text(
  200,
  '<DescribeNatGatewaysResponse><requestId>r</requestId><natGatewaySet/></DescribeNatGatewaysResponse>',
);

const instance: Answer = (response, request) => {
  if (request.method === 'PUT') return text(200, 'imds-token')(response, request);
  if (request.url?.endsWith('/placement/region')) return text(200, 'eu-central-1')(response, request);
  const isList = request.url?.endsWith('/security-credentials/') === true;
  return (isList ? text(200, 'role-of-instance') : jsonBody(temporary('ASIAINSTANCE')))(response, request);
};

const DEFAULTS: Readonly<Record<Role, Answer>> = {
  sts,
  portal: (response, request) =>
    jsonBody({
      roleCredentials: {
        accessKeyId: 'ASIASSO',
        secretAccessKey: 'secret',
        sessionToken: 'token',
        expiration: Date.now() + 3_600_000,
      },
    })(response, request),
  oidc: jsonError(400, 'InvalidGrantException'),
  signin: jsonError(400, 'ValidationException'),
  container: (response, request) => jsonBody(temporary('ASIACONTAINER'))(response, request),
  instance,
  ec2: emptyPage,
};

const bodies = new WeakMap<IncomingMessage, string>();

function received(request: IncomingMessage): Seen {
  const action = new URLSearchParams(bodies.get(request)).get('Action') ?? '';
  const { url = '', headers } = request;
  const scope = /Credential=([^/]+)\/[^/]+\/([^/]+)\//.exec(headers.authorization ?? '');
  return { role: roleOf(url, action), action, accessKeyId: scope?.[1], region: scope?.[2], headers };
}

function roleOf(url: string, action: string): Role {
  if (url.startsWith('/latest/')) return 'instance';
  if (url.startsWith('/federation/')) return 'portal';
  if (url.startsWith('/container')) return 'container';
  if (url === '/token') return 'oidc';
  if (url === '/v1/token') return 'signin';
  return /^(AssumeRole|GetCallerIdentity)/.test(action) ? 'sts' : 'ec2';
}

/** Starts the server, and records every request. `answers` may be changed while it runs. */
export async function startEndpoints(answers: Partial<Record<Role, Answer>> = {}) {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    bodies.set(request, body);
    const entry = received(request);
    seen.push(entry);
    (answers[entry.role] ?? DEFAULTS[entry.role])(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const signed = (role: Role) => seen.filter((each) => each.role === role).map((each) => each.accessKeyId);
  return { url, seen, answers, signed };
}

/** Makes the environment name `url` for every service. */
export function useEndpoints(url: string): void {
  vi.stubEnv('AWS_ENDPOINT_URL', url);
  vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', url);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', undefined);
}

const digest = (algorithm: string, text: string): string => createHash(algorithm).update(text).digest('hex');

/** The token of IAM Identity Center, as `aws sso login` leaves it, and its place below the home directory. */
export function ssoToken(session: string, expiresAt: string): [string, string] {
  const token = { accessToken: 'portal-token', expiresAt };
  return [`.aws/sso/cache/${digest('sha1', session)}.json`, JSON.stringify(token)];
}

/** The token of a console session, as `aws login` leaves it. */
export function loginToken(session: string, expiresAt: string): [string, string] {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const accessToken = {
    accessKeyId: 'ASIALOGIN',
    secretAccessKey: 'secret',
    sessionToken: 'token',
    accountId: '111122223333',
    expiresAt,
  };
  const token = {
    accessToken,
    clientId: 'client',
    refreshToken: 'refresh',
    dpopKey: privateKey.export({ type: 'sec1', format: 'pem' }),
  };
  return [`.aws/login/cache/${digest('sha256', session)}.json`, JSON.stringify(token)];
}
