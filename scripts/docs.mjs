// Writes the generated parts of the documentation; with --check, reports which of them are out of date.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const { markdownTable } = await load('src/config/help.ts');
const { reference } = await load('scripts/reference.ts');

const pages = {
  'docs/configuration.md': withFlags(readFileSync('docs/configuration.md', 'utf8')),
  'docs/reference.md': await reference(),
};
const stale = Object.keys(pages).filter((page) => pages[page] !== textOf(page));
if (process.argv.includes('--check')) {
  for (const page of stale) process.stderr.write(`${page} is out of date: run npm run docs\n`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const page of stale) writeFileSync(page, pages[page]);
}

function withFlags(page) {
  const place = /(<!-- flags -->\n)[\s\S]*?(<!-- \/flags -->)/;
  if (!place.test(page)) throw new Error('docs/configuration.md has no marks for the table of flags');
  return page.replace(place, (_, start, end) => `${start}\n${markdownTable()}\n\n${end}`);
}

function textOf(page) {
  try {
    return readFileSync(page, 'utf8');
  } catch {
    return undefined;
  }
}

/** Imports a TypeScript module, which Node 20 cannot do by itself. */
async function load(file) {
  const outfile = `node_modules/.cache/docs/${file.replaceAll('/', '-')}.mjs`;
  await build({
    entryPoints: [file],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
  });
  try {
    return await import(new URL(`../${outfile}`, import.meta.url).href);
  } finally {
    rmSync(outfile);
  }
}
