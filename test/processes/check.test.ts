import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { READER_ACCESS_KEY_ID } from '../../src/simulator/simulator.ts';
import { ROOT } from '../support/docs.ts';
import { startEndpoint } from '../support/endpoint.ts';
import { parseMarkdown } from '../support/markdown.ts';
import { run, TERMINAL } from '../support/run.ts';
import { endpointEnvironment } from '../support/server-process.ts';
import { realCalls } from '../support/session.ts';

describe('nat-gateway-mcp check', () => {
  it('--simulate exits with 0 and prints a plain line for each check, as the documentation shows', async () => {
    const { code, stdout, stderr } = await run(['check', '--simulate']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain('\u001b');
    const page = parseMarkdown('docs/check.md', readFileSync(join(ROOT, 'docs/check.md'), 'utf8'));
    const [, shown] = page.blocks.map(({ text }) => text);
    expect(stdout.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:41234').trim()).toBe(shown?.trim());
  });

  it('exits with 1 and names the missing permission where one is missing; nothing is changed', async () => {
    const { simulator, calls } = await startEndpoint();
    const environment = { ...endpointEnvironment(simulator), AWS_ACCESS_KEY_ID: READER_ACCESS_KEY_ID };
    const { code, stdout } = await run(['check'], environment);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^failure dry_run: .*ec2:UnassignPrivateNatGatewayAddress/m);
    expect(realCalls(calls)).toEqual([]);
  });

  it('exits with 1 and every check that it can make where nothing is configured', async () => {
    const { code, stdout, stderr } = await run(['check', '--json']);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    const { ok, checks } = JSON.parse(stdout);
    expect(ok).toBe(false);
    const failed = checks.filter(({ status }: { status: string }) => status === 'failure');
    expect(failed.map(({ name }: { name: string }) => name)).toEqual(['region', 'credentials']);
    for (const { hint } of failed) expect(hint).toMatch(/\.$/);
  });

  it('exits with 2 and one line on stderr where the configuration is bad', async () => {
    const { code, stdout, stderr } = await run(['check', '--readonly']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^nat-gateway-mcp: [^\n]*--readonly[^\n]*\n$/);
  });

  it('prints no secret of the environment, with or without --json', async () => {
    const { simulator } = await startEndpoint();
    const secrets = {
      AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY00',
      AWS_SESSION_TOKEN: 'IQoJb3JpZ2luX2VjEXAMPLETOKEN',
      NAT_GATEWAY_MCP_CONFIRMATION_KEY: 'a-key-of-thirty-two-characters-or-more',
      HTTPS_PROXY: 'http://someone:hunter2@127.0.0.1:9',
    };
    for (const args of [['check'], ['check', '--json']]) {
      const { stdout, stderr } = await run(args, { ...endpointEnvironment(simulator), ...secrets });
      expect(stdout).toContain('AKIATEST');
      for (const secret of [...Object.values(secrets), 'hunter2'])
        expect(stdout + stderr).not.toContain(secret);
    }
  });

  it('in a terminal shows progress, colours and an aligned table, unless NO_COLOR is set', async () => {
    const fancy = await run(['check', '--simulate'], {}, TERMINAL);
    expect(fancy.stdout.startsWith('\r\u001b[KWaiting for region, ')).toBe(true);
    expect(fancy.stdout).toContain('\u001b[32mok       \u001b[39mregion        us-east-1');
    const plain = await run(['check', '--simulate'], { NO_COLOR: '1' }, TERMINAL);
    expect(plain.stdout).toMatch(/^ok region: /);
    const json = await run(['check', '--simulate', '--json'], {}, TERMINAL);
    expect(JSON.parse(json.stdout).ok).toBe(true);
  });

  it('--targets prints a line for each place, as the documentation shows, and --json its members', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'targets-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'targets.json');
    const { targets } = JSON.parse(readFileSync(join(ROOT, 'examples/targets.json'), 'utf8'));
    const two = targets.slice(0, 2).map((target: object) => ({ ...target, regions: ['us-east-1'] }));
    writeFileSync(file, JSON.stringify({ targets: two }), { mode: 0o600 });
    const { code, stdout, stderr } = await run(['check', '--simulate', '--targets', file]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const page = parseMarkdown('docs/check.md', readFileSync(join(ROOT, 'docs/check.md'), 'utf8'));
    const shown = page.blocks.find(({ text }) => text.startsWith('ok team-01'));
    expect(stdout.split('\n')[0]).toBe(shown?.text.trim());
    const json = await run(['check', '--simulate', '--targets', file, '--json']);
    const [, place] = JSON.parse(json.stdout).checks;
    expect(place).toMatchObject({ name: 'place', target: 'team-02', account_id: '100000000002' });
  });
});
