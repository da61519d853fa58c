import fc from 'fast-check';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { DESCRIBE, UNASSIGN, WAIT } from '../../src/vocabulary/names.ts';
import { phaseOf } from '../support/faults.ts';
import { EGRESS, FAST_TIMEOUTS, openSession, realCalls, type Session } from '../support/session.ts';

/**
 * EC2's model promises no member of a gateway: any may be absent, the sets too. Answers that are well-formed and
 * sparse must never crash a tool, bring forth a member that EC2 did not send, or be read as proof of anything.
 */

const ADDRESS = ['privateIp', 'isPrimary', 'status', 'networkInterfaceId'] as const;
const GATEWAY = ['natGatewayId', 'state', 'connectivityType', 'vpcId', 'subnetId'] as const;

/** Most of the time all of them, so that little is missing as often as much is. */
function mostOf<T>(members: readonly T[]): fc.Arbitrary<T[]> {
  const all: fc.Arbitrary<T[]> = fc.constant([...members]);
  return fc.oneof({ arbitrary: all, weight: 4 }, { arbitrary: fc.subarray([...members]), weight: 1 });
}

/** Which members are there; the values are always those of a gateway at work. */
const sparse = fc.record({
  gateway: mostOf(GATEWAY),
  addresses: fc.option(
    fc.array(fc.record({ members: mostOf(ADDRESS), index: fc.integer({ min: 0, max: 2 }) }), {
      maxLength: 4,
    }),
    { nil: undefined },
  ),
  tags: fc.boolean(),
});

type Sparse = typeof sparse extends fc.Arbitrary<infer T> ? T : never;

function xmlOf({ gateway, addresses, tags }: Sparse): string {
  const values: Record<(typeof GATEWAY)[number], string> = {
    natGatewayId: EGRESS,
    state: 'available',
    connectivityType: 'private',
    vpcId: 'vpc-1',
    subnetId: 'subnet-1',
  };
  const element = (name: string, value: string): string => `<${name}>${value}</${name}>`;
  const addressXml = ({ members, index }: NonNullable<Sparse['addresses']>[number]): string => {
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

/** Whether an answer shows all that a real call takes: a private gateway at work, its primary, and the address. */
function tells({ gateway, addresses = [] }: Sparse): boolean {
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

describe('answers of EC2 in which anything may be absent', () => {
  let session: Session;
  let answer: Sparse | undefined;
  let lost = false;

  beforeAll(async () => {
    session = await openSession({
      confirmMode: 'never',
      timeouts: FAST_TIMEOUTS,
      intercept: async (exchange) => {
        const phase = phaseOf(exchange);
        if (phase === 'real call') {
          // The request is lost before EC2 acts, and so is its answer.
          lost = true;
          exchange.socket.resetAndDestroy();
          return undefined;
        }
        if (phase !== 'describe' || answer === undefined) return exchange.apply();
        return { status: 200, headers: { 'content-type': 'text/xml' }, body: xmlOf(answer) };
      },
    });
    return session.close;
  });

  it('are shown as they are, and nothing is made up', async () => {
    await fc.assert(
      fc.asyncProperty(sparse, async (shown) => {
        answer = shown;
        const { content, isError } = await session.call(DESCRIBE, {});
        expect(isError).toBe(false);
        const [gateway] = content.nat_gateways;
        const sent = new Set(
          shown.gateway.map((name) => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)),
        );
        for (const member of Object.keys(gateway)) {
          expect(sent.has(member) || ['addresses', 'tags'].includes(member), member).toBe(true);
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

  it('never lead to a real call where state, status or primary are not told, nor to a verdict after one', async () => {
    let sent = 0;
    await fc.assert(
      fc.asyncProperty(sparse, async (shown) => {
        answer = shown;
        lost = false;
        const before = realCalls(session.calls).length;
        const wish = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };
        const { content } = await session.call(UNASSIGN, wish);
        const calls = realCalls(session.calls).length - before + (lost ? 1 : 0);
        if (lost) sent += 1;
        if (!tells(shown)) expect(lost, JSON.stringify(shown)).toBe(false);
        expect(calls).toBeLessThanOrEqual(1);
        // It was lost before EC2 acted: whatever the reads after it leave out, it was not accepted.
        expect(['refused', 'unknown']).toContain(content.outcome);
        expect(content.outcome).toBe(lost ? 'unknown' : 'refused');
      }),
      { numRuns: 300 },
    );
    expect(sent).toBeGreaterThan(0);
  });

  it('never let a wait call an address released that they do not show to be gone', async () => {
    const { session: own, show } = await (async () => {
      let shown: Sparse | undefined;
      const opened = await openSession({
        timeouts: FAST_TIMEOUTS,
        intercept: async (exchange) =>
          shown === undefined || phaseOf(exchange) !== 'describe'
            ? exchange.apply()
            : { status: 200, headers: { 'content-type': 'text/xml' }, body: xmlOf(shown) },
      });
      onTestFinished(opened.close);
      return { session: opened, show: (next: Sparse | undefined) => (shown = next) };
    })();
    // The drain goes on throughout, so that nothing is ever released.
    const wish = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };
    await own.call(UNASSIGN, { ...wish, max_drain_duration_seconds: 4000 });
    await fc.assert(
      fc.asyncProperty(sparse, async (next) => {
        const showsPrimary = next.addresses?.some(
          ({ members, index }) =>
            members.includes('privateIp') &&
            ((index === 0 && members.includes('isPrimary')) || next.addresses?.length === 1),
        );
        const proves =
          next.gateway.includes('state') && next.gateway.includes('natGatewayId') && showsPrimary === true;
        fc.pre(!proves);
        show(next);
        const { content } = await own.call(WAIT, { ...wish, timeout_seconds: 1 });
        const fates = (content.addresses ?? []).map(({ fate }: { fate: string }) => fate);
        expect(fates).not.toContain('released');
        expect(fates).not.toContain('not_on_gateway');
      }),
      { numRuns: 8 },
    );
  });
});
