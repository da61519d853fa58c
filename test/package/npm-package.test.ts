import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { BARE_ENVIRONMENT } from '../support/server-process.ts';
import { EGRESS } from '../support/session.ts';

/** The packed package, installed offline into an empty folder. */

const run = promisify(execFile);

/** The files that the package may contain; a chunk's name ends in a hash of its content. */
const DECLARED = [
  /^package\.json$/,
  /^README\.md$/,
  /^LICENSE$/,
  /^docs\/[\w-]+\.md$/,
  // Files of targets name it as their $schema.
  /^docs\/targets\.schema\.json$/,
  /^dist\/main\.js$/,
  /^dist\/[\w-]+-[A-Z0-9]{8}\.js$/,
  /^dist\/third-party-licenses\.txt$/,
];

let folder: string;
let files: string[];

async function npm(args: string[], cwd: string): Promise<string> {
  const cache = ['--cache', join(folder, 'empty-cache')];
  const { stdout } = await run('npm', [...args, ...cache, '--no-audit', '--no-fund'], { cwd });
  return stdout;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'package-'));
  await writeFile(join(folder, 'package.json'), '{}');
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const packed = await npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder], root);
  const [{ filename, files: within }] = JSON.parse(packed) as [
    { filename: string; files: { path: string }[] },
  ];
  files = within.map(({ path }) => path);
  await npm(['install', '--offline', join(folder, filename)], folder);
}, 120_000);

afterAll(() => rm(folder, { recursive: true }));

describe('the npm package', () => {
  it('contains the declared files only', () => {
    expect(files.filter((file) => !DECLARED.some((pattern) => pattern.test(file)))).toEqual([]);
    expect(files).toEqual(
      expect.arrayContaining([
        ...['package.json', 'README.md', 'dist/main.js', 'dist/third-party-licenses.txt'],
        'docs/targets.schema.json',
      ]),
    );
  });

  it('installs no other package', async () => {
    const lock = await readFile(join(folder, 'node_modules/.package-lock.json'), 'utf8');
    expect(Object.keys(JSON.parse(lock).packages)).toEqual(['node_modules/nat-gateway-mcp']);
  });

  it('contains the licences of the bundled packages', async () => {
    const path = join(folder, 'node_modules/nat-gateway-mcp/dist/third-party-licenses.txt');
    const licenses = await readFile(path, 'utf8');
    for (const name of [
      '@aws-sdk/client-ec2',
      '@modelcontextprotocol/server',
      'content-type',
      'pino',
      'zod',
    ]) {
      expect(licenses).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+.* \\(.+\\)$`, 'm'));
    }
  });

  const clients = {
    modern: () => ({
      client: new ModernClient(
        { name: 'v2', version: '1.0.0' },
        { versionNegotiation: { mode: 'auto' } },
      ) as unknown as LegacyClient,
      Transport: ModernTransport as unknown as typeof LegacyTransport,
    }),
    legacy: () => ({
      client: new LegacyClient({ name: 'v1', version: '1.0.0' }),
      Transport: LegacyTransport,
    }),
  };

  it.each(['modern', 'legacy'] as const)('serves a %s client when started by its command', async (era) => {
    const { client, Transport } = clients[era]();
    const command = join(folder, 'node_modules/.bin/nat-gateway-mcp');
    const transport = new Transport({
      command,
      args: ['--simulate'],
      env: BARE_ENVIRONMENT,
      stderr: 'ignore' as const,
    });
    await client.connect(transport);
    onTestFinished(() => client.close());
    expect((await client.listTools()).tools).toHaveLength(4);
    const described = await client.callTool({
      name: 'describe_nat_gateway_addresses',
      arguments: { nat_gateway_ids: [EGRESS] },
    });
    expect(described.structuredContent).toMatchObject({ nat_gateways: [{ nat_gateway_id: EGRESS }] });
    const released = await client.callTool({
      name: 'unassign_private_nat_gateway_address',
      arguments: { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] },
    });
    expect(released.structuredContent).toMatchObject({ outcome: 'unassigning' });
  });
});
