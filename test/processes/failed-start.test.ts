import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { BARE_ENVIRONMENT, MAIN } from '../support/server-process.ts';

/** How a failed start ends. Which configurations fail is in test/config/configure.test.ts. */

describe('a start', () => {
  it.each<[string, string[], Record<string, string>, string]>([
    ['an unknown flag', ['--readonly'], {}, '--readonly'],
    [
      'a malformed variable',
      [],
      { NAT_GATEWAY_MCP_CONFIRMATION_KEY: 'short' },
      'NAT_GATEWAY_MCP_CONFIRMATION_KEY',
    ],
    [
      'an audit log that cannot be written',
      ['--audit-log', '/nonexistent/audit.jsonl'],
      {},
      '--audit-log cannot be opened',
    ],
    [
      'an audit log on stdout, which is the protocol',
      ['--simulate', '--audit-log', '/dev/stdout'],
      {},
      '--audit-log cannot be opened: it is stdout',
    ],
  ])('with %s exits with 2 and one line on stderr', async (_, args, environment, named) => {
    const failed = await promisify(execFile)(process.execPath, [MAIN, ...args], {
      env: { ...BARE_ENVIRONMENT, ...environment },
    }).catch((error) => error);
    expect(failed.code).toBe(2);
    expect(failed.stdout).toBe('');
    expect(failed.stderr).toMatch(/^nat-gateway-mcp: [^\n]+\n$/);
    expect(failed.stderr).toContain(named);
    expect(failed.stderr).not.toContain('short"');
  });
});
