import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NatGateway, NatGatewayAddress } from '../../src/nat-gateway/gateway.ts';
import type { Denial } from '../../src/nat-gateway/policy.ts';
import {
  type FindingCode,
  preflight as preflightWith,
  reasonsAgainst,
} from '../../src/nat-gateway/preflight.ts';

const primary: NatGatewayAddress = { private_ip: '10.0.1.10', is_primary: true, status: 'succeeded' };
const secondary: NatGatewayAddress = { private_ip: '10.0.1.11', is_primary: false, status: 'succeeded' };
const another: NatGatewayAddress = { private_ip: '10.0.1.12', is_primary: false, status: 'succeeded' };

function gateway(changes: Partial<NatGateway> = {}): NatGateway {
  return {
    nat_gateway_id: 'nat-0123456789abcdef0',
    state: 'available',
    connectivity_type: 'private',
    availability_mode: 'zonal',
    addresses: [primary, secondary, another],
    ...changes,
  };
}

const denial = { rule: 'read-only' as const, message: 'Read-only.' };

function preflight(subject: NatGateway, privateIps: string[], drain = 350) {
  return preflightWith(subject, privateIps, drain, []);
}

function codes(subject: NatGateway, ...privateIps: string[]): string[] {
  return preflight(subject, privateIps).findings.map(({ code, private_ip }) =>
    private_ip === undefined ? code : `${code} ${private_ip}`,
  );
}

describe('preflight', () => {
  it('clears a settled secondary of an available private gateway', () => {
    const check = preflight(gateway(), ['10.0.1.11']);
    expect(check).toMatchObject({ verdict: 'clear', requested: [secondary], others: [primary, another] });
    expect(check.findings.every(({ severity }) => severity === 'warns')).toBe(true);
  });

  it('refuses the primary address and names it', () => {
    expect(codes(gateway(), '10.0.1.10')).toEqual(['primary 10.0.1.10']);
  });

  it('refuses the only address as the primary, even if it is not marked', () => {
    expect(
      codes(gateway({ addresses: [{ private_ip: '10.0.1.11', status: 'succeeded' }] }), '10.0.1.11'),
    ).toEqual(['primary 10.0.1.11']);
  });

  it('refuses every address when none of several is marked as primary', () => {
    const unmarked = gateway({ addresses: [secondary, another] });
    expect(codes(unmarked, '10.0.1.11', '10.0.1.12')).toEqual([
      'primary_unknown 10.0.1.11',
      'primary_unknown 10.0.1.12',
    ]);
  });

  it('gives both explanations for an address that is not on the gateway, and names no other', () => {
    const [finding] = preflight(gateway(), ['10.0.1.99']).findings;
    expect(finding?.code).toBe('not_on_gateway');
    expect(finding?.message).toMatch(/10\.0\.1\.99.*released already.*mistyped/);
    expect(finding?.message).not.toMatch(/10\.0\.1\.1[012]/);
  });

  it('returns already_unassigning when every requested address is draining', () => {
    const draining = { ...secondary, status: 'unassigning' };
    const subject = gateway({ addresses: [primary, draining, { ...another, status: 'unassigning' }] });
    expect(preflight(subject, ['10.0.1.11']).verdict).toBe('already_unassigning');
    expect(preflight(subject, ['10.0.1.12', '10.0.1.11']).verdict).toBe('already_unassigning');
  });

  it('refuses a mix of draining and settled addresses', () => {
    const subject = gateway({ addresses: [primary, { ...secondary, status: 'unassigning' }, another] });
    expect(preflight(subject, ['10.0.1.11', '10.0.1.12']).verdict).toBe('blocked');
    expect(codes(subject, '10.0.1.11', '10.0.1.12')).toEqual([
      'unassigning 10.0.1.11',
      'change_in_progress 10.0.1.12',
    ]);
  });

  it('refuses while another address is changing', () => {
    const subject = gateway({ addresses: [primary, secondary, { is_primary: false, status: 'assigning' }] });
    expect(codes(subject, '10.0.1.11')).toEqual(['change_in_progress 10.0.1.11']);
  });

  it.each<[Partial<NatGateway>, FindingCode]>([
    [{ connectivity_type: 'public' }, 'public_gateway'],
    [
      { connectivity_type: undefined, addresses: [primary, { ...secondary, allocation_id: 'eipalloc-1' }] },
      'public_gateway',
    ],
    [{ availability_mode: 'regional', connectivity_type: 'public' }, 'regional_gateway'],
    [{ connectivity_type: undefined }, 'connectivity_unknown'],
    [{ connectivity_type: 'something new' }, 'connectivity_unknown'],
    [{ state: undefined }, 'state_unknown'],
    [{ state: 'pending' }, 'gateway_not_available'],
    [{ state: 'failed' }, 'gateway_not_available'],
    [{ state: 'deleting' }, 'gateway_not_available'],
    [{ state: 'deleted' }, 'gateway_not_available'],
    [{ state: 'something new' }, 'gateway_not_available'],
    [{ addresses: [primary, { ...secondary, status: undefined }] }, 'status_unknown'],
    [{ addresses: [primary, { ...secondary, status: 'something new' }] }, 'status_unknown'],
    [{ addresses: [primary, secondary, { ...another, status: undefined }] }, 'status_unknown'],
  ])('refuses a gateway with %j: %s', (changes, code) => {
    const check = preflight(gateway(changes), ['10.0.1.11']);
    expect(check.verdict).toBe('blocked');
    expect(check.findings.map((finding) => finding.code)).toEqual([code]);
  });

  it('treats a gateway without availability_mode as zonal', () => {
    expect(preflight(gateway({ availability_mode: undefined }), ['10.0.1.11']).verdict).toBe('clear');
  });

  it('refuses an address whose latest change failed, and no other for it', () => {
    const subject = gateway({ addresses: [primary, { ...secondary, status: 'failed' }, another] });
    expect(codes(subject, '10.0.1.11')).toEqual(['address_failed 10.0.1.11']);
    expect(preflight(subject, ['10.0.1.11']).verdict).toBe('blocked');
    expect(preflight(subject, ['10.0.1.12']).verdict).toBe('clear');
  });

  it('returns all findings at once', () => {
    const subject = gateway({ state: 'deleting', connectivity_type: 'public' });
    expect(codes(subject, '10.0.1.10', '10.0.1.99')).toEqual([
      'public_gateway',
      'gateway_not_available',
      'primary 10.0.1.10',
      'not_on_gateway 10.0.1.99',
    ]);
  });

  it('reports a changing address once', () => {
    const subject = gateway({ addresses: [primary, { ...secondary, status: 'assigning' }] });
    expect(codes(subject, '10.0.1.11')).toEqual(['change_in_progress 10.0.1.11']);
  });

  it('returns blocked, not already_unassigning, when one address drains and another is absent', () => {
    const subject = gateway({ addresses: [primary, { ...secondary, status: 'unassigning' }] });
    expect(preflight(subject, ['10.0.1.11', '10.0.1.99']).verdict).toBe('blocked');
  });

  it('returns the denials of the policy as findings', () => {
    expect(preflightWith(gateway(), ['10.0.1.11'], 350, [denial])).toMatchObject({
      verdict: 'blocked',
      findings: [{ code: 'policy', severity: 'blocks', rule: 'read-only', message: 'Read-only.' }],
    });
  });
});

describe('reasonsAgainst', () => {
  const reasons = (subject: NatGateway, denials: readonly Denial[] = []) =>
    reasonsAgainst(subject, () => denials).map((finding) => finding?.code);

  it('returns one reason for a changing address', () => {
    const subject = gateway({ addresses: [primary, { ...secondary, status: 'assigning' }] });
    expect(reasons(subject)).toEqual(['primary', 'change_in_progress']);
  });

  it('returns the policy as the reason only where there is no other', () => {
    expect(reasons(gateway(), [denial])).toEqual(['primary', 'policy', 'policy']);
    expect(reasonsAgainst(gateway(), () => [denial])[1]).toMatchObject({ rule: 'read-only' });
  });

  it('returns address_failed for a failed address alone', () => {
    const subject = gateway({ addresses: [primary, { ...secondary, status: 'failed' }, another] });
    expect(reasons(subject)).toEqual(['primary', 'address_failed', undefined]);
  });
});

describe('a message of preflight', () => {
  const messagesFor = (subject: NatGateway, ...privateIps: string[]): string =>
    preflight(subject, privateIps)
      .findings.map(({ message }) => message)
      .join(' ');

  it.each<[string, Partial<NatGateway>, string[], string]>([
    [
      'a gateway that is not available',
      { state: 'pending' },
      ['10.0.1.11'],
      'nat-0123456789abcdef0 is pending; it must be',
    ],
    [
      'a gateway without an id',
      { nat_gateway_id: undefined, state: 'failed' },
      ['10.0.1.11'],
      'the gateway is failed',
    ],
    ['an absent state', { state: undefined }, ['10.0.1.11'], 'did not say in what state'],
    [
      'an absent connectivity',
      { connectivity_type: undefined },
      ['10.0.1.11'],
      '(connectivity_type: absent)',
    ],
    ['an unknown connectivity', { connectivity_type: 'odd' }, ['10.0.1.11'], '(connectivity_type: odd)'],
    [
      'a changing address',
      { addresses: [primary, { ...secondary, status: 'assigning' }] },
      ['10.0.1.11'],
      '10.0.1.11 is assigning now.',
    ],
    [
      'another changing address',
      { addresses: [primary, secondary, { ...another, status: 'assigning' }] },
      ['10.0.1.11'],
      'and 10.0.1.12 is assigning: 10.0.1.11 has to wait',
    ],
    [
      'another changing address without an IP',
      { addresses: [primary, secondary, { status: 'assigning' }] },
      ['10.0.1.11'],
      'and another address is assigning:',
    ],
    [
      'an address with an unknown status',
      { addresses: [primary, secondary, { ...another, status: 'odd' }] },
      ['10.0.1.11'],
      'gave 10.0.1.12 of this gateway no status that is known here (odd)',
    ],
    [
      'an address without status or IP',
      { addresses: [primary, secondary, {}] },
      ['10.0.1.11'],
      'gave an address of this gateway no status that is known here (absent)',
    ],
    [
      'an address missing from the gateway',
      { addresses: [primary, secondary, { status: 'succeeded' }] },
      ['10.0.1.99'],
      '10.0.1.99 is not on nat-0123456789abcdef0: either it has been released already, or it is mistyped.',
    ],
    [
      'an address missing from a gateway without an id',
      { nat_gateway_id: undefined },
      ['10.0.1.99'],
      '10.0.1.99 is not on the gateway:',
    ],
  ])('describes %s', (_, changes, privateIps, message) => {
    expect(messagesFor(gateway(changes), ...privateIps)).toContain(message);
  });
});

describe('the warnings of preflight', () => {
  const codesOf = (subject: NatGateway, privateIps: string[], drain?: number): string[] =>
    preflight(subject, privateIps, drain).findings.map(({ code }) => code);

  it('give the limit of connections to one destination before and after', () => {
    const capacity = preflight(gateway(), ['10.0.1.11']).findings.find(({ code }) => code === 'capacity');
    expect(capacity).toMatchObject({ severity: 'warns', message: expect.stringMatching(/110000 .*165000/) });
  });

  it('include last_secondary only when no secondary remains', () => {
    expect(codesOf(gateway(), ['10.0.1.11'])).not.toContain('last_secondary');
    expect(codesOf(gateway(), ['10.0.1.11', '10.0.1.12'])).toContain('last_secondary');
  });

  it('include short_drain only for drains shorter than the idle timeout', () => {
    expect(codesOf(gateway(), ['10.0.1.11'], 349)).toContain('short_drain');
    expect(codesOf(gateway(), ['10.0.1.11'], 350)).not.toContain('short_drain');
  });

  it.each([
    [{ key: 'aws:cloudformation:stack-name', value: 'network' }, 'managed_by_cloudformation'],
    [{ key: 'ManagedBy', value: 'Terraform' }, 'managed_by_terraform'],
    [{ key: 'terraform', value: 'true' }, 'managed_by_terraform'],
    [{ key: 'managed-by', value: 'opentofu' }, 'managed_by_terraform'],
  ])('for the tag %j include %s', (tag, code) => {
    expect(codesOf(gateway({ tags: [tag] }), ['10.0.1.11'])).toContain(code);
    expect(codesOf(gateway({ tags: [{ key: 'Name', value: 'egress' }] }), ['10.0.1.11'])).not.toContain(code);
  });

  it.each([
    [{ key: 'Name', value: 'not-terraform' }],
    [{ key: 'Name', value: 'terraform-less' }],
    [{ key: 'my:aws:cloudformation:stack', value: 'x' }],
  ])('for the tag %j, which only resembles one, include no manager', (tag) => {
    const found = codesOf(gateway({ tags: [tag] }), ['10.0.1.11']);
    expect(found.filter((code) => code.startsWith('managed_by'))).toEqual([]);
  });

  it('include every manager that one of several tags names', () => {
    const tags = [
      { key: 'Name', value: 'egress' },
      { key: 'aws:cloudformation:stack-id', value: 'x' },
      { key: 'managed-by', value: 'terraform' },
    ];
    expect(codesOf(gateway({ tags }), ['10.0.1.11'])).toEqual(
      expect.arrayContaining(['managed_by_cloudformation', 'managed_by_terraform']),
    );
  });

  it('count no lost capacity for an address that never worked', () => {
    const broken = { ...another, status: 'failed' };
    const subject = gateway({ addresses: [primary, secondary, broken] });
    const [capacity] = preflight(subject, ['10.0.1.11']).findings;
    expect(capacity?.message).toMatch(/55000 .*110000/);
  });

  it('are left out when a finding blocks', () => {
    expect(codesOf(gateway(), ['10.0.1.10'], 1)).toEqual(['primary']);
  });
});

describe('any gateway', () => {
  // Usually succeeded, so that gateways without any reason against a change are frequent enough.
  const status = fc.oneof(
    { weight: 3, arbitrary: fc.constant('succeeded') },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'assigning',
        'unassigning',
        'associating',
        'disassociating',
        'failed',
        'something new',
        undefined,
      ),
    },
  );
  const addresses = fc
    .array(fc.record({ is_primary: fc.constantFrom(true, false, undefined), status }), {
      minLength: 1,
      maxLength: 8,
    })
    .map((list) => list.map((address, index) => ({ ...address, private_ip: `10.0.1.${index + 1}` })));
  const anyGateway = fc.record({
    nat_gateway_id: fc.constant('nat-0123456789abcdef0'),
    state: fc.constantFrom('available', 'available', 'pending', 'deleted', undefined),
    connectivity_type: fc.constantFrom('private', 'private', 'public', undefined),
    availability_mode: fc.constantFrom('zonal', 'regional', undefined),
    addresses,
  });

  it('is cleared exactly for its working secondaries while it is available, private, zonal and settled', () => {
    fc.assert(
      fc.property(anyGateway, (subject) => {
        const allowsChange =
          subject.state === 'available' &&
          subject.connectivity_type === 'private' &&
          subject.availability_mode !== 'regional' &&
          subject.addresses.some((other) => other.is_primary === true) &&
          subject.addresses.every((other) => other.status === 'succeeded' || other.status === 'failed');
        for (const { private_ip, is_primary, status } of subject.addresses) {
          const isClear = preflight(subject, [private_ip]).verdict === 'clear';
          expect(isClear).toBe(allowsChange && is_primary !== true && status === 'succeeded');
        }
      }),
      { numRuns: 500 },
    );
  });

  it('gets from preflight, for each address, the reason of reasonsAgainst', () => {
    fc.assert(
      fc.property(anyGateway, (subject) => {
        const reasons = reasonsAgainst(subject, () => []);
        subject.addresses.forEach(({ private_ip }, index) => {
          const { verdict, findings } = preflight(subject, [private_ip]);
          const reason = reasons[index]?.code;
          expect(verdict === 'clear').toBe(reason === undefined);
          expect([undefined, ...findings.map(({ code }) => code)]).toContain(reason);
        });
      }),
      { numRuns: 500 },
    );
  });
});
