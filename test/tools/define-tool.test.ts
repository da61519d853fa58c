import { type CallToolResult, Client } from '@modelcontextprotocol/client';
import { InMemoryTransport, McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { CfWorkerJsonSchemaValidator } from '@modelcontextprotocol/server/validators/cf-worker';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { listOf, privateIp } from '../../src/tools/arguments.ts';
import { type Dependencies, defineTool } from '../../src/tools/define-tool.ts';
import { registrationOf } from '../../src/tools/listed-tools.ts';
import { errorSchema } from '../../src/tools/results.ts';
import { DESCRIBE, READ_SCOPE, UNASSIGN, WAIT } from '../../src/vocabulary/names.ts';
import { EGRESS, ERAS, openSession } from '../support/session.ts';

describe.each(ERAS)('arguments that do not fit, of a %s client', (era) => {
  it.each<[string, Record<string, unknown>, string[]]>([
    [
      UNASSIGN,
      { nat_gateway_id: 'nat-1', private_ip_addresses: ['10.0.0', 'x'], mode: 'now', force: true },
      [
        'nat_gateway_id: "nat-1" is not',
        'private_ip_addresses.0: "10.0.0" is not',
        'private_ip_addresses.1: "x" is not',
        'mode: Invalid option',
        'No argument "force"',
      ],
    ],
    [UNASSIGN, {}, ['nat_gateway_id', 'private_ip_addresses']],
    [
      DESCRIBE,
      { nat_gateway_ids: ['x'], max_results: 0 },
      ['nat_gateway_ids.0: "x" is not', 'max_results: '],
    ],
    [
      WAIT,
      { nat_gateway_id: 'egress', timeout_seconds: '5' },
      ['nat_gateway_id: "egress"', 'timeout_seconds: '],
    ],
    [WAIT, {}, ['nat_gateway_id']],
  ])('get a result of %s that names every mistake: %j', async (name, args, mistakes) => {
    const session = await openSession({ era });
    onTestFinished(session.close);
    const { tools } = await session.client.listTools();
    const schema = tools.find((tool) => tool.name === name)?.outputSchema ?? {};
    const { content, isError, text } = await session.call(name, args);
    expect(isError).toBe(true);
    expect(JSON.parse(text)).toEqual(content);
    expect(content.error).toMatchObject({
      code: 'invalid_argument',
      retryable: false,
      hint: expect.stringMatching(/Correct/),
    });
    for (const mistake of mistakes) expect(content.error.message).toContain(mistake);
    expect(new CfWorkerJsonSchemaValidator().getValidator(schema as never)(content).valid).toBe(true);
    expect(session.calls).toEqual([]);
    expect(session.audit.records).toEqual([]);
  });

  it('are refused as a change, with the gateway as the call names it, cut', async () => {
    const session = await openSession({ era });
    onTestFinished(session.close);
    const { content } = await session.call(UNASSIGN, { nat_gateway_id: 'n'.repeat(10_000) });
    expect(content).toMatchObject({ outcome: 'refused', nat_gateway_id: expect.stringMatching(/^n{64}…/) });
    expect(JSON.stringify(content).length).toBeLessThan(1000);
    for (const nat_gateway_id of [undefined, 5, null, {}]) {
      const { content: bare } = await session.call(UNASSIGN, { nat_gateway_id });
      expect(bare.outcome).toBe('refused');
      expect(bare).not.toHaveProperty('nat_gateway_id');
    }
  });
});

/** Calls a tool of the test's own, and keeps what its server logs. */
async function callOwn(run: () => Promise<Record<string, unknown>>, args: Record<string, unknown>) {
  const logged: Record<string, unknown>[] = [];
  const tool = defineTool({
    name: 'own',
    title: 'Own',
    description: 'A tool',
    input: { nat_gateway_id: z.string(), private_ip_addresses: listOf(privateIp, 99).optional() },
    output: z.object({ done: z.number().optional(), error: errorSchema.optional() }),
    scope: READ_SCOPE,
    isDestructive: false,
    run,
    failed: (_, __, error) => ({ error }),
  });
  const dependencies = {
    ec2: async () => ({ region: async () => 'us-east-1' }),
    logger: pino({ level: 'error' }, { write: (line) => logged.push(JSON.parse(line)) }),
    monotonic: () => performance.now(),
    graceOver: new AbortController().signal,
  } as unknown as Dependencies;
  const [mine, its] = InMemoryTransport.createLinkedPair();
  serveStdio(
    ({ era }) => {
      const server = new McpServer({ name: 'own', version: '1.0.0' });
      const { name, config } = registrationOf(tool.listed());
      server.registerTool(name, config, (given, context) =>
        tool.answer(given, { server, dependencies, era, context }),
      );
      return server;
    },
    { transport: its },
  );
  const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
  await client.connect(mine);
  onTestFinished(() => client.close());
  const result = (await client.callTool({ name: 'own', arguments: args })) as CallToolResult;
  const [first] = result.content;
  return { ...result, text: first?.type === 'text' ? first.text : '', logged };
}

describe('a tool', () => {
  it('names twenty mistakes of many, and says how many more there are', async () => {
    const private_ip_addresses = Array.from({ length: 90 }, (_, index) => `x${index}`);
    const { structuredContent } = await callOwn(async () => ({}), {
      nat_gateway_id: EGRESS,
      private_ip_addresses,
    });
    const { message } = (structuredContent as { error: { message: string } }).error;
    expect(message).toContain('private_ip_addresses.19: "x19"');
    expect(message).not.toContain('"x20"');
    expect(message).toMatch(/; and 70 more$/);
  });

  it('answers a fault of its own without its text', async () => {
    const { structuredContent, isError, text, logged } = await callOwn(
      () => Promise.reject(new TypeError('secret detail')),
      { nat_gateway_id: EGRESS },
    );
    expect(isError).toBe(true);
    expect(structuredContent).toMatchObject({ error: { code: 'internal' } });
    expect(text).not.toContain('secret');
    expect(logged).toMatchObject([{ err: { message: 'secret detail' } }]);
  });
});
