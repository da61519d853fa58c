import { createMcpHandler } from '@modelcontextprotocol/server';
import { onTestFinished } from 'vitest';
import type { Ec2 } from '../../src/aws/ec2.ts';
import { type GatewayFilters, matches } from '../../src/nat-gateway/filters.ts';
import type { NatGateway } from '../../src/nat-gateway/gateway.ts';
import { createServer, type Dependencies } from '../../src/server.ts';
import type { TargetAccount, Targets } from '../../src/tools/targets.ts';
import { legacyRequest, modernRequest } from './http.ts';
import { type Era, OPEN_POLICY, stateOf } from './session.ts';

/** Accounts whose EC2 answers at once from memory, or as a test says. */

export function account(name: string, regions: readonly string[], ec2: Partial<Ec2>): TargetAccount {
  return {
    name,
    regions,
    ec2: async () => ec2 as Ec2,
    policy: OPEN_POLICY,
    state: stateOf(),
  };
}

/** The targets in force; the list may change, as a file may. */
export function targetsOf(...accounts: TargetAccount[]): Targets & { accounts: TargetAccount[] } {
  const held = { accounts, current: () => held.accounts };
  return held;
}

export function gatewayOf(id: string, ...privateIps: string[]): NatGateway {
  return {
    nat_gateway_id: id,
    state: 'available',
    connectivity_type: 'private',
    addresses: privateIps.map((private_ip, index) => ({
      private_ip,
      is_primary: index === 0,
      status: 'succeeded',
    })),
  };
}

/** An id that names its place and number: `idOf(3, 1)`. */
export function idOf(place: number, index: number): string {
  return `nat-${`${place}`.padStart(8, '0')}${`${index}`.padStart(9, '0')}`;
}

/** EC2 of one account with these gateways by region, in pages of `pageSize`; `before` runs before each read. */
export function ec2With(
  accountId: string,
  gateways: Readonly<Record<string, readonly NatGateway[]>>,
  {
    pageSize = 1000,
    before = async () => {},
  }: { pageSize?: number; before?: (region: string) => unknown } = {},
): Partial<Ec2> & { reads: string[] } {
  const reads: string[] = [];
  const all = async (region: string): Promise<readonly NatGateway[]> => {
    reads.push(region);
    await before(region);
    return gateways[region] ?? [];
  };
  return {
    reads,
    region: async (requested) => requested ?? 'us-east-1',
    identity: async () => ({ access_key_id: 'AKIATEST', account_id: accountId }),
    describeRegions: async () => Object.keys(gateways),
    readPage: async (region, { filters, nextToken = '0' }) => {
      const found = (await all(region)).filter((each) => fits(each, filters));
      const end = Number(nextToken) + pageSize;
      return {
        natGateways: found.slice(Number(nextToken), end),
        nextToken: end < found.length ? `${end}` : undefined,
      };
    },
    readGateways: async (region, ids) =>
      (await all(region)).filter(({ nat_gateway_id }) => ids.includes(nat_gateway_id ?? '')),
    readGateway: async (region, id) => (await all(region)).find((each) => each.nat_gateway_id === id),
  };
}

function fits(gateway: NatGateway, filters: { name: string; values: readonly string[] }[]): boolean {
  const members: Record<string, keyof GatewayFilters> = { 'vpc-id': 'vpc_ids', state: 'states' };
  const named = filters.map(({ name, values }) => [members[name] ?? 'vpc_ids', [...values]]);
  return matches(gateway, Object.fromEntries(named));
}

/** The answer to a caller that may use these targets, or all, over HTTP without its front. */
export async function askAs(
  dependencies: Dependencies,
  era: Era,
  targets: readonly string[] | undefined,
  method: string,
  params: { name?: string; [member: string]: unknown },
) {
  const handler = createMcpHandler(({ era }) => createServer(dependencies, era));
  onTestFinished(() => handler.close());
  const { body, headers = {} } =
    era === 'modern' ? modernRequest(method, params) : { body: legacyRequest(method, params) };
  const answer = await handler.fetch(
    new Request('http://localhost/mcp', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body: JSON.stringify(body),
    }),
    {
      authInfo: {
        token: '',
        clientId: 'token:someone',
        scopes: ['nat:read', 'nat:write'],
        extra: { targets },
      },
    },
  );
  return answer.text();
}
