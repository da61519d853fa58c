import { describe, expect, it } from 'vitest';

/** That each rule of the supply chain finds what breaks it; CI holds the real packages against them. */

interface Rules {
  dependencyProblems: (manifest: object) => string[];
  lockfileProblems: (manifest: object, lock: object) => string[];
  bundleProblems: (folders: string[], lock: object) => string[];
  pinProblems: (file: string, text: string) => string[];
  auditProblems: (folders: string[], answer: object) => { problems: string[]; remarks: string[] };
}

const rules: Rules = await import(String(new URL('../../scripts/supply-chain-rules.mjs', import.meta.url)));

const integrity = `sha512-${'A'.repeat(86)}==`;
const manifest = { devDependencies: { a: '^1.0.0' } };
const lock = (entry: object) => ({
  packages: { '': manifest, 'node_modules/a': { version: '1.0.0', integrity, ...entry } },
});

describe('the rules of the supply chain', () => {
  it('pass what is as it should be', () => {
    expect(rules.dependencyProblems(manifest)).toEqual([]);
    expect(rules.lockfileProblems(manifest, lock({}))).toEqual([]);
    expect(rules.bundleProblems(['node_modules/a'], lock({}))).toEqual([]);
    expect(rules.pinProblems('run', 'npx -y -p node@24.1.0 -p @a/b@1.0.0-alpha.2 -c "npm test"')).toEqual([]);
  });

  it.each(['dependencies', 'optionalDependencies', 'peerDependencies'])('find %s', (kind) => {
    expect(rules.dependencyProblems({ [kind]: { a: '1.0.0' } })).toEqual([`package.json: a is in ${kind}`]);
  });

  it.each([
    ['no hash', { integrity: undefined }],
    ['a weak hash', { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' }],
    ['a place of its own', { resolved: 'git+ssh://git@example.com/a.git#1' }],
  ])('find a locked package with %s', (_, entry) => {
    expect(rules.lockfileProblems(manifest, lock(entry))).toHaveLength(1);
  });

  it('find a lockfile that is behind package.json', () => {
    const behind = { devDependencies: { a: '^1.0.0', b: '^2.0.0' } };
    expect(rules.lockfileProblems(behind, lock({}))).toHaveLength(2);
  });

  it.each([
    ['with an install script', { hasInstallScript: true }],
    ['that is deprecated', { deprecated: 'use b' }],
  ])('find a bundled package %s', (_, entry) => {
    expect(rules.bundleProblems(['node_modules/a'], lock(entry))).toHaveLength(1);
    expect(rules.bundleProblems([], lock(entry))).toEqual([]);
  });

  it('find a bundled package that is not locked', () => {
    expect(rules.bundleProblems(['node_modules/b'], lock({}))).toHaveLength(1);
  });

  it.each([
    'npx -y -p node@24 -c "npm test"',
    'npm install --no-save @a/b@10',
    'npx -y a@latest',
    'npx -y a',
    'npx a --flag',
    "['-p', 'node@^24.1.0']",
  ])('find what is fetched by no exact version in: %s', (text) => {
    expect(rules.pinProblems('run', text)).toHaveLength(1);
  });

  it('tell a known hole in a tool, and refuse one in what is bundled', () => {
    const hole = { name: 'a', severity: 'high', nodes: ['node_modules/a'] };
    const answer = { vulnerabilities: { a: hole } };
    expect(rules.auditProblems([], answer)).toEqual({ problems: [], remarks: ['a: high (node_modules/a)'] });
    expect(rules.auditProblems(['node_modules/a'], answer)).toMatchObject({
      problems: ['a: high (node_modules/a) is bundled'],
      remarks: [],
    });
  });
});
