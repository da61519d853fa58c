import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coversAddress } from '../../src/nat-gateway/cidr.ts';
import { type Evidence, type Range, SOURCE_STATUSES, type Traffic } from '../../src/nat-gateway/evidence.ts';
import type { NatGateway } from '../../src/nat-gateway/gateway.ts';
import {
  enoughAddresses,
  judgeEvidence,
  NOTHING_READ,
  unknownSources,
} from '../../src/nat-gateway/judge-evidence.ts';

const OPERATOR = ' Only the operator of this server can change that it blocks (--evidence require).';

/** A gateway whose addresses all work; the first is the primary. */
function gatewayOf(...privateIps: string[]): NatGateway {
  return {
    state: 'available',
    connectivity_type: 'private',
    addresses: privateIps.map((private_ip, index) => ({
      private_ip,
      is_primary: index === 0,
      status: 'succeeded',
    })),
  };
}

const gateway = gatewayOf('10.0.1.10', '10.0.1.11', '10.0.1.12');

/** Everything was read, and speaks for the release. */
const QUIET: Evidence = {
  traffic: {
    status: 'found',
    hours_with_data: 168,
    peak_connections: 4200,
    port_allocation_errors: 0,
    packets_dropped: 0,
  },
  routes: { status: 'none' },
  security_groups: { status: 'none' },
  prefix_lists: { status: 'none' },
};

interface Case {
  traffic?: Partial<Traffic>;
  privateIps?: string[];
  of?: NatGateway;
  isRequired?: boolean;
}

function judge(
  read: Partial<Evidence>,
  { traffic = {}, privateIps = ['10.0.1.11'], of = gateway, isRequired = false }: Case = {},
) {
  const evidence = { ...QUIET, ...read };
  return judgeEvidence(
    { ...evidence, traffic: { ...evidence.traffic, ...traffic } },
    { gateway: of, privateIps, isRequired },
  );
}

const codes = (judged: { findings: { code: string }[] }) => judged.findings.map(({ code }) => code);

const covering = (...ranges: Range[]): Evidence['security_groups'] => ({ status: 'found', ranges });
const range = (id: string, private_ip: string, cidr: string): Range => ({ id, private_ip, cidr });

describe('the findings on traffic', () => {
  const remains = (many: number, sum: string) =>
    `what remains serves ${many} × 55,000 = ${sum} to one destination`;
  const udp = 'UDP and ICMP use ports too and are not counted.';
  const ample = (peak: string) => ({
    code: 'capacity_ample',
    severity: 'informs',
    message: `At most ${peak} TCP connections at once to all destinations in 168 of 168 hours with data; ${remains(2, '110,000')}, so that no destination can have needed more. ${udp}`,
  });
  const short = (peak: string, most: string, rest = remains(2, '110,000')) => ({
    code: 'capacity_short',
    severity: 'warns',
    message: `${most} ${peak} TCP connections at once to all destinations in 168 of 168 hours with data; ${rest}. Whether one destination had more than that is not known.`,
  });
  const exhausted = (times: string) => ({
    code: 'ports_exhausted',
    severity: 'warns',
    message: `In seven days the gateway could not allocate a port ${times} (ErrorPortAllocation): it has too few addresses for some destination already.`,
  });
  const idle = (hours = ' in 168 of 168 hours with data') => ({
    code: 'no_traffic_seen',
    severity: 'informs',
    message: `CloudWatch counted no TCP connection${hours}. UDP and ICMP are not counted, and traffic may come later.`,
  });
  const partly = {
    code: 'evidence_unavailable',
    severity: 'warns',
    message: 'Not known: traffic (only a part was read). That does not mean that there is nothing.',
  };

  it.each<[string, Partial<Traffic>, object[]]>([
    ['a peak within what remains', { peak_connections: 4200 }, [ample('4,200')]],
    ['a peak of exactly what remains', { peak_connections: 110_000 }, [ample('110,000')]],
    ['a peak above what remains', { peak_connections: 110_001 }, [short('110,001', 'At most')]],
    ['no connection', { peak_connections: 0 }, [ample('0'), idle()]],
    ['one port error', { port_allocation_errors: 1 }, [exhausted('once')]],
    ['many port errors', { port_allocation_errors: 1920 }, [exhausted('1,920 times')]],
    [
      'no count of connections',
      { peak_connections: undefined },
      [
        {
          ...partly,
          message:
            'Not known: traffic (no data of ActiveConnectionCount). That does not mean that there is nothing.',
        },
      ],
    ],
    ['a part without a fault', { incomplete: true }, [partly]],
    ['a part without a connection', { incomplete: true, peak_connections: 0 }, [partly]],
    [
      'a part with faults',
      { incomplete: true, peak_connections: 200_000, port_allocation_errors: 3 },
      [exhausted('3 times'), short('200,000', 'At least'), partly],
    ],
  ])('of %s', (_, traffic, findings) => {
    expect(judge({}, { traffic }).findings).toEqual(findings);
  });

  it('leave out hours that nobody counted', () => {
    const { findings } = judge({}, { traffic: { peak_connections: 0, hours_with_data: undefined } });
    expect(findings).toContainEqual(idle(''));
  });

  it.each<[string, Case, object[]]>([
    [
      'two addresses that go',
      { traffic: { peak_connections: 56_000 }, privateIps: ['10.0.1.11', '10.0.1.12'] },
      [short('56,000', 'At most', remains(1, '55,000'))],
    ],
    [
      'an address that does not work and goes',
      {
        traffic: { peak_connections: 110_001 },
        of: {
          addresses: [
            ...gatewayOf('10.0.1.10', '10.0.1.12').addresses,
            { private_ip: '10.0.1.11', status: 'failed' },
          ],
        },
      },
      [short('110,001', 'At most')],
    ],
    [
      'addresses whose private IP is not told',
      {
        traffic: { peak_connections: 110_001 },
        of: { addresses: [{ status: 'succeeded' }, { status: 'succeeded' }] },
      },
      [short('110,001', 'At most')],
    ],
    [
      'nothing that remains',
      { traffic: { peak_connections: 1 }, of: gatewayOf('10.0.1.11') },
      [short('1', 'At most', remains(0, '0'))],
    ],
    [
      'nothing that remains, and no connection',
      { traffic: { peak_connections: 0 }, of: gatewayOf('10.0.1.11') },
      [idle()],
    ],
    ['a gateway without a working address', { of: { addresses: [] } }, []],
  ])('count %s', (_, given, findings) => {
    expect(judge({}, given).findings).toEqual(findings);
  });
});

describe('the addresses that suffice', () => {
  it.each<[Partial<Traffic>, number | undefined]>([
    [{ peak_connections: 0 }, 1],
    [{ peak_connections: 55_000 }, 1],
    [{ peak_connections: 55_001 }, 2],
    [{ peak_connections: 55_001, incomplete: true }, undefined],
    [{ peak_connections: undefined }, undefined],
    [{ status: 'no_data', peak_connections: 1 }, undefined],
  ])('for %j are %j', (traffic, enough) => {
    expect(enoughAddresses({ ...QUIET.traffic, ...traffic })).toBe(enough);
  });
});

describe('the findings on who names an address', () => {
  const REST = 'not 10.0.1.10, 10.0.1.12: connections that move there may be refused';
  const listed = (private_ip: string, names: string, rest = REST) => ({
    code: 'allow_listed',
    severity: 'warns',
    private_ip,
    message: `${private_ip} is allowed by ${names} of this account and region, and ${rest}.`,
  });
  const both = ['10.0.1.11', '10.0.1.12'];

  it('name the address and every group and list, an address each', () => {
    const security_groups = covering(
      range('sg-1', '10.0.1.11', '10.0.1.11/32'),
      range('sg-2', '10.0.1.11', '10.0.1.11/32'),
      range('sg-1', '10.0.1.12', '10.0.1.12/31'),
    );
    const prefix_lists = covering(range('pl-1', '10.0.1.11', '10.0.1.10/31'));
    const notTheFirst = 'not 10.0.1.10: connections that move there may be refused';
    expect(
      judge({ security_groups, prefix_lists }, { privateIps: both }).findings.filter(
        ({ code }) => code === 'allow_listed',
      ),
    ).toEqual([
      listed('10.0.1.11', 'sg-1 (10.0.1.11/32), sg-2 (10.0.1.11/32)', notTheFirst),
      listed('10.0.1.12', 'sg-1 (10.0.1.12/31)', notTheFirst),
    ]);
  });

  it('name five and count the others', () => {
    const ranges = Array.from({ length: 7 }, (_, index) => range(`sg-${index}`, '10.0.1.11', '10.0.1.11/32'));
    expect(judge({ security_groups: covering(...ranges) }).findings).toContainEqual(
      listed(
        '10.0.1.11',
        `${[0, 1, 2, 3, 4].map((index) => `sg-${index} (10.0.1.11/32)`).join(', ')}, 2 more`,
      ),
    );
  });

  it('count no others where there are five', () => {
    const ranges = Array.from({ length: 5 }, (_, index) => range(`sg-${index}`, '10.0.1.11', '10.0.1.11/32'));
    const names = ranges.map(({ id, cidr }) => `${id} (${cidr})`).join(', ');
    expect(judge({ security_groups: covering(...ranges) }).findings).toContainEqual(
      listed('10.0.1.11', names),
    );
  });

  it.each<[string, string, Case]>([
    ['a range that covers all that remains', '10.0.1.0/24', {}],
    ['the range of every address', '0.0.0.0/0', {}],
    ['a range of an address that stays', '10.0.1.12/32', { privateIps: ['10.0.1.11'] }],
  ])('leave out %s', (_, cidr, given) => {
    const private_ip = cidr === '10.0.1.12/32' ? '10.0.1.12' : '10.0.1.11';
    const { findings } = judge({ security_groups: covering(range('sg-1', private_ip, cidr)) }, given);
    expect(findings.map(({ code }) => code)).not.toContain('allow_listed');
  });

  it.each<[string, NatGateway, string]>([
    ['no address remains', gatewayOf('10.0.1.11'), 'nothing remains that it allows'],
    [
      'an address that remains is not told',
      { addresses: [{ status: 'succeeded' }, ...gateway.addresses] },
      'not an address that EC2 does not tell: connections that move there may be refused',
    ],
    [
      'an address that remains is elsewhere',
      gatewayOf('10.0.2.10', '10.0.1.11'),
      'not 10.0.2.10: connections that move there may be refused',
    ],
  ])('count a wide range where %s', (_, of, rest) => {
    const security_groups = covering(range('sg-1', '10.0.1.11', '10.0.1.0/24'));
    expect(judge({ security_groups }, { of }).findings).toContainEqual(
      listed('10.0.1.11', 'sg-1 (10.0.1.0/24)', rest),
    );
  });

  it('show the narrowest ranges, the number of the others, and of those that make no difference', () => {
    const wide = range('sg-wide', '10.0.1.11', '10.0.0.0/8');
    const narrow = Array.from({ length: 22 }, (_, index) =>
      range(`sg-${index}`, '10.0.1.11', '10.0.1.11/32'),
    );
    const half = range('sg-half', '10.0.1.11', '10.0.1.11/31');
    const { evidence } = judge({ prefix_lists: covering(wide, half, ...narrow) });
    expect(evidence.prefix_lists).toEqual({
      status: 'found',
      ranges: narrow.slice(0, 20),
      covering_the_rest: 1,
      more: 3,
    });
    const few = judge({ prefix_lists: covering(half, range('pl-1', '10.0.1.11', '10.0.1.11/32')) }).evidence;
    expect(few.prefix_lists.ranges?.map(({ id }) => id)).toEqual(['pl-1', 'sg-half']);
    expect(few.prefix_lists.more).toBeUndefined();
    expect(few.prefix_lists.covering_the_rest).toBeUndefined();
  });
});

describe('the finding on routes', () => {
  const message = (tables: string, from: string) =>
    `Route tables ${tables} of this account and region point to the gateway; they are used by ${from}.`;
  it.each<[Evidence['routes'], string]>([
    [
      { status: 'found', route_table_ids: ['rtb-1'], subnet_ids: ['subnet-1', 'subnet-2'] },
      message('rtb-1', 'subnet-1, subnet-2'),
    ],
    [
      { status: 'found', route_table_ids: ['rtb-1', 'rtb-2'], subnet_ids: [] },
      message('rtb-1, rtb-2', 'no subnet'),
    ],
    [
      { status: 'found', incomplete: true, route_table_ids: ['rtb-1'], subnet_ids: [] },
      message('rtb-1', 'subnets that are not known'),
    ],
    [
      { status: 'found', incomplete: true, route_table_ids: ['rtb-1'], subnet_ids: ['subnet-1'] },
      message('rtb-1', 'subnet-1, and perhaps by others'),
    ],
    [
      {
        status: 'found',
        route_table_ids: ['rtb-1'],
        subnet_ids: ['s-1', 's-2', 's-3', 's-4', 's-5', 's-6'],
      },
      message('rtb-1', 's-1, s-2, s-3, s-4, s-5, 1 more'),
    ],
  ])('of %j', (routes, expected) => {
    expect(judge({ routes }).findings).toContainEqual({
      code: 'routed_from',
      severity: 'informs',
      message: expected,
    });
  });

  it.each<Evidence['routes']>([{ status: 'none' }, { status: 'denied' }, { status: 'no_data' }])(
    'of %j is none',
    (routes) => {
      expect(codes(judge({ routes }))).not.toContain('routed_from');
    },
  );
});

describe('the finding on what is not known', () => {
  it.each<[string, Partial<Evidence>, string[]]>([
    ['nothing unknown', {}, []],
    [
      'everything unknown',
      NOTHING_READ,
      [
        'traffic (no data)',
        'routes (no data)',
        'security groups that name an address (no data)',
        'prefix lists that name an address (no data)',
      ],
    ],
    [
      'a denial',
      { routes: { status: 'denied', action: 'ec2:DescribeRouteTables' } },
      ['routes (ec2:DescribeRouteTables is denied)'],
    ],
    ['a denial of no named action', { routes: { status: 'denied' } }, ['routes (denied)']],
    ['no answer', { routes: { status: 'timed_out' } }, ['routes (no answer in time)']],
    ['a failure', { routes: { status: 'no_data', error: 'throttled' } }, ['routes (throttled)']],
    [
      'a part',
      { prefix_lists: { status: 'found', incomplete: true } },
      ['prefix lists that name an address (only a part was read)'],
    ],
    [
      'a metric without data',
      { traffic: { ...QUIET.traffic, port_allocation_errors: undefined } },
      ['traffic (no data of ErrorPortAllocation)'],
    ],
    [
      'no count of connections',
      { traffic: { ...QUIET.traffic, peak_connections: undefined } },
      ['traffic (no data of ActiveConnectionCount)'],
    ],
    ['no count of dropped packets', { traffic: { ...QUIET.traffic, packets_dropped: undefined } }, []],
  ])('says it of %s', (_, read, unknown) => {
    const evidence = { ...QUIET, ...read };
    expect(unknownSources(evidence)).toEqual(unknown);
    const message = `Not known: ${unknown.join(', ')}. That does not mean that there is nothing.`;
    expect(judge(read).findings.filter(({ code }) => code === 'evidence_unavailable')).toEqual(
      unknown.length === 0 ? [] : [{ code: 'evidence_unavailable', severity: 'warns', message }],
    );
  });
});

describe('evidence that the operator demands', () => {
  it.each<[string, Partial<Evidence>]>([
    ['ports_exhausted', { traffic: { ...QUIET.traffic, port_allocation_errors: 1 } }],
    ['capacity_short', { traffic: { ...QUIET.traffic, peak_connections: 200_000 } }],
    ['allow_listed', { security_groups: covering(range('sg-1', '10.0.1.11', '10.0.1.11/32')) }],
    ['evidence_unavailable', { routes: { status: 'timed_out' } }],
  ])('blocks on %s, and says by whom', (code, read) => {
    const warned = judge(read).findings.find((finding) => finding.code === code);
    const blocking = judge(read, { isRequired: true }).findings.find((finding) => finding.code === code);
    expect(warned).toMatchObject({ severity: 'warns' });
    expect(blocking).toEqual({
      ...warned,
      severity: 'blocks',
      rule: 'evidence',
      message: `${warned?.message}${OPERATOR}`,
    });
  });

  it('blocks on nothing else', () => {
    const routes = { status: 'found' as const, route_table_ids: ['rtb-1'], subnet_ids: ['subnet-1'] };
    const given = { traffic: { peak_connections: 0 }, isRequired: true };
    expect(judge({ routes }, given)).toEqual(judge({ routes }, { ...given, isRequired: false }));
    expect(codes(judge({ routes }, given))).toEqual(['capacity_ample', 'no_traffic_seen', 'routed_from']);
  });
});

describe('any evidence', () => {
  const ADDRESSES = ['10.0.1.10', '10.0.1.11', '10.0.1.12', '10.0.1.13', '10.0.2.10'];
  const of = gatewayOf(...ADDRESSES);
  const anyCount = fc.option(fc.constantFrom(0, 1, 55_000, 55_001, 220_001, 1_000_000), { nil: undefined });
  const anyIncomplete = fc.constantFrom(undefined, true as const);
  const anyTraffic: fc.Arbitrary<Traffic> = fc.record({
    status: fc.constantFrom(...SOURCE_STATUSES),
    incomplete: anyIncomplete,
    hours_with_data: fc.option(fc.integer({ min: 1, max: 168 }), { nil: undefined }),
    peak_connections: anyCount,
    port_allocation_errors: anyCount,
    packets_dropped: anyCount,
  });
  const anyRoutes: fc.Arbitrary<Evidence['routes']> = fc.record({
    status: fc.constantFrom(...SOURCE_STATUSES),
    incomplete: anyIncomplete,
  });
  const anyCidr = fc
    .tuple(fc.constantFrom(...ADDRESSES), fc.integer({ min: 0, max: 32 }))
    .map(([ip, bits]) => `${ip}/${bits}`);
  const anyRanges = fc.array(
    fc
      .tuple(fc.constantFrom('sg-1', 'sg-2'), fc.constantFrom(...ADDRESSES), anyCidr)
      .map(([id, private_ip, cidr]) => range(id, private_ip, cidr))
      .filter(({ private_ip, cidr }) => coversAddress(cidr, private_ip)),
    { maxLength: 4 },
  );
  const anyNames: fc.Arbitrary<Evidence['security_groups']> = fc.oneof(
    fc.record({ status: fc.constant('found' as const), incomplete: anyIncomplete, ranges: anyRanges }),
    fc.record({ status: fc.constantFrom(...SOURCE_STATUSES) }),
  );
  const anyEvidence: fc.Arbitrary<Evidence> = fc.record({
    traffic: anyTraffic,
    routes: anyRoutes,
    security_groups: anyNames,
    prefix_lists: anyNames,
  });
  const anyRelease = fc.subarray(ADDRESSES.slice(1), { minLength: 1 });
  const found = (read: Evidence, privateIps: string[], isRequired = false) =>
    judgeEvidence(read, { gateway: of, privateIps, isRequired }).findings;

  it('that is absent, partial or failed never reads as ample or unused, nor says a number that was not read', () => {
    const lacking = anyEvidence.filter(
      ({ traffic: { status, incomplete, peak_connections } }) =>
        status !== 'found' || incomplete === true || peak_connections === undefined,
    );
    fc.assert(
      fc.property(lacking, anyRelease, (read, privateIps) => {
        const { evidence, findings } = judgeEvidence(read, { gateway: of, privateIps, isRequired: false });
        expect(codes({ findings })).not.toContain('capacity_ample');
        expect(codes({ findings })).not.toContain('no_traffic_seen');
        expect(enoughAddresses(read.traffic)).toBeUndefined();
        expect(evidence.traffic).toEqual(read.traffic);
        const text = findings.map(({ message }) => message).join('\n');
        expect(text).not.toMatch(/(?<![\d,.])0 (TCP|times|of)|no TCP/);
      }),
    );
  });

  it('never turns from short to ample when more addresses go', () => {
    fc.assert(
      fc.property(anyEvidence, anyRelease, anyRelease, (read, some, others) => {
        const more = [...new Set([...some, ...others])];
        const few = codes({ findings: found(read, some) });
        const many = codes({ findings: found(read, more) });
        expect(!few.includes('capacity_short') || many.includes('capacity_short')).toBe(true);
        expect(!many.includes('capacity_ample') || few.includes('capacity_ample')).toBe(true);
        expect(many.includes('capacity_ample') && many.includes('capacity_short')).toBe(false);
      }),
    );
  });

  it('blocks where the operator demands it and anything is unknown', () => {
    fc.assert(
      fc.property(anyEvidence, anyRelease, (read, privateIps) => {
        const { traffic } = read;
        const isUnknown =
          Object.values(read).some(
            ({ status, incomplete }) => incomplete === true || !['found', 'none'].includes(status),
          ) ||
          traffic.peak_connections === undefined ||
          traffic.port_allocation_errors === undefined;
        const blocking = found(read, privateIps, true).filter(({ severity }) => severity === 'blocks');
        expect(codes({ findings: blocking }).includes('evidence_unavailable')).toBe(isUnknown);
        expect(blocking.every(({ rule }) => rule === 'evidence')).toBe(true);
      }),
    );
  });

  it('warns of exactly the addresses with a range that does not cover all that remains', () => {
    fc.assert(
      fc.property(anyEvidence, anyRelease, (read, privateIps) => {
        const remaining = ADDRESSES.filter((each) => !privateIps.includes(each));
        const ranges = [...(read.security_groups.ranges ?? []), ...(read.prefix_lists.ranges ?? [])];
        const decisive = ranges.filter(
          ({ private_ip, cidr }) =>
            privateIps.includes(private_ip) && !remaining.every((each) => coversAddress(cidr, each)),
        );
        const warned = found(read, privateIps).filter(({ code }) => code === 'allow_listed');
        expect(warned.map(({ private_ip }) => private_ip).sort()).toEqual(
          [...new Set(decisive.map(({ private_ip }) => private_ip))].sort(),
        );
      }),
    );
  });
});
