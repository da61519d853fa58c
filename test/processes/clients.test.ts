import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DescribeNatGatewaysCommand, EC2Client } from '@aws-sdk/client-ec2';
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { defaultInventory, type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts';
import { BARE_ENVIRONMENT, MAIN } from '../support/server-process.ts';
import { EGRESS } from '../support/session.ts';

const UNASSIGN = 'unassign_private_nat_gateway_address';
const DESCRIBE = 'describe_nat_gateway_addresses';
const WAIT = 'wait_for_nat_gateway_addresses';
const wish = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };

interface AnyClient {
  era: string | undefined;
  tools: () => Promise<string[]>;
  call: (
    name: string,
    args: Record<string, unknown>,
    onprogress?: (progress: number) => void,
    signal?: AbortSignal,
    // biome-ignore lint/suspicious/noExplicitAny: results of every shape
  ) => Promise<any>;
}

/** A tick or none, or no answer to the form at all. */
type Said = boolean | 'decline' | 'cancel';

function said(confirm: Said) {
  return typeof confirm === 'string'
    ? { action: confirm }
    : { action: 'accept' as const, content: { confirm } };
}

type Connect = (args: string[], confirm?: Said, environment?: Record<string, string>) => Promise<AnyClient>;

function parameters(args: string[], environment: Record<string, string>) {
  const env = { ...BARE_ENVIRONMENT, ...environment };
  return { command: process.execPath, args: [MAIN, ...args], env, stderr: 'ignore' as const };
}

/** The v2 client, on revision 2026-07-28. */
const modern: Connect = async (args, confirm, environment = {}) => {
  const capabilities = confirm === undefined ? {} : { elicitation: {} };
  const client = new ModernClient(
    { name: 'v2', version: '1.0.0' },
    { capabilities, versionNegotiation: { mode: 'auto' } },
  );
  if (confirm !== undefined) {
    client.setRequestHandler('elicitation/create', () => said(confirm));
  }
  await client.connect(new ModernTransport(parameters(args, environment)));
  onTestFinished(() => client.close());
  return {
    era: client.getNegotiatedProtocolVersion(),
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: (name, given, onprogress, signal) =>
      client.callTool(
        { name, arguments: given },
        {
          ...(signal && { signal }),
          ...(onprogress && { onprogress: ({ progress }) => onprogress(progress) }),
        },
      ),
  };
};

/** The v1 client, on revision 2025-11-25, which today's hosts are built on. */
const legacy: Connect = async (args, confirm, environment = {}) => {
  const capabilities = confirm === undefined ? {} : { elicitation: {} };
  const client = new LegacyClient({ name: 'v1', version: '1.0.0' }, { capabilities });
  if (confirm !== undefined) {
    client.setRequestHandler(ElicitRequestSchema, async () => said(confirm));
  }
  await client.connect(new LegacyTransport(parameters(args, environment)));
  onTestFinished(() => client.close());
  return {
    era: '2025-11-25',
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: (name, given, onprogress, signal) =>
      client.callTool({ name, arguments: given }, undefined, {
        ...(signal && { signal }),
        ...(onprogress && { onprogress: ({ progress }) => onprogress(progress) }),
      }),
  };
};

describe.each([
  ['the v2 client', '2026-07-28', modern],
  ['the v1 client', '2025-11-25', legacy],
])('%s over stdio (%s)', (_, revision, connect) => {
  it('lists, describes, is refused, rehearses, releases, and sees it drain', async () => {
    const client = await connect(['--simulate']);
    expect(client.era).toBe(revision);
    expect(await client.tools()).toEqual([DESCRIBE, UNASSIGN, 'wait_for_nat_gateway_addresses']);
    const listing = await client.call(DESCRIBE, { private_ip_addresses: ['10.0.1.11'] });
    expect(listing.structuredContent.nat_gateways).toMatchObject([{ nat_gateway_id: EGRESS }]);
    const refused = await client.call(UNASSIGN, { ...wish, private_ip_addresses: ['10.0.1.10'] });
    expect(refused).toMatchObject({ isError: true, structuredContent: { outcome: 'refused' } });
    const rehearsed = await client.call(UNASSIGN, { ...wish, mode: 'dry_run' });
    expect(rehearsed.structuredContent.outcome).toBe('dry_run_passed');
    const released = await client.call(UNASSIGN, wish);
    expect(released.structuredContent).toMatchObject({
      outcome: 'unassigning',
      confirmation: 'not_possible',
    });
    expect(JSON.parse(released.content[0].text)).toEqual(released.structuredContent);
    const draining = await client.call(DESCRIBE, {
      address_statuses: ['unassigning'],
      nat_gateway_ids: [EGRESS],
    });
    expect(draining.structuredContent.nat_gateways).toHaveLength(1);
  });

  it('hears of every mistake in its arguments', async () => {
    const client = await connect(['--simulate']);
    const { isError, content } = await client.call(UNASSIGN, {
      nat_gateway_id: 'x',
      private_ip_addresses: 'y',
      DryRun: true,
    });
    expect(isError).toBe(true);
    for (const part of ['"x"', '"y"', 'mode: "dry_run"']) expect(content[0].text).toContain(part);
  });

  it.each([
    [true, 'unassigning'],
    [false, 'not_confirmed'],
    ['decline' as const, 'not_confirmed'],
    ['cancel' as const, 'not_confirmed'],
  ])('asks its human, whose answer (%s) decides', async (tick, outcome) => {
    const client = await connect(['--simulate', '--confirm', 'always'], tick);
    expect((await client.call(UNASSIGN, wish)).structuredContent.outcome).toBe(outcome);
  });

  it('is refused by name what a read-only server does not do', async () => {
    const client = await connect(['--simulate', '--read-only']);
    expect(await client.tools()).toContain(UNASSIGN);
    const { isError, structuredContent } = await client.call(UNASSIGN, wish);
    expect(isError).toBe(true);
    expect(structuredContent).toMatchObject({ outcome: 'refused', error: { code: 'policy_denied' } });
  });
});

describe.each([
  ['the v2 client', modern],
  ['the v1 client', legacy],
])('%s, waiting for a drain', (_, connect) => {
  it('is handed over when time runs out, and sees the end with progress', { timeout: 60_000 }, async () => {
    const client = await connect(['--simulate', '--simulate-speed', '20']);
    const { structuredContent: started } = await client.call(UNASSIGN, {
      ...wish,
      max_drain_duration_seconds: 80,
    });
    const { tool, arguments: args } = started.next;
    const { structuredContent: early } = await client.call(tool, { ...args, timeout_seconds: 1 });
    expect(early).toMatchObject({ outcome: 'still_changing', addresses: [{ fate: 'unassigning' }] });
    const reports: number[] = [];
    const { structuredContent: late } = await client.call(
      early.next.tool,
      { ...early.next.arguments, timeout_seconds: 30 },
      (report) => reports.push(report),
    );
    expect(late).toMatchObject({
      outcome: 'settled',
      addresses: [{ private_ip: '10.0.1.11', fate: 'released' }],
    });
    expect(reports.length).toBeGreaterThan(0);
    expect(reports).toEqual([...new Set(reports)].sort((a, b) => a - b));
  });
});

describe('both clients, waiting through trouble', () => {
  /** A client of a server whose EC2 is an endpoint of this test's. */
  async function against(connect: Connect, options: SimulatorOptions) {
    const reads: string[] = [];
    const simulator = await startSimulator({
      throttling: false,
      ...options,
      onCall: ({ action }) => {
        if (action === 'DescribeNatGateways') reads.push(action);
      },
    });
    onTestFinished(() => simulator.close());
    const client = await connect([], undefined, {
      AWS_ENDPOINT_URL: simulator.url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'AKIATEST',
      AWS_SECRET_ACCESS_KEY: 'secret',
    });
    return { client, reads };
  }

  const draining = { nat_gateway_id: 'nat-0c33c33c33c33c33c', timeout_seconds: 55 };

  it('are throttled, lose the gateway, or are cancelled', { timeout: 90_000 }, async () => {
    const throttled = async (connect: Connect) => {
      let now = Date.now();
      let refusals = 0;
      const { client, reads } = await against(connect, {
        clock: { now: () => now },
        intercept: async ({ action, apply }) => {
          if (action !== 'DescribeNatGateways' || reads.length !== 1 || refusals === 3) return apply();
          refusals += 1;
          now += 400_000;
          const body =
            '<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>x</Message></Error></Errors></Response>';
          return { status: 503, headers: { 'content-type': 'text/xml' }, body };
        },
      });
      const { structuredContent } = await client.call(WAIT, draining);
      expect(refusals).toBe(3);
      expect(structuredContent).toMatchObject({ outcome: 'settled', addresses: [{ fate: 'released' }] });
    };
    const deleted = async (connect: Connect) => {
      const inventory = defaultInventory(Date.now());
      const { client, reads } = await against(connect, { inventory });
      const waiting = client.call(WAIT, draining);
      while (reads.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
      for (const gateway of inventory) gateway.state = 'deleted';
      expect((await waiting).structuredContent.outcome).toBe('gateway_deleted');
    };
    const cancelled = async (connect: Connect) => {
      const { client, reads } = await against(connect, {});
      const cancel = new AbortController();
      const waiting = client.call(WAIT, draining, undefined, cancel.signal);
      while (reads.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
      cancel.abort();
      await expect(waiting).rejects.toThrow();
      const before = reads.length;
      await new Promise((resolve) => setTimeout(resolve, 6000));
      expect(reads).toHaveLength(before);
    };
    const scenarios = [throttled, deleted, cancelled];
    await Promise.all([modern, legacy].flatMap((connect) => scenarios.map((scenario) => scenario(connect))));
  });
});

describe('nat-gateway-mcp simulator', () => {
  it('shows the AWS SDK the same state as it shows the tools', async () => {
    const child = spawn(process.execPath, [MAIN, 'simulator', '--port', '0'], { env: BARE_ENVIRONMENT });
    onTestFinished(() => {
      child.kill();
    });
    const [banner] = await once(child.stdout, 'data');
    const [url = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(String(banner)) ?? [];
    const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' };
    const ec2 = new EC2Client({ region: 'us-east-1', endpoint: url, credentials });
    onTestFinished(() => ec2.destroy());
    const client = await modern([], undefined, {
      AWS_ENDPOINT_URL: url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'AKIATEST',
      AWS_SECRET_ACCESS_KEY: 'secret',
    });
    const bySdk = async () => {
      const { NatGateways = [] } = await ec2.send(new DescribeNatGatewaysCommand({}));
      return NatGateways.map(({ NatGatewayId, State, NatGatewayAddresses = [] }) => [
        NatGatewayId,
        State,
        NatGatewayAddresses.map(({ PrivateIp, Status, IsPrimary }) => [PrivateIp, Status, IsPrimary]),
      ]);
    };
    const byTool = async () => {
      const { structuredContent } = await client.call(DESCRIBE, {});
      // biome-ignore lint/suspicious/noExplicitAny: members as the schema has them
      return structuredContent.nat_gateways.map(({ nat_gateway_id, state, addresses }: any) => [
        nat_gateway_id,
        state,
        // biome-ignore lint/suspicious/noExplicitAny: members as the schema has them
        addresses.map(({ private_ip, status, is_primary }: any) => [private_ip, status, is_primary]),
      ]);
    };
    expect(await byTool()).toEqual(await bySdk());
    await client.call(UNASSIGN, wish);
    const after = await bySdk();
    expect(after[0]?.[2]).toContainEqual(['10.0.1.11', 'unassigning', false]);
    expect(await byTool()).toEqual(after);
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
  });

  it('says in one line that its port is taken', async () => {
    const first = spawn(process.execPath, [MAIN, 'simulator', '--port', '0'], { env: BARE_ENVIRONMENT });
    onTestFinished(() => {
      first.kill();
    });
    const [banner] = await once(first.stdout, 'data');
    const [, port = ''] = /127\.0\.0\.1:(\d+)/.exec(String(banner)) ?? [];
    const failed = await promisify(execFile)(process.execPath, [MAIN, 'simulator', '--port', port], {
      env: BARE_ENVIRONMENT,
    }).catch((error) => error);
    expect(failed).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^nat-gateway-mcp: .*EADDRINUSE.*\n$/),
    });
  });
});

describe('a start with a configuration that cannot be understood', () => {
  const cases: [string, string[], Record<string, string>, string][] = [
    ['an unknown flag', ['--readonly'], {}, '--readonly'],
    ['a stray word', ['serve'], {}, 'serve'],
    ['an unknown variable', [], { NAT_GATEWAY_MCP_READONLY: 'true' }, 'NAT_GATEWAY_MCP_READONLY'],
    ['an empty value', ['--protect-tag', ''], {}, '--protect-tag'],
    ['an empty variable', [], { NAT_GATEWAY_MCP_ALLOW_GATEWAY: '' }, 'NAT_GATEWAY_MCP_ALLOW_GATEWAY'],
    [
      'an unexpanded variable',
      [],
      { NAT_GATEWAY_MCP_ALLOW_REGION: '$' + '{REGION}' },
      'NAT_GATEWAY_MCP_ALLOW_REGION',
    ],
    ['a region that is none', ['--region', 'us-east-1.evil.com'], {}, '--region'],
    ['an account that is none', ['--allow-account', '1234'], {}, '--allow-account'],
    ['a gateway that is none', ['--allow-gateway', 'vpc-1'], {}, '--allow-gateway'],
    ['one bad item in a list', ['--allow-region', 'eu-west-1,,us-east-1'], {}, '--allow-region'],
    ['a number that is none', ['--min-remaining', 'many'], {}, '--min-remaining'],
    ['a number out of range', ['--max-addresses', '0'], {}, '--max-addresses'],
    ['a mode that is none', ['--confirm', 'maybe'], {}, '--confirm'],
    ['a switch with a word', [], { NAT_GATEWAY_MCP_READ_ONLY: 'yes please' }, 'NAT_GATEWAY_MCP_READ_ONLY'],
    ['a tag without a key', ['--require-tag', '=prod'], {}, '--require-tag'],
    ['a short key', [], { NAT_GATEWAY_MCP_CONFIRMATION_KEY: 'short' }, 'NAT_GATEWAY_MCP_CONFIRMATION_KEY'],
    ['a flag without its value', ['--region'], {}, '--region'],
    ['a profile when simulating', ['--simulate', '--profile', 'x'], {}, '--profile'],
    ['a speed without simulating', ['--simulate-speed', '2'], {}, '--simulate-speed'],
    ['a log that cannot be written', ['--audit-log', '/nonexistent/audit.jsonl'], {}, '--audit-log'],
  ];

  it.each(cases)('%s: is refused in one line that names it', async (_, args, environment, named) => {
    const failed = await promisify(execFile)(process.execPath, [MAIN, ...args], {
      env: { ...BARE_ENVIRONMENT, ...environment },
    }).catch((error) => error);
    expect(failed.code).toBe(2);
    expect(failed.stdout).toBe('');
    expect(failed.stderr).toMatch(/^nat-gateway-mcp: [^\n]+\n$/);
    expect(failed.stderr).toContain(named);
    expect(failed.stderr).not.toContain('short"');
  });
});

describe('the MCP Inspector on Node 20', () => {
  // The command line of Inspector 1.0.3 comes as a package of its own, but reads the version from the package around
  // it; laid out as there, it needs none of the web interface.
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

  function inspect(...args: string[]) {
    return promisify(execFile)(
      process.execPath,
      [inspector, '--cli', process.execPath, MAIN, '--simulate', ...args],
      {
        env: BARE_ENVIRONMENT,
      },
    );
  }

  it('lists the tools', async () => {
    const { stdout } = await inspect('--method', 'tools/list');
    expect(JSON.parse(stdout).tools).toHaveLength(3);
  });

  it('calls with an array argument, as JSON or separated by commas', async () => {
    for (const list of ['["10.0.1.11","10.0.1.12"]', '10.0.1.11,10.0.1.12']) {
      const { stdout } = await inspect(
        '--method',
        'tools/call',
        '--tool-name',
        UNASSIGN,
        '--tool-arg',
        `nat_gateway_id=${EGRESS}`,
        '--tool-arg',
        `private_ip_addresses=${list}`,
        '--tool-arg',
        'mode=dry_run',
      );
      expect(JSON.parse(stdout).structuredContent).toMatchObject({
        outcome: 'dry_run_passed',
        addresses: [{ private_ip: '10.0.1.11' }, { private_ip: '10.0.1.12' }],
      });
    }
  });

  it('releases an address', async () => {
    const { stdout } = await inspect(
      '--method',
      'tools/call',
      '--tool-name',
      UNASSIGN,
      '--tool-arg',
      `nat_gateway_id=${EGRESS}`,
      '--tool-arg',
      'private_ip_addresses=10.0.1.11',
      '--tool-arg',
      'max_drain_duration_seconds=5',
    );
    expect(JSON.parse(stdout).structuredContent).toMatchObject({
      outcome: 'unassigning',
      drain: { max_drain_duration_seconds: 5 },
    });
  });

  it('shows isError with its message, and exits with 0, as this version does', async () => {
    const { stdout } = await inspect(
      '--method',
      'tools/call',
      '--tool-name',
      UNASSIGN,
      '--tool-arg',
      `nat_gateway_id=${EGRESS}`,
      '--tool-arg',
      'private_ip_addresses=10.0.1.10',
    );
    expect(JSON.parse(stdout)).toMatchObject({ isError: true, structuredContent: { outcome: 'refused' } });
  });

  it('cannot be made to change anything by dry_run=yes', async () => {
    const { stdout } = await inspect(
      '--method',
      'tools/call',
      '--tool-name',
      UNASSIGN,
      '--tool-arg',
      `nat_gateway_id=${EGRESS}`,
      '--tool-arg',
      'private_ip_addresses=10.0.1.11',
      '--tool-arg',
      'dry_run=yes',
    );
    expect(JSON.parse(stdout)).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('mode: "dry_run"') }],
    });
  });
});
