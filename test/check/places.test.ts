import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { asLines, asTable } from '../../src/check/report.ts';
import { ACCOUNT_ID, CHANGER_ACCESS_KEY_ID, type Exchange } from '../../src/simulator/simulator.ts';
import { realCalls } from '../support/session.ts';
import { check, endpointToCheck } from '../support/set-up.ts';

interface Entry {
  name: string;
  account_id: string;
  role_arn?: string;
  regions: string[];
}

const EXAMPLE = (JSON.parse(readFileSync('examples/targets.json', 'utf8')) as { targets: Entry[] }).targets;

/** The targets of examples/targets.json with these names, in these regions. */
function named(names: readonly string[], ...regions: string[]): Entry[] {
  return EXAMPLE.filter(({ name }) => names.includes(name)).map((each) => ({ ...each, regions }));
}

function fileOf(content: unknown): string {
  const folder = mkdtempSync(join(tmpdir(), 'targets-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'file.json');
  writeFileSync(file, JSON.stringify(content));
  chmodSync(file, 0o600);
  return file;
}

const targets = (entries: unknown): string[] => ['--targets', fileOf({ targets: entries })];

describe('the check of a file of targets', () => {
  it('walks every place, and names account, region and status of each', async () => {
    const { target, calls } = await endpointToCheck();
    const args = targets(named(['team-01', 'team-02'], 'us-east-1', 'eu-west-1'));
    const report = await check({ target, args });
    expect(report.ok).toBe(true);
    expect(report.checks.map(({ name }) => name)).toEqual([
      ...['place', 'place', 'place', 'place'],
      ...['targets', 'audit_log', 'confirmation', 'rules'],
    ]);
    expect(report.checks[0]).toMatchObject({
      status: 'ok',
      message:
        '3 NAT gateways in us-east-1, 3 of them private. EC2 would let these credentials release 10.0.1.11 from nat-00110000000000001. Nothing was changed.',
      facts: { target: 'team-01', account_id: '100000000001', region: 'us-east-1', gateways: 3 },
    });
    expect(report.of('targets').facts).toMatchObject({ targets: 2, places: 4 });
    expect(realCalls(calls)).toEqual([]);
    expect(calls.some(({ changed }) => changed)).toBe(false);
  });

  it('tells what is wrong in one place without losing the others', async () => {
    const { target } = await endpointToCheck();
    const args = targets([
      ...named(['team-01', 'team-03'], 'us-west-2'),
      ...named(['team-05'], 'us-east-1', 'eu-west-1'),
      ...named(['team-07', 'team-09'], 'eu-south-1'),
    ]);
    const report = await check({ target, args });
    expect(report.ok).toBe(false);
    const places = report.checks.filter(({ name }) => name === 'place');
    expect(places.map(({ status, facts }) => [facts?.target, facts?.region, status, facts?.code])).toEqual([
      ['team-01', 'us-west-2', 'ok', undefined],
      ['team-03', 'us-west-2', 'failure', 'not_authorized'],
      ['team-05', 'us-east-1', 'ok', undefined],
      ['team-05', 'eu-west-1', 'failure', 'throttled'],
      ['team-07', 'eu-south-1', 'failure', 'timed_out'],
      ['team-09', 'eu-south-1', 'failure', expect.any(String)],
    ]);
    expect(places[1]?.facts).toMatchObject({ missing_permission: 'ec2:DescribeNatGateways' });
  });

  it('names the role and the action where STS refuses the session', async () => {
    const { target } = await endpointToCheck();
    const report = await check({
      target,
      args: targets(
        named(['team-02'], 'us-east-1').map(({ name, account_id, role_arn, regions }) => ({
          name,
          account_id,
          role_arn,
          regions,
        })),
      ),
    });
    expect(report.of('place')).toMatchObject({ status: 'failure', facts: { code: 'not_authorized' } });
    expect(report.of('place').message).toContain('is not authorized to perform: sts:AssumeRole on');
  });

  it('fails where a target without a role names another account than that of its credentials', async () => {
    const { target } = await endpointToCheck();
    const entry = { name: 'own', account_id: '999999999999', regions: ['us-east-1'] };
    const report = await check({ target, args: targets([entry]) });
    expect(report.of('place')).toMatchObject({
      status: 'failure',
      message: `The credentials of the server are of account ${ACCOUNT_ID}; the target names 999999999999. Every change is refused.`,
    });
    const good = await check({ target, args: targets([{ ...entry, account_id: ACCOUNT_ID }]) });
    expect(good.of('place').status).toBe('ok');
  });

  it('checks at most 8 places at the same time', async () => {
    const held: (() => void)[] = [];
    let most = 0;
    const { target } = await endpointToCheck({
      intercept: async ({ action, apply }: Exchange) => {
        if (action !== 'DescribeNatGateways') return apply();
        await new Promise<void>((resolve) => {
          held.push(resolve);
          most = Math.max(most, held.length);
          // After a while in which more could come.
          if (held.length === 8) setTimeout(() => held.splice(0).forEach((release) => void release()), 20);
        });
        return apply();
      },
    });
    const teams = ['team-01', 'team-04', 'team-06', 'team-10'];
    const regions = ['us-east-1', 'us-west-2', 'eu-west-1', 'eu-south-1'];
    const report = await check({ target, args: targets(named(teams, ...regions)) });
    expect([most, report.ok]).toEqual([8, true]);
  });

  it('asks about the gateway of --gateway in the place that has it, and fails where none has', async () => {
    const { target } = await endpointToCheck();
    const args = targets(named(['team-01'], 'us-east-1', 'us-west-2'));
    const gateway = 'nat-00120000000000002';
    const places = (await check({ target, args, gateway })).checks.slice(0, 2);
    expect(places.map(({ facts }) => facts?.nat_gateway_id)).toEqual(['nat-00110000000000001', gateway]);
    const report = await check({ target, args, gateway: 'nat-00000000000000000' });
    expect(report.of('dry_run')).toMatchObject({
      status: 'failure',
      message: 'No target has the NAT gateway nat-00000000000000000, in a region that can be read.',
    });
  });

  it.each([
    ['warning', 'auto'],
    ['failure', 'require'],
  ])('is a %s in a place whose evidence may not be read, with --evidence %s', async (status, mode) => {
    const { target } = await endpointToCheck({}, CHANGER_ACCESS_KEY_ID);
    const own = [{ name: 'own', account_id: ACCOUNT_ID, regions: ['us-east-1'] }];
    const report = await check({ target, args: [...targets(own), '--evidence', mode] });
    expect(report.of('place')).toMatchObject({
      status,
      message: expect.stringMatching(
        /would let these credentials release .*cloudwatch:GetMetricData is denied/,
      ),
    });
  });

  it('judges by the rules of the target too', async () => {
    const { target } = await endpointToCheck();
    const [entry] = named(['team-01'], 'us-east-1');
    const report = await check({ target, args: targets([{ ...entry, policy: { 'min-remaining': 3 } }]) });
    expect(report.of('place').status).toBe('warning');
    expect(report.of('place').message).toContain('at least 3 must');
  });

  it('fails with every mistake of a file that is refused', async () => {
    const { target } = await endpointToCheck();
    const report = await check({ target, args: targets([{ name: 'all', account_id: 7, regions: [] }]) });
    const { status, message } = report.of('targets');
    expect(status).toBe('failure');
    expect(message).toMatch(/targets\[0\]\.name: .*; targets\[0\]\.account_id: .*; targets\[0\]\.regions: /);
    expect(report.checks.map(({ name }) => name)).toEqual(['targets', 'audit_log', 'confirmation', 'rules']);
  });

  it.each<[string, string[], string, RegExp]>([
    ['accepts', ['team-01'], 'ok', /has 1 token\.$/],
    ['refuses', ['team-99'], 'failure', /targets that the file of --targets does not have: team-99/],
  ])('%s tokens that are limited to %j', async (_, limit, status, message) => {
    const { target } = await endpointToCheck();
    const tokens = fileOf({
      tokens: [{ name: 'a', scopes: ['nat:read'], targets: limit, token: 't'.repeat(32) }],
    });
    const http = ['--http', '0', '--confirm', 'never', '--token-file', tokens];
    const report = await check({ target, args: [...targets(named(['team-01'], 'us-east-1')), ...http] });
    expect(report.of('tokens')).toMatchObject({ status, message: expect.stringMatching(message) });
  });
});

describe('the report of places', () => {
  const report = {
    ok: true,
    checks: [
      {
        name: 'place',
        status: 'ok' as const,
        message: 'Fine.',
        facts: { target: 'a', account_id: '100000000001', region: 'us-east-1' },
      },
      {
        name: 'place',
        status: 'failure' as const,
        message: 'Bad.',
        facts: { target: 'longer', account_id: '100000000002', region: 'eu-west-1' },
      },
      { name: 'targets', status: 'ok' as const, message: 'x' },
    ],
  };

  it('has target, account and region in a line for a pipe, and in columns for a terminal', () => {
    expect(asLines(report).split('\n').slice(0, 3)).toEqual([
      'ok a 100000000001 us-east-1: Fine.',
      'failure longer 100000000002 eu-west-1: Bad.',
      'ok targets: x',
    ]);
    expect(stripVTControlCharacters(asTable(report, 100)).split('\n').slice(0, 3)).toEqual([
      'ok       a       100000000001  us-east-1  Fine.',
      'failure  longer  100000000002  eu-west-1  Bad.',
      'ok       targets                          x',
    ]);
  });
});
