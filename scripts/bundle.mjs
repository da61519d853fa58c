// How this package is bundled: everything it runs on goes into its own files, so that it installs nothing.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * Bundles entry points for Node, in chunks: what is imported with `import()` is loaded when it is first needed.
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
    // The ES modules of packages that have both kinds, because only they can be shaken.
    mainFields: ['module', 'main'],
    // Names stay: errors are told apart by theirs, and a stack in the log is to be read.
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

/** CommonJS packages inside ask for Node's own modules with `require`. */
const requireForCommonJs =
  "import{createRequire as createRequireForCommonJs}from'node:module';const require=createRequireForCommonJs(import.meta.url);";

/**
 * The SDK's file of schemas has those of all EC2, as literals whose computed keys no bundler dares to drop. With the
 * keys written out, what is not used is left out: nine tenths of the SDK.
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

/** The MCP SDK's default validator of JSON schemas, which would come along unused beside the one that we choose. */
const oneValidator = {
  name: 'one-validator',
  setup({ onResolve }) {
    const path = fileURLToPath(new URL('mcp-shims.mjs', import.meta.url));
    onResolve({ filter: /^@modelcontextprotocol\/server\/_shims$/ }, () => ({ path }));
  },
};
