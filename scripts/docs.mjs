// Writes the generated parts of the documentation; with --check, reports which of them are out of date.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const { markdownTable } = await load('src/config/help.ts');
const { reference } = await load('scripts/reference.ts');
const { targetsSchema } = await load('scripts/targets-schema.ts');
const { credentialsTable } = await load('scripts/credentials.ts');

const pages = {
  'docs/configuration.md': withTable('docs/configuration.md', 'flags', markdownTable()),
  'docs/credentials.md': withTable('docs/credentials.md', 'faults', credentialsTable()),
  'docs/reference.md': await reference(),
  'docs/targets.schema.json': targetsSchema(),
};
const stale = Object.keys(pages).filter((page) => pages[page] !== textOf(page));
if (process.argv.includes('--check')) {
  for (const page of stale) process.stderr.write(`${page} is out of date: run npm run docs\n`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const page of stale) writeFileSync(page, pages[page]);
}

/** The page with `table` between its marks. */
function withTable(page, mark, table) {
  const place = new RegExp(`(<!-- ${mark} -->\\n)[\\s\\S]*?(<!-- /${mark} -->)`);
  const text = readFileSync(page, 'utf8');
  if (!place.test(text)) throw new Error(`${page} has no marks for the table of ${mark}`);
  return text.replace(place, (_, start, end) => `${start}\n${table}\n\n${end}`);
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
