import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CHECK_FLAGS } from '../../src/config/check-flags.ts';
import { flagOf, OPTION_NAMES, OPTIONS, PREFIX, variableOf } from '../../src/config/options.ts';
import { type Document, parseMarkdown } from './markdown.ts';
import { commandsOf } from './shell-words.ts';

/** Rules that find names in documents of things that do not exist. Each returns what it found. */

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Every document for readers. */
export function documents(): Document[] {
  const docs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' });
  return [
    'README.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    'CHANGELOG.md',
    ...docs.map((file) => `docs/${file}`),
  ]
    .filter((path) => path.endsWith('.md') && existsSync(join(ROOT, path)))
    .map(read);
}

function read(path: string): Document {
  return parseMarkdown(path, readFileSync(join(ROOT, path), 'utf8'));
}

export function brokenLinks(document: Document): string[] {
  return document.links
    .filter((link) => !/^[a-z][a-z0-9+.-]*:/i.test(link))
    .filter((link) => {
      const [file = '', anchor] = link.split('#');
      const path = file === '' ? document.path : normalize(join(dirname(document.path), decodeURI(file)));
      if (path.startsWith('..') || !existsSync(join(ROOT, path))) return true;
      if (anchor === undefined) return false;
      const { anchors } = path === document.path ? document : read(path);
      return !anchors.includes(anchor);
    });
}

const FLAGS = new Set([
  'help',
  'version',
  ...Object.keys(CHECK_FLAGS),
  ...OPTION_NAMES.flatMap((name) => {
    const { placeholder, variableOnly } = OPTIONS[name];
    if (variableOnly === true) return [];
    return placeholder === undefined ? [flagOf(name), `no-${flagOf(name)}`] : [flagOf(name)];
  }),
]);

/** Programs whose flags are not checked. Where one of them starts the server, the flags after its name are. */
const OTHER_PROGRAMS =
  /^(aws|biome|cat|claude|code|codex|curl|docker|gemini|git|jq|kubectl|node|npm|npx|openssl|podman|printf|sed|sha256sum|terraform|cosign|cursor|systemctl|tail|grep|helm|supergateway)$/;

/** The MCP Inspector also takes its own flags after those of the server that it starts. */
const INSPECTOR_FLAGS = new Set([
  'cli',
  'method',
  'tool-name',
  'tool-arg',
  'transport',
  'server-url',
  'header',
]);

export function unknownFlags(document: Document): string[] {
  const fromShell = document.blocks
    .filter(({ language }) => language !== 'json' && language !== 'toml')
    .flatMap(({ text }) => commandsOf(text).flatMap(serverFlags));
  const fromData = document.blocks
    .filter(({ language }) => language === 'json' || language === 'toml')
    .flatMap(({ text }) => quotedFlags(text));
  const fromSpans = document.spans.flatMap((span) => commandsOf(span).flatMap(serverFlags));
  return [...fromShell, ...fromData, ...fromSpans, ...flagsIn(document.prose)].filter(
    (flag) => !isKnown(flag),
  );
}

/** The flags of a command that the server has to know. */
function serverFlags(words: readonly string[]): string[] {
  const [program = ''] = words;
  const separator = words.indexOf('--');
  const server = words.findIndex((word, index) => index > separator && SERVER.test(word));
  const after = server >= 0 ? words.slice(server + 1) : OTHER_PROGRAMS.test(program) ? [] : words;
  const inspected = words.some((word) => word.includes('/inspector'));
  const flags = after
    .flatMap((word) => (word.startsWith('--') ? flagsIn(word) : quotedFlags(word)))
    .filter((flag) => !(inspected && INSPECTOR_FLAGS.has(flag)));
  return server >= 0 ? flags : [...flags, ...words.slice(1).flatMap((word) => quotedFlags(word))];
}

const SERVER = /(^|\/)(nat-gateway-mcp(@[\w.]+)?|dist\/main\.js)$/;

/** Flags in data, such as a list of arguments; those for another program are included. */
function quotedFlags(text: string): string[] {
  return [...text.matchAll(/["']--([a-z][\w-]*)[^"']*["']/g)].map(([, flag = '']) => flag);
}

function flagsIn(text: string): string[] {
  return [...text.matchAll(/(?<![\w-])--([a-z][\w-]*)/g)].map(([, flag = '']) => flag);
}

/** A flag of the server; or the beginning of some, as in `--allow-…`; or, as in the help, `--no-FLAG`. */
function isKnown(flag: string): boolean {
  if (flag === 'no-FLAG') return true;
  return FLAGS.has(flag) || (flag.endsWith('-') && [...FLAGS].some((each) => each.startsWith(flag)));
}

export function unknownVariables({ text }: Document): string[] {
  const known = OPTION_NAMES.map(variableOf);
  return [...text.matchAll(new RegExp(`${PREFIX}[A-Z0-9_]*`, 'g'))]
    .map(([variable]) => variable)
    .filter((found) => !known.includes(found))
    .filter((found) => !(found.endsWith('_') && known.some((each) => each.startsWith(found))));
}

export function unknownScripts({ text }: Document): string[] {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const run = [...text.matchAll(/\bnpm (?:run|run-script) (?:-\S+ )*([a-z][\w:-]*)/g)];
  const short = [...text.matchAll(/\bnpm (test|start|stop|restart)\b/g)];
  return [...run, ...short]
    .map(([, script = '']) => script)
    .filter((script) => scripts[script] === undefined);
}

/**
 * Commands that fetch a package of this name from a registry. Nothing is published, so such a command runs whatever a
 * stranger puts there.
 */
export function registryCommands({ blocks, spans }: Document): string[] {
  const texts = blocks.map(({ language, text }) => (DATA.test(language) ? argumentsIn(text) : text));
  return [...texts, ...spans].flatMap((text) =>
    commandsOf(text)
      .filter(fetchesThis)
      .map((words) => words.join(' ')),
  );
}

const DATA = /^(json|toml)$/;

/** The strings of a configuration in a row, so that a command and its arguments read like a command line. */
function argumentsIn(data: string): string {
  return [...data.matchAll(/"([^"\n]*)"/g)].map(([, text]) => text).join(' ');
}

function fetchesThis(words: readonly string[]): boolean {
  const runner = words.findIndex((word) => /^(npx|npm|pnpm|pnpx|yarn|bunx?|deno)$/.test(word));
  const named = words.findIndex((word) => /^(npm:)?nat-gateway-mcp(@.*)?$/.test(word));
  return runner >= 0 && named > runner;
}

/** The folders of the repository. */
const FOLDER = /^(\.\/)?(\.ci|bench|dist|docs|examples|mcpb|scripts|src|test)\//;

export function missingFiles({ path, spans, blocks }: Document): string[] {
  const arguments_ = blocks
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => commandsOf(text).flat());
  const named = [...spans, ...arguments_].filter((each) => /^[\w./-]+$/.test(each));
  return named
    .filter((each) => FOLDER.test(each) || /^[\w-]+\.(md|mjs|ts)$/.test(each))
    .filter((each) => ![each, join(dirname(path), each)].some((file) => existsSync(join(ROOT, file))));
}

export function brokenJson({ blocks }: Document): string[] {
  return blocks
    .filter(({ language }) => language === 'json')
    .flatMap(({ text, line }) => {
      try {
        JSON.parse(text);
        return [];
      } catch (error) {
        return [`line ${line}: ${(error as Error).message}`];
      }
    });
}
