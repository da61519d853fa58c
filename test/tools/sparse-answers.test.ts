import fc from 'fast-check';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { DESCRIBE, UNASSIGN, WAIT } from '../../src/vocabulary/names.ts';
import { phaseOf } from '../support/faults.ts';
import { EGRESS, FAST_TIMEOUTS, openSession, type Session } from '../support/session.ts';

/**
 * In EC2's model every member of a gateway is optional, the sets too. A well-formed answer without some of them must
 * not crash a tool, add a member that EC2 did not send, or prove anything.
 */

const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };

const ADDRESS = ['privateIp', 'isPrimary', 'status', 'networkInterfaceId'] as const;
const GATEWAY = ['natGatewayId', 'state', 'connectivityType', 'vpcId', 'subnetId'] as const;

/** Usually all members, so that answers with little missing are as frequent as others. */
function mostOf<T>(members: readonly T[]): fc.Arbitrary<T[]> {
  const all: fc.Arbitrary<T[]> = fc.constant([...members]);
  return fc.oneof({ arbitrary: all, weight: 4 }, { arbitrary: fc.subarray([...members]), weight: 1 });
}

/** The members that are present; their values are always those of an available gateway. */
const sparseGateway = fc.record({
  gateway: mostOf(GATEWAY),
  addresses: fc.option(
    fc.array(fc.record({ members: mostOf(ADDRESS), index: fc.integer({ min: 0, max: 2 }) }), {
      maxLength: 4,
    }),
    { nil: undefined },
  ),
  tags: fc.boolean(),
});

type SparseGateway = typeof sparseGateway extends fc.Arbitrary<infer T> ? T : never;

function xmlOf({ gateway, addresses, tags }: SparseGateway): string {
  const values: Record<(typeof GATEWAY)[number], string> = {
    natGatewayId: EGRESS,
    state: 'available',
    connectivityType: 'private',
    vpcId: 'vpc-1',
    subnetId: 'subnet-1',
  };
  const element = (name: string, value: string): string => `<${name}>${value}</${name}>`;
  const addressXml = ({ members, index }: NonNullable<SparseGateway['addresses']>[number]): string => {
    const all: Record<(typeof ADDRESS)[number], string> = {
      privateIp: `10.0.1.1${index}`,
      isPrimary: String(index === 0),
      status: 'succeeded',
      networkInterfaceId: 'eni-1',
    };
    return element('item', members.map((name) => element(name, all[name])).join(''));
  };
  const item = [
    ...gateway.map((name) => element(name, values[name])),
    ...(addresses === undefined ? [] : [element('natGatewayAddressSet', addresses.map(addressXml).join(''))]),
    ...(tags ? ['<tagSet/>'] : []),
  ].join('');
  return `<DescribeNatGatewaysResponse><requestId>x</requestId><natGatewaySet><item>${item}</item></natGatewaySet></DescribeNatGatewaysResponse>`;
}

/** Whether an answer shows everything that a real call requires: an available private gateway, its primary, and the address. */
function allowsRealCall({ gateway, addresses = [] }: SparseGateway): boolean {
  const whole = addresses.filter(({ members }) =>
    ['privateIp', 'status'].every((name) => members.includes(name as never)),
  );
  const primary = addresses.some(({ members, index }) => index === 0 && members.includes('isPrimary'));
  return (
    ['natGatewayId', 'state', 'connectivityType'].every((name) => gateway.includes(name as never)) &&
    addresses.every(({ members }) => members.includes('status')) &&
    whole.some(({ index }) => index === 1) &&
    primary
  );
}

describe('sparse answers of EC2', () => {
  let session: Session;
  let answer: SparseGateway | undefined;
  let lostCalls = 0;

  beforeAll(async () => {
    session = await openSession({
      confirmMode: 'never',
      timeouts: FAST_TIMEOUTS,
      intercept: async (exchange) => {
        const phase = phaseOf(exchange);
        if (phase === 'real call') {
          // The request is lost before EC2 acts.
          lostCalls += 1;
          exchange.socket.resetAndDestroy();
          return undefined;
        }
        if (phase !== 'describe' || answer === undefined) return exchange.apply();
        return { status: 200, headers: { 'content-type': 'text/xml' }, body: xmlOf(answer) };
      },
    });
    return session.close;
  });

  it('are returned without additions', async () => {
    await fc.assert(
      fc.asyncProperty(sparseGateway, async (shown) => {
        answer = shown;
        const { content, isError } = await session.call(DESCRIBE, {});
        expect(isError).toBe(false);
        const [gateway] = content.nat_gateways;
        const sent = new Set(
          shown.gateway.map((name) => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)),
        );
        const own = ['addresses', 'tags', 'working_addresses', 'min_remaining', 'can_release_now'];
        const shared = shown.addresses?.[0]?.members.includes('networkInterfaceId')
          ? ['network_interface_id']
          : [];
        for (const member of Object.keys(gateway)) {
          expect(sent.has(member) || [...own, ...shared].includes(member), member).toBe(true);
        }
        expect(gateway.addresses).toHaveLength(shown.addresses?.length ?? 0);
        gateway.addresses.forEach((address: Record<string, unknown>, index: number) => {
          const members: readonly string[] = shown.addresses?.[index]?.members ?? [];
          expect('status' in address).toBe(members.includes('status'));
          expect('private_ip' in address).toBe(members.includes('privateIp'));
          expect('is_primary' in address).toBe(members.includes('isPrimary'));
        });
      }),
      { numRuns: 150 },
    );
  });

  it('allow no real call without state, status and primary, and leave a lost call unknown', async () => {
    let sent = 0;
    await fc.assert(
      fc.asyncProperty(sparseGateway, async (shown) => {
        answer = shown;
        lostCalls = 0;
        const { content } = await session.call(UNASSIGN, change);
        sent += lostCalls;
        expect(lostCalls, JSON.stringify(shown)).toBeLessThanOrEqual(allowsRealCall(shown) ? 1 : 0);
        expect(content.outcome).toBe(lostCalls === 1 ? 'unknown' : 'refused');
      }),
      { numRuns: 300 },
    );
    expect(sent).toBeGreaterThan(0);
  });

  it('do not make a wait report a draining address as released or as never there', async () => {
    let shown: SparseGateway | undefined;
    const { call, close } = await openSession({
      timeouts: FAST_TIMEOUTS,
      intercept: async (exchange) =>
        shown === undefined || phaseOf(exchange) !== 'describe'
          ? exchange.apply()
          : { status: 200, headers: { 'content-type': 'text/xml' }, body: xmlOf(shown) },
    });
    onTestFinished(close);
    // The drain outlasts the test, so that nothing is released.
    await call(UNASSIGN, { ...change, max_drain_duration_seconds: 4000 });
    await fc.assert(
      fc.asyncProperty(sparseGateway, async (next) => {
        const showsPrimary = next.addresses?.some(
          ({ members, index }) =>
            members.includes('privateIp') &&
            ((index === 0 && members.includes('isPrimary')) || next.addresses?.length === 1),
        );
        const proves =
          next.gateway.includes('state') && next.gateway.includes('natGatewayId') && showsPrimary === true;
        fc.pre(!proves);
        shown = next;
        const { content } = await call(WAIT, { ...change, timeout_seconds: 1 });
        const fates = (content.addresses ?? []).map(({ fate }: { fate: string }) => fate);
        expect(fates).not.toContain('released');
        expect(fates).not.toContain('not_on_gateway');
      }),
      { numRuns: 8 },
    );
  });
});
