import { describe, expect, it } from 'vitest';
import type { SimulatorCall } from '../../src/simulator/simulator.ts';
import { DESCRIBE, UNASSIGN } from '../../src/vocabulary/names.ts';
import { phaseOf } from '../support/faults.ts';
import { connectModern, deferred, legacyCall, send } from '../support/http.ts';
import { HttpProcess, roundRobin, sharedEndpoint } from '../support/http-process.ts';
import { EGRESS, realCalls } from '../support/session.ts';

const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };
const KEY = 'a key that two processes share: 32 bytes or more';

async function twoReplicas(environment: Record<string, string>, keys: [string, string] = [KEY, KEY]) {
  const start = (key: string) =>
    HttpProcess.start(['--confirm', 'always'], { ...environment, NAT_GATEWAY_MCP_CONFIRMATION_KEY: key });
  const replicas = await Promise.all([start(keys[0]), start(keys[1])]);
  const proxy = await roundRobin(replicas.map(({ url }) => url));
  return { replicas, ...proxy };
}

describe('two processes behind a load balancer', () => {
  it('share a confirmation: one asks, the other gets the answer', async () => {
    const calls: SimulatorCall[] = [];
    const { environment } = await sharedEndpoint({ onCall: (call) => calls.push(call) });
    const { url, passed, replicas } = await twoReplicas(environment);
    const client = await connectModern(url, { confirm: () => true });
    const { structuredContent } = await client.call(UNASSIGN, change);
    expect(structuredContent).toMatchObject({ outcome: 'unassigning', confirmation: 'confirmed' });
    const upstreams = passed.filter(({ method }) => method === 'tools/call').map(({ upstream }) => upstream);
    expect(upstreams).toHaveLength(2);
    expect(new Set(upstreams).size).toBe(2);
    const [asking = 0, answered = 1] = upstreams;
    expect(replicas[asking]?.audit).toMatchObject([{ outcome: 'confirmation_asked' }]);
    expect(replicas[answered]?.audit).toMatchObject([{ audit: 'intent' }, { outcome: 'unassigning' }]);
    expect(realCalls(calls)).toHaveLength(1);
  });

  it('refuse the confirmations of each other without a shared key', async () => {
    const calls: SimulatorCall[] = [];
    const { environment } = await sharedEndpoint({ onCall: (call) => calls.push(call) });
    const { url } = await twoReplicas(environment, [KEY, `${KEY} but not this one`]);
    const client = await connectModern(url, { confirm: () => true });
    await expect(client.call(UNASSIGN, change)).rejects.toMatchObject({ code: -32602 });
    expect(realCalls(calls)).toHaveLength(0);
  });

  it('continue the pages of each other', async () => {
    const { environment } = await sharedEndpoint();
    const { url, passed } = await twoReplicas(environment);
    const ids = new Set<string>();
    let next: Record<string, unknown> | undefined = { max_results: 2 };
    while (next !== undefined) {
      const { json } = await send(url, { body: legacyCall(DESCRIBE, next) });
      const { nat_gateways, next: following, next_token } = json.result.structuredContent;
      for (const { nat_gateway_id } of nat_gateways) ids.add(nat_gateway_id);
      next = next_token === undefined ? undefined : following.arguments;
    }
    const all = await send(url, { body: legacyCall(DESCRIBE) });
    expect(ids.size).toBe(all.json.result.structuredContent.nat_gateways.length);
    expect(new Set(passed.map(({ upstream }) => upstream)).size).toBe(2);
  });

  it('lose only the calls of the one that is killed', async () => {
    const arrived = deferred();
    const hold = deferred();
    let held = 0;
    const { environment } = await sharedEndpoint({
      intercept: async (exchange) => {
        if (phaseOf(exchange) === 'describe' && held++ === 0) {
          arrived.resolve();
          await hold.promise;
        }
        return exchange.apply();
      },
    });
    const { url, passed, replicas } = await twoReplicas(environment);
    const client = await connectModern(url, { confirm: () => true });
    const [victim, survivor] = replicas;
    if (victim === undefined || survivor === undefined) throw new Error('two replicas expected');
    const lost = send(victim.url, { body: legacyCall(DESCRIBE) }).catch(() => 'lost');
    await arrived.promise;
    victim.child.kill('SIGKILL');
    expect(await victim.exit).toBe('SIGKILL');
    expect(await lost).toBe('lost');
    hold.resolve();

    passed.length = 0;
    for (let i = 0; i < 4; i++) {
      const { structuredContent } = await client.call(DESCRIBE, {});
      expect(structuredContent.nat_gateways).not.toHaveLength(0);
    }
    expect((await client.call(UNASSIGN, change)).structuredContent.outcome).toBe('unassigning');
    expect(new Set(passed.map(({ upstream }) => upstream))).toEqual(new Set([1]));
    expect(survivor.audit.at(-1)).toMatchObject({ outcome: 'unassigning' });
  });
});
