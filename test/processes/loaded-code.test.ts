import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DESCRIBE, UNASSIGN } from '../../src/vocabulary/names.ts';
import { MAIN, type ServerProcess, startServer } from '../support/server-process.ts';
import { EGRESS } from '../support/session.ts';

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'loaded-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The files of the program that a process has loaded, as V8 counts what ran. */
async function loadedBy(work: (server: ServerProcess) => Promise<unknown>): Promise<string[]> {
  const directory = temporaryDirectory();
  const server = startServer(['--simulate'], { NODE_V8_COVERAGE: directory });
  await work(server);
  server.child.stdin?.end();
  await server.exit;
  const [report = ''] = readdirSync(directory);
  const { result } = JSON.parse(readFileSync(join(directory, report), 'utf8')) as {
    result: { url: string }[];
  };
  return result.filter(({ url }) => url.includes('/dist/')).map(({ url }) => fileURLToPath(url));
}

/** The files among them that have a text of one part of the program. */
const having = (text: string, files: readonly string[]) =>
  files.filter((file) => readFileSync(file, 'utf8').includes(text));

const ALL = readdirSync(dirname(MAIN))
  .filter((file) => file.endsWith('.js'))
  .map((file) => join(dirname(MAIN), file));

/** Texts of parts that most processes do without. */
const PARTS = {
  'the table': 'DynamoDB_20120810',
  'the definition of a tool': 'No argument ',
  'the AWS SDK': 'AWS4-HMAC-SHA256',
} as const;

describe('a server', () => {
  it('loads for a list of tools neither tools nor the AWS SDK', async () => {
    const files = await loadedBy((server) => server.request('tools/list'));
    expect(files).toContain(MAIN);
    for (const part of ['the table', 'the definition of a tool', 'the AWS SDK'] as const) {
      expect(having(PARTS[part], ALL), part).not.toEqual([]);
      expect(having(PARTS[part], files), part).toEqual([]);
    }
  });

  it('loads for a change nothing of the table without --state-table', async () => {
    const files = await loadedBy((server) =>
      server.call(UNASSIGN, { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] }),
    );
    expect(having(PARTS['the AWS SDK'], files)).not.toEqual([]);
    expect(having(PARTS['the table'], ALL)).toHaveLength(1);
    expect(having(PARTS['the table'], files)).toEqual([]);
  });

  it('answers calls of tools whose files are gone, and goes on', async () => {
    const directory = temporaryDirectory();
    cpSync(join(dirname(MAIN), '..', 'package.json'), join(directory, 'package.json'));
    cpSync(dirname(MAIN), join(directory, 'dist'), { recursive: true });
    const server = startServer(['--simulate'], {}, join(directory, 'dist/main.js'));
    const before = await server.request('tools/list');
    rmSync(join(directory, 'dist'), { recursive: true });
    for (const name of [DESCRIBE, UNASSIGN]) {
      const { result } = await server.call(name, {
        nat_gateway_id: EGRESS,
        private_ip_addresses: ['10.0.1.11'],
      });
      expect(result.isError).toBe(true);
      expect(JSON.parse(result.content[0].text)).toEqual({
        error: {
          code: 'internal',
          message: expect.stringMatching(/^The code of this tool cannot be loaded\. Nothing was done\./),
          retryable: false,
          hint: expect.stringContaining('restart'),
        },
      });
    }
    expect(server.log).toContain('the code of a tool cannot be loaded');
    expect(await server.request('tools/list')).toEqual({ ...before, id: expect.anything() });
  });
});
