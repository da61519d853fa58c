import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { HttpProcess } from '../support/http-process.ts';
import { EGRESS } from '../support/session.ts';

const TOKEN = 'a-token-of-more-than-thirty-two-characters';
const APPROVER = 'another-token-of-more-than-thirty-two-characters';

let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'chatops-'));
  // Node 20 does not run TypeScript.
  await build({
    entryPoints: ['examples/chatops.ts'],
    outfile: join(folder, 'chatops.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
  });
  const sha256 = (token: string): string => createHash('sha256').update(token).digest('hex');
  const tokens = [
    { name: 'bot', scopes: ['nat:read', 'nat:write'], sha256: sha256(TOKEN) },
    { name: 'ann', scopes: ['nat:read', 'nat:approve'], sha256: sha256(APPROVER) },
  ];
  writeFileSync(join(folder, 'tokens.json'), JSON.stringify({ tokens }), { mode: 0o600 });
});

afterAll(() => rmSync(folder, { recursive: true }));

function startServer(confirm = 'always', more: readonly string[] = []): Promise<HttpProcess> {
  const tokens = ['--token-file', join(folder, 'tokens.json')];
  return HttpProcess.start([
    '--simulate',
    '--simulate-speed',
    '1000',
    '--confirm',
    confirm,
    ...tokens,
    ...more,
  ]);
}

/** Runs the bot with the input that its user types. */
async function runBot(args: readonly string[], typed: string, token = TOKEN) {
  const bot = startBot(args, token);
  bot.child.stdin.end(`${typed}\n`);
  const [code] = await once(bot.child, 'close');
  return { code, output: bot.output() };
}

function startBot(args: readonly string[], token = TOKEN) {
  const child = spawn(process.execPath, [join(folder, 'chatops.mjs'), ...args], {
    env: { NAT_TOKEN: token },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  return { child, output: () => output };
}

describe('the example bot', () => {
  it('shows what waits for people, takes their decision, and makes the change once they approved', async () => {
    const server = await startServer('never', ['--approvals', '1']);
    const asking = startBot([server.url, EGRESS, '10.0.1.11']);
    onTestFinished(() => void asking.child.kill());
    await vi.waitFor(() => expect(asking.output()).toContain('Press enter'), { timeout: 10_000 });
    const listed = await runBot([server.url, 'approvals'], '', APPROVER);
    const [, id = ''] = /^(apr-\S+), asked for by token:bot, 0 of 1/m.exec(listed.output) ?? [];
    expect(listed.output).toContain('Release 1 private address');
    const decided = await runBot([server.url, 'approve', id, 'as', 'agreed'], '', APPROVER);
    expect(decided).toMatchObject({ code: 0, output: expect.stringContaining('The change is approved.') });
    asking.child.stdin.end('\n');
    await vi.waitFor(() => expect(asking.output()).toContain('Outcome: unassigning'), { timeout: 10_000 });
  }, 30_000);

  it('shows the gateway, asks its user, releases the address and reports the end of the drain', async () => {
    const server = await startServer();
    const { code, output } = await runBot([server.url, EGRESS, '10.0.1.11'], 'yes');
    expect(output).toContain('10.0.1.10 succeeded (stays: primary)');
    expect(output).toContain(
      `Release 1 private address of NAT gateway ${EGRESS} (account 123456789012, us-east-1, named "egress"): 10.0.1.11?`,
    );
    expect(output).toContain('Outcome: unassigning');
    expect(output).toContain('10.0.1.11 released');
    expect(code).toBe(0);
    expect(server.audit).toMatchObject([
      { audit: 'outcome', outcome: 'confirmation_asked', principal: 'token:bot' },
      { audit: 'intent', confirmation: 'confirmed' },
      { audit: 'outcome', outcome: 'unassigning' },
    ]);
  });

  it('releases nothing when its user says no', async () => {
    const server = await startServer();
    const { code, output } = await runBot([server.url, EGRESS, '10.0.1.11'], 'no');
    expect(output).toContain('Outcome: not_confirmed');
    expect(code).toBe(1);
    expect(server.audit.map(({ audit }) => audit)).not.toContain('intent');
  });

  it('shows a refusal with its hint', async () => {
    const server = await startServer();
    const { code, output } = await runBot([server.url, EGRESS, '10.0.1.10'], 'yes');
    expect(output).toContain('The primary address cannot be unassigned. Leave it out');
    expect(code).toBe(1);
  });

  it('tells its user which argument is wrong', async () => {
    const server = await startServer();
    const { code, output } = await runBot([server.url, 'nat-1', '10.0.1.11'], 'yes');
    expect(output).toContain('"nat-1" is not a NAT gateway id');
    expect(code).toBe(1);
  });

  it('fails with an unknown token', async () => {
    const server = await startServer();
    const { code, output } = await runBot([server.url, EGRESS, '10.0.1.11'], 'yes', 'another');
    expect(code).not.toBe(0);
    expect(output).not.toContain('10.0.1.11 succeeded');
  });
});
