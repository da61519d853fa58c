import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { UNASSIGN } from '../../src/vocabulary/names.ts';
import { startServer } from '../support/server-process.ts';
import { EGRESS } from '../support/session.ts';

/** Fast, so that the next change of the gateway need not wait for the drain of the one before. */
const FAST = ['--simulate', '--simulate-speed', '10000'];

function start() {
  const folder = mkdtempSync(join(tmpdir(), 'rotation-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'audit.jsonl');
  const server = startServer([...FAST, '--audit-log', path]);
  const change = async (privateIp: string) => {
    const { result } = await server.call(UNASSIGN, {
      nat_gateway_id: EGRESS,
      private_ip_addresses: [privateIp],
      max_drain_duration_seconds: 1,
    });
    return result.structuredContent;
  };
  return { server, path, change };
}

/** Kind and outcome of each record. */
function records(path: string): unknown[] {
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line)).map(({ audit, outcome }) => [audit, outcome]);
}

const OF_ONE_CHANGE = [
  ['intent', undefined],
  ['outcome', 'unassigning'],
];

describe('a change after the audit log was rotated', () => {
  it.each<[string, (path: string) => void]>([
    ['renamed', (path) => renameSync(path, `${path}.1`)],
    ['removed', (path) => rmSync(path)],
    [
      'renamed, and created again',
      (path) => {
        renameSync(path, `${path}.1`);
        writeFileSync(path, '', { mode: 0o600 });
      },
    ],
    [
      'copied and truncated',
      (path) => {
        copyFileSync(path, `${path}.1`);
        truncateSync(path);
      },
    ],
  ])('is in the file at the path (%s)', async (_, rotate) => {
    const { path, change } = start();
    await change('10.0.1.11');
    expect(records(path)).toEqual(OF_ONE_CHANGE);
    rotate(path);
    expect(await change('10.0.1.12')).toMatchObject({ outcome: 'unassigning' });
    expect(records(path)).toEqual(OF_ONE_CHANGE);
  });

  it('is refused where others have access to the new file, until that is mended', async () => {
    const { server, path, change } = start();
    await change('10.0.1.11');
    renameSync(path, `${path}.1`);
    writeFileSync(path, '');
    chmodSync(path, 0o644);
    const refused = await change('10.0.1.12');
    expect(refused).toMatchObject({ outcome: 'refused', error: { code: 'audit_unavailable' } });
    await server.logged(`(mode 0644): run chmod 600 ${path}`);
    expect(records(`${path}.1`)).toEqual([...OF_ONE_CHANGE, ['outcome', 'refused']]);
    chmodSync(path, 0o600);
    expect(await change('10.0.1.12')).toMatchObject({ outcome: 'unassigning' });
    expect(records(path)).toEqual(OF_ONE_CHANGE);
  });
});

describe('a start after a rotation', () => {
  it('reports the change without an outcome in the file that was rotated last', async () => {
    const { path, server } = start();
    await server.request('tools/list');
    const intent = { audit: 'intent', id: 'lost', time: 'then', arguments: { nat_gateway_id: EGRESS } };
    writeFileSync(`${path}.1`, `${JSON.stringify(intent)}\n`);
    const next = startServer([...FAST, '--audit-log', path]);
    await next.request('tools/list');
    expect(next.log).toContain('recorded no outcome');
    expect(next.log).toContain('"id":"lost"');
  });
});
