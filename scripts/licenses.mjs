// Collects the licences of a bundle's packages into one text.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const LICENSE_FILE = /^(licen[sc]e|copying)/i;
const NOTICE_FILE = /^notice/i;

/**
 * The licences of every package in a bundle: those that esbuild's metafile names, and those that a package was itself
 * bundled from.
 *
 * @returns the text to ship with the bundle
 * @throws Error if a package names no licence and has no text of one
 */
export function licensesOf(metafile) {
  const packages = [...bundledPackages(metafile)].sort(([a], [b]) => (a < b ? -1 : 1));
  const texts = new Map(packages.map(([key, each]) => [key, textOf(each)]));
  const missing = packages.filter(
    ([key, { license }]) => license === undefined && texts.get(key) === undefined,
  );
  if (missing.length > 0) throw new Error(`No licence: ${missing.map(([key]) => key).join(', ')}`);
  const byText = new Map();
  for (const [key, each] of packages) {
    const text = texts.get(key) ?? standardText(each, packages);
    byText.set(text, [...(byText.get(text) ?? []), `${key} (${each.license ?? 'see the text'})`]);
  }
  return [...byText]
    .map(([text, names]) => `${names.join('\n')}\n\n${text}`)
    .join(`\n\n${'-'.repeat(80)}\n\n`);
}

/** Every package in a bundle, by name and version, with its manifest and its folder. */
export function bundledPackages(metafile) {
  const packages = new Map();
  const add = (folder) => {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    packages.set(`${manifest.name} ${manifest.version}`, { ...manifest, folder });
  };
  for (const file of bundledFiles(metafile)) {
    if (!file.includes('node_modules/')) continue;
    add(packageFolder(file));
    for (const name of namesWithin(file)) {
      const folder = join('node_modules', name);
      if (!existsSync(folder))
        throw new Error(`${file} contains ${name}, which is not installed: no licence`);
      add(folder);
    }
  }
  return packages;
}

function bundledFiles({ outputs }) {
  return new Set(
    Object.values(outputs).flatMap(({ inputs }) =>
      Object.keys(inputs).filter((file) => inputs[file].bytesInOutput > 0),
    ),
  );
}

/** The packages that a file was itself bundled from, according to its bundler's comments. */
function namesWithin(file) {
  const source = readFileSync(file, 'utf8');
  return new Set(
    [...source.matchAll(/^\/\/#region .*\/node_modules\/((?:@[^/\n]+\/)?[^/\n]+)\/[^\n]*$/gm)].map(
      ([, name]) => name,
    ),
  );
}

/** The nearest folder above with a package.json that has a version; folders inside a package may have one without. */
function packageFolder(file) {
  for (let folder = dirname(file); folder !== '.'; folder = dirname(folder)) {
    const path = join(folder, 'package.json');
    if (existsSync(path) && JSON.parse(readFileSync(path, 'utf8')).version !== undefined) return folder;
  }
  throw new Error(`${file} belongs to no package`);
}

/** The licence and notice texts in a package. */
function textOf({ folder }) {
  const read = (pattern) =>
    readdirSync(folder)
      .filter((name) => pattern.test(name))
      .map((name) => readFileSync(join(folder, name), 'utf8').trim());
  const licenses = read(LICENSE_FILE);
  return licenses.length === 0 ? undefined : [...licenses, ...read(NOTICE_FILE)].join('\n\n');
}

/** The text for a package that names its licence without the text, taken from another package with that licence. */
function standardText({ name, license, author }, packages) {
  const start = { MIT: 'Permission is hereby granted', 'Apache-2.0': 'Apache License' }[license];
  const texts = packages.filter(([, each]) => each.license === license).map(([, each]) => textOf(each));
  const text = texts.find((each) => start !== undefined && each?.includes(start));
  if (text === undefined)
    throw new Error(`${name} has no licence text, and no other package has the text of ${license}`);
  const by = typeof author === 'string' ? author : (author?.name ?? 'not named');
  const note = `(${name} comes without the text of its licence. Its author: ${by}.)`;
  return `${note}\n\n${text.slice(text.indexOf(start))}`;
}
