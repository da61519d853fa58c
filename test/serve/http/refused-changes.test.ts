import { describe, expect, it } from 'vitest';
import { BearerAuthentication } from '../../../src/serve/http/bearer.ts';
import { DESCRIBE, UNASSIGN } from '../../../src/vocabulary/names.ts';
import { legacyCall, modernRequest, openFront, send } from '../../support/http.ts';
import { EGRESS } from '../../support/session.ts';

const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };
const READER = { authorization: 'Bearer reader' };

async function openForReader(scopes: readonly string[] = ['nat:read']) {
  const verify = async () => ({ principal: 'token:reader', scopes });
  return openFront({}, { authentication: new BearerAuthentication({ verify }) });
}

describe('a change whose token lacks the scope', () => {
  it('is on record as refused, with its caller and what was asked for', async () => {
    const { url, audit, calls } = await openForReader();
    const modern = modernRequest('tools/call', { name: UNASSIGN, arguments: change });
    for (const request of [{ body: legacyCall(UNASSIGN, change) }, modern]) {
      const headers = { ...request.headers, ...READER };
      expect((await send(url, { ...request, headers })).status).toBe(403);
    }
    const record = {
      audit: 'outcome',
      id: expect.any(String),
      tool: UNASSIGN,
      principal: 'token:reader',
      arguments: change,
      outcome: 'refused',
      error: { code: 'policy_denied' },
    };
    expect(audit.records).toMatchObject([record, record]);
    expect(calls).toEqual([]);
  });

  it('is on record for each call of a batch', async () => {
    const { url, audit } = await openForReader([]);
    const body = [legacyCall(UNASSIGN, change, 1), legacyCall(DESCRIBE, {}, 2), legacyCall(UNASSIGN, {}, 3)];
    expect((await send(url, { body, headers: READER })).status).toBe(403);
    expect(audit.records).toMatchObject([{ arguments: change }, { arguments: {} }]);
  });

  it('has a short record, whatever its arguments are', async () => {
    const { url, audit } = await openForReader();
    const long = 'x'.repeat(10_000);
    const given = [
      { nat_gateway_id: long, private_ip_addresses: Array(5000).fill(long.slice(0, 40)), [long]: long },
      { nat_gateway_id: 5, private_ip_addresses: long, mode: { long }, region: [long] },
      [long],
      long,
      null,
    ];
    for (const args of given) {
      const body = legacyCall(UNASSIGN, args as object);
      expect((await send(url, { body, headers: READER })).status).toBe(403);
    }
    expect(audit.records).toHaveLength(given.length);
    for (const record of audit.records) expect(JSON.stringify(record).length).toBeLessThan(2500);
  });

  it('is not on record a thousand times within an hour', async () => {
    const { url, audit } = await openForReader();
    const body = Array.from({ length: 90 }, (_, id) => legacyCall(UNASSIGN, change, id));
    for (let sent = 0; sent < 12; sent++) await send(url, { body, headers: READER });
    expect(audit.records).toHaveLength(1000);
  });
});

describe('a change whose token has the scope', () => {
  it('is on record once', async () => {
    const { url, audit } = await openForReader(['nat:read', 'nat:write']);
    await send(url, {
      body: legacyCall(UNASSIGN, { ...change, private_ip_addresses: ['10.0.1.10'] }),
      headers: READER,
    });
    expect(audit.records).toMatchObject([{ outcome: 'refused', principal: 'token:reader' }]);
  });
});
