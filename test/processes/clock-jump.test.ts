import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { UNASSIGN } from '../../src/vocabulary/names.ts';
import { ServerProcess } from '../support/server-process.ts';
import { EGRESS } from '../support/session.ts';

/** Loaded into the process: sets its clock an hour forward as soon as a file exists. */
const PRELOAD = `
const { existsSync } = require('node:fs');
const { now } = Date;
Date.now = () => now() + (existsSync(process.env.CLOCK_IS_SET) ? 3_600_000 : 0);
`;

describe('a process whose clock is set forward by an hour', () => {
  it('allows no change beyond the hourly limit', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'clock-'));
    const [preload, isSet] = [join(folder, 'preload.cjs'), join(folder, 'set')];
    writeFileSync(preload, PRELOAD);
    const server = new ServerProcess(
      ['--simulate', '--simulate-speed', '3600', '--max-changes-per-hour', '1'],
      {
        NODE_OPTIONS: `--require=${preload}`,
        CLOCK_IS_SET: isSet,
      },
    );
    onTestFinished(() => {
      server.child.kill('SIGKILL');
      rmSync(folder, { recursive: true });
    });
    const unassign = (...private_ip_addresses: string[]) =>
      server.call(UNASSIGN, { nat_gateway_id: EGRESS, private_ip_addresses, max_drain_duration_seconds: 1 });
    expect((await unassign('10.0.1.11')).result.structuredContent.outcome).toBe('unassigning');
    writeFileSync(isSet, '');
    const { result } = await unassign('10.0.1.12');
    expect(result.structuredContent).toMatchObject({
      outcome: 'refused',
      findings: expect.arrayContaining([expect.objectContaining({ rule: 'max-changes-per-hour' })]),
      error: { code: 'policy_denied' },
    });
  });
});
