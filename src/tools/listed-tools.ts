import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server';
import { APPROVAL_TOOLS, RESTORE } from '../vocabulary/names.ts';
import LISTED_TOOLS from './listed-tools.json' with { type: 'json' };

/**
 * The tools as `tools/list` shows them, from a file that `npm run docs` makes of their definitions: hosts start servers to
 * list their tools, and the definitions take longer to load than all the rest. They are loaded by the first call.
 */

/** A schema in JSON, as far as it is changed here. */
export interface JsonSchema {
  type?: unknown;
  description?: string;
  enum?: readonly unknown[];
  items?: JsonSchema;
  properties?: Readonly<Record<string, JsonSchema>>;
  [keyword: string]: unknown;
}

/** A tool as it is listed. */
export interface ListedTool {
  name: string;
  title: string;
  description: string;
  inputSchema: JsonSchema;
  outputSchema: JsonSchema;
  annotations: Readonly<Record<string, boolean>>;
}

/**
 * What exists only with an option: arguments, members of results and values of enumerations. Servers without the option do
 * not know the arguments, and list none of it.
 */
const ONLY_WITH = {
  targets: ['target', 'targets'],
  approvals: ['approval_id', 'approval', 'awaiting_approval'],
} as const;

type Feature = keyof typeof ONLY_WITH;
const FEATURES = Object.keys(ONLY_WITH) as Feature[];

/** What a server has by its options; of a feature without its option nothing. */
export type Features = { [feature in Feature]?: unknown };

/** What the argument `region` means where targets are in use. */
const REGION_OF_TARGETS =
  'One region, of each target asked; a change may leave it out where the target has one';

/** The features that a server lacks. */
export function missingFeatures(features: Features): readonly Feature[] {
  return FEATURES.filter((feature) => features[feature] === undefined);
}

/** The names that do not exist for want of these features. */
export function namesWithout(missing: readonly Feature[]): readonly string[] {
  return missing.flatMap((feature) => ONLY_WITH[feature]);
}

/** A tool as the SDK registers it. */
interface Registration {
  name: string;
  config: Omit<ListedTool, 'name' | 'inputSchema' | 'outputSchema'> & {
    inputSchema: StandardSchemaWithJSON<unknown, unknown>;
    outputSchema: StandardSchemaWithJSON<unknown, Record<string, unknown>>;
  };
}

/** Those made so far: over HTTP every request has a server of its own. */
const made = new Map<string, readonly Registration[]>();

/** The tools as a server with these options lists them; those of approvals only for a caller who `approves`. */
export function registrations(
  server: Features & { canRestore: boolean },
  approves: boolean,
): readonly Registration[] {
  const missing = missingFeatures(server);
  const hidden = [...(server.canRestore ? [] : [RESTORE]), ...(approves ? [] : APPROVAL_TOOLS)];
  const key = `${missing} ${hidden}`;
  const known = made.get(key);
  if (known !== undefined) return known;
  const tools: readonly ListedTool[] = LISTED_TOOLS;
  const names = namesWithout(missing);
  const list = tools
    .filter(({ name }) => !hidden.includes(name))
    .map((tool) => ({
      ...tool,
      inputSchema: inputSchemaIn(server, lacking(tool.inputSchema, names)),
      outputSchema: lacking(tool.outputSchema, names),
    }))
    .map(registrationOf);
  made.set(key, list);
  return list;
}

/** The schema without members and values of enumerations of these names, at every depth. */
function lacking(schema: JsonSchema, names: readonly string[]): JsonSchema {
  const { properties, items, enum: values } = schema;
  const kept = Object.entries(properties ?? {}).filter(([name]) => !names.includes(name));
  return {
    ...schema,
    ...(values && { enum: values.filter((value) => !names.includes(String(value))) }),
    ...(items && { items: lacking(items, names) }),
    ...(properties && {
      properties: Object.fromEntries(kept.map(([name, each]) => [name, lacking(each, names)])),
    }),
  };
}

function inputSchemaIn({ targets }: Features, schema: JsonSchema): JsonSchema {
  const { region } = schema.properties ?? {};
  if (targets === undefined || region === undefined) return schema;
  const described = { ...region, description: REGION_OF_TARGETS };
  return { ...schema, properties: { ...schema.properties, region: described } };
}

/**
 * A tool to register as it is listed. The SDK checks neither arguments nor results: the tool reads its arguments by
 * itself, so that a caller whose arguments do not fit gets a result of the tool.
 */
export function registrationOf({ name, inputSchema, outputSchema, ...shown }: ListedTool): Registration {
  const schemas = { inputSchema: unchecked(inputSchema), outputSchema: unchecked(outputSchema) };
  return { name, config: { ...shown, ...schemas } };
}

/** Arguments of whatever kind. */
export const ANY_INPUT = unchecked({ type: 'object' });

function unchecked(schema: JsonSchema): StandardSchemaWithJSON<unknown, Record<string, unknown>> {
  const json = (): JsonSchema => schema;
  const validate = (value: unknown) => ({ value: value as Record<string, unknown> });
  return {
    '~standard': {
      version: 1,
      vendor: 'nat-gateway-mcp',
      validate,
      jsonSchema: { input: json, output: json },
    },
  };
}
