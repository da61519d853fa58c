import { describe, expect, it } from 'vitest';

/** Each rule of the supply chain on made-up packages; CI applies the rules to the real ones. */

interface Rules {
  dependencyProblems: (manifest: object) => string[];
  lockfileProblems: (manifest: object, lock: object) => string[];
  bundleProblems: (folders: string[], lock: object) => string[];
  pinProblems: (file: string, script: string) => string[];
  auditProblems: (folders: string[], answer: object) => { problems: string[]; remarks: string[] };
}

const rules: Rules = await import(String(new URL('../../scripts/supply-chain-rules.mjs', import.meta.url)));

const integrity = `sha512-${'A'.repeat(86)}==`;
const manifest = { devDependencies: { a: '^1.0.0' } };
const lock = (entry: object) => ({
  packages: { '': manifest, 'node_modules/a': { version: '1.0.0', integrity, ...entry } },
});

describe('the supply-chain rules', () => {
  it('accept locked packages and exact versions', () => {
    expect(rules.dependencyProblems(manifest)).toEqual([]);
    expect(rules.lockfileProblems(manifest, lock({}))).toEqual([]);
    expect(rules.bundleProblems(['node_modules/a'], lock({}))).toEqual([]);
    expect(rules.pinProblems('run', 'npx -y -p node@24.1.0 -p @a/b@1.0.0-alpha.2 -c "npm test"')).toEqual([]);
    expect(rules.pinProblems('run', '# npx a\nnpm ci\nnpm run b -- --check')).toEqual([]);
  });

  it.each(['dependencies', 'optionalDependencies', 'peerDependencies'])('reject %s', (kind) => {
    expect(rules.dependencyProblems({ [kind]: { a: '1.0.0' } })).toEqual([`package.json: a is in ${kind}`]);
  });

  it.each([
    ['without a hash', { integrity: undefined }],
    ['with a weak hash', { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' }],
    ['from a source of its own', { resolved: 'git+ssh://git@example.com/a.git#1' }],
  ])('reject a locked package %s', (_, entry) => {
    expect(rules.lockfileProblems(manifest, lock(entry))).toHaveLength(1);
  });

  it('reject a lockfile that is behind package.json', () => {
    const behind = { devDependencies: { a: '^1.0.0', b: '^2.0.0' } };
    expect(rules.lockfileProblems(behind, lock({}))).toHaveLength(2);
  });

  it.each([
    ['with an install script', { hasInstallScript: true }],
    ['that is deprecated', { deprecated: 'use b' }],
  ])('reject a bundled package %s', (_, entry) => {
    expect(rules.bundleProblems(['node_modules/a'], lock(entry))).toHaveLength(1);
    expect(rules.bundleProblems([], lock(entry))).toEqual([]);
  });

  it('reject a bundled package that is not locked', () => {
    expect(rules.bundleProblems(['node_modules/b'], lock({}))).toHaveLength(1);
  });

  it.each([
    'npx -y -p node@24 -c "npm test"',
    'npm install --no-save @a/b@10',
    'npm install --no-save a',
    'npx -y a@latest',
    'npx -y a',
    'npx a --flag',
    "npx -p 'node@^24.1.0' node",
    'npx -y -p node@24.1.0 -p a -c "npm test"',
    'npx -y -p node@24.1.0 -c "npx a"',
    'x=$(npx a)',
    'true # npx a',
    'pnpm dlx a@1',
  ])('reject a fetched package without an exact version: %s', (script) => {
    expect(rules.pinProblems('run', script)).toHaveLength(1);
  });

  it('report a known vulnerability of a development tool, and reject one of a bundled package', () => {
    const hole = { name: 'a', severity: 'high', nodes: ['node_modules/a'] };
    const answer = { vulnerabilities: { a: hole } };
    expect(rules.auditProblems([], answer)).toEqual({ problems: [], remarks: ['a: high (node_modules/a)'] });
    expect(rules.auditProblems(['node_modules/a'], answer)).toMatchObject({
      problems: ['a: high (node_modules/a) is bundled'],
      remarks: [],
    });
  });
});
