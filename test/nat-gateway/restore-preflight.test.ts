import { describe, expect, it } from 'vitest';
import type { NatGateway, NatGatewayAddress } from '../../src/nat-gateway/gateway.ts';
import { restorePreflight } from '../../src/nat-gateway/restore-preflight.ts';

const released = ['10.0.1.11', '10.0.1.12'];
const primary = { private_ip: '10.0.1.10', is_primary: true, status: 'succeeded' };

function gateway(addresses: NatGatewayAddress[] = [], members: Partial<NatGateway> = {}): NatGateway {
  return {
    nat_gateway_id: 'nat-0123456789abcdef0',
    state: 'available',
    connectivity_type: 'private',
    addresses: [primary, ...addresses],
    ...members,
  };
}

const memory = (draining: string[] = []) => {
  return (privateIp: string) => ({
    isReleased: released.includes(privateIp),
    isDraining: draining.includes(privateIp),
  });
};

function codesOf(...[found, ips = released, remembered = memory(), denials = []]: CheckArguments) {
  const { verdict, findings } = restorePreflight(found, ips, remembered, denials);
  return { verdict, codes: findings.map(({ code, private_ip }) => [code, private_ip]) };
}

type CheckArguments = [
  gateway: NatGateway,
  ips?: string[],
  remembered?: ReturnType<typeof memory>,
  denials?: Parameters<typeof restorePreflight>[3],
];

describe('the preflight of a restore', () => {
  it('is clear for addresses that this server released and that are gone', () => {
    expect(codesOf(gateway())).toEqual({ verdict: 'clear', codes: [] });
  });

  it('blocks an address that this server did not release', () => {
    expect(codesOf(gateway(), ['10.0.1.11', '10.0.1.99'])).toEqual({
      verdict: 'blocked',
      codes: [['not_released_here', '10.0.1.99']],
    });
  });

  it('has nothing to do where all are there again', () => {
    const there = released.map((private_ip) => ({ private_ip, status: 'succeeded' }));
    expect(codesOf(gateway(there))).toEqual({
      verdict: 'already_on_gateway',
      codes: released.map((private_ip) => ['on_gateway', private_ip]),
    });
  });

  it('blocks all where only some are there again', () => {
    const there = [{ private_ip: '10.0.1.11', status: 'assigning' }];
    expect(codesOf(gateway(there))).toEqual({ verdict: 'blocked', codes: [['on_gateway', '10.0.1.11']] });
  });

  it.each<[string, NatGatewayAddress[], string[]]>([
    ['is shown', [{ private_ip: '10.0.1.11', status: 'unassigning' }], []],
    ['is remembered, though a read leaves it out', [], ['10.0.1.11']],
  ])('blocks while a drain %s', (_, addresses, draining) => {
    expect(codesOf(gateway(addresses), ['10.0.1.11'], memory(draining))).toEqual({
      verdict: 'blocked',
      codes: [['unassigning', '10.0.1.11']],
    });
  });

  it('blocks while another address is changing', () => {
    const changing = [{ private_ip: '10.0.1.13', status: 'unassigning' }];
    expect(codesOf(gateway(changing))).toEqual({
      verdict: 'blocked',
      codes: [['change_in_progress', undefined]],
    });
  });

  it.each([
    [5, 'clear'],
    [6, 'blocked'],
  ])('knows the quota of addresses: with %i secondaries it is %s for two more', (count, verdict) => {
    const secondaries = Array.from({ length: count }, (_, index) => ({
      private_ip: `10.0.1.${20 + index}`,
      status: 'succeeded',
    }));
    expect(codesOf(gateway(secondaries)).verdict).toBe(verdict);
  });

  it.each<[string, Partial<NatGateway>]>([
    ['public_gateway', { connectivity_type: 'public' }],
    ['gateway_not_available', { state: 'deleting' }],
    ['state_unknown', { state: undefined }],
  ])('blocks on the gateway itself: %s', (code, members) => {
    expect(codesOf(gateway([], members))).toEqual({ verdict: 'blocked', codes: [[code, undefined]] });
  });

  it('blocks what the policy denies', () => {
    const denials = [{ rule: 'read-only' as const, message: 'no' }];
    expect(codesOf(gateway(), released, memory(), denials)).toEqual({
      verdict: 'blocked',
      codes: [['policy', undefined]],
    });
  });

  it('warns where something else manages the gateway', () => {
    const tags = [{ key: 'terraform', value: 'yes' }];
    expect(codesOf(gateway([], { tags }))).toEqual({
      verdict: 'clear',
      codes: [['managed_by_terraform', undefined]],
    });
  });
});
