// Builds dist/: the program in chunks, and the licences of the packages inside it.
import { rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { bundle, bundleLauncher } from './bundle.mjs';
import { licensesOf } from './licenses.mjs';

/** Files that a handshake does not need, and must not load. */
const ON_FIRST_CALL =
  /node_modules\/@(aws-sdk|smithy)\/|^src\/(simulator|check|serve\/http)\/|^src\/aws\/clients\.ts$/;

rmSync('dist', { recursive: true, force: true });
const metafile = await bundle({ program: 'src/main.ts' }, 'dist');
// The parts import the program, so that esbuild puts it into a file of its own, which the entry point only imports.
const [program] = Object.entries(metafile.outputs).find(([, { inputs }]) => 'src/main.ts' in inputs);
for (const file of ['program.js', 'program.js.map']) rmSync(`dist/${file}`);
await bundleLauncher(`./${basename(program)}`);
const early = [...loadedAtStart(program)].filter((file) => ON_FIRST_CALL.test(file));
if (early.length > 0) throw new Error(`The handshake would load ${early.join(', ')}`);
writeFileSync('dist/third-party-licenses.txt', `${licensesOf(metafile)}\n`);

/** The source files in an output and in its static imports. */
function loadedAtStart(output) {
  const { inputs, imports } = metafile.outputs[output];
  const next = imports.filter(({ kind, external }) => kind === 'import-statement' && !external);
  return new Set([...Object.keys(inputs), ...next.flatMap(({ path }) => [...loadedAtStart(path)])]);
}
