import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { getMcpConfigForManifest, type McpbManifestAny, unpackExtension } from '@anthropic-ai/mcpb';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { BARE_ENVIRONMENT } from '../support/server-process.ts';
import { EGRESS } from '../support/session.ts';

/** The bundle for desktop hosts, unpacked and started by the command in its manifest. */

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));

let folder: string;
let unpacked: string;
let manifest: McpbManifestAny;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcpb-'));
  unpacked = join(folder, 'unpacked');
  const { stdout } = await run(process.execPath, ['scripts/mcpb.mjs', folder], { cwd: root });
  const mcpbPath = stdout.trim().split('\n').at(-1) ?? '';
  expect(await unpackExtension({ mcpbPath, outputDir: unpacked, silent: true })).toBe(true);
  manifest = JSON.parse(await readFile(join(unpacked, 'manifest.json'), 'utf8'));
}, 60_000);

afterAll(() => rm(folder, { recursive: true }));

type UserConfig = Record<string, string | boolean>;

/** The manifest's command, with placeholders resolved by the code that hosts use. */
async function resolved(userConfig: UserConfig, of = manifest) {
  const config = await getMcpConfigForManifest({
    manifest: of,
    extensionPath: unpacked,
    systemDirs: { HOME: homedir() },
    userConfig,
    pathSeparator: sep,
  });
  return { command: config?.command ?? '', args: config?.args ?? [], env: config?.env ?? {} };
}

async function start(userConfig: UserConfig): Promise<Client> {
  const { command, args, env } = await resolved(userConfig);
  const client = new Client({ name: 'host', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
  const whole = { ...BARE_ENVIRONMENT, ...env };
  await client.connect(new StdioClientTransport({ command, args, env: whole, stderr: 'ignore' }));
  onTestFinished(() => client.close());
  return client;
}

/** The error of a start that fails, with its exit code and output. */
async function failure(env: Record<string, string>) {
  const { command, args } = await resolved({});
  return run(command, args, { env: { ...BARE_ENVIRONMENT, ...env } }).catch((error) => error);
}

describe('the bundle for desktop hosts', () => {
  it.each<[string, UserConfig]>([
    ['no settings', {}],
    ['empty fields', { region: '', profile: '' }],
    [
      'empty fields and switches that are off',
      { region: '', profile: '', read_only: false, simulate: false },
    ],
    ['a region', { region: 'eu-west-1' }],
    ['a profile', { profile: 'ops', read_only: true }],
    [
      'every setting that goes with the simulation',
      { region: 'eu-west-1', profile: '', read_only: true, simulate: true },
    ],
    [
      'every setting but the simulation',
      { region: 'eu-west-1', profile: 'ops', read_only: true, simulate: false },
    ],
  ])('starts with %s, and has the tools of the manifest', async (_, userConfig) => {
    const { tools } = await (await start(userConfig)).listTools();
    expect(tools).not.toEqual([]);
    expect(tools.map(({ name, description }) => ({ name, description }))).toEqual(manifest.tools);
  });

  it('applies the settings', async () => {
    const client = await start({ region: 'eu-west-1', profile: '', read_only: true, simulate: true });
    const described = await client.callTool({ name: 'describe_nat_gateway_addresses', arguments: {} });
    expect(described.structuredContent).toMatchObject({ region: 'eu-west-1' });
    const refused = await client.callTool({
      name: 'unassign_private_nat_gateway_address',
      arguments: { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] },
    });
    expect(refused.structuredContent).toMatchObject({ error: { code: 'policy_denied' } });
  });

  it('repeats the name, version, description, licence and engines of package.json', async () => {
    const { name, version, description, license, engines } = JSON.parse(
      await readFile(join(root, 'package.json'), 'utf8'),
    );
    const runtimes = { node: engines.node };
    expect(manifest).toMatchObject({ name, version, description, license, compatibility: { runtimes } });
  });

  it('maps each setting to a variable, and requires none', () => {
    const { user_config = {}, server } = manifest;
    const values = Object.values(server.mcp_config?.env ?? {});
    expect(values).toEqual(Object.keys(user_config).map((key) => `\${user_config.${key}}`));
    expect(Object.values(user_config).filter(({ required }) => required)).toEqual([]);
  });

  it.each([
    ['', 'is empty'],
    ['$' + '{user_config.read_only}', 'not filled in'],
  ])('does not start when the host lost the policy (%j)', async (value, message) => {
    const { code, stderr } = await failure({ NAT_GATEWAY_MCP_READ_ONLY: value });
    expect(code).toBe(2);
    expect(stderr).toContain(`NAT_GATEWAY_MCP_READ_ONLY`);
    expect(stderr).toContain(message);
  });

  it('does not take an unresolved variable of another name for an empty field', async () => {
    const { code, stderr } = await failure({ NAT_GATEWAY_MCP_REGION: '$' + '{REGION}' });
    expect(code).toBe(2);
    expect(stderr).toContain('NAT_GATEWAY_MCP_REGION');
  });
});
