import path from 'node:path';

/** The rules of how `src/` is laid out, as functions over files, so that a test can plant violations. */

/** Source files by their path below `src/`. */
export type Sources = ReadonlyMap<string, string>;

interface Import {
  file: string;
  /** A path below `src/`, or the name of a package. */
  target: string;
  isTypeOnly: boolean;
  isDynamic: boolean;
}

/** What the files of a folder may import. `types` are folders of which only types may be imported. */
interface Row {
  folders: readonly string[];
  packages: RegExp;
  types?: readonly string[];
}

const NONE = /^$/;
const ZOD = /^zod$/;
const AWS = /^(@aws-sdk\/|@smithy\/|pino$)/;
const MCP = /^(@modelcontextprotocol\/server(\/|$)|zod$|pino$)/;

/** By folder, the deepest that is listed. Every folder may import itself and Node's own modules. */
const TABLE: Readonly<Record<string, Row>> = {
  vocabulary: { folders: [], packages: NONE },
  'nat-gateway': { folders: ['vocabulary'], packages: ZOD },
  proxy: { folders: ['config'], packages: NONE },
  aws: { folders: ['vocabulary', 'nat-gateway', 'proxy'], packages: AWS },
  changes: { folders: ['vocabulary', 'nat-gateway'], packages: NONE },
  'state-table': {
    folders: ['vocabulary', 'nat-gateway', 'changes'],
    packages: /^(@aws-sdk\/client-dynamodb|@smithy\/types)$/,
  },
  tools: { folders: ['vocabulary', 'nat-gateway', 'changes'], packages: MCP, types: ['aws'] },
  resources: { folders: ['vocabulary', 'nat-gateway', 'changes', 'tools'], packages: MCP, types: ['aws'] },
  prompts: { folders: ['vocabulary', 'nat-gateway', 'changes', 'tools'], packages: MCP, types: ['aws'] },
  config: { folders: ['vocabulary', 'nat-gateway'], packages: ZOD },
  serve: {
    folders: ['server.ts', 'changes', 'config', 'proxy', 'vocabulary'],
    packages: /^(@modelcontextprotocol\/(core|server)(\/|$)|hono(\/|$)|@hono\/node-server$|jose$|zod$|pino$)/,
  },
  check: {
    folders: ['vocabulary', 'nat-gateway', 'aws', 'changes', 'config', 'serve'],
    packages: /^pino$/,
  },
  simulator: { folders: [], packages: /^fast-xml-builder$/ },
  'server.ts': {
    folders: ['vocabulary', 'nat-gateway', 'changes', 'tools', 'resources', 'prompts'],
    packages: MCP,
  },
  start: {
    folders: [
      ...['vocabulary', 'nat-gateway', 'aws', 'changes', 'config', 'serve'],
      ...['server.ts', 'simulator', 'state-table'],
    ],
    packages: /^pino$/,
  },
  'main.ts': {
    folders: [
      ...['vocabulary', 'nat-gateway', 'aws', 'changes', 'config', 'serve'],
      ...['check', 'server.ts', 'start', 'state-table'],
    ],
    packages: /^pino$/,
  },
};

/** Files that may import packages their folder may not. */
const EXCEPTIONS: Readonly<Record<string, RegExp>> = { 'changes/confirmation.ts': MCP };

/** Folders that others load with `import()` alone, because most starts do without. */
const ON_DEMAND = ['simulator', 'check', 'state-table'];

const LONGEST_FILE = 320;
const ROOT_FILES = ['main.ts', 'server.ts'];
const NAMES_FILE = 'vocabulary/names.ts';

/** Every way in which `sources` break the rules of the layout, a line each. */
export function violations(sources: Sources, contributing: string): string[] {
  const imports = [...sources].flatMap(([file, source]) => importsOf(file, source));
  return [
    ...[...sources.keys()].filter((file) => rowOf(file) === undefined).map((file) => `${file}: in no row`),
    ...imports.flatMap(forbidden),
    ...cycles(sources, imports).map((cycle) => `cycle: ${cycle.join(' → ')}`),
    ...[...sources]
      .filter(([, source]) => source.trimEnd().split('\n').length > LONGEST_FILE)
      .map(([file]) => `${file}: longer than ${LONGEST_FILE} lines`),
    ...[...sources.keys()]
      .filter((file) => !file.includes('/') && !ROOT_FILES.includes(file))
      .map((file) => `${file}: loose at the root`),
    ...toolNames(sources),
    ...foldersOf(sources)
      .filter((folder) => !contributing.includes(`src/${folder}/`))
      .map((folder) => `src/${folder}/: not in the map of CONTRIBUTING.md`),
  ];
}

function importsOf(file: string, source: string): Import[] {
  const statements = source.matchAll(
    /^(?:import|export)\s+(type\s)?[^;'"]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm,
  );
  return [...statements].map(([, type, named, bare, dynamic]) => {
    const specifier = named ?? bare ?? dynamic ?? '';
    return {
      file,
      target: specifier.startsWith('.')
        ? path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier))
        : specifier,
      isTypeOnly: type !== undefined,
      isDynamic: dynamic !== undefined,
    };
  });
}

function rowOf(file: string): Row | undefined {
  return TABLE[topOf(file)];
}

function topOf(file: string): string {
  return file.split('/')[0] ?? file;
}

function forbidden({ file, target, isTypeOnly, isDynamic }: Import): string[] {
  const row = rowOf(file);
  if (row === undefined || target.startsWith('node:')) return [];
  const refused = [`${file}: may not import ${target}`];
  const isPackage = !/\.(ts|json)$/.test(target);
  if (isPackage) return row.packages.test(target) || EXCEPTIONS[file]?.test(target) === true ? [] : refused;
  const folder = topOf(target);
  if (folder === 'main.ts') return refused;
  if (folder === topOf(file)) return [];
  if (ON_DEMAND.includes(folder) && !isDynamic) return refused;
  if (row.folders.includes(folder)) return [];
  return isTypeOnly && row.types?.includes(folder) === true ? [] : refused;
}

/** The cycles among imports of whatever kind, each from its first file in the order of names. */
function cycles(sources: Sources, imports: readonly Import[]): string[][] {
  const found: string[][] = [];
  const finished = new Set<string>();
  const visit = (file: string, trail: readonly string[]): void => {
    const start = trail.indexOf(file);
    if (start >= 0) found.push([...trail.slice(start), file]);
    if (start >= 0 || finished.has(file)) return;
    for (const each of imports) {
      if (each.file === file && sources.has(each.target)) visit(each.target, [...trail, file]);
    }
    finished.add(file);
  };
  for (const file of [...sources.keys()].sort()) visit(file, []);
  return found;
}

/** Names of tools as literals outside the one file that holds them. Texts for hosts may speak of them. */
function toolNames(sources: Sources): string[] {
  const names = [...(sources.get(NAMES_FILE) ?? '').matchAll(/= '(\w+_nat_gateway_address(?:es)?)'/g)];
  return [...sources]
    .filter(([file]) => file !== NAMES_FILE)
    .filter(([, source]) => names.some(([, name = '']) => source.includes(name)))
    .map(([file]) => `${file}: a tool's name as a literal`);
}

function foldersOf(sources: Sources): string[] {
  const folders = [...sources.keys()].map((file) => path.posix.dirname(file));
  return [...new Set(folders)].filter((folder) => folder !== '.').sort();
}
