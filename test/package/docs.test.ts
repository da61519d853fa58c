import { describe, expect, it } from 'vitest';
import {
  brokenJson,
  brokenLinks,
  documents,
  missingFiles,
  unknownFlags,
  unknownScripts,
  unknownVariables,
} from '../support/docs.ts';
import { parseMarkdown } from '../support/markdown.ts';

/** What the documents name exists. */

describe.each(documents().map((document) => [document.path, document] as const))('%s', (_, document) => {
  it('links to what there is', () => {
    expect(brokenLinks(document)).toEqual([]);
  });

  it('names flags and variables that the server has', () => {
    expect(unknownFlags(document)).toEqual([]);
    expect(unknownVariables(document)).toEqual([]);
  });

  it('names scripts and files that the repository has', () => {
    expect(unknownScripts(document)).toEqual([]);
    expect(missingFiles(document)).toEqual([]);
  });

  it('has JSON that can be parsed', () => {
    expect(brokenJson(document)).toEqual([]);
  });
});

describe('the rules', () => {
  const says = (text: string, path = 'README.md') => parseMarkdown(path, text);
  const sh = (code: string) => says(`\`\`\`sh\n${code}\n\`\`\``);

  it.each([
    'see [it](nowhere.md)',
    'see [it](docs/simulator.md#no-such-heading)',
    'see [it](#missing)',
    '[it]: nowhere.md',
    '<img src="picture.png">',
    'out of [it](../elsewhere.md)',
  ])('find a link to nowhere: %s', (text) => {
    expect(brokenLinks(says(text))).toHaveLength(1);
  });

  it.each([
    'see [it](package.json), [that](https://example.com/x.md) and `[no](link.md)`',
    'see [it](docs/simulator.md#who-may-do-what)',
    '# Its `--own` heading!\n\n[up](#its---own-heading)',
    '## Twice\n## Twice\n[second](#twice-1)',
  ])('leave a good link alone: %s', (text) => {
    expect(brokenLinks(says(text))).toEqual([]);
  });

  it.each([
    ['in prose', says('Use --regoin for that.')],
    ['in code within a line', says('Use `--read-onyl`.')],
    ['with its value', says('Use `--regoin eu-west-1`.')],
    ['on our command', sh('nat-gateway-mcp --simulated')],
    ['on our command within another', sh('FOO=1 npx -y nat-gateway-mcp --simulated | jq --raw-output .')],
    ['over two lines', sh('node dist/main.js \\\n  --simulated')],
    [
      'after a host that is told of us',
      sh('claude mcp add --scope user nat -- npx -y nat-gateway-mcp --simulated'),
    ],
    [
      'in JSON on a command line',
      sh(`code --add-mcp '{"command":"npx","args":["nat-gateway-mcp","--simulated"]}'`),
    ],
    ['of a program that nobody knows', sh('frobnicate --hard')],
    ['in JSON', says('```json\n{"args": ["--simulated"]}\n```')],
    ['that only a variable is for', says('`--confirmation-key`')],
    ['that is no switch', says('`--no-region`')],
  ])('find a flag that the server has not, %s', (_, document) => {
    expect(unknownFlags(document)).toHaveLength(1);
  });

  it.each([
    says('`--allow-…`, `--no-read-only`, `--no-FLAG`, --http and a dash -- like that; `npm ci --dry-run`'),
    sh('npx -y inspector/inspector@1.0.3 --cli node dist/main.js --simulate --method tools/list'),
    sh('claude mcp add --transport http nat https://nat.example.com/mcp'),
    sh('docker run --rm --interactive nat-gateway-mcp --simulate   # --not-a-flag'),
    sh('printf %s "$(openssl rand --hex 32)" | sha256sum --binary'),
    sh(`code --add-mcp '{"command":"npx","args":["nat-gateway-mcp","--simulate"]}'`),
  ])('leave flags alone that are ours or of others', (document) => {
    expect(unknownFlags(document)).toEqual([]);
  });

  it('find a variable, a script, a file that is not there, and JSON that is none', () => {
    expect(
      unknownVariables(says('NAT_GATEWAY_MCP_REGOIN, not NAT_GATEWAY_MCP_* or NAT_GATEWAY_MCP_ALLOW_…')),
    ).toEqual(['NAT_GATEWAY_MCP_REGOIN']);
    expect(unknownScripts(says('`npm run --silent biuld`, not npm run build or npm test'))).toEqual([
      'biuld',
    ]);
    expect(
      missingFiles(says('`src/nothing.ts` `NOTHING.md` `src/main.ts` `tokens.json` `src/*.ts`')),
    ).toEqual(['src/nothing.ts', 'NOTHING.md']);
    expect(missingFiles(sh('node scripts/nothing.mjs'))).toEqual(['scripts/nothing.mjs']);
    expect(brokenJson(says('```json\n{"a": 1,}\n```\n```json\n{}\n```'))).toHaveLength(1);
  });
});
