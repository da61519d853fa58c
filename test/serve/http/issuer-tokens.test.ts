import { describe, expect, it } from 'vitest';
import type { IssuerOptions } from '../../../src/serve/http/issuer.ts';
import { DESCRIBE, UNASSIGN } from '../../../src/vocabulary/names.ts';
import { AUDIENCE, type Claims, FakeIssuer, openGuarded, verifierOf } from '../../support/fake-issuer.ts';
import { legacyCall, legacyRequest, send } from '../../support/http.ts';
import { EGRESS } from '../../support/session.ts';

/** Tokens in the shapes that the documentation of each issuer shows; none comes from the service itself. */

const CLIENT = '1example23456789';
const API = 'a6f7c7f8-4b3d-4e0c-9d51-6f2f0f2d8b10';
const READ = ['nat:read'];
const BOTH = ['nat:read', 'nat:write'];

interface Shape {
  /** The issuer's URL without its host. */
  path: string;
  options: Partial<IssuerOptions>;
  /** Claims of every access token. */
  common: Claims;
  /** Makes the claims above those of an id token. */
  idToken: Claims;
}

/** Claims of `undefined` are left out. */
const NONE: Claims = { aud: undefined, sub: undefined, scope: undefined };

const COGNITO: Shape = {
  path: '/eu-west-1_Example1',
  options: { clientIds: [CLIENT], scopePrefix: `${AUDIENCE}/` },
  common: {
    ...NONE,
    ...{ token_use: 'access', client_id: CLIENT, version: 2, jti: 'j', auth_time: 1, iat: 1 },
  },
  idToken: { token_use: 'id', aud: CLIENT, 'cognito:username': 'ada', at_hash: 'h' },
};
const ENTRA: Shape = {
  path: '/11111111-2222-4333-8444-555555555555/v2.0',
  options: { audience: API, scopePrefix: `api://${API}/` },
  common: { ...NONE, aud: API, azp: CLIENT, azpacr: '1', oid: 'o', tid: 't', ver: '2.0', iat: 1, nbf: 1 },
  idToken: { azp: undefined, azpacr: undefined, scp: undefined, roles: BOTH, name: 'Ada' },
};
const OKTA: Shape = {
  path: '/oauth2/aus1example',
  options: {},
  common: { ...NONE, aud: AUDIENCE, cid: CLIENT, ver: 1, jti: 'AT.x', iat: 1 },
  idToken: { cid: undefined, scp: undefined, jti: 'ID.x', at_hash: 'h', amr: ['pwd'], idp: 'i' },
};
const KEYCLOAK: Shape = {
  path: '/realms/ops',
  options: {},
  common: { ...NONE, aud: [AUDIENCE, 'account'], azp: CLIENT, typ: 'Bearer', acr: '1', jti: 'j', iat: 1 },
  idToken: { typ: 'ID', scope: undefined, at_hash: 'h' },
};
const AUTH0: Shape = {
  path: '/',
  options: {},
  common: { ...NONE, aud: [AUDIENCE, 'https://tenant.eu.auth0.com/userinfo'], azp: CLIENT, iat: 1 },
  idToken: { aud: CLIENT, scope: undefined, permissions: undefined, nonce: 'n' },
};

const USER = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';
const USERS: [string, Shape, Claims, string[]][] = [
  ['Amazon Cognito', COGNITO, { sub: USER, username: 'ada', scope: `openid ${AUDIENCE}/nat:read` }, READ],
  ['Microsoft Entra', ENTRA, { sub: USER, scp: 'nat:read nat:write' }, BOTH],
  ['Okta', OKTA, { sub: 'ada@example.com', uid: '00u1', scp: ['openid', 'nat:read'] }, READ],
  ['Keycloak', KEYCLOAK, { sub: USER, scope: 'openid profile nat:read', sid: 's' }, READ],
  ['Auth0', AUTH0, { sub: 'auth0|6553da60', scope: 'openid nat:read nat:write' }, BOTH],
];
const MACHINES: [string, Shape, Claims, string[]][] = [
  ['Amazon Cognito', COGNITO, { sub: CLIENT, scope: `${AUDIENCE}/nat:read ${AUDIENCE}/nat:write` }, BOTH],
  ['Microsoft Entra', ENTRA, { sub: 'o', roles: ['nat:read'] }, READ],
  ['Okta', OKTA, { sub: CLIENT, scp: ['nat:read'] }, READ],
  ['Keycloak', KEYCLOAK, { sub: USER, client_id: CLIENT, scope: 'profile nat:read' }, READ],
  [
    'Auth0',
    AUTH0,
    { sub: `${CLIENT}@clients`, gty: 'client-credentials', scope: 'nat:read', permissions: ['nat:read'] },
    READ,
  ],
];

async function openIssuer({ path }: Pick<Shape, 'path'>): Promise<FakeIssuer> {
  const issuer = await FakeIssuer.open();
  issuer.path = path;
  issuer.metadataPath = `${path.replace(/\/$/, '')}/.well-known/openid-configuration`;
  return issuer;
}

async function open(shape: Shape = { path: '', options: {}, common: {}, idToken: {} }) {
  const issuer = await openIssuer(shape);
  const { verifier, log } = verifierOf(issuer, shape.options);
  const verify = async (claims: Claims, header: { typ?: string } = {}) =>
    verifier.verify(await issuer.token({ ...shape.common, ...claims }, header));
  return { issuer, verify, log };
}

describe.each([
  ['of a user', USERS],
  ['of a machine (client credentials)', MACHINES],
])('a token %s', (_, cases) => {
  it.each(cases)('of %s is accepted, with its subject and its scopes', async (_, shape, claims, scopes) => {
    const { issuer, verify } = await open(shape);
    expect(await verify(claims)).toEqual({ principal: `${issuer.url}#${claims.sub}`, scopes });
  });

  it.each(cases)('of %s for another audience is refused', async (_, shape, claims) => {
    const { verify } = await open(shape);
    for (const aud of ['https://other.example.com/mcp', 'account', CLIENT, [], '']) {
      await expect(verify({ ...claims, aud })).rejects.toThrow('The token is not for this server (aud).');
    }
  });
});

describe('an id token', () => {
  it.each([
    ['Amazon Cognito', COGNITO, 'token_use'],
    ['Okta', OKTA, 'at_hash'],
    ['Keycloak', KEYCLOAK, 'typ'],
    ['Auth0', AUTH0, 'nonce'],
  ])('of %s is refused', async (_, shape, claim) => {
    const { verify } = await open(shape);
    await expect(verify({ sub: USER, ...shape.idToken })).rejects.toThrow(
      `This is not an access token (${claim}).`,
    );
  });

  it.each([
    [{ token_use: 'id' }, {}, 'token_use'],
    [{ token_use: '' }, {}, 'token_use'],
    [{ typ: 'ID' }, {}, 'typ'],
    [{ typ: 'Refresh' }, {}, 'typ'],
    [{ typ: null }, {}, 'typ'],
    [{}, { typ: 'id_token+jwt' }, 'typ'],
    [{}, { typ: 'logout+jwt' }, 'typ'],
    [{ at_hash: 'h' }, {}, 'at_hash'],
    [{ c_hash: 'h' }, {}, 'c_hash'],
    [{ scope: undefined, nonce: 'n' }, {}, 'nonce'],
  ])('is known by its claims %j and its header %j', async (claims, header, claim) => {
    const { verify } = await open();
    await expect(verify(claims, header)).rejects.toThrow(`This is not an access token (${claim}).`);
  });

  it('of Microsoft Entra allows nothing, as it names no client for the roles of its user', async () => {
    const { verify } = await open(ENTRA);
    expect((await verify({ sub: USER, ...ENTRA.idToken })).scopes).toEqual([]);
    expect((await verify({ sub: USER, roles: BOTH })).scopes).toEqual(BOTH);
  });
});

describe('an access token', () => {
  it.each(['JWT', 'at+jwt', 'AT+JWT', 'application/at+jwt'])('of the type %s is accepted', async (typ) => {
    const { verify } = await open();
    expect((await verify({ nonce: 'n' }, { typ })).scopes).toEqual(BOTH);
  });
});

describe('a token without an audience', () => {
  const client = { ...NONE, sub: 'ada', scope: 'nat:read' };

  it.each([{ client_id: CLIENT }, { azp: CLIENT }, { client_id: CLIENT, azp: 'another' }])(
    'is accepted from a listed client: %j',
    async (claims) => {
      const { verify } = await open({ ...COGNITO, common: {}, options: { clientIds: ['x', CLIENT] } });
      expect((await verify({ ...client, ...claims })).scopes).toEqual(READ);
    },
  );

  it.each([
    [{ client_id: 'another' }, 'client_id'],
    [{ azp: 'another' }, 'azp'],
    [{ client_id: 'another', azp: CLIENT }, 'client_id'],
    [{ client_id: [CLIENT] }, 'client_id'],
    [{}, 'aud'],
  ])('is refused from another client: %j', async (claims, claim) => {
    const { verify } = await open({ ...COGNITO, common: {}, options: { clientIds: [CLIENT] } });
    await expect(verify({ ...client, ...claims })).rejects.toThrow(`(${claim}).`);
  });

  it('is refused from every client where the operator lists none', async () => {
    const { verify } = await open({ ...COGNITO, common: {}, options: {} });
    await expect(verify({ ...client, client_id: CLIENT })).rejects.toThrow(
      'The token names no audience (aud).',
    );
  });
});

describe('the principal', () => {
  it('is the client where a token has no subject', async () => {
    const { issuer, verify } = await open();
    const { principal } = await verify({ sub: undefined, client_id: CLIENT });
    expect(principal).toBe(`${issuer.url}#${CLIENT}`);
  });

  it.each([
    { sub: undefined },
    { sub: undefined, azp: CLIENT },
    { sub: '', client_id: CLIENT },
    { sub: null, client_id: CLIENT },
    { sub: 7, client_id: CLIENT },
    { sub: 'x'.repeat(256) },
    { sub: undefined, client_id: '' },
  ])('is missing in %j', async (claims) => {
    const { verify } = await open();
    await expect(verify(claims)).rejects.toThrow('The token names neither a subject nor a client (sub).');
  });
});

describe('the scopes of a token', () => {
  const prefixed: Shape = {
    path: '',
    options: { scopePrefix: 'nat-api/' },
    common: { scope: undefined },
    idToken: {},
  };

  it.each([
    ['with the prefix', { scope: 'nat-api/nat:read' }, READ],
    ['without it, as Microsoft writes them', { scp: 'nat:read' }, READ],
    ['with another prefix', { scope: 'other/nat:read xnat-api/nat:read nat-api/nat:readx' }, []],
    ['in roles', { azp: CLIENT, roles: ['nat-api/nat:read'] }, READ],
    ['in permissions', { azp: CLIENT, permissions: ['nat:read', 'nat:write'] }, BOTH],
    [
      'in permissions, beside none for this server',
      { azp: CLIENT, scope: 'openid', permissions: BOTH },
      BOTH,
    ],
    ['in two claims', { scope: 'nat:read', scp: ['nat:write'] }, BOTH],
    ['as part of a role', { azp: CLIENT, roles: ['nat:read nat:write', { value: 'nat:read' }, 7] }, []],
    ['in claims of other kinds', { azp: CLIENT, scope: 7, roles: { 'nat:read': true }, groups: BOTH }, []],
  ])('count %s', async (_, claims, scopes) => {
    const { verify } = await open(prefixed);
    expect((await verify(claims)).scopes).toEqual(scopes);
  });

  it('are those granted to the client, even if its user may do more', async () => {
    const { verify } = await open();
    for (const more of [{ permissions: BOTH }, { roles: BOTH }]) {
      expect((await verify({ azp: CLIENT, scope: 'nat:read', ...more })).scopes).toEqual(READ);
    }
  });

  it('need their prefix where the token names no audience', async () => {
    const { verify } = await open(COGNITO);
    expect((await verify({ sub: USER, scope: 'nat:read nat:write' })).scopes).toEqual([]);
    expect((await verify({ sub: USER, scope: 'nat:read', aud: AUDIENCE })).scopes).toEqual(READ);
  });
});

describe('a server whose scopes have a prefix', () => {
  const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };
  const options = { scopePrefix: 'nat-api/' };

  it('advertises them with it in metadata, challenge and hint', async () => {
    const issuer = await FakeIssuer.open();
    const { url } = await openGuarded(issuer, options);
    const { headers, json } = await send(url, { body: legacyRequest('tools/list') });
    expect(headers['www-authenticate']).toContain('scope="nat-api/nat:read nat-api/nat:write"');
    expect(json.error.data.hint).toContain('the scopes nat-api/nat:read nat-api/nat:write');
    const metadata = await send(new URL('/.well-known/oauth-protected-resource/mcp', url).href, {
      method: 'GET',
    });
    expect(metadata.json.scopes_supported).toEqual(['nat-api/nat:read', 'nat-api/nat:write']);
  });

  it('asks for the missing one and for those that the token has', async () => {
    const issuer = await FakeIssuer.open();
    const { ask, calls } = await openGuarded(issuer, options);
    const token = await issuer.token({ scope: 'openid nat-api/nat:read' });
    expect((await ask(token, legacyCall(DESCRIBE))).status).toBe(200);
    const before = calls.length;
    const { status, headers, json } = await ask(token, legacyCall(UNASSIGN, change));
    expect(status).toBe(403);
    expect(headers['www-authenticate']).toMatch(
      /The scope nat-api\/nat:write is missing".* scope="nat-api\/nat:read nat-api\/nat:write"/,
    );
    expect(json.error.message).toContain('nat-api/nat:write');
    expect(calls).toHaveLength(before);
  });
});

describe('a token that is refused', () => {
  it.each([
    [{ aud: 'account' }, 'aud', { found: '"account"', expected: `"${AUDIENCE}"` }],
    [{ aud: undefined }, 'aud', { expected: `"${AUDIENCE}"` }],
    [{ iss: 'https://sts.example' }, 'iss', { found: '"https://sts.example"' }],
    [{ exp: 1 }, 'exp', { found: '1' }],
    [{ exp: undefined }, 'exp', {}],
    [{ exp: 'soon' }, 'exp', { found: '"soon"' }],
    [{ nbf: 4_000_000_000 }, 'nbf', { found: '4000000000' }],
    [{ iat: 'x' }, 'iat', { found: '"x"' }],
    [{ sub: undefined }, 'sub', {}],
    [{ token_use: 'id' }, 'token_use', { found: '"id"' }],
  ])('for its claims %j names %s in the answer and in the log', async (claims, claim, details) => {
    const issuer = await FakeIssuer.open();
    const { ask, log } = await openGuarded(issuer);
    const token = await issuer.token(claims);
    const { status, headers, json } = await ask(token);
    expect(status).toBe(401);
    expect(json.error.message).toContain(`(${claim}).`);
    expect(headers['www-authenticate']).toContain(`error_description="${json.error.message}"`);
    const [entry, ...more] = log.text.trim().split('\n');
    expect(more).toEqual([]);
    expect(JSON.parse(entry ?? '')).toMatchObject({ level: 40, claim, ...details });
    for (const part of token.split('.')) expect(log.text).not.toContain(part);
  });

  it('tells its caller neither what it names nor what the operator has set', async () => {
    const issuer = await FakeIssuer.open();
    const { ask } = await openGuarded(issuer, { audience: 'api://secret', clientIds: ['listed-client'] });
    for (const claims of [{ aud: 'found' }, { aud: undefined, client_id: 'found' }]) {
      const { status, text, headers } = await ask(await issuer.token(claims));
      expect(status).toBe(401);
      expect(text + headers['www-authenticate']).not.toMatch(/found|api:\/\/secret|listed-client/);
    }
  });

  it('does not fill the log, however long its claim is', async () => {
    const { verify, log } = await open();
    await expect(verify({ aud: 'x'.repeat(100_000) })).rejects.toThrow('(aud).');
    expect(log.text.length).toBeLessThan(2000);
  });

  it('for its signature is not logged with its claims, which anyone may have written', async () => {
    const { issuer, verify, log } = await open();
    await verify({});
    const [header, , signature] = (await issuer.token()).split('.');
    const forged = Buffer.from(JSON.stringify({ ...issuer.claims(), aud: 'forged' })).toString('base64url');
    const { verifier, log: other } = verifierOf(issuer);
    await expect(verifier.verify(`${header}.${forged}.${signature}`)).rejects.toThrow(
      'The signature of the token is wrong.',
    );
    expect(log.text + other.text).toBe('');
  });
});

describe('the claim of targets', () => {
  const limited = {
    path: '',
    options: { targetsClaim: 'https://example.com/targets' },
    common: {},
    idToken: {},
  };
  const targetsIn = async (value: unknown, shape: Shape = limited) => {
    const { verify } = await open(shape);
    return (await verify({ scope: 'nat:read', 'https://example.com/targets': value })).targets;
  };

  it.each<[string, unknown, string[]]>([
    ['a list', ['prod', 'test'], ['prod', 'test']],
    ['names separated by spaces', 'prod test', ['prod', 'test']],
    ['one name', 'prod', ['prod']],
    ['an empty list', [], []],
    ['an empty text', '', []],
    ['no claim', undefined, []],
    ['groups for other servers', ['Admins', 'prod', 'prod', 'a b', ''], ['prod']],
  ])('limits a token by %s', async (_, value, targets) => {
    expect(await targetsIn(value)).toEqual(targets);
  });

  it('limits no token where the server names no claim', async () => {
    expect(await targetsIn(['prod'], { ...limited, options: {} })).toBeUndefined();
  });

  it.each([[null], [7], [true], [{ prod: true }], [['prod', 7]], [[['prod']]]])(
    'is refused where it is no list of texts: %j',
    async (value) => {
      await expect(targetsIn(value)).rejects.toThrow('no list of texts');
    },
  );

  it('is a claim of the token itself, not of its prototype', async () => {
    const { verify } = await open({ ...limited, options: { targetsClaim: 'constructor' } });
    expect((await verify({ scope: 'nat:read' })).targets).toEqual([]);
  });
});
