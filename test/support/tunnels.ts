import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  request as requestHttp,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, beforeEach, onTestFinished, vi } from 'vitest';

/** Ways to an endpoint that can fail before a request reaches it: TCP, TLS, and a proxy's CONNECT. */

/** What happens to a connection in place of being let through, which `letThrough` does later. */
export type Obstacle = (socket: Socket, letThrough: () => void) => void;

const status = (line: string): Obstacle => {
  return (socket) => void socket.end(`HTTP/1.1 ${line}\r\nContent-Length: 0\r\n\r\n`);
};

/** Ends of a connection that can come at any point of the way. */
export const BROKEN: Readonly<Record<string, Obstacle>> = {
  closed: (socket) => void socket.end(),
  reset: (socket) => void socket.resetAndDestroy(),
  'left hanging': () => {},
  'answered in another protocol': (socket) => void socket.end('220 mail.example.com ESMTP\r\n\r\n'),
};

/** Answers to CONNECT that open no tunnel. */
export const REFUSED: Readonly<Record<string, Obstacle>> = {
  'answered with 407': status('407 Proxy Authentication Required'),
  'answered with 502': status('502 Bad Gateway'),
  'answered with 503': status('503 Service Unavailable'),
  'answered with 204': status('204 No Content'),
};

/** Registers what runs when a test, or all tests of a group, are over. */
type OnFinished = (end: () => void) => void;

async function listening(server: Server, onFinished: OnFinished = onTestFinished): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    socket.on('error', () => {});
    sockets.add(socket.on('close', () => sockets.delete(socket)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function meet(obstacle: Obstacle | undefined, socket: Socket, letThrough: () => void): void {
  if (obstacle === undefined) letThrough();
  else obstacle(socket, letThrough);
}

function pipe(one: Socket, port: number): void {
  const other = connect(port, '127.0.0.1');
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('error', () => {});
    from.on('close', () => to.destroy());
    from.pipe(to);
  }
}

/** Serves TLS in front of the HTTP endpoint at `url`; returns its URL. `data` gets what clients send within TLS. */
export async function startTls(
  url: string,
  data: (chunk: Buffer) => void = () => {},
  onFinished?: OnFinished,
): Promise<string> {
  const port = Number(new URL(url).port);
  const server = createTlsServer(selfSigned(), (socket) => {
    socket.on('data', data);
    pipe(socket, port);
  });
  server.on('tlsClientError', () => {});
  return `https://127.0.0.1:${await listening(server, onFinished)}`;
}

/** Lets connections through to the endpoint at `url`, or puts an obstacle into their way; returns its URL. */
export async function startGate(url: string, obstacle: () => Obstacle | undefined): Promise<string> {
  const { port, protocol } = new URL(url);
  const server = createServer((socket) => {
    meet(obstacle(), socket, () => pipe(socket, Number(port)));
  });
  return `${protocol}//127.0.0.1:${await listening(server)}`;
}

/** An obstacle that comes before the answer of a proxy to a request for `target`; none lets the request through. */
type Ahead = (target: string) => Obstacle | undefined;

/**
 * A proxy that opens tunnels to any port of this machine, whatever the name of the host, and passes on requests to
 * `http:` URLs likewise. It records who asked for what.
 */
export async function startConnectProxy(ahead: Ahead = () => undefined, onFinished?: OnFinished) {
  return startProxy('http', createHttpServer(), ahead, onFinished);
}

/** The same, over TLS. */
export async function startTlsProxy() {
  return startProxy('https', createHttpsServer(selfSigned()), () => undefined);
}

async function startProxy(scheme: string, server: Server, ahead: Ahead, onFinished?: OnFinished) {
  const targets: string[] = [];
  const forwarded: string[] = [];
  const credentials: (string | undefined)[] = [];
  server.on('connect', ({ url = '', headers }: IncomingMessage, socket: Socket) => {
    socket.on('error', () => {});
    targets.push(url);
    credentials.push(headers['proxy-authorization']);
    meet(ahead(url), socket, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      pipe(socket, Number(url.slice(url.lastIndexOf(':') + 1)));
    });
  });
  server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
    const { method, url = '', headers, socket } = incoming;
    forwarded.push(`${method} ${url}`);
    credentials.push(headers['proxy-authorization']);
    meet(ahead(url), socket, () => forward(incoming, response));
  });
  const address = `127.0.0.1:${await listening(server, onFinished)}`;
  return { url: `${scheme}://${address}`, address, targets, forwarded, credentials };
}

function forward(incoming: IncomingMessage, response: ServerResponse): void {
  const { pathname, port } = new URL(incoming.url ?? '');
  const { method, headers } = incoming;
  const request = requestHttp({ host: '127.0.0.1', port, path: pathname, method, headers, agent: false });
  request.on('error', () => incoming.socket.destroy());
  request.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 0, answer.headers);
    answer.pipe(response);
  });
  incoming.pipe(request);
}

/** A port of this machine where nothing listens. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Clears the variables of proxies, of which the environment of a test run may have some, until a test is over. */
export function clearProxyVariables(): void {
  beforeEach(() => {
    for (const variable of ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY', 'REQUEST_METHOD']) {
      vi.stubEnv(variable, undefined);
      vi.stubEnv(variable.toLowerCase(), undefined);
    }
  });
  afterEach(() => vi.unstubAllEnvs());
}

/** A key with a certificate that no client trusts (X.509 version 1, as nothing else is needed). */
function selfSigned(): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(der(0x06, Buffer.from('2a8648ce3d040302', 'hex')));
  const name = sequence(
    der(0x31, sequence(der(0x06, Buffer.from('550403', 'hex')), der(0x0c, Buffer.from('test')))),
  );
  const times = ['20200101000000Z', '20991231235959Z'].map((time) => der(0x18, Buffer.from(time)));
  const content = sequence(
    der(0x02, Buffer.from([1])),
    algorithm,
    name,
    sequence(...times),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = der(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', content, privateKey)]));
  const base64 = sequence(content, algorithm, signature).toString('base64');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
  };
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

/** A value in the Distinguished Encoding Rules of ASN.1, of less than 64 KB. */
function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const long = length > 0xff ? [0x82, length >> 8, length & 0xff] : [0x81, length];
  return Buffer.concat([Buffer.from([tag, ...(length < 0x80 ? [length] : long)]), content]);
}
