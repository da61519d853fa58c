// Rules for the packages that this one is built with and contains. Each rule returns its violations as text.
import { parseArgs } from 'node:util';
import { parse } from 'shell-quote';

/** Checks that the package has no runtime dependencies: an installation brings nothing else. */
export function dependencyProblems(manifest) {
  return ['dependencies', 'optionalDependencies', 'peerDependencies', 'bundleDependencies'].flatMap((kind) =>
    Object.keys(manifest[kind] ?? {}).map((name) => `package.json: ${name} is in ${kind}`),
  );
}

/** Checks that the lockfile fits package.json, has a SHA-512 for each package and names no registry. */
export function lockfileProblems(manifest, lock) {
  const locked = Object.entries(lock.packages).filter(([path]) => path !== '');
  const wanted = JSON.stringify(manifest.devDependencies ?? {});
  return [
    ...(JSON.stringify(lock.packages['']?.devDependencies ?? {}) === wanted
      ? []
      : ['package-lock.json: its devDependencies are not those of package.json']),
    ...Object.keys(manifest.devDependencies ?? {})
      .filter((name) => lock.packages[`node_modules/${name}`] === undefined)
      .map((name) => `package-lock.json: ${name} is missing`),
    ...locked
      .filter(([, { integrity = '' }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity))
      .map(([path]) => `package-lock.json: ${path} has no SHA-512`),
    ...locked
      .filter(([, { resolved }]) => resolved !== undefined)
      .map(([path, { resolved }]) => `package-lock.json: ${path} comes from ${resolved}`),
  ];
}

/** Checks that bundled packages are locked, have no install script and are not deprecated. */
export function bundleProblems(folders, lock) {
  return folders.flatMap((folder) => {
    const entry = lock.packages[folder];
    if (entry === undefined) return [`${folder} is bundled, and not in package-lock.json`];
    return [
      ...(entry.hasInstallScript === true ? [`${folder} is bundled, and has an install script`] : []),
      ...(entry.deprecated === undefined
        ? []
        : [`${folder} is bundled, and deprecated: ${entry.deprecated}`]),
    ];
  });
}

/** Checks that every package a shell script fetches beside the lockfile has an exact version. */
export function pinProblems(file, script) {
  const commands = commandsOf(script);
  const versioned = commands.flat().filter((word) => /.@[^/]*$/.test(word));
  return [...new Set([...commands.flatMap(fetchedPackages), ...versioned])]
    .filter((name) => !EXACT_VERSION.test(name))
    .map((name) => `${file}: ${name} is no exact version`);
}

const EXACT_VERSION = /@\d+\.\d+\.\d+(-[\w.]+)?$/;

/** The packages that a command has npx or npm fetch by name. */
function fetchedPackages(words) {
  const runner = words.findIndex((word) => /np[mx]$/.test(word));
  const args = words.slice(runner + 1);
  if (words[runner]?.endsWith('npx')) return fetchedByNpx(args);
  const [command, ...names] = args.filter((word) => !word.startsWith('-'));
  return runner >= 0 && ['install', 'i', 'add', 'exec', 'x'].includes(command) ? names : [];
}

function fetchedByNpx(args) {
  const { values, positionals } = parseArgs({
    args,
    options: {
      yes: { type: 'boolean', short: 'y' },
      package: { type: 'string', short: 'p', multiple: true },
      call: { type: 'string', short: 'c' },
    },
    strict: false,
  });
  return values.package ?? positionals.slice(0, 1);
}

/** The commands of a shell script as words, with those inside quotes and behind a comment sign in a line. */
function commandsOf(script) {
  const lines = script.replaceAll('\\\n', ' ').split('\n');
  return lines.filter((line) => !line.trimStart().startsWith('#')).flatMap(commandsOfLine);
}

function commandsOfLine(line) {
  const commands = [[]];
  const quoted = [];
  for (const token of parse(line)) {
    const word = token.pattern ?? token.comment ?? token;
    if (typeof word !== 'string') commands.push([]);
    else if (/\s/.test(word)) quoted.push(...commandsOf(word));
    else commands.at(-1).push(word);
  }
  return [...commands, ...quoted];
}

/** Sorts known vulnerabilities: those of bundled packages are problems, those of development tools remarks. */
export function auditProblems(folders, { vulnerabilities }) {
  const found = Object.values(vulnerabilities).map(({ name, severity, nodes }) => ({
    text: `${name}: ${severity} (${nodes.join(', ')})`,
    bundled: nodes.some((node) => folders.includes(node)),
  }));
  return {
    problems: found.filter(({ bundled }) => bundled).map(({ text }) => `${text} is bundled`),
    remarks: found.filter(({ bundled }) => !bundled).map(({ text }) => text),
  };
}
