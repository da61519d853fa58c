import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server';
import * as z from 'zod';

/**
 * Schemas as `tools/list` shows them. Every model reads them first, so they hold what a caller needs and no more: zod's
 * additions and the long lists of codes, which are in the reference, are left out. Each is converted once a process.
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

/**
 * The schema of a tool's arguments. `defineTool` parses them, so that a caller whose arguments do not fit gets a result
 * of the tool; here they pass as they are.
 */
export function listedInput(schema: z.ZodObject): StandardSchemaWithJSON<unknown, unknown> {
  const json = once(() => withoutDialect(z.toJSONSchema(schema, { io: 'input' })));
  const validate = (value: unknown) => ({ value });
  return { '~standard': { version: 1, vendor: 'zod', validate, jsonSchema: { input: json, output: json } } };
}

/**
 * The schema of a tool's result. `toolResult` has parsed the result, so it is not checked again. Its objects are listed
 * as open, so that a member added in a later version breaks no host. Members and values of enumerations `without` are
 * left out at every depth.
 */
export function listedOutput<S extends z.ZodObject>(
  schema: S,
  without: readonly string[] = [],
): StandardSchemaWithJSON<z.input<S>, z.output<S>> {
  const json = once(() =>
    withoutDialect(
      z.toJSONSchema(schema, {
        io: 'input',
        override: ({ zodSchema, jsonSchema, path }) => {
          if (BRIEF.has(zodSchema)) delete jsonSchema.properties;
          if ((jsonSchema.enum?.length ?? 0) > LONGEST_ENUM) delete jsonSchema.enum;
          delete jsonSchema.propertyNames;
          for (const name of without) delete jsonSchema.properties?.[name];
          if (jsonSchema.enum?.some((each) => without.includes(String(each)))) {
            jsonSchema.enum = jsonSchema.enum.filter((each) => !without.includes(String(each)));
          }
          // What a part always has is in the reference.
          if (path.length > 0) delete jsonSchema.required;
          // It says what its absence says, and Inspector warns of it.
          if (isEmpty(jsonSchema.additionalProperties)) delete jsonSchema.additionalProperties;
        },
      }),
    ),
  );
  const validate = (value: unknown) => ({ value: value as z.output<S> });
  return { '~standard': { version: 1, vendor: 'zod', validate, jsonSchema: { input: json, output: json } } };
}

function isEmpty(schema: unknown): boolean {
  return typeof schema === 'object' && schema !== null && Object.keys(schema).length === 0;
}

function withoutDialect({ $schema: _, ...schema }: Record<string, unknown>): Record<string, unknown> {
  return schema;
}

/** Returns a function that calls `make` the first time, and has its value ready afterwards. */
export function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
