import { createMcpHandler } from '@modelcontextprotocol/server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createServer } from '../../src/server.ts';
import { DESCRIBE, UNASSIGN, WAIT } from '../../src/vocabulary/names.ts';
import { legacyCall, legacyRequest, modernRequest } from '../support/http.ts';
import { EGRESS, openSession } from '../support/session.ts';

const gateway = { nat_gateway_id: EGRESS };
const change = { ...gateway, private_ip_addresses: ['10.0.1.11'] };

/** The answer to a caller with these scopes, without the scope check of the HTTP front. */
async function answerTo(scopes: string[], request: { body?: unknown; headers?: Record<string, string> }) {
  const session = await openSession();
  onTestFinished(session.close);
  const handler = createMcpHandler(({ era }) => createServer(session.dependencies, era));
  onTestFinished(() => handler.close());
  const response = await handler.fetch(
    new Request('http://localhost/mcp', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...request.headers,
      },
      body: JSON.stringify(request.body),
    }),
    { authInfo: { token: '', clientId: 'token:someone', scopes } },
  );
  return { text: await response.text(), session };
}

describe('the scope check of the server', () => {
  it.each([
    [UNASSIGN, change, ['nat:read'], 'nat:write'],
    [DESCRIBE, {}, ['nat:write'], 'nat:read'],
    [WAIT, gateway, ['nat:write'], 'nat:read'],
    [UNASSIGN, change, [], 'nat:write'],
  ])('refuses %s %j with the scopes %j and names the missing one', async (name, args, scopes, missing) => {
    for (const request of [
      { body: legacyCall(name, args) },
      modernRequest('tools/call', { name, arguments: args }),
    ]) {
      const { text, session } = await answerTo(scopes, request);
      expect(text).toContain('policy_denied');
      expect(text).toContain(missing);
      expect(session.calls).toEqual([]);
    }
  });

  it('audits a refused change', async () => {
    const { session } = await answerTo(['nat:read'], { body: legacyCall(UNASSIGN, change) });
    expect(session.audit.records).toMatchObject([{ outcome: 'refused', principal: 'token:someone' }]);
  });

  it('refuses a resource without nat:read', async () => {
    const uri = `nat-gateway://us-east-1/${EGRESS}`;
    const { text, session } = await answerTo(['nat:write'], {
      body: legacyRequest('resources/read', { uri }),
    });
    expect(text).toContain('nat:read');
    expect(session.calls).toEqual([]);
  });
});

describe('the next of a result', () => {
  it.each([
    [['nat:write'], false],
    [['nat:read', 'nat:write'], true],
  ])('with the scopes %j is there only if they suffice for it: %s', async (scopes, isThere) => {
    const { text } = await answerTo(scopes, { body: legacyCall(UNASSIGN, change) });
    expect(text).toContain('\\"outcome\\":\\"unassigning\\"');
    expect(text.includes('\\"next\\":')).toBe(isThere);
  });
});
