import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { UNASSIGN } from '../../src/vocabulary/names.ts';
import { MAIN, startServer } from '../support/server-process.ts';
import { EGRESS } from '../support/session.ts';

/** The files of the program that a process has loaded, as V8 counts what ran. */
async function loadedByAChange(): Promise<string[]> {
  const directory = mkdtempSync(join(tmpdir(), 'loaded-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const server = startServer(['--simulate'], { NODE_V8_COVERAGE: directory });
  await server.call(UNASSIGN, { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] });
  server.child.stdin?.end();
  await server.exit;
  const [report = ''] = readdirSync(directory);
  const { result } = JSON.parse(readFileSync(join(directory, report), 'utf8')) as {
    result: { url: string }[];
  };
  return result.filter(({ url }) => url.includes('/dist/')).map(({ url }) => fileURLToPath(url));
}

const ofDynamoDb = (files: readonly string[]) =>
  files.filter((file) => readFileSync(file, 'utf8').includes('DynamoDB_20120810'));

describe('a server that makes a change', () => {
  it('loads nothing for a table without --state-table', async () => {
    const all = readdirSync(dirname(MAIN)).filter((file) => file.endsWith('.js'));
    expect(ofDynamoDb(all.map((file) => join(dirname(MAIN), file)))).toHaveLength(1);
    const files = await loadedByAChange();
    expect(files).toContain(MAIN);
    expect(ofDynamoDb(files)).toEqual([]);
  });
});
