import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DESCRIBE } from '../../src/vocabulary/names.ts';
import { startServer } from '../support/server-process.ts';

describe('a server with --targets', () => {
  it('takes a changed file at SIGHUP, and keeps the targets of before where the file is refused', async () => {
    const { targets } = JSON.parse(readFileSync('examples/targets.json', 'utf8')) as { targets: object[] };
    const folder = mkdtempSync(join(tmpdir(), 'targets-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'targets.json');
    const publish = (...entries: object[]): void => {
      writeFileSync(`${file}~`, JSON.stringify({ targets: entries }), { mode: 0o600 });
      renameSync(`${file}~`, file);
    };
    const example = (index: number): object => ({ ...targets[index], regions: ['us-east-1'] });
    publish(example(0));
    const server = startServer(['--simulate', '--targets', file]);
    const seen = async (): Promise<unknown[]> => {
      const { result } = await server.call(DESCRIBE, { targets: ['all'] });
      const gateways: { target: string }[] = result.structuredContent.nat_gateways;
      return [...new Set(gateways.map(({ target }) => target))];
    };
    expect(await seen()).toEqual(['team-01']);
    publish(example(3), example(5));
    server.child.kill('SIGHUP');
    await server.logged('read the file of --targets');
    expect(await seen()).toEqual(['team-04', 'team-06']);
    publish({ name: 'all', account_id: '1' });
    server.child.kill('SIGHUP');
    await server.logged('the targets of before stay in force');
    expect(server.log).toMatch(/targets\[0\]\.name: .*targets\[0\]\.account_id: .*targets\[0\]\.regions: /);
    expect(await seen()).toEqual(['team-04', 'team-06']);
    server.child.kill('SIGTERM');
    expect(await server.exit).toBe(0);
  });
});
