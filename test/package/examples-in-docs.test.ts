import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PREFIX } from '../../src/config/options.ts';
import { documents } from '../support/docs.ts';
import { COMMAND, type Snippet, snippetsOf, startOf } from '../support/docs-servers.ts';
import { type CodeBlock, parseMarkdown } from '../support/markdown.ts';
import { BARE_ENVIRONMENT, MAIN } from '../support/server-process.ts';
import { EGRESS } from '../support/session.ts';

/** The documents' examples run: servers in hosts' configurations, and code marked `<!-- runs -->`. */

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'docs-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts a snippet's server with no variables but its own, as the strictest hosts do. */
async function connect(snippet: Snippet, simulate: boolean): Promise<Client> {
  const { args, env } = startOf(snippet, simulate, await emptyFolder());
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
  return client;
}

async function toolsOf(snippet: Snippet, simulate: boolean): Promise<string[]> {
  const client = await connect(snippet, simulate);
  return (await client.listTools()).tools.map(({ name }) => name);
}

/** Runs code in an empty folder and an empty home, with the server's command on the path. */
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

/** Ends a process and all that it left in the background. */
function end({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // No process is left.
  }
}

const servers = documents().flatMap((document) =>
  snippetsOf(document).map((snippet) => [`${document.path}:${snippet.line}`, snippet] as const),
);
const code = documents().flatMap((document) =>
  document.blocks
    .filter(({ runs }) => runs)
    .map((block) => [`${document.path}:${block.line}`, block] as const),
);

describe('servers in the documents', () => {
  it('exist', () => {
    expect(servers).not.toEqual([]);
  });

  it.each(servers)('%s starts with AWS and with the embedded endpoint', async (_, snippet) => {
    expect(await toolsOf(snippet, false)).toContain('describe_nat_gateway_addresses');
    expect(await toolsOf(snippet, true)).toContain('describe_nat_gateway_addresses');
  });

  it.each(servers)('%s changes nothing for a client that cannot ask its user', async (_, snippet) => {
    const client = await connect(snippet, true);
    const { structuredContent } = await client.callTool({
      name: 'unassign_private_nat_gateway_address',
      arguments: { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] },
    });
    expect(structuredContent).toMatchObject({
      outcome: 'refused',
      error: { code: expect.stringMatching(/^(policy_denied|confirmation_unavailable)$/) },
    });
  });

  it.each(servers)('%s has its rules in flags', (_, { env }) => {
    expect(Object.keys(env).filter((name) => name.startsWith(PREFIX))).toEqual([]);
  });
});

describe.runIf(code.length > 0)('code that is marked to run', () => {
  it.each(code)('%s exits with 0', { timeout: 90_000 }, async (_, block) => {
    const { code: status, output } = await runCode(block);
    expect(status, output).toBe(0);
  });
});

describe('the runner of examples', () => {
  const document = (text: string) => parseMarkdown('README.md', text);
  const snippetIn = (text: string): Snippet => {
    const [snippet] = snippetsOf(document(text));
    if (snippet === undefined) throw new Error('no server');
    return snippet;
  };
  const json = (server: object, member = 'mcpServers') =>
    `\`\`\`json\n${JSON.stringify({ [member]: { nat: server } })}\n\`\`\``;
  const BUILT = '/path/to/nat-gateway-mcp/dist/main.js';
  const marked = (text: string): CodeBlock => {
    const [block] = document(`<!-- runs -->\n\n\`\`\`sh\n${text}\n\`\`\``).blocks;
    if (block?.runs !== true) throw new Error('not marked');
    return block;
  };

  it.each([
    json({ command: 'node', args: [BUILT, '--region', 'eu-west-1', '--simulate'] }),
    json({ command: 'nat-gateway-mcp', args: ['--region', 'eu-west-1', '--profile', 'ops'] }, 'servers'),
    json({ command: 'nat-gateway-mcp', env: { NAT_GATEWAY_MCP_REGION: 'eu-west-1' } }),
    json({ type: 'local', command: ['node', BUILT, '--region', 'eu-west-1'] }, 'mcp'),
    '```toml\n[mcp_servers.nat]\ncommand = "node"\nargs = ["/path/to/nat-gateway-mcp/dist/main.js"]\n```',
    `\`\`\`sh\nclaude mcp add nat -- node ${BUILT} --audit-log /var/log/nat.jsonl\n\`\`\``,
    `\`\`\`sh\ngemini mcp add nat-gateway-mcp node ${BUILT}\n\`\`\``,
    `\`\`\`sh\ncode --add-mcp '{"name":"nat","command":"node","args":["${BUILT}"]}'\n\`\`\``,
  ])('starts the server of %s', async (text) => {
    expect(await toolsOf(snippetIn(text), false)).toHaveLength(4);
    expect(await toolsOf(snippetIn(text), true)).toHaveLength(4);
  });

  it.each([
    json({ command: 'node', args: [BUILT, '--regoin', 'eu-west-1'] }),
    json({ command: 'npx', args: ['-y', 'nat-gateway-mcp'] }),
    json({ command: 'node', args: ['dist/main.js'] }),
    json({ command: 'node', args: [BUILT], env: { NAT_GATEWAY_MCP_REGION: '' } }),
    json({ command: ['node', '/path/to/another.js'] }, 'mcp'),
    `\`\`\`sh\nclaude mcp add nat -e NAT_GATEWAY_MCP_REGOIN=eu-west-1 -- node ${BUILT}\n\`\`\``,
  ])('rejects a server that does not start: %s', async (text) => {
    await expect(toolsOf(snippetIn(text), false)).rejects.toThrow();
  });

  it('reports code that fails, in a pipe too, and runs it in an empty folder and home', async () => {
    expect(
      await runCode(marked('nat-gateway-mcp --version\ntest -z "$(ls -A ~)"\ntest -z "$(ls -A .)"')),
    ).toMatchObject({
      code: 0,
    });
    expect(await runCode(marked('nat-gateway-mcp --vresion | cat'))).toMatchObject({ code: 2 });
    expect(await runCode(marked('false\ntrue'))).toMatchObject({ code: 1 });
  });

  it('does not wait for processes that code leaves in the background', async () => {
    const { code: status, output } = await runCode(marked('nat-gateway-mcp simulator --port 0 &\nsleep 1'));
    expect(status).toBe(0);
    expect(output).toContain('127.0.0.1');
  });
});
