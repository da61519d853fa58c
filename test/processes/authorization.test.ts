import { describe, expect, it } from 'vitest';
import { DESCRIBE } from '../../src/vocabulary/names.ts';
import { AUDIENCE, FakeIssuer } from '../support/fake-issuer.ts';
import { legacyCall, legacyRequest, send } from '../support/http.ts';
import { HttpProcess, sharedEndpoint } from '../support/http-process.ts';

describe('the program with --oauth-issuer', () => {
  it('accepts tokens by --oauth-scope-prefix and --oauth-client-id, and logs the failing claim of another', async () => {
    const issuer = await FakeIssuer.open();
    const { environment } = await sharedEndpoint();
    const server = await HttpProcess.start(
      [
        ...['--confirm', 'never', '--oauth-issuer', issuer.url, '--oauth-audience', AUDIENCE],
        ...['--oauth-scope-prefix', `${AUDIENCE}/`, '--oauth-client-id', 'one,two'],
      ],
      environment,
    );
    const ask = async (claims: object, body = legacyCall(DESCRIBE)) => {
      const token = await issuer.token({ aud: undefined, scope: `${AUDIENCE}/nat:read`, ...claims });
      return send(server.url, { body, headers: { authorization: `Bearer ${token}` } });
    };
    const { status, json } = await ask({ client_id: 'two', token_use: 'access' });
    expect(status).toBe(200);
    expect(json.result.structuredContent.nat_gateways).not.toEqual([]);
    const refused = await ask({ client_id: 'three' }, legacyRequest('tools/list'));
    expect(refused.status).toBe(401);
    expect(refused.headers['www-authenticate']).toContain(
      `scope="${AUDIENCE}/nat:read ${AUDIENCE}/nat:write"`,
    );
    await expect.poll(() => server.log).toContain('"claim":"client_id"');
  });
});
