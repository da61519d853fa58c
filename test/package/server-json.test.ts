import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { configure } from '../../src/config/configure.ts';
import { type Name, OPTION_NAMES, OPTIONS, variableOf } from '../../src/config/options.ts';

/** The package's entry in the MCP registry, and the version in every file that names it. */

const text = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

/** The registry's schema of 2025-12-11 for the members in use, and its additional rules for npm packages. */
const variable = z.strictObject({
  name: z.string().min(1),
  description: z.string().min(1),
  format: z.enum(['string', 'number', 'boolean', 'filepath']).optional(),
  placeholder: z.string().optional(),
  default: z.string().optional(),
  choices: z.array(z.string()).min(1).optional(),
});
const npmPackage = z.strictObject({
  registryType: z.literal('npm'),
  identifier: z.string().min(1),
  version: z.string().regex(/^\d+\.\d+\.\d+(-[\w.]+)?$/),
  runtimeHint: z.literal('npx'),
  transport: z.strictObject({ type: z.literal('stdio') }),
  environmentVariables: z.array(variable),
});
const serverSchema = z.strictObject({
  $schema: z.literal('https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json'),
  name: z
    .string()
    .min(3)
    .max(200)
    .regex(/^io\.github\.[a-zA-Z0-9-]+\/[a-zA-Z0-9._-]+$/),
  title: z.string().min(1).max(100),
  description: z.string().min(1).max(100),
  version: z.string().regex(/^\d+\.\d+\.\d+(-[\w.]+)?$/),
  packages: z.tuple([npmPackage]),
});

const server = JSON.parse(text('server.json')) as z.infer<typeof serverSchema>;
const manifest = JSON.parse(text('package.json'));
const variables = server.packages[0].environmentVariables;

describe('server.json', () => {
  it('fits the schema of the registry', () => {
    expect(serverSchema.safeParse(server).error).toBeUndefined();
  });

  it('names the npm package, and package.json names it', () => {
    expect(server.packages[0].identifier).toBe(manifest.name);
    expect(manifest.mcpName).toBe(server.name);
  });

  it('describes each variable in the words of the help', () => {
    const byVariable = new Map<string, Name>(OPTION_NAMES.map((name) => [variableOf(name), name]));
    for (const { name, description, format, choices } of variables) {
      const option = byVariable.get(name);
      if (option === undefined) throw new Error(`${name} is no variable of the server`);
      expect(description).toBe(OPTIONS[option].help);
      expect(format, name).toBe(typeof OPTIONS[option].fallback === 'boolean' ? 'boolean' : undefined);
      for (const choice of choices ?? []) expect(() => OPTIONS[option].parse(choice)).not.toThrow();
    }
  });

  it('requires no variable, and its defaults change no setting', () => {
    const defaults = variables.flatMap(({ name, default: value }) =>
      value === undefined ? [] : [[name, value]],
    );
    expect(defaults).not.toEqual([]);
    expect(configure([], Object.fromEntries(defaults))).toEqual(configure([], {}));
  });
});

describe('the version', () => {
  const { version } = manifest;

  it('is the same in server.json, for the server and for the package', () => {
    expect([server.version, server.packages[0].version]).toEqual([version, version]);
  });

  it('is the same in the lockfile', () => {
    const lock = JSON.parse(text('package-lock.json'));
    expect([lock.version, lock.packages[''].version]).toEqual([version, version]);
  });

  it('is absent from the template of the bundle, which takes it from package.json', () => {
    expect(JSON.parse(text('mcpb/manifest.json'))).not.toHaveProperty('version');
  });

  it('is the newest in the changelog, with at least one entry', () => {
    const [, newest = ''] = text('CHANGELOG.md').split(/^## /m);
    expect(newest).toMatch(
      new RegExp(`^\\[${version.replaceAll('.', '\\.')}\\] - (Unreleased|\\d{4}-\\d\\d-\\d\\d)\\n`),
    );
    expect(newest).toMatch(/^### (Added|Changed|Fixed|Removed|Security|Deprecated)\n\n- /m);
  });
});
