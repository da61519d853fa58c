import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BearerAuthentication } from '../../../src/serve/http/bearer.ts';
import { TokenFile } from '../../../src/serve/http/token-file.ts';
import { DESCRIBE, UNASSIGN, WAIT } from '../../../src/vocabulary/names.ts';
import {
  connectLegacy,
  connectModern,
  legacyCall,
  legacyRequest,
  modernRequest,
  openFront,
  send,
} from '../../support/http.ts';
import { EGRESS, ManualClock, realCalls, type SessionOptions } from '../../support/session.ts';

const READER = 'reader-token-of-thirty-two-characters';
const WRITER = 'writer-token-of-thirty-two-characters';
const BOTH = 'both-scopes-token-of-thirty-two-characters';
const OTHER = 'another-with-both-of-thirty-two-characters';

const TOKENS = [
  { name: 'reader', scopes: ['nat:read'], sha256: sha256(READER) },
  { name: 'writer', scopes: ['nat:write'], sha256: sha256(WRITER).toUpperCase() },
  { name: 'both', scopes: ['nat:read', 'nat:write'], token: BOTH },
  { name: 'other', scopes: ['nat:read', 'nat:write'], token: OTHER },
];

const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function fileOf(content: unknown, mode = 0o600): string {
  const directory = mkdtempSync(join(tmpdir(), 'tokens-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'tokens.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  chmodSync(file, mode);
  return file;
}

function openGuarded(options: SessionOptions = {}) {
  const authentication = new BearerAuthentication(new TokenFile(fileOf({ tokens: TOKENS })));
  return openFront({ confirmMode: 'never', ...options }, { authentication });
}

function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

describe('a server with a token file', () => {
  it.each([
    ['no token', {}],
    ['another scheme', { authorization: `Basic ${BOTH}` }],
    ['no scheme', { authorization: BOTH }],
    ['nothing but the scheme', { authorization: 'Bearer ' }],
    ['two tokens', { authorization: `Bearer ${BOTH}, Bearer ${BOTH}` }],
  ])('answers 401 to %s with a challenge that has no error code (RFC 6750)', async (_, headers) => {
    const { url, calls } = await openGuarded();
    const answer = await send(url, {
      headers: headers as Record<string, string>,
      body: legacyCall(DESCRIBE),
    });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer scope="nat:read nat:write"');
    expect(answer.json.error.data.hint).toContain('token');
    expect(calls).toEqual([]);
  });

  it.each([`${BOTH}x`, BOTH.slice(0, -1), BOTH.toUpperCase(), sha256(READER), 'xyz', '\u00fc'])(
    'refuses the wrong token %s without repeating it',
    async (token) => {
      const { url } = await openGuarded();
      const answer = await send(url, { headers: bearer(token), body: legacyRequest('tools/list') });
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
      expect(JSON.stringify(answer)).not.toContain(token);
    },
  );

  it('refuses a token of one character', async () => {
    const { url } = await openGuarded();
    const answer = await send(url, { headers: bearer('x'), body: legacyRequest('tools/list') });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
  });

  it('answers 401 to every method without a token', async () => {
    const { url } = await openGuarded();
    for (const method of ['GET', 'POST', 'DELETE']) expect((await send(url, { method })).status).toBe(401);
  });

  it.each([
    ['v1', connectLegacy],
    ['v2', connectModern],
  ])('serves the %s client with a valid token and audits the name of the token', async (_, connect) => {
    const { url, audit } = await openGuarded();
    const client = await connect(url, { token: BOTH });
    expect((await client.call(DESCRIBE, {})).structuredContent.nat_gateways).not.toHaveLength(0);
    expect((await client.call(UNASSIGN, change)).structuredContent.outcome).toBe('unassigning');
    expect(audit.records.map(({ principal }) => principal)).toEqual(['token:both', 'token:both']);
    expect(JSON.stringify(audit.records)).not.toContain(BOTH);
  });

  it.each([
    ['tools/list', {}],
    ['prompts/list', {}],
    ['prompts/get', { name: 'release-nat-addresses' }],
    ['resources/list', {}],
    ['resources/templates/list', {}],
    ['resources/read', { uri: `nat-gateway://us-east-1/${EGRESS}` }],
    ['completion/complete', {}],
    ['tools/call', { name: DESCRIBE, arguments: {} }],
    ['tools/call', { name: WAIT, arguments: { nat_gateway_id: EGRESS } }],
    ['tools/call', { name: 'another' }],
    ['tools/call', {}],
    ['something/else', {}],
  ])('needs nat:read for %s %j, even with nat:write', async (method, params) => {
    const { url, calls } = await openGuarded();
    for (const request of [{ body: legacyRequest(method, params) }, modernRequest(method, params)]) {
      const answer = await send(url, { ...request, headers: { ...request.headers, ...bearer(WRITER) } });
      expect(answer.status).toBe(403);
      expect(answer.headers['www-authenticate']).toContain('error="insufficient_scope"');
      expect(answer.headers['www-authenticate']).toContain(
        'error_description="The scope nat:read is missing", scope="nat:read nat:write"',
      );
      expect(answer.json).toMatchObject({ id: 1, error: { message: expect.stringContaining('nat:read') } });
    }
    expect(calls).toEqual([]);
  });

  it.each([
    ['2025', { body: legacyCall(UNASSIGN, change) }],
    ['2026', modernRequest('tools/call', { name: UNASSIGN, arguments: change })],
    ['a dry run', { body: legacyCall(UNASSIGN, { ...change, mode: 'dry_run' }) }],
    ['in a batch', { body: [legacyCall(DESCRIBE, {}, 1), legacyCall(UNASSIGN, change, 2)] }],
    ['an id of null', { body: { ...legacyCall(UNASSIGN, change), id: null } }],
    ['no jsonrpc member', { body: { id: 1, method: 'tools/call', params: { name: UNASSIGN } } }],
    [
      'the Mcp-Name of another tool',
      {
        ...modernRequest('tools/call', { name: UNASSIGN, arguments: change }),
        headers: { ...modernRequest('tools/call', { name: DESCRIBE }).headers },
      },
    ],
    [
      'a repeated params member',
      {
        body: JSON.stringify(legacyCall(UNASSIGN, change)).replace(
          '"params"',
          `"params":{"name":"${DESCRIBE}"},"params"`,
        ),
      },
    ],
    [
      'an escaped tool name',
      { body: JSON.stringify(legacyCall(UNASSIGN, change)).replace('"unassign', '"\\u0075nassign') },
    ],
  ])('needs nat:write to unassign (%s)', async (_, request: { body?: unknown; headers?: unknown }) => {
    const { url, calls } = await openGuarded();
    const headers = { ...(request.headers as Record<string, string> | undefined), ...bearer(READER) };
    const answer = await send(url, { body: request.body as object, headers });
    expect(answer.status).toBe(403);
    expect(answer.headers['www-authenticate']).toContain(
      'error_description="The scope nat:write is missing", scope="nat:read nat:write"',
    );
    expect(calls).toEqual([]);
  });

  it('lets a token of any scope connect', async () => {
    const { url } = await openGuarded();
    for (const token of [READER, WRITER]) {
      const client = await connectModern(url, { token });
      expect(client.revision).toBe('2026-07-28');
      expect((await connectLegacy(url, { token })).revision).toBe('2025-11-25');
    }
  });

  it('unassigns with nat:write as the only scope', async () => {
    const { url } = await openGuarded();
    const request = { body: legacyCall(UNASSIGN, change), headers: bearer(WRITER) };
    expect((await send(url, request)).json.result.structuredContent.outcome).toBe('unassigning');
  });

  it('accepts a confirmation only with the token that was asked', async () => {
    const { url, calls } = await openGuarded({ confirmMode: 'always' });
    const capabilities = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } };
    const ask = (token: string, answer: object) => {
      const { body, headers } = modernRequest('tools/call', { name: UNASSIGN, arguments: change, ...answer });
      const { params } = body as { params: { _meta: object } };
      Object.assign(params._meta, capabilities);
      return send(url, { body: body as object, headers: { ...headers, ...bearer(token) } });
    };
    const { json: asked } = await ask(BOTH, {});
    expect(asked.result.resultType).toBe('input_required');
    const yes = {
      requestState: asked.result.requestState,
      inputResponses: { confirm: { action: 'accept', content: { confirm: true } } },
    };
    const stolen = await ask(OTHER, yes);
    expect(stolen.json.error.code).toBe(-32602);
    expect(realCalls(calls)).toHaveLength(0);
    expect((await ask(BOTH, yes)).json.result.structuredContent).toMatchObject({
      outcome: 'unassigning',
      confirmation: 'confirmed',
    });
  });

  it('does not run a call sent as a notification', async () => {
    const { url, calls } = await openGuarded();
    const notification = { ...legacyCall(UNASSIGN, change), id: undefined };
    await send(url, { body: notification, headers: bearer(READER) });
    expect((await send(url, { body: notification, headers: bearer(BOTH) })).status).toBe(202);
    expect(calls).toEqual([]);
  });

  it('counts the changes of each token separately', async () => {
    const clock = new ManualClock(Date.now());
    const { url } = await openGuarded({ clock, changesPerHour: 1 });
    const unassign = async (token: string, privateIp: string) => {
      const args = { ...change, private_ip_addresses: [privateIp], max_drain_duration_seconds: 1 };
      const { json } = await send(url, { body: legacyCall(UNASSIGN, args), headers: bearer(token) });
      clock.advance(60);
      return json.result.structuredContent;
    };
    expect((await unassign(BOTH, '10.0.1.11')).outcome).toBe('unassigning');
    expect((await unassign(BOTH, '10.0.1.12')).error.code).toBe('policy_denied');
    expect((await unassign(OTHER, '10.0.1.12')).outcome).toBe('unassigning');
  });
});

describe('a token file', () => {
  const good = { name: 'a', scopes: ['nat:read'], token: 't'.repeat(32) };

  it('may begin with a byte order mark', () => {
    expect(new TokenFile(fileOf(`\ufeff${JSON.stringify({ tokens: [good] })}`)).size).toBe(1);
  });

  it.each([
    ['no JSON', `{"tokens": [{"token": "${BOTH}"`, /is not JSON$/],
    ['no tokens', { tokens: [] }, /tokens/],
    ['another shape', [good], /malformed at its root/],
    ['an unknown member', { tokens: [{ ...good, expires: 'never' }] }, /expires/],
    ['a short token', { tokens: [{ ...good, token: 't'.repeat(31) }] }, /tokens\.0\.token.*32/],
    ['a token with a space', { tokens: [{ ...good, token: ` ${'t'.repeat(32)}` }] }, /token/],
    ['a short digest', { tokens: [{ ...good, token: undefined, sha256: 'abc' }] }, /sha256.*64/],
    ['a token and a digest', { tokens: [{ ...good, sha256: sha256('x') }] }, /"a" either sha256 or/],
    ['neither token nor digest', { tokens: [{ ...good, token: undefined }] }, /"a" either sha256 or token/],
    ['an unknown scope', { tokens: [{ ...good, scopes: ['nat:admin'] }] }, /scopes/],
    ['no scope', { tokens: [{ ...good, scopes: [] }] }, /scopes/],
    ['a malformed name', { tokens: [{ ...good, name: 'a\nb' }] }, /name/],
    ['a repeated name', { tokens: [good, { ...good, token: 'u'.repeat(32) }] }, /twice/],
    [
      'a repeated token, once as its digest',
      { tokens: [good, { name: 'b', scopes: ['nat:write'], sha256: sha256(good.token) }] },
      /twice/,
    ],
  ])('is refused without quoting a token: %s', (_, content, reason) => {
    const problem = () => new TokenFile(fileOf(content));
    expect(problem).toThrow(reason);
    expect(problem).not.toThrow(/t{31}|both-scopes/);
  });

  it('is refused if it cannot be read', () => {
    expect(() => new TokenFile('/nonexistent/tokens.json')).toThrow('cannot be read (ENOENT)');
    expect(() => new TokenFile(tmpdir())).toThrow('cannot be read (EISDIR)');
  });

  it('is refused if others can write it, or can read it and it holds a token', () => {
    const digests = { tokens: [{ name: 'a', scopes: ['nat:read'], sha256: sha256('x') }] };
    expect(() => new TokenFile(fileOf({ tokens: [good] }, 0o640))).toThrow(/read by others.*chmod 600/);
    expect(() => new TokenFile(fileOf({ tokens: [good] }, 0o604))).toThrow(/read by others/);
    expect(() => new TokenFile(fileOf({ tokens: [good] }, 0o400))).not.toThrow();
    expect(() => new TokenFile(fileOf(digests, 0o644))).not.toThrow();
    expect(() => new TokenFile(fileOf(digests, 0o660))).toThrow(/written to by others/);
    expect(() => new TokenFile(fileOf(digests, 0o602))).toThrow(/written to by others/);
  });

  const limited = {
    tokens: [
      { ...good, targets: ['prod'] },
      { ...good, name: 'b', token: 'u'.repeat(32) },
    ],
  };

  it('tells the targets to which a token is limited, and none where it is not', async () => {
    const file = new TokenFile(fileOf(limited), ['prod', 'test']);
    expect(await file.verify('t'.repeat(32))).toMatchObject({ principal: 'token:a', targets: ['prod'] });
    expect((await file.verify('u'.repeat(32))).targets).toBeUndefined();
    const authenticated = await new BearerAuthentication(file).authenticate(`Bearer ${'t'.repeat(32)}`, 'h');
    expect(authenticated.extra).toEqual({ targets: ['prod'] });
  });

  it.each<[string, unknown, readonly string[] | undefined, RegExp]>([
    ['an unknown target', limited, ['test'], /limits "a" to targets that .* does not have: prod$/],
    ['a limit without --targets', limited, undefined, /limits "a" to targets, which needs --targets$/],
    ['no target', { tokens: [{ ...good, targets: [] }] }, ['prod'], /tokens\.0\.targets/],
    ['a text of targets', { tokens: [{ ...good, targets: 'prod' }] }, ['prod'], /tokens\.0\.targets/],
    ['every target', { tokens: [{ ...good, targets: ['all'] }] }, ['prod'], /does not have: all$/],
    ['no name', { tokens: [{ ...good, targets: ['Prod'] }] }, ['prod'], /must be the name of a target/],
  ])('is refused for %s', (_, content, names, reason) => {
    expect(() => new TokenFile(fileOf(content), names)).toThrow(reason);
  });
});
