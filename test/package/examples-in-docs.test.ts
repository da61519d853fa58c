import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { describe, expect, it, onTestFinished } from 'vitest';
import { documents } from '../support/docs.ts';
import { COMMAND, startOf, type Told, toldServers } from '../support/docs-servers.ts';
import { type CodeBlock, parseMarkdown } from '../support/markdown.ts';
import { BARE_ENVIRONMENT, MAIN } from '../support/server-process.ts';

/** What the documents tell people to run runs: servers in hosts' configurations, and code that is marked so. */

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'docs-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function toolsOf(told: Told, simulate: boolean): Promise<string[]> {
  const { args, env } = startOf(told, simulate, await emptyFolder());
  const client = new Client({ name: 'docs', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
  const whole = { ...BARE_ENVIRONMENT, ...env };
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [MAIN, ...args],
      env: whole,
      stderr: 'ignore',
    }),
  );
  onTestFinished(() => client.close());
  return (await client.listTools()).tools.map(({ name }) => name);
}

/** The status and the output of code, in an empty folder and home, with our command on the path. */
async function runCode({ text }: CodeBlock): Promise<{ code: number | null; output: string }> {
  const folder = await emptyFolder();
  const [home, bin, work] = [join(folder, 'home'), join(folder, 'bin'), join(folder, 'work')];
  for (const each of [home, bin, work]) await mkdir(each);
  await writeFile(join(bin, 'nat-gateway-mcp'), COMMAND, { mode: 0o755 });
  const PATH = [bin, process.env.PATH].join(delimiter);
  const child = spawn('bash', ['-euo', 'pipefail', '-c', text], {
    cwd: work,
    env: { ...BARE_ENVIRONMENT, PATH, HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk;
    });
  const timer = setTimeout(() => end(child), 60_000);
  const [code] = await once(child, 'exit');
  clearTimeout(timer);
  end(child);
  return { code, output };
}

/** Ends it and all that it left in the background. */
function end({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing was left.
  }
}

const servers = documents().flatMap((document) =>
  toldServers(document).map((told) => [`${document.path}:${told.line}`, told] as const),
);
const code = documents().flatMap((document) =>
  document.blocks
    .filter(({ runs }) => runs)
    .map((block) => [`${document.path}:${block.line}`, block] as const),
);

describe('the servers that documents tell hosts to start', () => {
  it('are there', () => {
    expect(servers).not.toEqual([]);
  });

  it.each(servers)('%s answers, with AWS and without', async (_, told) => {
    expect(await toolsOf(told, false)).toContain('describe_nat_gateway_addresses');
    expect(await toolsOf(told, true)).toContain('describe_nat_gateway_addresses');
  });
});

describe.runIf(code.length > 0)('the code that is marked to run', () => {
  it.each(code)('%s runs', { timeout: 90_000 }, async (_, block) => {
    const { code: status, output } = await runCode(block);
    expect(status, output).toBe(0);
  });
});

describe('this test', () => {
  const says = (text: string) => parseMarkdown('README.md', text);
  const told = (text: string): Told => {
    const [server] = toldServers(says(text));
    if (server === undefined) throw new Error('no server');
    return server;
  };
  const json = (server: object, member = 'mcpServers') =>
    `\`\`\`json\n${JSON.stringify({ [member]: { nat: server } })}\n\`\`\``;
  const marked = (text: string): CodeBlock => {
    const [block] = says(`<!-- runs -->\n\n\`\`\`sh\n${text}\n\`\`\``).blocks;
    if (block?.runs !== true) throw new Error('not marked');
    return block;
  };

  it.each([
    json({ command: 'npx', args: ['-y', 'nat-gateway-mcp', '--region', 'eu-west-1', '--simulate'] }),
    json({ command: 'nat-gateway-mcp', args: ['--region', 'eu-west-1', '--profile', 'ops'] }, 'servers'),
    json({ command: 'npx', args: ['nat-gateway-mcp@0.1.0'], env: { NAT_GATEWAY_MCP_REGION: 'eu-west-1' } }),
    '```toml\n[mcp_servers.nat]\ncommand = "node"\nargs = ["/path/to/nat-gateway-mcp/dist/main.js"]\n```',
    '```sh\nclaude mcp add nat -- npx -y nat-gateway-mcp --audit-log /var/log/nat.jsonl\n```',
    '```sh\ngemini mcp add nat-gateway-mcp npx -y nat-gateway-mcp\n```',
    `\`\`\`sh\ncode --add-mcp '{"name":"nat","command":"npx","args":["-y","nat-gateway-mcp"]}'\n\`\`\``,
  ])('starts what is told in %s', async (text) => {
    expect(await toolsOf(told(text), false)).toHaveLength(3);
    expect(await toolsOf(told(text), true)).toHaveLength(3);
  });

  it.each([
    json({ command: 'npx', args: ['-y', 'nat-gateway-mcp', '--regoin', 'eu-west-1'] }),
    json({ command: 'npx', args: ['-y', 'nat-gatewy-mcp'] }),
    json({ command: 'node', args: ['dist/main.js'] }),
    json({ command: 'npx', args: ['-y', 'nat-gateway-mcp'], env: { NAT_GATEWAY_MCP_REGION: '' } }),
    '```sh\nclaude mcp add nat -e NAT_GATEWAY_MCP_REGOIN=eu-west-1 -- npx -y nat-gateway-mcp\n```',
  ])('finds what does not start: %s', async (text) => {
    await expect(toolsOf(told(text), false)).rejects.toThrow();
  });

  it('finds code that fails, in a pipe too, and lets none see what is not its own', async () => {
    expect(
      await runCode(marked('nat-gateway-mcp --version\ntest -z "$(ls -A ~)"\ntest -z "$(ls -A .)"')),
    ).toMatchObject({
      code: 0,
    });
    expect(await runCode(marked('nat-gateway-mcp --vresion | cat'))).toMatchObject({ code: 2 });
    expect(await runCode(marked('false\ntrue'))).toMatchObject({ code: 1 });
  });

  it('does not wait for what code leaves in the background', async () => {
    const { code: status, output } = await runCode(marked('nat-gateway-mcp simulator --port 0 &\nsleep 1'));
    expect(status).toBe(0);
    expect(output).toContain('127.0.0.1');
  });
});
