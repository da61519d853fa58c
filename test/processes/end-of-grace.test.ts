import { describe, expect, it, onTestFinished } from 'vitest';
import { DESCRIBE, UNASSIGN } from '../../src/vocabulary/names.ts';
import type { Phase } from '../support/faults.ts';
import { heldEndpoint } from '../support/held-endpoint.ts';
import { legacyCall, send } from '../support/http.ts';
import { HttpProcess } from '../support/http-process.ts';
import { ServerProcess } from '../support/server-process.ts';
import { EGRESS } from '../support/session.ts';

const wish = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };

function start(environment: Record<string, string>): ServerProcess {
  const server = new ServerProcess([], environment);
  onTestFinished(() => void server.child.kill('SIGKILL'));
  return server;
}

/** Ends a server over stdio that EC2 never answers in `phase`, and returns its last answer. */
async function endedOverStdio(phase: Phase, end: 'SIGTERM' | 'the end of stdin') {
  const { environment, arrived } = await heldEndpoint(phase);
  const server = start(environment);
  const id = server.post('tools/call', { name: UNASSIGN, arguments: wish });
  await arrived;
  if (end === 'SIGTERM') server.child.kill(end);
  else server.child.stdin?.end();
  expect(await server.exit).toBe(0);
  const answer = server.messages.find((message) => message.id === id);
  return { content: answer?.result.structuredContent, audit: server.audit };
}

async function endedOverHttp(phase: Phase) {
  const { environment, arrived } = await heldEndpoint(phase);
  const server = await HttpProcess.start(['--confirm', 'never'], environment);
  const answer = send(server.url, { body: legacyCall(UNASSIGN, wish) });
  await arrived;
  server.child.kill('SIGTERM');
  const { json } = await answer;
  expect(await server.exit).toBe(0);
  return { content: json.result.structuredContent, audit: server.audit };
}

describe('a real call that outlasts the grace of a shutdown', () => {
  it('is answered and recorded as unknown before the process exits', { timeout: 40_000 }, async () => {
    const ended = await Promise.all([
      endedOverStdio('real call', 'SIGTERM'),
      endedOverStdio('real call', 'the end of stdin'),
      endedOverHttp('real call'),
    ]);
    for (const { content, audit } of ended) {
      expect(content).toMatchObject({
        outcome: 'unknown',
        error: { code: 'outcome_unknown' },
        next: { tool: DESCRIBE },
      });
      expect(audit.map(({ audit: event, outcome }) => outcome ?? event)).toEqual(['intent', 'unknown']);
    }
  });
});

describe('a second signal', () => {
  it.each<Phase>(['describe', 'dry run'])('during the %s leaves the attempt on record', async (phase) => {
    const { environment, arrived, changes } = await heldEndpoint(phase);
    const server = start(environment);
    server.post('tools/call', { name: UNASSIGN, arguments: wish });
    await arrived;
    server.child.kill('SIGTERM');
    await server.logged('shutting down');
    server.child.kill('SIGTERM');
    expect(await server.exit).toBe(1);
    expect(changes()).toBe(0);
    expect(server.audit).toMatchObject([
      { audit: 'outcome', tool: UNASSIGN, arguments: wish, outcome: 'refused' },
    ]);
  });

  it('during a real call leaves an attempt that waits behind it on record', async () => {
    const { environment, arrived } = await heldEndpoint('real call');
    const server = start(environment);
    server.post('tools/call', { name: UNASSIGN, arguments: wish });
    await arrived;
    const behind = { ...wish, private_ip_addresses: ['10.0.1.12'] };
    server.post('tools/call', { name: UNASSIGN, arguments: behind });
    // Its answer shows that the calls before it have arrived.
    await server.request('tools/list');
    server.child.kill('SIGTERM');
    await server.logged('shutting down');
    server.child.kill('SIGTERM');
    expect(await server.exit).toBe(1);
    expect(server.audit).toHaveLength(3);
    expect(server.audit).toMatchObject(
      expect.arrayContaining([
        expect.objectContaining({ audit: 'outcome', id: server.audit[0]?.id, outcome: 'unknown' }),
        expect.objectContaining({
          audit: 'outcome',
          arguments: expect.objectContaining(behind),
          outcome: 'refused',
        }),
      ]),
    );
  });
});
