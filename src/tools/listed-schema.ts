import * as z from 'zod';
import type { JsonSchema } from './listed-tools.ts';

/**
 * Schemas as `tools/list` shows them. Every model reads them first, so they hold what a caller needs and no more: zod's
 * additions and the long lists of codes, which are in the reference, are left out.
 */

/** The longest enumeration that a result's schema lists. */
const LONGEST_ENUM = 8;

/** Parts of results of which no member is listed. */
const BRIEF = new WeakSet<object>();

/** A part of a result whose members the reference lists, and `tools/list` does not. */
export function brief<S extends z.ZodObject>(schema: S, description: string): S {
  const described = schema.describe(description);
  BRIEF.add(described);
  return described;
}

/** The schema of a tool's arguments, which has no others. */
export function inputSchemaOf(shape: z.ZodRawShape): JsonSchema {
  return withoutDialect(z.toJSONSchema(z.strictObject(shape), { io: 'input' }));
}

/**
 * The schema of a tool's result. Its objects are listed as open, so that a member added in a later version breaks no
 * host.
 */
export function outputSchemaOf(schema: z.ZodObject): JsonSchema {
  const json = z.toJSONSchema(schema, {
    io: 'input',
    override: ({ zodSchema, jsonSchema, path }) => {
      if (BRIEF.has(zodSchema)) delete jsonSchema.properties;
      if ((jsonSchema.enum?.length ?? 0) > LONGEST_ENUM) delete jsonSchema.enum;
      delete jsonSchema.propertyNames;
      // What a part always has is in the reference.
      if (path.length > 0) delete jsonSchema.required;
      // It says what its absence says, and Inspector warns of it.
      if (isEmpty(jsonSchema.additionalProperties)) delete jsonSchema.additionalProperties;
    },
  });
  return withoutDialect(json);
}

function isEmpty(schema: unknown): boolean {
  return typeof schema === 'object' && schema !== null && Object.keys(schema).length === 0;
}

function withoutDialect(json: object): JsonSchema {
  const { $schema: _, ...schema } = json as JsonSchema;
  return schema;
}
