// Builds the programs to measure and to compare with, each as a file for node.
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { bundle } from '../scripts/bundle.mjs';

const FOLDER = '.bench';

/** Builds all subjects into `.bench/`, but `main`, which `npm run build` has made. */
export async function prepare() {
  rmSync(FOLDER, { recursive: true, force: true });
  const of = (name) => `${FOLDER}/${name}/main.js`;
  for (const name of ['one-tool-server', 'one-tool-calls', 'one-tool-http', 'sdk', 'endpoint']) {
    await bundle({ main: `bench/subjects/${name}.ts` }, `${FOLDER}/${name}`);
  }
  execFileSync(
    process.execPath,
    ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', `${FOLDER}/unbundled/dist`],
    { stdio: 'inherit' },
  );
  cpSync('package.json', `${FOLDER}/unbundled/package.json`);
  return {
    main: 'dist/main.js',
    unbundled: `${FOLDER}/unbundled/dist/main.js`,
    bare: 'bench/subjects/bare.mjs',
    oneTool: of('one-tool-server'),
    oneToolCalls: of('one-tool-calls'),
    oneToolHttp: of('one-tool-http'),
    sdk: of('sdk'),
    endpoint: of('endpoint'),
  };
}
