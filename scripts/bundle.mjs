// Bundles the package: every dependency goes into its own files, so that an installation brings no other package.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

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
    plugins: [plainSchemas, oneValidator],
    logLevel: 'warning',
  });
  return metafile;
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

/** Leaves out the MCP SDK's default validator of JSON schemas, which `src/server.ts` replaces. */
const oneValidator = {
  name: 'one-validator',
  setup({ onResolve }) {
    const path = fileURLToPath(new URL('mcp-shims.mjs', import.meta.url));
    onResolve({ filter: /^@modelcontextprotocol\/server\/_shims$/ }, () => ({ path }));
  },
};
