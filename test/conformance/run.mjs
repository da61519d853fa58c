// Runs the official conformance suite against the built server over HTTP. The suite needs Node 22, so its script in
// package.json brings Node 24.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const REVISION = '2026-07-28';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
const server = spawn(
  process.execPath,
  [here('../../dist/main.js'), '--simulate', '--http', '0', '--confirm', 'never'],
  { stdio: ['ignore', 'inherit', 'pipe'] },
);
try {
  const suite = spawn(
    'npm',
    ['run', '--silent', 'conformance-suite', '--', 'server', '--url', await urlOf(server)].concat([
      ...['--requirements', REVISION],
      ...['--expected-failures', here(`baseline-${REVISION}.yml`)],
      ...['-o', folder],
    ]),
    { stdio: 'inherit' },
  );
  const [code] = await once(suite, 'exit');
  process.exitCode = code ?? 1;
} finally {
  server.kill();
  rmSync(folder, { recursive: true });
}

/** Where the server says, in its log, that it serves. */
async function urlOf({ stderr }) {
  for await (const line of createInterface({ input: stderr })) {
    const { url } = JSON.parse(line);
    if (url !== undefined) {
      stderr.resume();
      return url;
    }
  }
  throw new Error('the server did not start');
}
