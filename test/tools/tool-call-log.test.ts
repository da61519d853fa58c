import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DESCRIBE, UNASSIGN, WAIT } from '../../src/vocabulary/names.ts';
import { legacyCall, openFront, send } from '../support/http.ts';
import { EGRESS, ERAS, openSession, type SessionOptions } from '../support/session.ts';

const UNKNOWN = 'nat-00000000000000000';
const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };

/** A session, and the lines that it logs at info and above. */
async function openLogged(options: SessionOptions = {}) {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({}, { write: (line) => lines.push(JSON.parse(line)) });
  const session = await openSession({ ...options, dependencies: { logger } });
  onTestFinished(session.close);
  return { ...session, logger, lines };
}

describe.each(ERAS)('the log of a tool call of a %s client', (era) => {
  it.each<[string, string, object, object]>([
    ['a read', DESCRIBE, {}, { tool: DESCRIBE, region: 'us-east-1' }],
    ['a wait', WAIT, { nat_gateway_id: UNKNOWN }, { tool: WAIT, error: 'gateway_not_found' }],
    ['a change', UNASSIGN, change, { tool: UNASSIGN, outcome: 'unassigning', nat_gateway_id: EGRESS }],
    [
      'a refusal',
      UNASSIGN,
      { ...change, private_ip_addresses: ['10.0.1.10'] },
      { outcome: 'refused', error: 'precondition_failed', region: 'us-east-1' },
    ],
    ['arguments that do not fit', UNASSIGN, { nat_gateway_id: EGRESS }, { error: 'invalid_argument' }],
  ])('has one line about %s', async (_, name, args, members) => {
    const { call, lines } = await openLogged({ era });
    await call(name, { ...args });
    expect(lines).toMatchObject([{ msg: 'tool call', duration_ms: expect.any(Number), ...members }]);
    expect(Object.keys(lines[0] ?? {})).not.toContain('principal');
  });

  it('names no argument but the gateway, and that cut', async () => {
    const { call, lines } = await openLogged({ era });
    await call(UNASSIGN, { nat_gateway_id: 'n'.repeat(10_000), other: 'secret' });
    expect(lines).toMatchObject([{ nat_gateway_id: expect.stringMatching(/^n{64}…/) }]);
    expect(JSON.stringify(lines)).not.toContain('secret');
  });
});

describe('the log of a tool call', () => {
  it('says that the user is asked', async () => {
    const { client, lines } = await openLogged({
      client: { capabilities: { elicitation: {} } },
    });
    client.setRequestHandler('elicitation/create', () => ({ action: 'decline' }));
    await client.callTool({ name: UNASSIGN, arguments: change });
    expect(lines.map(({ outcome }) => outcome)).toEqual(['confirmation_asked', 'not_confirmed']);
  });

  it('names the caller where there is one', async () => {
    const lines: Record<string, unknown>[] = [];
    const logger = pino({}, { write: (line) => lines.push(JSON.parse(line)) });
    const { BearerAuthentication } = await import('../../src/serve/http/bearer.ts');
    const verify = async () => ({ principal: 'token:ops', scopes: ['nat:read'] });
    const { url } = await openFront(
      { dependencies: { logger } },
      { authentication: new BearerAuthentication({ verify }) },
    );
    await send(url, { body: legacyCall(DESCRIBE), headers: { authorization: 'Bearer t' } });
    expect(lines).toMatchObject([{ tool: DESCRIBE, principal: 'token:ops' }]);
  });
});
