import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StdioTransport } from '../../src/serve/stdio-transport.ts';
import { createServer } from '../../src/server.ts';
import LISTED_TOOLS from '../../src/tools/listed-tools.json' with { type: 'json' };
import { loadAllTools } from '../../src/tools/tools.ts';
import { openSession, type Session } from '../support/session.ts';

interface JsonSchema {
  type?: unknown;
  description?: string;
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  [keyword: string]: unknown;
}

interface Tool {
  name: string;
  title?: string;
  description?: string;
  inputSchema: JsonSchema;
  outputSchema: JsonSchema;
  annotations?: Record<string, boolean>;
}

/** Sends lines over stdio and returns the result for the request with the id `list`. */
async function resultOfList(
  { dependencies }: Session,
  ...messages: object[]
): Promise<{ tools: Tool[]; [member: string]: unknown }> {
  const [input, output] = [new PassThrough(), new PassThrough()];
  serveStdio(({ era }) => createServer(dependencies, era), {
    transport: new StdioTransport(input, output, { graceMilliseconds: 1000, maxConcurrentCalls: 64 }),
  });
  for (const message of messages) input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  for await (const line of createInterface({ input: output })) {
    const { id, result } = JSON.parse(line);
    if (id === 'list') return result;
  }
  throw new Error('no answer to tools/list');
}

function listModern(session: Session) {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  return resultOfList(session, { id: 'list', method: 'tools/list', params: { _meta } });
}

function listLegacy(session: Session) {
  const clientInfo = { name: 'raw', version: '1.0.0' };
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
  return resultOfList(
    session,
    { id: 'initialize', method: 'initialize', params },
    { method: 'notifications/initialized' },
    { id: 'list', method: 'tools/list' },
  );
}

/** A schema and all schemas in it, with their paths. */
function schemasIn(schema: JsonSchema, path: string): [string, JsonSchema][] {
  const properties = Object.entries(schema.properties ?? {});
  return [
    [path, schema],
    ...properties.flatMap(([name, property]) => schemasIn(property, `${path}.${name}`)),
    ...(schema.items === undefined ? [] : schemasIn(schema.items, `${path}[]`)),
  ];
}

describe('tools/list', () => {
  let session: Session;
  let modern: Awaited<ReturnType<typeof listModern>>;
  let legacy: Awaited<ReturnType<typeof listLegacy>>;

  beforeAll(async () => {
    session = await openSession();
    [modern, legacy] = [await listModern(session), await listLegacy(session)];
  });

  afterAll(() => session.close());

  it('is the pinned JSON: a change of it is a change for every host, and made on purpose', async () => {
    await expect(`${JSON.stringify(modern, undefined, 2)}\n`).toMatchFileSnapshot(
      '__snapshots__/tools-list.json',
    );
  });

  it('is made of what the definitions say now, or else npm run docs was forgotten', async () => {
    const tools = await loadAllTools();
    expect(LISTED_TOOLS).toEqual(tools.map((tool) => tool.listed()));
  });

  it('has the same tools, and nothing else, for clients of the 2025 revisions', () => {
    expect(JSON.stringify(legacy)).toBe(JSON.stringify({ tools: modern.tools }));
  });

  it('sends no request to AWS', () => {
    expect(session.calls).toEqual([]);
  });

  it('has schemas with object roots, single types and no references', () => {
    for (const { name, inputSchema, outputSchema } of modern.tools) {
      for (const root of [inputSchema, outputSchema]) {
        expect(root.type, name).toBe('object');
        expect(root.properties, name).toBeDefined();
        for (const [path, schema] of schemasIn(root, name)) {
          expect(JSON.stringify(Object.keys(schema)), path).not.toMatch(/\$ref|\$defs|anyOf|oneOf|allOf/);
          expect(['string', 'undefined'], path).toContain(typeof schema.type);
        }
      }
    }
  });

  it('describes every parameter, and allows no others', () => {
    for (const { name, description, inputSchema } of modern.tools) {
      expect(description, name).toBeTruthy();
      expect(inputSchema.additionalProperties, name).toBe(false);
      for (const [parameter, { description: text }] of Object.entries(inputSchema.properties ?? {})) {
        expect(text, `${name}.${parameter}`).toBeTruthy();
      }
    }
  });

  it('sets every annotation of every tool; what changes a gateway is destructive', () => {
    for (const { name, title, annotations } of modern.tools) {
      expect(title, name).toBeTruthy();
      for (const hint of ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint']) {
        expect(annotations?.[hint], `${name} ${hint}`).toEqual(expect.any(Boolean));
      }
    }
    const destructive = modern.tools.filter(({ annotations }) => annotations?.destructiveHint);
    expect(destructive.map(({ name }) => name)).toEqual([
      'unassign_private_nat_gateway_address',
      'restore_private_nat_gateway_address',
    ]);
  });
});
