import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Exchange, privateNatGateway, type SimulatorCall } from '../../src/simulator/simulator.ts';
import { UNASSIGN } from '../../src/vocabulary/names.ts';
import { phaseOf } from './faults.ts';
import { modernRequest, send } from './http.ts';
import { HttpProcess, roundRobin, sharedEndpoint } from './http-process.ts';
import { realCalls } from './session.ts';
import { StateTable, TABLE } from './state-table.ts';

/** Trials of processes that share a table, behind a load balancer; judged by the record of the endpoint. */

export const PER_HOUR = 3;
const KEY = 'a key of 32 bytes or more that all replicas share';
const IPS = ['10.9.0.1', '10.9.0.2', '10.9.0.3', '10.9.0.4', '10.9.0.5', '10.9.0.6', '10.9.0.7', '10.9.0.8'];

export const SECONDARIES = IPS.slice(1);

// biome-ignore lint/suspicious/noExplicitAny: results of every shape
export type Result = any;

interface Gateways {
  /** Gateways and callers that no other trial has. */
  count: number;
  replicas: number;
  args?: readonly string[];
  intercept?: (exchange: Exchange) => Promise<ReturnType<Exchange['apply']> | undefined>;
}

export async function startReplicas({ count, replicas, args = [], intercept }: Gateways) {
  const table = await StateTable.start();
  onTestFinished(() => table.close());
  const ids = Array.from({ length: count }, (_, n) => `nat-0${String(n).padStart(16, '0')}`);
  const calls: SimulatorCall[] = [];
  const busy = new Map<string, number>();
  let overlaps = 0;
  const { environment } = await sharedEndpoint({
    inventory: ids.map((id) => privateNatGateway(id, id, IPS, Date.now() - 86_400_000)),
    onCall: (call) => calls.push(call),
    intercept: async (exchange) => {
      if (phaseOf(exchange) !== 'real call') return exchange.apply();
      const id = exchange.parameters.NatGatewayId ?? '';
      const others = busy.get(id) ?? 0;
      if (others > 0) overlaps += 1;
      busy.set(id, others + 1);
      try {
        return await (intercept ?? (async (each) => each.apply()))(exchange);
      } finally {
        busy.set(id, (busy.get(id) ?? 1) - 1);
      }
    },
  });
  const tokens = ids.map((id) => ({ name: id, token: randomBytes(32).toString('hex') }));
  const file = join(tmpdir(), `tokens-${randomUUID()}.json`);
  const entries = tokens.map(({ name, token }) => ({
    name,
    scopes: ['nat:read', 'nat:write'],
    sha256: createHash('sha256').update(token).digest('hex'),
  }));
  writeFileSync(file, JSON.stringify({ tokens: entries }), { mode: 0o600 });
  onTestFinished(() => rmSync(file, { force: true }));
  const flags = ['--confirm', 'auto', '--token-file', file, '--max-changes-per-hour', String(PER_HOUR)];
  const state = ['--state-table', TABLE, '--state-endpoint', table.endpoint];
  const processes = await Promise.all(
    Array.from({ length: replicas }, () =>
      HttpProcess.start([...flags, ...state, ...args], {
        ...environment,
        NAT_GATEWAY_MCP_CONFIRMATION_KEY: KEY,
      }),
    ),
  );
  const { url } = await roundRobin(processes.map((each) => each.url));
  const call = async (
    caller: number,
    natGatewayId: string,
    privateIp: string,
    { canAsk = false, answer = {}, at = url }: { canAsk?: boolean; answer?: object; at?: string } = {},
  ): Promise<Result> => {
    const args = { nat_gateway_id: natGatewayId, private_ip_addresses: [privateIp] };
    const { body, headers } = modernRequest('tools/call', { name: UNASSIGN, arguments: args, ...answer });
    const { params } = body as { params: { _meta: object } };
    const capabilities = canAsk ? { elicitation: {} } : {};
    Object.assign(params._meta, { 'io.modelcontextprotocol/clientCapabilities': capabilities });
    const authorization = `Bearer ${tokens[caller]?.token}`;
    const { json } = await send(at, {
      body: body as object,
      headers: { ...headers, authorization },
    });
    return json?.result;
  };
  return {
    ...{ table, ids, calls, processes, url, call, environment },
    overlaps: () => overlaps,
    /** Real calls on a gateway. */
    sentTo: (id: string) =>
      realCalls(calls).filter(({ parameters, changed }) => changed && parameters.NatGatewayId === id),
  };
}

type Replicas = Awaited<ReturnType<typeof startReplicas>>;

/** One yes, sent many times at once. Returns how often it was used. */
export async function useOneYes({ call, ids, sentTo }: Replicas, n: number, times: number) {
  const id = ids[n] ?? '';
  const asked = await call(n, id, '10.9.0.2', { canAsk: true });
  const yes = { confirm: { action: 'accept', content: { confirm: true } } };
  const answer = { requestState: asked.requestState, inputResponses: yes };
  const results = await Promise.all(
    Array.from({ length: times }, () => call(n, id, '10.9.0.2', { canAsk: true, answer })),
  );
  const confirmed = results.filter((each) => each.structuredContent?.outcome === 'unassigning');
  return { sent: sentTo(id).length, confirmed: confirmed.length, state: asked.resultType };
}

/** Changes of one caller at once, on a gateway each. Returns how many were sent. */
export async function exceedLimit({ call, ids, sentTo }: Replicas, caller: number, from: number, n: number) {
  const gateways = ids.slice(from, from + n);
  const results = await Promise.all(gateways.map((id) => call(caller, id, '10.9.0.2')));
  const rules = results.flatMap(({ structuredContent }) => structuredContent?.findings ?? []);
  return {
    sent: gateways.flatMap(sentTo).length,
    accepted: results.filter(({ structuredContent }) => structuredContent?.outcome === 'unassigning').length,
    limited: rules.filter(({ rule }: { rule?: string }) => rule === 'max-changes-per-hour').length,
  };
}

/** Changes of different addresses of one gateway at once, by different callers. */
export async function changeAtOnce({ call, ids, sentTo }: Replicas, n: number, times: number) {
  const id = ids[n] ?? '';
  const ips = SECONDARIES.slice(0, times);
  const results = await Promise.all(ips.map((ip, i) => call((n + i) % ids.length, id, ip)));
  return {
    sent: sentTo(id).length,
    outcomes: results.map(({ structuredContent }) => structuredContent?.outcome),
  };
}
