import { readdirSync, readFileSync } from 'node:fs';
import { analyse } from 'scslre';
import { describe, expect, it } from 'vitest';
import { type Sources, violations } from './support/architecture.ts';
import { regularExpressions } from './support/regular-expressions.ts';

const text = (file: string): string => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');

const sources: Sources = new Map(
  readdirSync(new URL('../src/', import.meta.url), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => [file, text(`src/${file}`)]),
);
const contributing = text('CONTRIBUTING.md');

/** The violations that `file` brings when it is added to the sources, or takes the place of one. */
function planted(file: string, source: string, map = contributing): string[] {
  const known = new Set(violations(sources, map));
  return violations(new Map([...sources, [file, source]]), map).filter((each) => !known.has(each));
}

function filesWith(pattern: RegExp): string[] {
  return [...sources].filter(([, source]) => pattern.test(source)).map(([file]) => file);
}

describe('the layout of src', () => {
  it('keeps to the import table, without cycles, long files or loose ones, and is on the map', () => {
    expect(violations(sources, contributing)).toEqual([]);
  });

  it('is mirrored by test, whose other folders are on the map', () => {
    const folders = (parent: string): string[] =>
      readdirSync(new URL(`../${parent}/`, import.meta.url), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name);
    const own = folders('test').filter((folder) => !folders('src').includes(folder));
    expect(own.filter((folder) => !contributing.includes(`${folder}/`))).toEqual([]);
  });
});

describe('the rules of the layout', () => {
  it.each([
    ['vocabulary/new.ts', "import { isPrimary } from '../nat-gateway/gateway.ts';"],
    ['vocabulary/new.ts', "import * as z from 'zod';"],
    ['nat-gateway/new.ts', "import { connectEc2 } from '../aws/ec2.ts';"],
    ['nat-gateway/new.ts', "import { EC2Client } from '@aws-sdk/client-ec2';"],
    ['proxy/new.ts', "import { ProxyAwareHandler } from '../aws/proxy.ts';"],
    ['proxy/new.ts', "import { Failure } from '../vocabulary/failure.ts';"],
    ['aws/new.ts', "import type { Next } from '../tools/results.ts';"],
    ['aws/new.ts', "import { McpServer } from '@modelcontextprotocol/server';"],
    ['changes/new.ts', "import { McpServer } from '@modelcontextprotocol/server';"],
    ['changes/new.ts', "import type { Ec2 } from '../aws/ec2.ts';"],
    ['tools/new.ts', "import { connectEc2 } from '../aws/ec2.ts';"],
    ['tools/new.ts', "import { configure } from '../config/configure.ts';"],
    ['config/new.ts', "import { ChangeQueue } from '../changes/queue.ts';"],
    ['serve/new.ts', "import { toolResult } from '../tools/results.ts';"],
    ['simulator/new.ts', "import { REGION } from '../vocabulary/ids.ts';"],
    ['simulator/new.ts', "import { Failure } from '../vocabulary/failure.ts';"],
    ['tools/new.ts', "import { main } from '../main.ts';"],
    ['serve/new.ts', "const { startSimulator } = await import('../simulator/simulator.ts');"],
    ['server.ts', "import { connectEc2 } from './aws/ec2.ts';"],
    ['main.ts', "import { startSimulator } from './simulator/simulator.ts';"],
    ['main.ts', "import { checkCommand } from './check/command.ts';"],
    ['check/new.ts', "import { createServer } from '../server.ts';"],
    ['serve/new.ts', "const { checkCommand } = await import('../check/command.ts');"],
  ])('refuse a forbidden import in %s: %s', (file, source) => {
    expect(planted(file, source)).toEqual([expect.stringContaining(`${file}: may not import`)]);
  });

  it.each([
    ['tools/new.ts', "import type { Ec2 } from '../aws/ec2.ts';"],
    ['serve/new.ts', "import type { Dependencies } from '../server.ts';"],
    ['aws/new.ts', "import { setTimeout } from 'node:timers/promises';"],
  ])('allow %s: %s', (file, source) => {
    expect(planted(file, source)).toEqual([]);
  });

  it('refuse a file in a folder that the table does not know', () => {
    const map = `${contributing} src/utils/`;
    expect(planted('utils/new.ts', '', map)).toEqual(['utils/new.ts: in no row']);
  });

  it('refuse a cycle, of types too', () => {
    const source = "import type { Finding } from './preflight.ts';\n";
    expect(planted('nat-gateway/gateway.ts', source)).toContainEqual(
      expect.stringMatching(/^cycle: .*gateway/),
    );
  });

  it('refuse a file above 320 lines, and no shorter one', () => {
    expect(planted('aws/new.ts', 'x\n'.repeat(320))).toEqual([]);
    expect(planted('aws/new.ts', 'x\n'.repeat(321))).toEqual(['aws/new.ts: longer than 320 lines']);
  });

  it('refuse a loose file at the root', () => {
    expect(planted('helpers.ts', '')).toContain('helpers.ts: loose at the root');
  });

  it("refuse a tool's name as a literal outside names.ts", () => {
    expect(planted('aws/new.ts', "const hint = 'Look with describe_nat_gateway_addresses.';")).toEqual([
      "aws/new.ts: a tool's name as a literal",
    ]);
  });

  it('refuse a folder that is not on the map of CONTRIBUTING.md', () => {
    expect(planted('aws/deep/new.ts', '')).toEqual(['src/aws/deep/: not in the map of CONTRIBUTING.md']);
  });
});

describe('the source', () => {
  it('starts no process and evaluates no text: there is nothing to inject a command into', () => {
    expect(filesWith(/child_process|worker_threads|\beval\(|new Function\(|node:vm/)).toEqual([]);
  });

  it('has no regular expression that takes more than linear time: callers and endpoints choose the text', () => {
    const slow = [...sources].flatMap(([file, source]) =>
      regularExpressions(file, source)
        .filter((regex) => analyse(regex).reports.length > 0)
        .map(({ source }) => `${file}: /${source}/`),
    );
    expect(slow).toEqual([]);
    expect(analyse({ source: '(e?s)+$', flags: '' }).reports).not.toEqual([]);
  });

  it('combines no signals by AbortSignal.any, in which Node 20 forgets a timeout', () => {
    expect(filesWith(/AbortSignal\.any\(/)).toEqual([]);
  });

  it('has one door to the real calls: nothing else can make a command, or a permit for it', () => {
    expect(filesWith(/UnassignPrivateNatGatewayAddressCommand/)).toEqual(['aws/unassign.ts']);
    expect(filesWith(/\bAssignPrivateNatGatewayAddressCommand/)).toEqual(['aws/assign.ts']);
    expect(filesWith(/as Permit|\bpermitFor\b/)).toEqual(['aws/permit.ts']);
    expect(filesWith(/export (async )?function (permitFor|spend)/)).toEqual([]);
  });

  it('touches files only where the operator named one', () => {
    expect(filesWith(/node:fs/).sort()).toEqual([
      'changes/audit-file.ts',
      'check/audit-log.ts',
      'config/targets-file.ts',
      'main.ts',
      'serve/http/token-file.ts',
      'serve/log.ts',
    ]);
  });
});
