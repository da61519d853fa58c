// Checks the packages that this one is built with and contains. Where the registry answers npm's audit, its findings
// count too: for every package, as `--omit=dev` would leave out the bundled ones, which are development dependencies.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from './bundle.mjs';
import { bundledPackages } from './licenses.mjs';
import {
  auditProblems,
  bundleProblems,
  dependencyProblems,
  lockfileProblems,
  pinProblems,
} from './supply-chain-rules.mjs';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const folders = await bundledFolders();
const audit = auditOf(folders);
const problems = [
  ...dependencyProblems(manifest),
  ...lockfileProblems(manifest, lock),
  ...bundleProblems(folders, lock),
  ...pinProblems('.ci/run', readFileSync('.ci/run', 'utf8')),
  ...Object.entries(manifest.scripts).flatMap(([name, script]) =>
    pinProblems(`package.json, ${name}`, script),
  ),
  ...audit.problems,
];

print(`${Object.keys(lock.packages).length - 1} packages locked, ${folders.length} of them bundled`);
for (const remark of audit.remarks) print(`audit: ${remark}`);
for (const problem of problems) print(`PROBLEM: ${problem}`);
process.exitCode = problems.length === 0 ? 0 : 1;

async function bundledFolders() {
  const folder = mkdtempSync(join(tmpdir(), 'supply-chain-'));
  try {
    return [...bundledPackages(await bundle({ main: 'src/main.ts' }, folder)).values()].map(
      (each) => each.folder,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function auditOf(bundled) {
  const args = ['audit', '--json', '--fetch-retries=0', '--fetch-timeout=20000'];
  const { stdout } = spawnSync('npm', args, { encoding: 'utf8', timeout: 60_000 });
  const answer = json(stdout);
  if (answer?.vulnerabilities !== undefined) return auditProblems(bundled, answer);
  const why = answer?.error?.summary || answer?.message || 'no answer';
  return { problems: [], remarks: [`not available here (${why})`] };
}

function json(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function print(line) {
  process.stdout.write(`${line}\n`);
}
