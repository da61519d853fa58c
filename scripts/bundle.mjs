// Bundles the package: every dependency goes into its own files, so that an installation brings no other package.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Bundles entry points for Node, in chunks: a module imported with `import()` loads when it is first needed.
 *
 * @returns esbuild's metafile
 */
export async function bundle(entryPoints, outdir) {
  const { metafile } = await build({
    entryPoints,
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    // Prefer the ES modules of packages that have both kinds: esbuild can drop unused code from them only.
    mainFields: ['module', 'main'],
    // Names stay: errors are recognised by name, and a stack trace in the log has to be readable.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    sourcemap: 'linked',
    metafile: true,
    banner: { js: requireForCommonJs },
    plugins: [plainSchemas, usedSchemas, oneValidator, loggerAlone, loggerLater, fewFiles],
    logLevel: 'warning',
  });
  return metafile;
}

/** Writes dist/main.js, which imports the program from the file `program`. */
export async function bundleLauncher(program) {
  await build({
    entryPoints: { main: 'scripts/launcher.mjs' },
    outdir: 'dist',
    bundle: true,
    format: 'esm',
    platform: 'node',
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap: 'linked',
    plugins: [
      {
        name: 'program',
        setup: ({ onResolve }) =>
          onResolve({ filter: /src[\\/]main\.ts$/ }, () => ({ path: program, external: true })),
      },
    ],
  });
}

/** Bundled CommonJS packages load Node's modules with `require`. */
const requireForCommonJs =
  "import{createRequire as createRequireForCommonJs}from'node:module';const require=createRequireForCommonJs(import.meta.url);";

/**
 * Writes out the computed keys in the SDK's file of schemas, which bundlers keep because of them. Then the schemas of
 * all unused EC2 actions are dropped: nine tenths of the SDK.
 */
const plainSchemas = {
  name: 'plain-schemas',
  setup({ onLoad }) {
    onLoad({ filter: /client-\w+[\\/]dist-es[\\/]schemas[\\/]schemas_0\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const strings = new Map(
        [...source.matchAll(/^const (_\w+) = (".*");$/gm)].map(([, name, text]) => [name, text]),
      );
      return { contents: source.replace(/\[(_\w+)\]:/g, (key, name) => `${strings.get(name) ?? key}:`) };
    });
  },
};

/**
 * Lets esbuild drop the schemas of MCP that this program does not use: a tenth of a start's time and memory.
 * The SDK makes all of them, to have them by name (`specTypeSchemas`) for programs that look one up. Here both the schemas
 * and those names are marked as calls without side effects, so that they stay exactly where somebody uses them.
 */
const usedSchemas = {
  name: 'used-schemas',
  setup({ onLoad }) {
    const dist = (name, files) =>
      new RegExp(`@modelcontextprotocol[\\\\/]${name}[\\\\/]dist[\\\\/]${files}\\.mjs$`);
    onLoad({ filter: dist('core', '(schemas|auth)-[\\w-]+') }, async ({ path }) => {
      // A comment, which stays, or a call inside a statement.
      const calls = /\/\*[\s\S]*?\*\/|(?<=.)\b(?:z|\w+Schema)\.\w+\(/g;
      const marked = (call) => (call.startsWith('/*') ? call : `/* @__PURE__ */ ${call}`);
      return { contents: (await readFile(path, 'utf8')).replace(calls, marked) };
    });
    onLoad({ filter: dist('server', 'src-[\\w-]+') }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const loops = source.match(/^for \(.*\) register\(.*\);$/gm) ?? [];
      const contents = loops
        .reduce((text, loop) => text.replace(loop, ''), source)
        .replace(/Object\.freeze\(_(?:specTypeSchemas|isSpecType)\)/g, (frozen) => {
          return `/* @__PURE__ */ (() => { ${loops.join(' ')} return ${frozen}; })()`;
        });
      if (loops.length !== 2)
        throw new Error(`${path} registers the schemas of MCP in another way than before`);
      return { contents };
    });
  },
};

/** Leaves out the MCP SDK's default validator of JSON schemas, in the place of which `src/server.ts` gives its own. */
const oneValidator = {
  name: 'one-validator',
  setup({ onResolve }) {
    const path = fileURLToPath(new URL('mcp-shims.mjs', import.meta.url));
    onResolve({ filter: /^@modelcontextprotocol\/server\/_shims$/ }, () => ({ path }));
  },
};

/** Pino asks whether a stream is of this class, and whether it runs in the main thread. */
const UNUSED = 'module.exports = class Unused {}; module.exports.isMainThread = true;';

/** Leaves out pino's transports, with threads and files of their own: the log goes to a function of this program. */
const loggerAlone = {
  name: 'logger-alone',
  setup({ onResolve, onLoad }) {
    const unused =
      /^(thread-stream|sonic-boom|worker_threads|on-exit-leak-free|.*\/(transport|multistream))$/;
    onResolve({ filter: unused }, ({ path, importer }) =>
      /[\\/]node_modules[\\/]pino[\\/]/.test(importer) ? { path, namespace: 'unused' } : undefined,
    );
    onLoad({ filter: /^/, namespace: 'unused' }, () => ({ contents: UNUSED }));
  },
};

/** Bundles pino where the log requires it, as esbuild does only where `require` is nobody's own. */
const loggerLater = {
  name: 'logger-later',
  setup({ onLoad }) {
    onLoad({ filter: /src[\\/]serve[\\/]log\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const contents = source.replace(/^const require = .*$/m, '');
      if (contents === source) throw new Error(`${path} makes no require, with which pino is bundled`);
      return { contents, loader: 'ts' };
    });
  },
};

/**
 * Keeps what is loaded together in one file: the program, the tools, and the part that calls AWS. Of modules that several
 * parts share esbuild makes a file for each set of parts, and every file takes half a millisecond to load. Here each part
 * that `import()` loads says that it needs what is there by then anyway, so that few sets remain.
 */
const fewFiles = {
  name: 'few-files',
  setup({ initialOptions, onResolve, onLoad, resolve }) {
    // Other programs that are bundled here have parts of their own.
    if (initialOptions.entryPoints.program === undefined) return;
    // Relative, of a scope, and the one package without a scope that such a package loads.
    onResolve({ filter: /^([.@]|bowser$)/ }, async ({ kind, path, importer, resolveDir }) => {
      if (kind !== 'dynamic-import' || !/[\\/](src|@aws-sdk|@smithy)[\\/]/.test(importer)) return undefined;
      const part = await resolve(path, { kind: 'import-statement', importer, resolveDir });
      return { path: part.path, namespace: 'part' };
    });
    onLoad({ filter: /^/, namespace: 'part' }, ({ path }) => {
      const loaded = LOADED_BEFORE.filter(({ by }) => by.test(path)).map(({ file }) => file);
      const imports = loaded.map((file) => `import ${JSON.stringify(join(ROOT, file))};`);
      return {
        contents: `${imports.join('')} export * from ${JSON.stringify(path)};`,
        resolveDir: ROOT,
      };
    });
  },
};

/** What is loaded before the parts whose path has `by`; it must not await anything, or the parts would wait for themselves. */
const LOADED_BEFORE = [
  { file: 'src/main.ts', by: /^/ },
  { file: 'src/tools/describe-nat-gateway-addresses.ts', by: /[\\/]src[\\/](tools|resources|changes)[\\/]/ },
  { file: 'src/aws/ec2.ts', by: /[\\/](src[\\/](aws|check|state-table)|@aws-sdk|@smithy)[\\/]/ },
];
