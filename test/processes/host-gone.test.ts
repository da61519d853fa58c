import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { UNASSIGN } from '../../src/vocabulary/names.ts';
import type { Phase } from '../support/faults.ts';
import { heldEndpoint } from '../support/held-endpoint.ts';
import { modernRequest } from '../support/http.ts';
import { BARE_ENVIRONMENT, MAIN } from '../support/server-process.ts';
import { EGRESS } from '../support/session.ts';

const wish = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };
const { body: unassign } = modernRequest('tools/call', { name: UNASSIGN, arguments: wish });

/** What hosts connect stdout to: Node's are sockets, those of shells and of Python are pipes. */
const OUTPUTS = ['socket', 'pipe'] as const;

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'host-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Both ends of a pipe. */
function openPipe(folder: string): { readEnd: number; writeEnd: number } {
  const path = join(folder, 'stdout');
  execFileSync('mkfifo', [path]);
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { readEnd, writeEnd: openSync(path, constants.O_WRONLY) };
}

/** A server process that its host has sent one unassign, held by EC2 in `phase`. */
async function duringUnassign(phase: Phase, output: (typeof OUTPUTS)[number]) {
  const { environment, arrived, release, changes } = await heldEndpoint(phase);
  const folder = temporaryFolder();
  const auditLog = join(folder, 'audit.jsonl');
  const pipe = output === 'pipe' ? openPipe(folder) : undefined;
  const child = spawn(process.execPath, [MAIN, '--audit-log', auditLog], {
    env: { ...BARE_ENVIRONMENT, ...environment },
    stdio: ['pipe', pipe?.writeEnd ?? 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exit = once(child, 'exit');
  if (pipe !== undefined) closeSync(pipe.writeEnd);
  const stdout = pipe === undefined ? (child.stdout as Readable) : new Socket({ fd: pipe.readEnd });
  const lines: string[] = [];
  createInterface({ input: stdout }).on('line', (line) => lines.push(line));
  child.stdin?.write(`${JSON.stringify(unassign)}\n`);
  await arrived;
  const audit = () => {
    const records = readFileSync(auditLog, 'utf8').trim().split('\n');
    return records.map((line): Record<string, unknown> => JSON.parse(line));
  };
  return { child, stdout, lines, exit, release, changes, audit };
}

describe.each<Phase>(['describe', 'dry run'])('a host that goes during the %s', (phase) => {
  it.each(OUTPUTS)('has nothing changed after it, and the attempt is on record (%s)', async (output) => {
    const { child, stdout, exit, release, changes, audit } = await duringUnassign(phase, output);
    for (const stream of [child.stdin, stdout, child.stderr]) stream?.destroy();
    release();
    expect(await exit).toEqual([0, null]);
    expect(changes()).toBe(0);
    expect(audit()).toMatchObject([
      { audit: 'outcome', outcome: 'refused', confirmation: 'not_possible', error: { code: 'timed_out' } },
    ]);
  });

  it.each(OUTPUTS)('has nothing changed after it, although its stdin is open (%s)', async (output) => {
    const { stdout, exit, release, changes, audit } = await duringUnassign(phase, output);
    stdout.destroy();
    release();
    expect(await exit).toEqual([0, null]);
    expect(changes()).toBe(0);
    expect(audit()).toMatchObject([{ audit: 'outcome', outcome: 'refused' }]);
  });

  it.each(OUTPUTS)('is not one that ends stdin and reads on: it gets its answer (%s)', async (output) => {
    const { child, lines, exit, release, changes } = await duringUnassign(phase, output);
    child.stdin?.end();
    release();
    expect(await exit).toEqual([0, null]);
    expect(changes()).toBe(1);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { id: 1, result: { structuredContent: { outcome: 'unassigning' } } },
    ]);
  });
});
