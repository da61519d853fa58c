import { execFile } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { UNASSIGN } from '../../src/vocabulary/names.ts';
import { BARE_ENVIRONMENT, MAIN } from '../support/server-process.ts';
import { EGRESS } from '../support/session.ts';

describe('the MCP Inspector on Node 20', () => {
  // The command line of Inspector 1.0.3 is a package of its own that reads its version from a package around it.
  // In that layout it runs without the web interface.
  const modules = fileURLToPath(new URL('../../node_modules/', import.meta.url));
  const layout = join(modules, '.cache', 'inspector');
  const inspector = join(layout, 'cli', 'build', 'cli.js');

  beforeAll(() => {
    cpSync(join(modules, '@modelcontextprotocol', 'inspector-cli'), join(layout, 'cli'), { recursive: true });
    writeFileSync(
      join(layout, 'package.json'),
      '{"name":"@modelcontextprotocol/inspector","version":"1.0.3","type":"module"}',
    );
  });

  async function inspect(...args: string[]) {
    const command = [inspector, '--cli', process.execPath, MAIN, '--simulate', ...args];
    const { stdout } = await promisify(execFile)(process.execPath, command, { env: BARE_ENVIRONMENT });
    return JSON.parse(stdout);
  }

  /** Calls the unassign tool for the test gateway. */
  function inspectUnassign(...toolArguments: string[]) {
    const args = [`nat_gateway_id=${EGRESS}`, ...toolArguments];
    return inspect(
      ...['--method', 'tools/call', '--tool-name', UNASSIGN],
      ...args.flatMap((argument) => ['--tool-arg', argument]),
    );
  }

  it('lists the tools', async () => {
    const { tools } = await inspect('--method', 'tools/list');
    expect(tools).toHaveLength(4);
  });

  it.each(['["10.0.1.11","10.0.1.12"]', '10.0.1.11,10.0.1.12'])(
    'passes an array argument as %s',
    async (list) => {
      const { structuredContent } = await inspectUnassign(`private_ip_addresses=${list}`, 'mode=dry_run');
      expect(structuredContent).toMatchObject({
        outcome: 'dry_run_passed',
        addresses: [{ private_ip: '10.0.1.11' }, { private_ip: '10.0.1.12' }],
      });
    },
  );

  it('releases an address', async () => {
    const { structuredContent } = await inspectUnassign(
      'private_ip_addresses=10.0.1.11',
      'max_drain_duration_seconds=5',
    );
    expect(structuredContent).toMatchObject({
      outcome: 'unassigning',
      drain: { max_drain_duration_seconds: 5 },
    });
  });

  it('shows isError with the refusal, and exits with 0, as this version does', async () => {
    expect(await inspectUnassign('private_ip_addresses=10.0.1.10')).toMatchObject({
      isError: true,
      structuredContent: { outcome: 'refused' },
    });
  });

  it('changes nothing with dry_run=yes, which is not an argument', async () => {
    expect(await inspectUnassign('private_ip_addresses=10.0.1.11', 'dry_run=yes')).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('use mode: \\"dry_run\\"') }],
    });
  });
});
