// Writes what the README says of the code from the code itself; with --check it only tells whether that is up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const { markdownTable } = await load('src/usage.ts');

const readme = new URL('../README.md', import.meta.url);
const before = readFileSync(readme, 'utf8');
const after = before.replace(
  /(<!-- flags -->\n)[\s\S]*?(<!-- \/flags -->)/,
  (_, start, end) => `${start}\n${markdownTable()}\n\n${end}`,
);

if (!before.includes('<!-- flags -->')) {
  process.stderr.write('README.md has no place for the table of flags\n');
  process.exit(1);
}
if (process.argv.includes('--check')) {
  if (after !== before) {
    process.stderr.write('README.md does not fit the code: run npm run docs\n');
    process.exit(1);
  }
} else {
  writeFileSync(readme, after);
}

async function load(file) {
  const options = { entryPoints: [file], bundle: true, platform: 'node', format: 'esm', write: false };
  const { outputFiles } = await build(options);
  return import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
}
