import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSession, type Session } from '../support/session.ts';

interface JsonSchema {
  type?: unknown;
  description?: string;
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  [keyword: string]: unknown;
}

describe('tools/list', () => {
  let session: Session;
  let tools: Awaited<ReturnType<Session['client']['listTools']>>['tools'];

  beforeAll(async () => {
    session = await openSession();
    ({ tools } = await session.client.listTools());
  });

  afterAll(() => session.close());

  it('is what it was: a change of it is a change for every host, and made on purpose', () => {
    expect(tools).toMatchSnapshot();
  });

  it('needs neither AWS nor the embedded endpoint', () => {
    expect(session.calls).toEqual([]);
  });

  it('has object roots with properties, single types, and no references', () => {
    const visit = (schema: JsonSchema, path: string): void => {
      expect(JSON.stringify(Object.keys(schema)), path).not.toMatch(/\$ref|\$defs|anyOf|oneOf|allOf/);
      if (schema.type !== undefined) expect(typeof schema.type, path).toBe('string');
      for (const [name, property] of Object.entries(schema.properties ?? {}))
        visit(property, `${path}.${name}`);
      if (schema.items !== undefined) visit(schema.items, `${path}[]`);
    };
    for (const { name, inputSchema, outputSchema } of tools) {
      for (const root of [inputSchema, outputSchema] as JsonSchema[]) {
        expect(root.type, name).toBe('object');
        expect(root.properties, name).toBeDefined();
        visit(root, name);
      }
    }
  });

  it('describes every parameter, and accepts no others', () => {
    for (const { name, description, inputSchema } of tools) {
      expect(description, name).toBeTruthy();
      expect((inputSchema as JsonSchema).additionalProperties, name).toBe(false);
      for (const [parameter, { description: text }] of Object.entries(
        (inputSchema as JsonSchema).properties ?? {},
      )) {
        expect(text, `${name}.${parameter}`).toBeTruthy();
      }
    }
  });

  it('gives every hint on every tool', () => {
    for (const { name, title, annotations } of tools) {
      expect(title, name).toBeTruthy();
      for (const hint of ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'] as const) {
        expect(annotations?.[hint], `${name} ${hint}`).toEqual(expect.any(Boolean));
      }
    }
    const destructive = tools
      .filter(({ annotations }) => annotations?.destructiveHint)
      .map(({ name }) => name);
    expect(destructive).toEqual(['unassign_private_nat_gateway_address']);
  });
});
