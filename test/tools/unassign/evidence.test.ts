import type { ElicitResult } from '@modelcontextprotocol/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CHANGER_ACCESS_KEY_ID, privateNatGateway } from '../../../src/simulator/simulator.ts';
import { DESCRIBE, RESTORE, UNASSIGN } from '../../../src/vocabulary/names.ts';
import {
  EGRESS,
  ERAS,
  type Era,
  ManualClock,
  openSession,
  realCalls,
  type Session,
  type SessionOptions,
} from '../../support/session.ts';

const STACK = 'nat-0d44d44d44d44d44d';
const PARTNER = 'nat-0d10d10d10d10d10d';
const PRIMARY_ONLY = 'nat-0b22b22b22b22b22b';

const LOOK_UPS = [
  'GetMetricData',
  'DescribeRouteTables',
  'DescribeSecurityGroups',
  'DescribeManagedPrefixLists',
];

/** What an unassign sends beside look-ups. */
const OWN = ['GetCallerIdentity', 'DescribeNatGateways', 'UnassignPrivateNatGatewayAddress'];

async function session(options: SessionOptions = {}): Promise<Session> {
  const opened = await openSession({ policy: { evidence: 'auto' }, ...options });
  onTestFinished(opened.close);
  return opened;
}

const release = (nat_gateway_id: string, ...private_ip_addresses: string[]) => ({
  nat_gateway_id,
  private_ip_addresses,
});

/** A gateway with two secondaries and the traffic of `peakConnections`; its day is the same for all of its life. */
function busy(peakConnections: number, portErrors = 0) {
  const created = Date.now() - 48 * 3_600_000;
  return privateNatGateway(EGRESS, 'egress', ['10.0.1.10', '10.0.1.11', '10.0.1.12'], created, {
    traffic: { peakConnections, portErrors },
  });
}

const codesOf = ({ findings = [] }: { findings?: { code: string }[] }) => findings.map(({ code }) => code);
const findingOf = ({ findings }: { findings: { code: string }[] }, code: string) =>
  findings.find((finding) => finding.code === code);

describe.each(['dry_run', 'execute'] as const)('an unassign in mode %s', (mode) => {
  it('shows traffic, routes and who names the address, beside its findings', async () => {
    const { call, calls } = await session();
    const { content } = await call(UNASSIGN, { ...release(EGRESS, '10.0.1.13'), mode });
    expect(content.outcome).toBe(mode === 'dry_run' ? 'dry_run_passed' : 'unassigning');
    expect(content.evidence).toEqual({
      traffic: {
        status: 'found',
        hours_with_data: expect.any(Number),
        peak_connections: 61_000,
        port_allocation_errors: 0,
        packets_dropped: 0,
      },
      routes: {
        status: 'found',
        route_table_ids: ['rtb-0a11a11a11a11a11a'],
        subnet_ids: ['subnet-0a11a11a11a11a111', 'subnet-0a11a11a11a11a112'],
      },
      security_groups: {
        status: 'found',
        ranges: [{ id: 'sg-0a11a11a11a11a113', private_ip: '10.0.1.13', cidr: '10.0.1.13/32' }],
        covering_the_rest: 2,
      },
      prefix_lists: { status: 'found', ranges: [], covering_the_rest: 1 },
    });
    expect(codesOf(content)).toEqual(['capacity_ample', 'allow_listed', 'routed_from']);
    expect(findingOf(content, 'capacity_ample')).toMatchObject({
      severity: 'informs',
      message: expect.stringContaining('4 × 55,000 = 220,000'),
    });
    expect(findingOf(content, 'allow_listed')).toMatchObject({ severity: 'warns', private_ip: '10.0.1.13' });
    for (const action of LOOK_UPS) expect(calls.map((each) => each.action)).toContain(action);
    expect(realCalls(calls)).toHaveLength(mode === 'dry_run' ? 0 : 1);
  });

  it('warns of ports that ran out and of what remains', async () => {
    const { call } = await session();
    const { content } = await call(UNASSIGN, { ...release(STACK, '10.0.4.11'), mode });
    expect(content.outcome).toBe(mode === 'dry_run' ? 'dry_run_passed' : 'unassigning');
    expect(codesOf(content)).toEqual(
      expect.arrayContaining(['ports_exhausted', 'capacity_short', 'allow_listed', 'routed_from']),
    );
    expect(findingOf(content, 'allow_listed')).toMatchObject({
      message: expect.stringContaining('pl-0d44d44d44d44d444 (10.0.4.11/32)'),
    });
  });

  it('with --evidence off shows none and looks nothing up', async () => {
    const { call, calls } = await session({ policy: { evidence: 'off' } });
    const { content } = await call(UNASSIGN, { ...release(STACK, '10.0.4.11'), mode });
    expect(content.outcome).toBe(mode === 'dry_run' ? 'dry_run_passed' : 'unassigning');
    expect(content).not.toHaveProperty('evidence');
    expect(codesOf(content)).not.toContain('capacity_short');
    expect(new Set(calls.map(({ action }) => action))).toEqual(new Set(OWN));
  });

  it('says what the credentials may not read, and goes on', async () => {
    const { call } = await session({ accessKeyId: CHANGER_ACCESS_KEY_ID });
    const { content } = await call(UNASSIGN, { ...release(EGRESS, '10.0.1.13'), mode });
    expect(content.outcome).toBe(mode === 'dry_run' ? 'dry_run_passed' : 'unassigning');
    expect(content.evidence).toEqual({
      traffic: { status: 'denied', action: 'cloudwatch:GetMetricData' },
      routes: { status: 'denied', action: 'ec2:DescribeRouteTables' },
      security_groups: { status: 'denied', action: 'ec2:DescribeSecurityGroups' },
      prefix_lists: { status: 'denied', action: 'ec2:DescribeManagedPrefixLists' },
    });
    expect(codesOf(content)).toEqual(['capacity', 'evidence_unavailable']);
  });

  it.each<[string, string, SessionOptions]>([
    ['ports_exhausted', '10.0.1.11', { inventory: [busy(100, 1)] }],
    ['capacity_short', '10.0.1.11', { inventory: [busy(200_000)] }],
    ['allow_listed', '10.0.1.13', {}],
    ['evidence_unavailable', '10.0.1.11', { accessKeyId: CHANGER_ACCESS_KEY_ID }],
  ])('with --evidence require is blocked by %s', async (code, privateIp, options) => {
    const { call, calls, audit } = await session({ ...options, policy: { evidence: 'require' } });
    const { content, isError } = await call(UNASSIGN, { ...release(EGRESS, privateIp), mode });
    expect(isError).toBe(true);
    expect(content).toMatchObject({
      outcome: 'refused',
      evidence: expect.anything(),
      error: { hint: expect.stringContaining('ask the operator'), retryable: false },
    });
    const blocking = content.findings.filter(({ severity }: { severity: string }) => severity === 'blocks');
    expect(blocking).toEqual([
      expect.objectContaining({
        code,
        rule: 'evidence',
        message: expect.stringMatching(/Only the operator .*--evidence require/),
      }),
    ]);
    expect(realCalls(calls)).toEqual([]);
    expect(audit.records.at(-1)).toMatchObject({ denied_by: ['evidence'], evidence: content.evidence });
  });

  it('with --evidence require goes ahead where everything is known and nothing speaks against it', async () => {
    const { call } = await session({ policy: { evidence: 'require' } });
    const { content } = await call(UNASSIGN, { ...release(EGRESS, '10.0.1.12'), mode });
    expect(content.outcome).toBe(mode === 'dry_run' ? 'dry_run_passed' : 'unassigning');
  });

  it('is denied for a protected address before anything is read', async () => {
    const { call, calls } = await session({ policy: { evidence: 'auto', protectAddress: ['10.0.1.8/29'] } });
    const { content } = await call(UNASSIGN, { ...release(EGRESS, '10.0.1.13'), mode });
    expect(content).toMatchObject({
      outcome: 'refused',
      findings: [{ code: 'policy', rule: 'protect-address', severity: 'blocks' }],
    });
    expect(calls).toEqual([]);
  });
});

describe('what an unassign puts on record', () => {
  it('is the evidence that it was decided by, before it is sent and afterwards', async () => {
    const { call, audit } = await session();
    const { content } = await call(UNASSIGN, release(EGRESS, '10.0.1.13'));
    expect(audit.records.map(({ audit, evidence }) => [audit, evidence])).toEqual([
      ['intent', content.evidence],
      ['outcome', content.evidence],
    ]);
    expect(audit.records[0]?.findings).toContainEqual({
      code: 'allow_listed',
      severity: 'warns',
      private_ip: '10.0.1.13',
    });
  });
});

describe('a restore', () => {
  it('looks nothing up, and is forbidden neither by evidence nor for a protected address', async () => {
    const clock = new ManualClock(Date.UTC(2026, 0, 2));
    const first = await session({ clock, policy: { evidence: 'off' } });
    await first.call(UNASSIGN, { ...release(EGRESS, '10.0.1.13'), max_drain_duration_seconds: 1 });
    clock.advance(400);
    first.calls.length = 0;
    const policy = {
      ...first.dependencies.policy,
      evidence: 'require' as const,
      protectAddress: ['10.0.1.13'],
    };
    const strict = await session({ shared: { ...first.dependencies, policy } });
    const { content } = await strict.call(RESTORE, release(EGRESS, '10.0.1.13'));
    expect(content).toMatchObject({ outcome: 'assigning', dry_run: { passed: true } });
    expect(content).not.toHaveProperty('evidence');
    for (const action of LOOK_UPS) expect(first.calls.map((each) => each.action)).not.toContain(action);
  });
});

describe.each(ERAS)('the question to a human, for a %s client', (era) => {
  const YES: ElicitResult = { action: 'accept', content: { confirm: true } };

  /** Answers yes to every question, and calls `between` after the first. */
  async function withHuman(options: SessionOptions, between = () => {}, of: Era = era) {
    const questions: string[] = [];
    const opened = await session({ era: of, client: { capabilities: { elicitation: {} } }, ...options });
    opened.client.setRequestHandler('elicitation/create', (request) => {
      questions.push(request.params.message);
      if (questions.length === 1) between();
      return YES;
    });
    return { ...opened, questions };
  }

  it('has one line of evidence, and its warnings', async () => {
    const { call, questions } = await withHuman({});
    const { content } = await call(UNASSIGN, release(EGRESS, '10.0.1.13'));
    expect(content).toMatchObject({ outcome: 'unassigning', confirmation: 'confirmed' });
    const lines = questions[0]?.split('\n') ?? [];
    expect(lines.filter((line) => line.startsWith('Evidence: '))).toEqual([
      'Evidence: in seven days at most 61,000 TCP connections at once and 0 port allocation errors; routed from 1 route table (2 subnets); 1 security group range covers these and not all that remain.',
    ]);
    expect(lines.filter((line) => line.startsWith('Warning: 10.0.1.13 is allowed by sg-'))).toHaveLength(1);
  });

  it('says what is not known, and does not warn of it', async () => {
    const { call, questions } = await withHuman({ accessKeyId: CHANGER_ACCESS_KEY_ID });
    await call(UNASSIGN, release(EGRESS, '10.0.1.13'));
    const lines = questions[0]?.split('\n') ?? [];
    expect(lines.filter((line) => line.startsWith('Not known: '))).toEqual([
      'Not known: traffic (cloudwatch:GetMetricData is denied), routes (ec2:DescribeRouteTables is denied), security groups that name an address (ec2:DescribeSecurityGroups is denied), prefix lists that name an address (ec2:DescribeManagedPrefixLists is denied).',
    ]);
    expect(questions[0]).not.toContain('Evidence:');
    expect(lines.filter((line) => line.includes('Warning: Not known'))).toEqual([]);
  });

  it.each([
    ['a warning that nobody was shown', 100, 200_000, 0],
    ['port errors that nobody was shown', 100, 100, 3],
  ])('is asked again for %s', async (_, before, after, errors) => {
    const gateway = busy(before);
    const { call, calls, questions } = await withHuman({ inventory: [gateway] }, () => {
      gateway.traffic = { peakConnections: after, portErrors: errors };
    });
    const { content } = await call(UNASSIGN, release(EGRESS, '10.0.1.11'));
    expect(content).toMatchObject({ outcome: 'unassigning', confirmation: 'confirmed' });
    expect(questions).toHaveLength(2);
    expect(questions[1]).toContain('More speaks against it than when you were asked.');
    expect(realCalls(calls)).toHaveLength(1);
  });

  it.each([
    ['fewer warnings', 200_000, 100],
    ['other numbers', 100, 54_000],
    ['a higher number of the same warning', 200_000, 300_000],
  ])('is asked once where there are %s', async (_, before, after) => {
    const gateway = busy(before);
    const { call, calls, questions } = await withHuman({ inventory: [gateway] }, () => {
      gateway.traffic = { peakConnections: after };
    });
    const { content } = await call(UNASSIGN, release(EGRESS, '10.0.1.11'));
    expect(content).toMatchObject({ outcome: 'unassigning', confirmation: 'confirmed' });
    expect(questions).toHaveLength(1);
    expect(realCalls(calls)).toHaveLength(1);
  });
});

describe('a describe with evidence', () => {
  it('shows what stands against the release of any one address, and how many addresses suffice', async () => {
    const { call } = await session();
    const { content } = await call(DESCRIBE, { nat_gateway_ids: [EGRESS], evidence: true });
    const [{ evidence }] = content.nat_gateways;
    expect(evidence).toMatchObject({
      enough_addresses: 2,
      traffic: { status: 'found', peak_connections: 61_000 },
      routes: { status: 'found', route_table_ids: ['rtb-0a11a11a11a11a11a'] },
      // Two wide ranges that cover each of four secondaries.
      security_groups: { ranges: [{ private_ip: '10.0.1.13' }], covering_the_rest: 2 },
      prefix_lists: { status: 'found', ranges: [], covering_the_rest: 1 },
    });
    expect(codesOf(evidence)).toEqual(['capacity_ample', 'routed_from', 'allow_listed']);
  });

  it('names the address that a /24 covers, where what remains is outside of it', async () => {
    const { call } = await session();
    const { content } = await call(DESCRIBE, { nat_gateway_ids: [PARTNER], evidence: true });
    expect(findingOf(content.nat_gateways[0].evidence, 'allow_listed')).toMatchObject({
      private_ip: '10.0.11.20',
      message: expect.stringContaining('(10.0.11.0/24)'),
    });
  });

  it('judges the addresses that work, and those alone', async () => {
    const { call } = await session();
    const { content } = await call(DESCRIBE, { nat_gateway_ids: [STACK], evidence: true });
    const capacity = content.nat_gateways[0].evidence.findings.filter(({ code }: { code: string }) =>
      code.startsWith('capacity'),
    );
    expect(capacity).toEqual([
      expect.objectContaining({ message: expect.stringContaining('1 × 55,000 = 55,000') }),
    ]);
  });

  it('of a gateway whose only address is the primary says what is and is not known', async () => {
    const { call } = await session();
    const { content } = await call(DESCRIBE, { nat_gateway_ids: [PRIMARY_ONLY], evidence: true });
    const [{ evidence }] = content.nat_gateways;
    expect(evidence).toMatchObject({ traffic: { status: 'no_data' }, routes: { status: 'none' } });
    const { security_groups, prefix_lists } = evidence;
    expect([security_groups, prefix_lists]).toEqual([{ status: 'none' }, { status: 'none' }]);
    expect(evidence).not.toHaveProperty('enough_addresses');
    expect(codesOf(evidence)).toEqual(['evidence_unavailable']);
  });

  it('of a gateway without private addresses invents neither a capacity nor a zero', async () => {
    const { call } = await session();
    const { content } = await call(DESCRIBE, { nat_gateway_ids: ['nat-0f66f66f66f66f66f'], evidence: true });
    const [{ evidence }] = content.nat_gateways;
    expect(evidence.traffic).toEqual({ status: 'no_data' });
    expect(JSON.stringify(evidence.findings)).not.toMatch(/ 0 /);
  });

  it('says what may not be read, and shows no empty list for it', async () => {
    const { call } = await session({ accessKeyId: CHANGER_ACCESS_KEY_ID });
    const { content } = await call(DESCRIBE, { nat_gateway_ids: [EGRESS], evidence: true });
    expect(content.nat_gateways[0].evidence).toEqual({
      traffic: { status: 'denied', action: 'cloudwatch:GetMetricData' },
      routes: { status: 'denied', action: 'ec2:DescribeRouteTables' },
      security_groups: { status: 'denied', action: 'ec2:DescribeSecurityGroups' },
      prefix_lists: { status: 'denied', action: 'ec2:DescribeManagedPrefixLists' },
      findings: [expect.objectContaining({ code: 'evidence_unavailable', severity: 'warns' })],
    });
  });

  it('with --evidence require says that it blocks', async () => {
    const { call } = await session({ policy: { evidence: 'require' } });
    const { content } = await call(DESCRIBE, { nat_gateway_ids: [EGRESS], evidence: true });
    expect(findingOf(content.nat_gateways[0].evidence, 'allow_listed')).toMatchObject({
      severity: 'blocks',
      rule: 'evidence',
    });
  });

  it.each<[string, SessionOptions, string, Record<string, string>, number]>([
    ['ports_exhausted', { inventory: [busy(100, 1)] }, EGRESS, { '10.0.1.11': 'ports_exhausted' }, 0],
    // 110,000 connections need two addresses, of three: one may go, whichever it is, and not both.
    ['capacity_short', { inventory: [busy(110_000)] }, EGRESS, {}, 1],
    ['allow_listed', {}, EGRESS, { '10.0.1.13': 'allow_listed' }, 3],
    [
      'evidence_unavailable',
      { accessKeyId: CHANGER_ACCESS_KEY_ID },
      EGRESS,
      { '10.0.1.11': 'evidence_unavailable' },
      0,
    ],
  ])('with --evidence require counts %s, as an unassign does', async (_, options, id, reasons, most) => {
    const { call } = await session({ ...options, policy: { evidence: 'require' } });
    const { content } = await call(DESCRIBE, { nat_gateway_ids: [id], evidence: true });
    const [gateway] = content.nat_gateways;
    expect(gateway.can_release_now).toBe(most);
    expect(content).not.toHaveProperty('hint');
    for (const { private_ip, is_primary, can_unassign, reason, rule } of gateway.addresses) {
      if (is_primary) continue;
      if (reasons[private_ip] !== undefined) {
        expect({ private_ip, reason, rule }).toEqual({
          private_ip,
          reason: reasons[private_ip],
          rule: 'evidence',
        });
      }
      const dryRun = await call(UNASSIGN, { ...release(id, private_ip), mode: 'dry_run' });
      expect([private_ip, can_unassign]).toEqual([private_ip, dryRun.content.outcome === 'dry_run_passed']);
    }
    const free = gateway.addresses.filter(({ can_unassign }: { can_unassign: boolean }) => can_unassign);
    const ips = free.map(({ private_ip }: { private_ip: string }) => private_ip);
    for (const count of [most, most + 1].filter((each) => each > 0 && each <= ips.length)) {
      const { content } = await call(UNASSIGN, { ...release(id, ...ips.slice(0, count)), mode: 'dry_run' });
      expect([count, content.outcome]).toEqual([count, count === most ? 'dry_run_passed' : 'refused']);
    }
  });

  it('with --evidence require shows what stands against an address that was not asked for', async () => {
    const { call } = await session({ policy: { evidence: 'require' } });
    const { content } = await call(DESCRIBE, { private_ip_addresses: ['10.0.1.11'], evidence: true });
    const [{ addresses, evidence }] = content.nat_gateways;
    const reasons = addresses.filter(({ rule }: { rule?: string }) => rule === 'evidence');
    expect(reasons).toMatchObject([{ private_ip: '10.0.1.13', reason: 'allow_listed' }]);
    expect(findingOf(evidence, 'allow_listed')).toMatchObject({ private_ip: '10.0.1.13' });
  });

  it.each([
    ['require', /evidence: true/],
    ['auto', undefined],
  ] as const)(
    'with --evidence %s is said to be left out where it is not asked for',
    async (evidence, hint) => {
      const { call } = await session({ policy: { evidence } });
      const { content } = await call(DESCRIBE, { nat_gateway_ids: [EGRESS] });
      expect(content.hint).toEqual(hint === undefined ? undefined : expect.stringMatching(hint));
      const none = await call(DESCRIBE, { vpc_ids: ['vpc-00000000000000000'] });
      expect(none.content.hint).not.toContain('evidence');
    },
  );

  it('shows at most ten gateways a page, looked up in as many requests as one', async () => {
    const inventory = Array.from({ length: 12 }, (_, index) =>
      privateNatGateway(
        `nat-${index.toString(16).padStart(17, '0')}`,
        `gateway ${index}`,
        [`10.9.${index}.10`, `10.9.${index}.11`],
        0,
        { traffic: { peakConnections: 100 * index } },
      ),
    );
    const { call, calls } = await session({ inventory });
    const first = (await call(DESCRIBE, { evidence: true })).content;
    expect(first.nat_gateways).toHaveLength(10);
    expect(calls.filter(({ action }) => action === 'GetMetricData')).toHaveLength(1);
    const second = (await call(first.next.tool, first.next.arguments)).content;
    expect(second.nat_gateways).toHaveLength(2);
    expect(second.nat_gateways[1].evidence.traffic.peak_connections).toBe(1100);
  });

  it('with --evidence off says so, and looks nothing up', async () => {
    const { call, calls } = await session({ policy: { evidence: 'off' } });
    const { content } = await call(DESCRIBE, { nat_gateway_ids: [EGRESS], evidence: true });
    expect(content.hint).toContain('--evidence off');
    expect(content.nat_gateways[0]).not.toHaveProperty('evidence');
    for (const action of LOOK_UPS) expect(calls.map((each) => each.action)).not.toContain(action);
  });

  it('is only there when it is asked for', async () => {
    const { call, calls } = await session();
    const { content } = await call(DESCRIBE, {});
    expect(JSON.stringify(content)).not.toContain('"evidence"');
    for (const action of LOOK_UPS) expect(calls.map((each) => each.action)).not.toContain(action);
  });

  it('tells of a protected address that it cannot go', async () => {
    const { call } = await session({ policy: { protectAddress: ['10.0.1.13'] } });
    const { content } = await call(DESCRIBE, { nat_gateway_ids: [EGRESS] });
    const [gateway] = content.nat_gateways;
    expect(gateway.can_release_now).toBe(3);
    const address = (ip: string) =>
      gateway.addresses.find(({ private_ip }: { private_ip: string }) => private_ip === ip);
    expect(address('10.0.1.13')).toMatchObject({
      can_unassign: false,
      reason: 'policy',
      rule: 'protect-address',
    });
    expect(address('10.0.1.12')).toMatchObject({ can_unassign: true });
  });
});
