// Runs the demo and draws docs/images/demo.svg from what it prints. A test fails when the demo prints something else.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { draw } from './demo-recording.mjs';

const pathOf = (path) => fileURLToPath(new URL(path, import.meta.url));

const demo = spawn(process.execPath, [pathOf('demo.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
const exited = once(demo, 'exit');
const lines = [];
let first;
for await (const text of createInterface({ input: demo.stdout })) {
  // The start of the server is not part of the session.
  first ??= performance.now();
  lines.push({ text, at: 0.5 + (performance.now() - first) / 1000 });
}
const [code] = await exited;
if (code === 0) writeFileSync(pathOf('../docs/images/demo.svg'), draw(lines));
else process.exitCode = 1;
