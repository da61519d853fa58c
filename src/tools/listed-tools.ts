import type {
  CallToolResult,
  InputRequiredResult,
  McpServer,
  ServerContext,
  StandardSchemaWithJSON,
} from '@modelcontextprotocol/server';
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

/** The names that do not exist for want of an option. */
export function namesWithout(features: Features): readonly string[] {
  return FEATURES.filter((feature) => features[feature] === undefined).flatMap(
    (feature) => ONLY_WITH[feature],
  );
}

/** The lists made so far, by what is left out of them. */
const made = new Map<string, readonly ListedTool[]>();

/** The tools as a server with these options lists them; those of approvals only for a caller who `approves`. */
export function listedTools(
  { canRestore, ...features }: Features & { canRestore: boolean },
  approves: boolean,
): readonly ListedTool[] {
  const without: readonly string[] = [
    ...namesWithout(features),
    ...(canRestore ? [] : [RESTORE]),
    ...(approves ? [] : APPROVAL_TOOLS),
  ];
  const key = String(without);
  const list = made.get(key) ?? listWithout(without, features);
  made.set(key, list);
  return list;
}

function listWithout(names: readonly string[], features: Features): readonly ListedTool[] {
  const tools: readonly ListedTool[] = LISTED_TOOLS;
  return tools
    .filter(({ name }) => !names.includes(name))
    .map((tool) => ({
      ...tool,
      inputSchema: inputSchemaIn(features, lacking(tool.inputSchema, names)),
      outputSchema: lacking(tool.outputSchema, names),
    }));
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
 * Registers a tool as it is listed. The SDK checks neither arguments nor results: the tool reads its arguments by itself,
 * so that a caller whose arguments do not fit gets a result of the tool.
 */
export function registerListed(
  server: McpServer,
  { name, inputSchema, outputSchema, ...shown }: ListedTool,
  answer: (given: unknown, context: ServerContext) => Promise<CallToolResult | InputRequiredResult>,
): void {
  const schemas = { inputSchema: unchecked(inputSchema), outputSchema: unchecked(outputSchema) };
  server.registerTool(name, { ...shown, ...schemas }, answer);
}

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
