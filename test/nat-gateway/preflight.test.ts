import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NatGateway, NatGatewayAddress } from '../../src/nat-gateway/gateway.ts';
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

  it('takes the only address for the primary, marked or not', () => {
    expect(
      codes(gateway({ addresses: [{ private_ip: '10.0.1.11', status: 'succeeded' }] }), '10.0.1.11'),
    ).toEqual(['primary 10.0.1.11']);
  });

  it('refuses every address when several are there and none is marked as primary', () => {
    const unmarked = gateway({ addresses: [secondary, another] });
    expect(codes(unmarked, '10.0.1.11', '10.0.1.12')).toEqual([
      'primary_unknown 10.0.1.11',
      'primary_unknown 10.0.1.12',
    ]);
  });

  it('says both readings of an address that is not on the gateway, and what the gateway holds', () => {
    const [finding] = preflight(gateway(), ['10.0.1.99']).findings;
    expect(finding?.code).toBe('not_on_gateway');
    expect(finding?.message).toMatch(/released already.*mistyped.*10\.0\.1\.10, 10\.0\.1\.11, 10\.0\.1\.12/);
  });

  it('calls it already_unassigning when every requested address is draining', () => {
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
  ])('refuses a gateway with %j as %s', (changes, code) => {
    const check = preflight(gateway(changes), ['10.0.1.11']);
    expect(check.verdict).toBe('blocked');
    expect(check.findings.map((finding) => finding.code)).toEqual([code]);
  });

  it('treats a gateway without availability_mode as zonal', () => {
    expect(preflight(gateway({ availability_mode: undefined }), ['10.0.1.11']).verdict).toBe('clear');
  });

  it('warns about an address that failed to be assigned, and does not stand in the way', () => {
    const check = preflight(gateway({ addresses: [primary, { ...secondary, status: 'failed' }] }), [
      '10.0.1.11',
    ]);
    expect(check.verdict).toBe('clear');
    expect(check.findings).toContainEqual(
      expect.objectContaining({ code: 'address_failed', severity: 'warns', private_ip: '10.0.1.11' }),
    );
  });

  it('says everything at once', () => {
    const subject = gateway({ state: 'deleting', connectivity_type: 'public' });
    expect(codes(subject, '10.0.1.10', '10.0.1.99')).toEqual([
      'public_gateway',
      'gateway_not_available',
      'primary 10.0.1.10',
      'not_on_gateway 10.0.1.99',
    ]);
  });
});

describe('what preflight says', () => {
  const said = (subject: NatGateway, ...privateIps: string[]): string =>
    preflight(subject, privateIps)
      .findings.map(({ message }) => message)
      .join(' ');

  it.each<[string, Partial<NatGateway>, string[], string]>([
    ['the gateway', { state: 'pending' }, ['10.0.1.11'], 'nat-0123456789abcdef0 is pending; it must be'],
    [
      'a gateway without an id',
      { nat_gateway_id: undefined, state: 'failed' },
      ['10.0.1.11'],
      'the gateway is failed',
    ],
    ['a state that is absent', { state: undefined }, ['10.0.1.11'], 'did not say in what state'],
    [
      'a connectivity that is absent',
      { connectivity_type: undefined },
      ['10.0.1.11'],
      '(connectivity_type: absent)',
    ],
    ['a connectivity that is new', { connectivity_type: 'odd' }, ['10.0.1.11'], '(connectivity_type: odd)'],
    [
      'an address that is changing',
      { addresses: [primary, { ...secondary, status: 'assigning' }] },
      ['10.0.1.11'],
      '10.0.1.11 is assigning now.',
    ],
    [
      'another address that is changing',
      { addresses: [primary, secondary, { ...another, status: 'assigning' }] },
      ['10.0.1.11'],
      'and 10.0.1.12 is assigning: 10.0.1.11 has to wait',
    ],
    [
      'an address that is changing and has no IP',
      { addresses: [primary, secondary, { status: 'assigning' }] },
      ['10.0.1.11'],
      'and another address is assigning:',
    ],
    [
      'an address whose status is new',
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
      'an address that is not there',
      { addresses: [primary, secondary, { status: 'succeeded' }] },
      ['10.0.1.99'],
      '10.0.1.99 is not on nat-0123456789abcdef0: either it has been released already, or it is mistyped. The gateway holds 10.0.1.10, 10.0.1.11.',
    ],
    ['an address on an empty gateway', { addresses: [] }, ['10.0.1.99'], 'The gateway holds no address.'],
    [
      'an address on a gateway without an id',
      { nat_gateway_id: undefined },
      ['10.0.1.99'],
      '10.0.1.99 is not on the gateway:',
    ],
  ])('names %s', (_, changes, privateIps, message) => {
    expect(said(gateway(changes), ...privateIps)).toContain(message);
  });

  it('says once of an address that changes that it does', () => {
    const subject = gateway({ addresses: [primary, { ...secondary, status: 'assigning' }] });
    expect(codes(subject, '10.0.1.11')).toEqual(['change_in_progress 10.0.1.11']);
    expect(reasonsAgainst(subject, () => [])).toEqual(['primary', 'change_in_progress']);
  });

  it('gives the rules of the operator as findings, and as the reason behind every other', () => {
    const denial = { rule: 'read-only' as const, message: 'Read-only.' };
    expect(preflightWith(gateway(), ['10.0.1.11'], 350, [denial])).toMatchObject({
      verdict: 'blocked',
      findings: [{ code: 'policy', severity: 'blocks', rule: 'read-only', message: 'Read-only.' }],
    });
    expect(reasonsAgainst(gateway(), () => [denial])).toEqual(['primary', 'policy', 'policy']);
  });

  it('takes a warning for no reason against an address', () => {
    const subject = gateway({ addresses: [primary, { ...secondary, status: 'failed' }] });
    expect(reasonsAgainst(subject, () => [])).toEqual(['primary', undefined]);
  });

  it('is blocked, not done, where some are draining and another is not there', () => {
    const subject = gateway({ addresses: [primary, { ...secondary, status: 'unassigning' }] });
    expect(preflight(subject, ['10.0.1.11', '10.0.1.99']).verdict).toBe('blocked');
  });
});

describe('the warnings of preflight', () => {
  const warned = (subject: NatGateway, privateIps: string[], drain?: number): string[] =>
    preflight(subject, privateIps, drain).findings.map(({ code }) => code);

  it('name the ceiling of connections to one destination before and after', () => {
    const capacity = preflight(gateway(), ['10.0.1.11']).findings.find(({ code }) => code === 'capacity');
    expect(capacity).toMatchObject({ severity: 'warns', message: expect.stringMatching(/110000 .*165000/) });
  });

  it('tell that no secondary remains', () => {
    expect(warned(gateway(), ['10.0.1.11'])).not.toContain('last_secondary');
    expect(warned(gateway(), ['10.0.1.11', '10.0.1.12'])).toContain('last_secondary');
  });

  it('tell of a drain shorter than the idle timeout, and of none that is as long', () => {
    expect(warned(gateway(), ['10.0.1.11'], 349)).toContain('short_drain');
    expect(warned(gateway(), ['10.0.1.11'], 350)).not.toContain('short_drain');
  });

  it.each([
    [{ key: 'aws:cloudformation:stack-name', value: 'network' }, 'managed_by_cloudformation'],
    [{ key: 'ManagedBy', value: 'Terraform' }, 'managed_by_terraform'],
    [{ key: 'terraform', value: 'true' }, 'managed_by_terraform'],
    [{ key: 'managed-by', value: 'opentofu' }, 'managed_by_terraform'],
  ])('tell whose template %j is', (tag, code) => {
    expect(warned(gateway({ tags: [tag] }), ['10.0.1.11'])).toContain(code);
    expect(warned(gateway({ tags: [{ key: 'Name', value: 'egress' }] }), ['10.0.1.11'])).not.toContain(code);
  });

  it.each([
    [{ key: 'Name', value: 'not-terraform' }],
    [{ key: 'Name', value: 'terraform-less' }],
    [{ key: 'my:aws:cloudformation:stack', value: 'x' }],
  ])('tell of no template by %j, which only resembles its tag', (tag) => {
    const found = warned(gateway({ tags: [tag] }), ['10.0.1.11']);
    expect(found.filter((code) => code.startsWith('managed_by'))).toEqual([]);
  });

  it('tell whose template it is by one tag among others', () => {
    const tags = [
      { key: 'Name', value: 'egress' },
      { key: 'aws:cloudformation:stack-id', value: 'x' },
      { key: 'managed-by', value: 'terraform' },
    ];
    expect(warned(gateway({ tags }), ['10.0.1.11'])).toEqual(
      expect.arrayContaining(['managed_by_cloudformation', 'managed_by_terraform']),
    );
  });

  it('tell of no loss where an address goes that never worked', () => {
    const broken = { ...another, status: 'failed' };
    const subject = gateway({ addresses: [primary, secondary, broken] });
    expect(warned(subject, ['10.0.1.12'])).toEqual(['address_failed']);
    const [capacity] = preflight(subject, ['10.0.1.11']).findings;
    expect(capacity?.message).toMatch(/55000 .*110000/);
  });

  it('are left out where something blocks', () => {
    expect(warned(gateway(), ['10.0.1.10'], 1)).toEqual(['primary']);
  });
});

describe('any gateway', () => {
  const status = fc.constantFrom(
    'assigning',
    'unassigning',
    'associating',
    'disassociating',
    'succeeded',
    'failed',
    'something new',
    undefined,
  );
  const addresses = fc
    .array(fc.record({ is_primary: fc.constantFrom(true, false, undefined), status }), {
      minLength: 1,
      maxLength: 8,
    })
    .map((list) => list.map((address, index) => ({ ...address, private_ip: `10.0.1.${index + 1}` })));
  const anyGateway: fc.Arbitrary<NatGateway> = fc.record({
    nat_gateway_id: fc.constant('nat-0123456789abcdef0'),
    state: fc.constantFrom('available', 'pending', 'deleted', undefined),
    connectivity_type: fc.constantFrom('private', 'private', 'public', undefined),
    availability_mode: fc.constantFrom('zonal', 'regional', undefined),
    addresses,
  });

  it('is never cleared for a primary, a changing or an unclear address, nor unless private and available', () => {
    fc.assert(
      fc.property(anyGateway, fc.nat(7), (subject, index) => {
        const address = subject.addresses[index % subject.addresses.length];
        if (address?.private_ip === undefined) return;
        if (preflight(subject, [address.private_ip]).verdict !== 'clear') return;
        expect(subject.state).toBe('available');
        expect(subject.connectivity_type).toBe('private');
        expect(subject.availability_mode).not.toBe('regional');
        expect(address.is_primary).not.toBe(true);
        expect(subject.addresses.some((other) => other.is_primary === true)).toBe(true);
        for (const other of subject.addresses) expect(['succeeded', 'failed']).toContain(other.status);
      }),
    );
  });

  it('has, for each address that describe refuses, that same reason among the findings', () => {
    fc.assert(
      fc.property(anyGateway, (subject) => {
        for (const address of subject.addresses) {
          if (address.private_ip === undefined) continue;
          const check = preflight(subject, [address.private_ip]);
          const reason = reasonsAgainst(subject, () => [])[subject.addresses.indexOf(address)];
          expect(check.verdict === 'clear').toBe(reason === undefined);
          if (reason !== undefined) expect(check.findings.map(({ code }) => code)).toContain(reason);
        }
      }),
    );
  });
});
