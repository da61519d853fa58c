import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** What the source must not contain, wherever the tests happen to look. */

const root = new URL('../src/', import.meta.url);
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, source: readFileSync(new URL(file, root), 'utf8') }));

function filesWith(pattern: RegExp): string[] {
  return files.filter(({ source }) => pattern.test(source)).map(({ file }) => file);
}

describe('the source', () => {
  it('starts no process and evaluates no text: there is nothing to inject a command into', () => {
    expect(filesWith(/child_process|worker_threads|\beval\(|new Function\(|node:vm/)).toEqual([]);
  });

  it('has one door to the real call: nothing else can make the command, or a permit for it', () => {
    expect(filesWith(/UnassignPrivateNatGatewayAddressCommand/)).toEqual(['aws/unassign.ts']);
    expect(filesWith(/as Permit|\bpermitFor\b/)).toEqual(['aws/unassign.ts']);
    expect(filesWith(/export (async )?function (permitFor|spend)/)).toEqual([]);
  });

  it('keeps the domain free of both SDKs, and the embedded endpoint free of everything', () => {
    const imports = (folder: string): string[] =>
      files
        .filter(({ file }) => file.startsWith(folder))
        .flatMap(({ source }) => [...source.matchAll(/from '([^']+)'/g)].map(([, name = '']) => name));
    for (const name of imports('nat-gateway/')) expect(name).toMatch(/^\.\.?\//);
    for (const name of imports('simulator/')) expect(name).toMatch(/^(\.\/|node:|fast-xml-builder$)/);
  });

  it('touches files only where the operator named one', () => {
    expect(filesWith(/node:fs/).sort()).toEqual([
      'changes/audit-log.ts',
      'main.ts',
      'serve/http/token-file.ts',
    ]);
  });
});
