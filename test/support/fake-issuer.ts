import { getEventListeners } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { pino } from 'pino';
import { onTestFinished, vi } from 'vitest';
import { BearerAuthentication } from '../../src/serve/http/bearer.ts';
import { Issuer, type IssuerOptions } from '../../src/serve/http/issuer.ts';
import { ProtectedResource } from '../../src/serve/http/protected-resource.ts';
import { legacyRequest, openFront, send } from './http.ts';

export const AUDIENCE = 'https://nat.example.com/mcp';

/** Of any type, because a malformed claim has to be refused. */
export type Claims = Record<string, unknown>;

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

/** An authorization server that can rotate its keys, hang, and be down. */
export class FakeIssuer {
  readonly server: Server;
  readonly requests: string[] = [];
  metadataPath = '/.well-known/oauth-authorization-server';
  /** Part of its own URL. */
  path = '';
  down = false;
  hanging = false;
  /** Served in place of its own metadata. */
  metadata: object | undefined;
  /** Answers a path in place of its own answer. */
  readonly answers = new Map<string, (response: ServerResponse) => void>();
  #keys: { kid: string; pair: KeyPair }[] = [];

  constructor() {
    this.server = createServer(async (request, response) => {
      this.requests.push(request.url ?? '');
      const answer = this.answers.get(request.url ?? '');
      if (this.hanging) return;
      if (this.down) response.writeHead(500).end();
      else if (answer !== undefined) answer(response);
      else if (request.url === this.metadataPath) {
        response.end(JSON.stringify(this.metadata ?? this.ownMetadata()));
      } else if (request.url === '/keys') response.end(JSON.stringify(await this.keySet()));
      else response.writeHead(404).end();
    });
  }

  static async open(): Promise<FakeIssuer> {
    const issuer = new FakeIssuer();
    await new Promise<void>((resolve) => issuer.server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      issuer.server.closeAllConnections();
      issuer.server.close();
    });
    await issuer.rotate('first');
    return issuer;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return this.origin + this.path;
  }

  get key(): KeyPair {
    const [first] = this.#keys;
    if (first === undefined) throw new Error('no key');
    return first.pair;
  }

  ownMetadata(): { issuer: string; jwks_uri: string } {
    return { issuer: this.url, jwks_uri: `${this.origin}/keys` };
  }

  async keySet(): Promise<{ keys: object[] }> {
    const keys = this.#keys.map(async ({ kid, pair }) => ({ ...(await exportJWK(pair.publicKey)), kid }));
    return { keys: await Promise.all(keys) };
  }

  async rotate(kid: string, algorithm = 'ES256'): Promise<void> {
    this.#keys = [{ kid, pair: await generateKeyPair(algorithm, { extractable: true }) }];
  }

  /** A token with its own claims and `claims`; what is undefined is left out. */
  token(claims: Claims = {}, header: { alg?: string; kid?: string; typ?: string } = {}): Promise<string> {
    const kid = this.#keys[0]?.kid ?? '';
    return new SignJWT({ ...this.claims(), ...claims } as JWTPayload)
      .setProtectedHeader({ alg: 'ES256', kid, ...header })
      .sign(this.key.privateKey);
  }

  claims(): JWTPayload {
    const now = Math.floor(Date.now() / 1000);
    return { iss: this.url, aud: AUDIENCE, sub: 'ada', exp: now + 600, scope: 'openid nat:read nat:write' };
  }
}

/** The verifier of an issuer's tokens, and its log. Without a pause after failures, unless `options` has one. */
export function verifierOf(issuer: { url: string }, options: Partial<IssuerOptions> = {}) {
  const log = { text: '' };
  const write = (line: string): void => {
    log.text += line;
  };
  const verifier = new Issuer({
    issuer: issuer.url,
    audience: AUDIENCE,
    clientIds: [],
    scopePrefix: '',
    logger: pino({ level: 'trace' }, { write }),
    now: Date.now,
    monotonic: Date.now,
    keysCooldown: 0,
    ...options,
  });
  return { verifier, log };
}

/** A server that accepts the issuer's tokens. `ask` sends a request with one. */
export async function openGuarded(issuer: FakeIssuer, options: Partial<IssuerOptions> = {}) {
  const { verifier, log } = verifierOf(issuer, options);
  const { audience = AUDIENCE, scopePrefix } = options;
  const authentication = new BearerAuthentication(
    verifier,
    new ProtectedResource(issuer.url, audience, scopePrefix),
  );
  const session = await openFront({ confirmMode: 'never' }, { authentication });
  const ask = (token: string, body: object = legacyRequest('tools/list')) =>
    send(session.url, { body, headers: { authorization: `Bearer ${token}` } });
  return { ...session, ask, log };
}

/** Takes the place of the time limits of requests: none is over before `expire` is called. */
export function holdTimeLimits() {
  const milliseconds: number[] = [];
  const controllers: AbortController[] = [];
  const spy = vi.spyOn(AbortSignal, 'timeout').mockImplementation((limit) => {
    const controller = new AbortController();
    milliseconds.push(limit);
    controllers.push(controller);
    return controller.signal;
  });
  onTestFinished(() => spy.mockRestore());
  const expire = (): void => {
    for (const controller of controllers) controller.abort(new DOMException('over', 'TimeoutError'));
  };
  const listeners = (): number =>
    controllers.reduce((sum, { signal }) => sum + getEventListeners(signal, 'abort').length, 0);
  return { milliseconds, expire, listeners };
}
