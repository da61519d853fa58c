// Packs dist/ into the bundle that desktop hosts install: nat-gateway-mcp-VERSION.mcpb, in .mcpb/ or the given folder.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packExtension, validateManifest } from '@anthropic-ai/mcpb';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const root = fileURLToPath(new URL('../', import.meta.url));
const folder = resolve(process.argv[2] ?? join(root, '.mcpb'));
const stage = join(folder, 'stage');
const { name, version, description, license, keywords, type, engines } = read('package.json');

rmSync(stage, { recursive: true, force: true });
mkdirSync(stage, { recursive: true });
cpSync(join(root, 'dist'), join(stage, 'dist'), {
  recursive: true,
  filter: (file) => !file.endsWith('.map'),
});
cpSync(join(root, 'mcpb/start.mjs'), join(stage, 'start.mjs'));
if (existsSync(join(root, 'LICENSE'))) cpSync(join(root, 'LICENSE'), join(stage, 'LICENSE'));
write('package.json', { name, version, type, license });
write('manifest.json', await manifest());

if (!validateManifest(stage)) throw new Error('The manifest is not valid');
const output = join(folder, `${name}-${version}.mcpb`);
rmSync(output, { force: true });
if (!(await packExtension({ extensionPath: stage, outputPath: output, silent: true }))) {
  throw new Error('The bundle could not be packed');
}
process.stdout.write(`${output}\n`);

/** The manifest's template, completed from package.json and from the server's list of tools. */
async function manifest() {
  const { manifest_version, display_name, compatibility, ...rest } = read('mcpb/manifest.json');
  const runtimes = { node: engines.node };
  return {
    manifest_version,
    name,
    display_name,
    version,
    description,
    license,
    keywords,
    ...rest,
    compatibility: { ...compatibility, runtimes },
    tools: await tools(),
  };
}

async function tools() {
  const client = new Client({ name: 'mcpb', version }, { versionNegotiation: { mode: 'auto' } });
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [join(root, 'dist/main.js')],
      stderr: 'ignore',
    }),
  );
  try {
    const listed = await client.listTools();
    return listed.tools.map((tool) => ({ name: tool.name, description: tool.description }));
  } finally {
    await client.close();
  }
}

function read(file) {
  return JSON.parse(readFileSync(join(root, file), 'utf8'));
}

function write(file, value) {
  writeFileSync(join(stage, file), `${JSON.stringify(value, undefined, 2)}\n`);
}
