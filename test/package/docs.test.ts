import { describe, expect, it } from 'vitest';
import {
  brokenJson,
  brokenLinks,
  documents,
  missingFiles,
  registryCommands,
  unknownFlags,
  unknownScripts,
  unknownVariables,
} from '../support/docs.ts';
import { parseMarkdown } from '../support/markdown.ts';

/** Links, flags, scripts and files in the documents exist. */

describe.each(documents().map((document) => [document.path, document] as const))('%s', (_, document) => {
  it('has no broken links', () => {
    expect(brokenLinks(document)).toEqual([]);
  });

  it('names only flags and variables of the server', () => {
    expect(unknownFlags(document)).toEqual([]);
    expect(unknownVariables(document)).toEqual([]);
  });

  it('names only scripts and files of the repository', () => {
    expect(unknownScripts(document)).toEqual([]);
    expect(missingFiles(document)).toEqual([]);
  });

  it('has no command that fetches a package of this name', () => {
    expect(registryCommands(document)).toEqual([]);
  });

  it('has JSON that parses', () => {
    expect(brokenJson(document)).toEqual([]);
  });
});

describe('the rules for documents', () => {
  const document = (text: string, path = 'README.md') => parseMarkdown(path, text);
  const sh = (code: string) => document(`\`\`\`sh\n${code}\n\`\`\``);

  it.each([
    'see [it](nowhere.md)',
    'see [it](docs/simulator.md#no-such-heading)',
    'see [it](#missing)',
    '[it]: nowhere.md',
    '<img src="picture.png">',
    'out of [it](../elsewhere.md)',
  ])('find a broken link: %s', (text) => {
    expect(brokenLinks(document(text))).toHaveLength(1);
  });

  it.each([
    'see [it](package.json), [that](https://example.com/x.md) and `[no](link.md)`',
    'see [it](docs/simulator.md#who-may-do-what)',
    '# Its `--own` heading!\n\n[up](#its---own-heading)',
    '## Twice\n## Twice\n[second](#twice-1)',
  ])('accept a link that works: %s', (text) => {
    expect(brokenLinks(document(text))).toEqual([]);
  });

  it.each([
    ['in prose', document('Use --regoin for that.')],
    ['in code within a line', document('Use `--read-onyl`.')],
    ['with its value', document('Use `--regoin eu-west-1`.')],
    ['on the command of the server', sh('nat-gateway-mcp --simulated')],
    [
      'on the command of the server within another',
      sh('FOO=1 npx -y nat-gateway-mcp --simulated | jq --raw-output .'),
    ],
    ['over two lines', sh('node dist/main.js \\\n  --simulated')],
    [
      'after the command of a host',
      sh('claude mcp add --scope user nat -- npx -y nat-gateway-mcp --simulated'),
    ],
    [
      'in JSON on a command line',
      sh(`code --add-mcp '{"command":"npx","args":["nat-gateway-mcp","--simulated"]}'`),
    ],
    ['of an unknown program', sh('frobnicate --hard')],
    ['in JSON', document('```json\n{"args": ["--simulated"]}\n```')],
    ['that exists as a variable only', document('`--confirmation-key`')],
    ['that is not a switch', document('`--no-region`')],
  ])('find an unknown flag %s', (_, example) => {
    expect(unknownFlags(example)).toHaveLength(1);
  });

  it.each([
    document(
      '`--allow-…`, `--no-read-only`, `--no-FLAG`, --http and a dash -- like that; `npm ci --dry-run`',
    ),
    sh('npx -y inspector/inspector@1.0.3 --cli node dist/main.js --simulate --method tools/list'),
    sh('claude mcp add --transport http nat https://nat.example.com/mcp'),
    sh('docker run --rm --interactive nat-gateway-mcp --simulate   # --not-a-flag'),
    sh('printf %s "$(openssl rand --hex 32)" | sha256sum --binary'),
    sh(`code --add-mcp '{"command":"npx","args":["nat-gateway-mcp","--simulate"]}'`),
  ])('accept flags of the server and of other programs', (example) => {
    expect(unknownFlags(example)).toEqual([]);
  });

  it.each([
    sh('npx -y nat-gateway-mcp --simulate'),
    sh('claude mcp add nat -- npx -y nat-gateway-mcp@latest'),
    sh('npm install --global nat-gateway-mcp'),
    sh('pnpm dlx nat-gateway-mcp'),
    sh('FOO=1 bunx nat-gateway-mcp | cat'),
    document('Run `npx nat-gateway-mcp` or not.'),
    document('```json\n{"command": "npx", "args": ["-y", "nat-gateway-mcp"]}\n```'),
    document('```toml\ncommand = "npx"\nargs = ["-y", "nat-gateway-mcp"]\n```'),
  ])('find a command that fetches a package of this name', (example) => {
    expect(registryCommands(example)).toHaveLength(1);
  });

  it.each([
    sh('npx -y @modelcontextprotocol/inspector@1.0.3 --cli node dist/main.js --simulate'),
    sh('npm ci && npm run build && npm link\nnat-gateway-mcp --version'),
    sh('nat-gateway-mcp simulator'),
    document('A bundle: `npm run mcpb`. The command `nat-gateway-mcp`.'),
    document(
      '```json\n{"nat-gateway-mcp": {"command": "node", "args": ["/a/nat-gateway-mcp/dist/main.js"]}}\n```',
    ),
  ])('accept commands of a clone', (example) => {
    expect(registryCommands(example)).toEqual([]);
  });

  it('reject a code block that is never closed', () => {
    expect(() => document('Text\n\n```sh\nnpm test\n')).toThrow('the code of line 3 never ends');
  });

  it('find an unknown variable, script and file, and JSON that does not parse', () => {
    expect(
      unknownVariables(document('NAT_GATEWAY_MCP_REGOIN, not NAT_GATEWAY_MCP_* or NAT_GATEWAY_MCP_ALLOW_…')),
    ).toEqual(['NAT_GATEWAY_MCP_REGOIN']);
    expect(unknownScripts(document('`npm run --silent biuld`, not npm run build or npm test'))).toEqual([
      'biuld',
    ]);
    expect(
      missingFiles(document('`src/nothing.ts` `NOTHING.md` `src/main.ts` `tokens.json` `src/*.ts`')),
    ).toEqual(['src/nothing.ts', 'NOTHING.md']);
    expect(missingFiles(sh('node scripts/nothing.mjs'))).toEqual(['scripts/nothing.mjs']);
    expect(brokenJson(document('```json\n{"a": 1,}\n```\n```json\n{}\n```'))).toHaveLength(1);
  });
});
