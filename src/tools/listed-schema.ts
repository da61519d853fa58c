import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server';
import * as z from 'zod';

/**
 * Schemas as hosts get them. Every model reads them before anything else, so they say what a caller needs and no more:
 * what zod would add, and the long lists of codes in results (they are in the reference), is left out. Each is
 * converted once a process, however many connections there are.
 */

/** The longest list of values that a result's schema spells out. */
const LONGEST_ENUM = 7;

/** What a tool takes; checked by zod with everything it knows. */
export function listedInput<S extends z.ZodObject>(
  schema: S,
): StandardSchemaWithJSON<z.input<S>, z.output<S>> {
  const json = once(() => withoutDialect(z.toJSONSchema(schema, { io: 'input' })));
  const { validate } = schema['~standard'];
  return { '~standard': { version: 1, vendor: 'zod', validate, jsonSchema: { input: json, output: json } } };
}

/**
 * What a tool answers. `toolResult` has checked it when the SDK asks, so it is not checked again.
 *
 * Its objects are open, as far as hosts are told: another member in a later version breaks nobody.
 */
export function listedOutput<S extends z.ZodObject>(
  schema: S,
): StandardSchemaWithJSON<z.input<S>, z.output<S>> {
  const json = once(() =>
    withoutDialect(
      z.toJSONSchema(schema, {
        io: 'input',
        override: ({ jsonSchema }) => {
          if ((jsonSchema.enum?.length ?? 0) > LONGEST_ENUM) delete jsonSchema.enum;
          delete jsonSchema.propertyNames;
        },
      }),
    ),
  );
  const validate = (value: unknown) => ({ value: value as z.output<S> });
  return { '~standard': { version: 1, vendor: 'zod', validate, jsonSchema: { input: json, output: json } } };
}

function withoutDialect({ $schema: _, ...schema }: Record<string, unknown>): Record<string, unknown> {
  return schema;
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
