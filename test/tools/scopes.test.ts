import { createMcpHandler } from '@modelcontextprotocol/server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createServer } from '../../src/server.ts';
import { DESCRIBE, UNASSIGN, WAIT } from '../../src/vocabulary/names.ts';
import { legacyCall, legacyRequest, modernRequest } from '../support/http.ts';
import { EGRESS, openSession } from '../support/session.ts';

const gateway = { nat_gateway_id: EGRESS };
const wish = { ...gateway, private_ip_addresses: ['10.0.1.11'] };

/** What is answered to a caller with these scopes where no front checks them. */
async function asked(scopes: string[], request: { body?: unknown; headers?: Record<string, string> }) {
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

describe('a tool, whatever stands in front of it,', () => {
  it.each([
    [UNASSIGN, wish, ['nat:read'], 'nat:write'],
    [DESCRIBE, {}, ['nat:write'], 'nat:read'],
    [WAIT, gateway, ['nat:write'], 'nat:read'],
    [UNASSIGN, wish, [], 'nat:write'],
  ])(
    'refuses %s %j with the scopes %j and names the one that is missing',
    async (name, args, scopes, missing) => {
      for (const request of [
        { body: legacyCall(name, args) },
        modernRequest('tools/call', { name, arguments: args }),
      ]) {
        const { text, session } = await asked(scopes, request);
        expect(text).toContain('policy_denied');
        expect(text).toContain(missing);
        expect(session.calls).toEqual([]);
      }
    },
  );

  it('puts the refusal of a change on record', async () => {
    const { session } = await asked(['nat:read'], { body: legacyCall(UNASSIGN, wish) });
    expect(session.audit.records).toMatchObject([{ outcome: 'refused', principal: 'token:someone' }]);
  });

  it('reads no resource without nat:read', async () => {
    const uri = `nat-gateway://us-east-1/${EGRESS}`;
    const { text, session } = await asked(['nat:write'], { body: legacyRequest('resources/read', { uri }) });
    expect(text).toContain('nat:read');
    expect(session.calls).toEqual([]);
  });
});
