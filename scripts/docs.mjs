// Writes the generated parts of the documentation and the list of tools; with --check, reports which of them are out of
// date.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const isCheck = process.argv.includes('--check');

const { listedTools } = await load('scripts/listed-tools.ts');
update('src/tools/listed-tools.json', await listedTools());
// The reference is made from the list, which has to be right by now.
const { markdownTable } = await load('src/config/help.ts');
const { reference } = await load('scripts/reference.ts');
const { targetsSchema } = await load('scripts/targets-schema.ts');
const { credentialsTable } = await load('scripts/credentials.ts');
update('docs/configuration.md', withTable('docs/configuration.md', 'flags', markdownTable()));
update('docs/credentials.md', withTable('docs/credentials.md', 'faults', credentialsTable()));
update('docs/reference.md', await reference());
update('docs/targets.schema.json', targetsSchema());

function update(page, text) {
  if (text === textOf(page)) return;
  if (!isCheck) {
    writeFileSync(page, text);
    return;
  }
  process.stderr.write(`${page} is out of date: run npm run docs\n`);
  process.exitCode = 1;
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
