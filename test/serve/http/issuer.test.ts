import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { DESCRIBE, UNASSIGN } from '../../../src/vocabulary/names.ts';
import { AUDIENCE, FakeIssuer, openGuarded } from '../../support/fake-issuer.ts';
import { connectModern, deferred, legacyCall, legacyRequest, send } from '../../support/http.ts';
import { EGRESS } from '../../support/session.ts';

const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };
const list = legacyRequest('tools/list');

describe('a server behind an authorization server', () => {
  it('serves a caller with its token, and audits issuer and subject', async () => {
    const issuer = await FakeIssuer.open();
    const { url, audit } = await openGuarded(issuer);
    const token = await issuer.token();
    const client = await connectModern(url, { token });
    expect((await client.call(UNASSIGN, change)).structuredContent.outcome).toBe('unassigning');
    expect(audit.records.at(-1)).toMatchObject({ principal: `${issuer.url}#ada` });
    expect(JSON.stringify(audit.records)).not.toContain(token);
  });

  it('sends the issuer no request before a token comes, and then one for metadata and one for keys', async () => {
    const issuer = await FakeIssuer.open();
    const { ask } = await openGuarded(issuer);
    expect((await ask('no.token.this')).status).toBe(401);
    expect(issuer.requests).toEqual([]);
    const token = await issuer.token();
    for (const { status } of await Promise.all([ask(token), ask(token), ask(token)]))
      expect(status).toBe(200);
    expect((await ask(token)).status).toBe(200);
    expect(issuer.requests).toEqual(['/.well-known/oauth-authorization-server', '/keys']);
  });

  it('leads a caller without a token through the metadata to the issuer', async () => {
    const issuer = await FakeIssuer.open();
    const { url } = await openGuarded(issuer);
    const { status, headers } = await send(url, { body: list });
    expect(status).toBe(401);
    const challenge = headers['www-authenticate'] ?? '';
    expect(challenge).not.toContain('error=');
    expect(challenge).toContain(
      'resource_metadata="https://nat.example.com/.well-known/oauth-protected-resource/mcp"',
    );
    const { pathname } = new URL(/resource_metadata="([^"]+)"/.exec(challenge)?.[1] ?? '');
    const metadata = await send(new URL(pathname, url).href, { method: 'GET' });
    expect(metadata.status).toBe(200);
    expect(metadata.json).toMatchObject({
      resource: AUDIENCE,
      authorization_servers: [issuer.url],
      scopes_supported: ['nat:read', 'nat:write'],
    });
  });

  it('is described under the host that was called if the audience is not a URL', async () => {
    const issuer = await FakeIssuer.open();
    const { url } = await openGuarded(issuer, { audience: 'api://nat' });
    const { headers } = await send(url, { body: list });
    const metadataUrl = /resource_metadata="([^"]+)"/.exec(headers['www-authenticate'] ?? '')?.[1] ?? '';
    expect((await send(metadataUrl, { method: 'GET' })).json.resource).toBe(url);
  });

  it.each([
    ['expired', { exp: 1 }],
    ['not valid yet', { nbf: 4_000_000_000 }],
    ['without an expiry', { exp: undefined }],
    ['for another audience', { aud: 'https://other.example.com/mcp' }],
    ['for part of the audience', { aud: 'https://nat.example.com' }],
    ['without an audience', { aud: undefined }],
    ['from another issuer', { iss: 'https://issuer.example.com' }],
    ['without an issuer', { iss: undefined }],
    ['without a subject', { sub: undefined }],
  ])('refuses a token that is %s', async (_, claims) => {
    const issuer = await FakeIssuer.open();
    const { ask } = await openGuarded(issuer);
    const token = await issuer.token(claims as JWTPayload);
    const { status, headers, text } = await ask(token);
    expect(status).toBe(401);
    expect(headers['www-authenticate']).toMatch(/error="invalid_token".*resource_metadata=/);
    expect(text).not.toContain(token);
    expect((await ask(await issuer.token())).status).toBe(200);
  });

  it('accepts a token for several audiences, with its scopes in scp', async () => {
    const issuer = await FakeIssuer.open();
    const { ask } = await openGuarded(issuer);
    for (const scp of ['nat:read', ['nat:read']]) {
      const token = await issuer.token({ aud: ['x', AUDIENCE], scope: undefined, scp });
      expect((await ask(token)).status).toBe(200);
      expect((await ask(token, legacyCall(UNASSIGN, change))).status).toBe(403);
    }
  });

  it('refuses a token without a signature', async () => {
    const issuer = await FakeIssuer.open();
    const { ask } = await openGuarded(issuer);
    const unsigned = new UnsecuredJWT(issuer.claims()).encode();
    expect((await ask(unsigned)).status).toBe(401);
    const [header = '', payload = ''] = (await issuer.token()).split('.');
    expect((await ask(`${header}.${payload}.`)).status).toBe(401);
  });

  it('refuses a token signed with the public key as a shared secret', async () => {
    const issuer = await FakeIssuer.open();
    const { ask } = await openGuarded(issuer);
    for (const secret of [
      await exportSPKI(issuer.key.publicKey),
      JSON.stringify(await exportJWK(issuer.key.publicKey)),
    ]) {
      const token = await new SignJWT(issuer.claims())
        .setProtectedHeader({ alg: 'HS256', kid: 'first' })
        .sign(Buffer.from(secret));
      expect((await ask(token)).status).toBe(401);
    }
  });

  it('refuses a token signed with a foreign key, even if the token contains that key', async () => {
    const issuer = await FakeIssuer.open();
    const { ask } = await openGuarded(issuer);
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(publicKey);
    for (const kid of ['first', 'unknown']) {
      const token = await new SignJWT(issuer.claims())
        .setProtectedHeader({ alg: 'ES256', kid, jwk })
        .sign(privateKey);
      expect((await ask(token)).status).toBe(401);
    }
  });

  it('accepts the new keys of the issuer, and drops the old ones', async () => {
    const issuer = await FakeIssuer.open();
    const { ask } = await openGuarded(issuer);
    const old = await issuer.token();
    expect((await ask(old)).status).toBe(200);
    await issuer.rotate('second');
    expect((await ask(await issuer.token())).status).toBe(200);
    expect((await ask(old)).status).toBe(401);
  });

  it.each(['RS256', 'PS256', 'ES384', 'EdDSA'])('accepts %s', async (alg) => {
    const issuer = await FakeIssuer.open();
    await issuer.rotate('other', alg);
    const { ask } = await openGuarded(issuer);
    expect((await ask(await issuer.token({}, { alg }))).status).toBe(200);
  });

  it('answers 503, not 401, while the issuer is down, and serves once it is up', async () => {
    const issuer = await FakeIssuer.open();
    issuer.down = true;
    const { ask } = await openGuarded(issuer);
    const token = await issuer.token();
    const { status, headers, json } = await ask(token);
    expect(status).toBe(503);
    expect(headers['retry-after']).toBe('30');
    expect(headers['www-authenticate']).toBeUndefined();
    expect(json.error.data).toMatchObject({ retryable: true, retry_after_seconds: 30 });
    expect((await ask('garbage')).status).toBe(401);
    issuer.down = false;
    expect((await ask(token)).status).toBe(200);
  });

  it('serves with the last known keys while the issuer is down, and answers 503 for another key', async () => {
    const issuer = await FakeIssuer.open();
    const { ask } = await openGuarded(issuer);
    const known = await issuer.token();
    expect((await ask(known)).status).toBe(200);
    issuer.down = true;
    expect((await ask(known)).status).toBe(200);
    await issuer.rotate('second');
    expect((await ask(await issuer.token())).status).toBe(503);
  });

  it('serves others while it waits for an issuer that hangs', async () => {
    const issuer = await FakeIssuer.open();
    issuer.hanging = true;
    const asked = deferred();
    issuer.server.on('request', () => asked.resolve());
    const { url, ask } = await openGuarded(issuer);
    const waiting = ask(await issuer.token());
    await asked.promise;
    expect((await send(new URL('/readyz', url).href, { method: 'GET' })).status).toBe(200);
    issuer.server.closeAllConnections();
    issuer.hanging = false;
    issuer.down = true;
    expect((await waiting).status).toBe(503);
  });

  it.each([
    ['names another issuer', (url: string) => ({ issuer: 'https://evil.example', jwks_uri: `${url}/keys` })],
    [
      'has its keys served over plain HTTP',
      (url: string) => ({ issuer: url, jwks_uri: 'http://evil.example/keys' }),
    ],
    ['names no keys', (url: string) => ({ issuer: url })],
  ])('refuses metadata that %s', async (_, metadata) => {
    const issuer = await FakeIssuer.open();
    issuer.metadata = metadata(issuer.url);
    const { ask } = await openGuarded(issuer);
    expect((await ask(await issuer.token())).status).toBe(503);
    expect(issuer.requests).not.toContain('/keys');
  });

  it('finds the keys of an issuer that has OpenID Connect metadata only', async () => {
    const issuer = await FakeIssuer.open();
    issuer.metadataPath = '/.well-known/openid-configuration';
    const { ask } = await openGuarded(issuer);
    expect((await ask(await issuer.token())).status).toBe(200);
  });

  it.each([
    ['nat:write', DESCRIBE, 'nat:read'],
    ['nat:read', UNASSIGN, 'nat:write'],
    ['', DESCRIBE, 'nat:read'],
    ['nat:reader nat:*', DESCRIBE, 'nat:read'],
  ])('with the scopes "%s" refuses %s and names %s', async (scope, tool, missing) => {
    const issuer = await FakeIssuer.open();
    const { ask, calls } = await openGuarded(issuer);
    const { status, headers } = await ask(await issuer.token({ scope }), legacyCall(tool, change));
    expect(status).toBe(403);
    expect(headers['www-authenticate']).toMatch(
      new RegExp(
        `error="insufficient_scope".*The scope ${missing} is missing".*scope="(nat:read nat:write|${missing})".*resource_metadata=`,
      ),
    );
    expect(calls).toEqual([]);
  });
});
