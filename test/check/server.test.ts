import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkAuditLog } from '../../src/check/audit-log.ts';
import { bounded, Skipped } from '../../src/check/bounded.ts';
import { checkHttp, checkTokens } from '../../src/check/http.ts';
import { checkConfirmation, checkRules } from '../../src/check/rules.ts';
import { FakeIssuer } from '../support/fake-issuer.ts';
import { HTTP, settings } from '../support/option-cases.ts';

const logger = pino({ level: 'silent' });

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'check-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

describe('a check', () => {
  it('that throws is a failure with the reason', async () => {
    const run = async () => Promise.reject(new Error('broken'));
    expect(await bounded('rules', run)).toMatchObject({
      name: 'rules',
      status: 'failure',
      message: expect.stringContaining('broken'),
    });
  });

  it('that needs what is missing is skipped', async () => {
    const run = async () => Promise.reject(new Skipped('Not checked.'));
    expect(await bounded('clock', run)).toEqual({
      name: 'clock',
      status: 'skipped',
      message: 'Not checked.',
    });
  });

  it('that does not end is a failure', async () => {
    expect(await bounded('clock', () => new Promise(() => {}), 5)).toMatchObject({
      status: 'failure',
      message: expect.stringContaining('no result within'),
    });
  });
});

describe('the check of the audit log', () => {
  it('says that stderr is used without --audit-log', () => {
    expect(checkAuditLog({ auditLog: undefined })).toMatchObject({ status: 'ok' });
  });

  it('shows that a file can be created, and leaves none behind', () => {
    const auditLog = join(folder(), 'audit.jsonl');
    expect(checkAuditLog({ auditLog })).toEqual({
      status: 'ok',
      message: `${auditLog} can be created (mode 0600).`,
      facts: { file: auditLog, mode: '0600', exists: false },
    });
    expect(existsSync(auditLog)).toBe(false);
  });

  it('leaves a file as it is', () => {
    const auditLog = join(folder(), 'audit.jsonl');
    writeFileSync(auditLog, '{"audit":"outcome","id":"1"}\n', { mode: 0o600 });
    expect(checkAuditLog({ auditLog })).toMatchObject({ status: 'ok', facts: { exists: true } });
    expect(statSync(auditLog).size).toBe(29);
  });

  it('warns of a change without an outcome', () => {
    const auditLog = join(folder(), 'audit.jsonl');
    writeFileSync(auditLog, '{"audit":"intent","id":"1"}\n', { mode: 0o600 });
    expect(checkAuditLog({ auditLog })).toMatchObject({
      status: 'warning',
      message: expect.stringContaining('1 change has no outcome'),
    });
  });

  it.each<[string, (path: string) => string]>([
    ['in a folder that does not exist', (path) => join(path, 'none', 'audit.jsonl')],
    ['that is a folder', (path) => path],
    [
      'that is a symbolic link',
      (path) => {
        symlinkSync('/dev/stdout', join(path, 'link'));
        return join(path, 'link');
      },
    ],
    [
      'that others can read',
      (path) => {
        writeFileSync(join(path, 'open'), '');
        chmodSync(join(path, 'open'), 0o644);
        return join(path, 'open');
      },
    ],
  ])('fails for a file %s', (_, prepare) => {
    const auditLog = prepare(folder());
    const found = checkAuditLog({ auditLog });
    expect(found).toMatchObject({ status: 'failure', message: expect.stringContaining(auditLog) });
    expect(found.hint).toMatch(/\.$/);
  });
});

describe('the check of the rules', () => {
  it('shows every rule in force by its flag, and leaves out those with rows of their own', () => {
    const args = [
      '--read-only',
      '--require-tag',
      'team,a=b\\,c',
      '--max-addresses',
      '2',
      '--confirm',
      'always',
    ];
    const { message, facts } = checkRules(settings(args));
    expect(message).toBe(
      'In force: --read-only --require-tag team,a=b\\,c --evidence auto --min-remaining 1 --max-addresses 2 --max-changes-per-hour 20.',
    );
    expect(facts).toEqual({
      rules: {
        read_only: true,
        require_tag: ['team', 'a=b,c'],
        evidence: 'auto',
        min_remaining: 1,
        max_addresses: 2,
        max_changes_per_hour: 20,
      },
    });
  });

  it('says that no rule limits the gateways where none does', () => {
    expect(checkRules(settings([])).message).toContain('No rule limits which gateways may be changed.');
  });

  it.each(['auto', 'always', 'never'])('says what --confirm %s means', (mode) => {
    expect(checkConfirmation(settings(['--confirm', mode]))).toMatchObject({
      status: 'ok',
      message: expect.stringMatching(new RegExp(`^${mode}: `)),
      facts: { confirm: mode },
    });
  });
});

describe('the check of --http', () => {
  const found = (address: string, ...args: string[]) => {
    const given = settings(['--http', address, '--confirm', 'never', ...args]);
    if (given.http === undefined) throw new Error('no address');
    return checkHttp(given.http, given);
  };

  it('is ok for an address of this machine, which is free again afterwards', async () => {
    expect(await found('0')).toMatchObject({ status: 'ok' });
    expect(await found('[::1]:0')).toMatchObject({ status: 'ok' });
  });

  it('warns where something listens already, which can be the server itself', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    expect(await found(String(address.port))).toMatchObject({
      status: 'warning',
      facts: { code: 'EADDRINUSE' },
    });
  });

  it('warns of a wildcard without --allowed-hosts', async () => {
    expect(await found('0.0.0.0:0', '--token-file', 'x')).toMatchObject({ status: 'warning' });
    const named = await found('0.0.0.0:0', '--token-file', 'x', '--allowed-hosts', 'nat.example.com');
    expect(named.status).toBe('ok');
  });

  it('fails for an address of another machine', async () => {
    expect(await found('192.0.2.1:0', '--token-file', 'x')).toMatchObject({ status: 'failure' });
  });
});

describe('the check of tokens', () => {
  it('counts those of a file, and shows none', async () => {
    const file = join(folder(), 'tokens.json');
    const token = 'a-token-of-thirty-two-characters-or-more';
    writeFileSync(file, JSON.stringify({ tokens: [{ name: 'bot', scopes: ['nat:read'], token }] }), {
      mode: 0o600,
    });
    const found = await checkTokens(settings([...HTTP, '--token-file', file]), logger);
    expect(found).toEqual({ status: 'ok', message: `${file} has 1 token.`, facts: { file, tokens: 1 } });
  });

  it('fails for a file that is none', async () => {
    const found = await checkTokens(settings([...HTTP, '--token-file', '/nonexistent']), logger);
    expect(found).toMatchObject({ status: 'failure', message: expect.stringContaining('ENOENT') });
  });

  it('reads the keys of an issuer', async () => {
    const { origin } = await FakeIssuer.open();
    const args = [...HTTP, '--oauth-issuer', origin, '--oauth-audience', 'b'];
    expect(await checkTokens(settings(args), logger)).toMatchObject({
      status: 'ok',
      facts: { issuer: origin },
    });
  });

  it('fails for an issuer that does not answer, with what it did', async () => {
    const issuer = await FakeIssuer.open();
    issuer.down = true;
    const args = [...HTTP, '--oauth-issuer', issuer.origin, '--oauth-audience', 'b'];
    expect(await checkTokens(settings(args), logger)).toMatchObject({
      status: 'failure',
      message: expect.stringContaining('HTTP 500'),
      hint: expect.stringContaining('503'),
    });
  });

  it('says that none is needed on this machine without either', async () => {
    expect(await checkTokens(settings(HTTP), logger)).toMatchObject({ status: 'ok' });
  });
});
