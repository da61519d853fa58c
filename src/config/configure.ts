import { parseArgs } from 'node:util';
import { NAT_GATEWAY_ID } from '../vocabulary/ids.ts';
import { visibleLine } from '../vocabulary/text.ts';
import type { CHECK_FLAGS } from './check-flags.ts';
import { isLoopback, LOOPBACK_HOSTS } from './loopback.ts';
import {
  type Command,
  flagOf,
  type Name,
  OPTION_NAMES,
  OPTIONS,
  PREFIX,
  type Settings,
  takes,
  variableOf,
} from './options.ts';
import type { HttpAddress } from './values.ts';

/** The command to run, and what it needs to know. */
export type Invocation =
  | { command: Exclude<Command, 'check'>; settings: Settings }
  | ({ command: 'check'; settings: Settings } & CheckFlags)
  | { command: 'help'; of: Command }
  | { command: 'version' };

/** How a set-up is checked. */
export interface CheckFlags {
  /** The gateway of the dry run. */
  gateway: string | undefined;
  json: boolean;
}

/** Refuses a configuration with one line that names the flag or variable. */
export class ConfigurationError extends Error {
  constructor(message: string) {
    super(visibleLine(message));
  }
}

/**
 * Reads the command line (without node and script) and the environment. A flag overrides its variable.
 *
 * @throws ConfigurationError
 */
export function configure(argv: readonly string[], environment: NodeJS.ProcessEnv): Invocation {
  const [first, ...rest] = argv;
  const command = isNamed(first) ? first : 'serve';
  const flags = readFlags(command, command === 'serve' ? [...argv] : rest);
  if (flags.help === true) return { command: 'help', of: command };
  if (flags.version === true) return { command: 'version' };

  refuseUnknownVariables(environment);
  const settings: Record<string, unknown> = {};
  const given = new Set<Name>();
  for (const name of OPTION_NAMES) {
    if (flags[flagOf(name)] !== undefined && !takes(command, name)) {
      throw new ConfigurationError(`--${flagOf(name)} cannot be used with ${invocationOf(command)}.`);
    }
    const source = sourceOf(name, flags, environment);
    if (source !== undefined) given.add(name);
    settings[name] = source === undefined ? OPTIONS[name].fallback : parseSource(name, source);
  }
  const complete = settings as Settings;
  if (command === 'serve' || command === 'check') refuseContradictions(complete, given);
  return command === 'check'
    ? { command, settings: complete, ...checkFlags(flags) }
    : { command, settings: complete };
}

const COMMANDS = ['check', 'simulator', 'iam-policy', 'state-table'] as const;

/** Whether the first argument is a command; without one the server is started. */
function isNamed(argument: string | undefined): argument is Exclude<Command, 'serve'> {
  return COMMANDS.some((command) => command === argument);
}

function checkFlags({ gateway, json }: Flags): CheckFlags {
  const ids = [gateway ?? []].flat().map(String);
  const [id] = ids;
  if (ids.length > 1) throw new ConfigurationError('--gateway is given more than once.');
  if (id !== undefined && !NAT_GATEWAY_ID.test(id)) {
    throw new ConfigurationError(`--gateway must be a NAT gateway id, not ${JSON.stringify(id)}.`);
  }
  return { gateway: id, json: json === true };
}

/** Changes an hour that a table counts for one caller. */
const MOST_COUNTED = 1000;

function refuseContradictions(settings: Settings, given: ReadonlySet<Name>): void {
  if (settings.simulate && settings.profile !== undefined) {
    throw new ConfigurationError(
      '--simulate cannot be used with --profile: the embedded endpoint is never given your credentials.',
    );
  }
  if (settings.simulate && settings.stateTable !== undefined) {
    throw new ConfigurationError(
      '--simulate cannot be used with --state-table: the embedded endpoint belongs to one process.',
    );
  }
  if (settings.stateTable !== undefined && settings.maxChangesPerHour > MOST_COUNTED) {
    throw new ConfigurationError(
      `--max-changes-per-hour cannot be above ${MOST_COUNTED} with --state-table, which has an item for each change.`,
    );
  }
  for (const name of given) {
    const { needs } = OPTIONS[name];
    if (needs !== undefined && !settings[needs]) {
      throw new ConfigurationError(`--${flagOf(name)} needs --${flagOf(needs)}.`);
    }
  }
  if (settings.http !== undefined) refuseUnsafeHttp(settings, settings.http, given);
}

function refuseUnsafeHttp(settings: Settings, { host }: HttpAddress, given: ReadonlySet<Name>): void {
  const { tokenFile, oauthIssuer, oauthAudience } = settings;
  if (!given.has('confirm')) {
    throw new ConfigurationError(
      '--http needs --confirm: clients of the 2025 revisions cannot ask a human over HTTP, so choose auto (ask whenever the client can), always (refuse clients that cannot ask) or never.',
    );
  }
  if ((oauthIssuer === undefined) !== (oauthAudience === undefined)) {
    throw new ConfigurationError('--oauth-issuer and --oauth-audience must be given together.');
  }
  for (const name of ['oauthScopePrefix', 'oauthClientId', 'oauthTargetsClaim'] as const) {
    if (given.has(name) && oauthIssuer === undefined) {
      throw new ConfigurationError(`--${flagOf(name)} needs --oauth-issuer.`);
    }
  }
  if (given.has('oauthTargetsClaim') && settings.targets === undefined) {
    throw new ConfigurationError('--oauth-targets-claim needs --targets.');
  }
  if (tokenFile !== undefined && oauthIssuer !== undefined) {
    throw new ConfigurationError('--token-file cannot be used with --oauth-issuer: choose one.');
  }
  if (settings.approvals !== undefined && tokenFile === undefined && oauthIssuer === undefined) {
    throw new ConfigurationError(
      '--approvals needs --token-file or --oauth-issuer: without tokens nobody has a name.',
    );
  }
  if (!isLoopback(host) && tokenFile === undefined && oauthIssuer === undefined) {
    throw new ConfigurationError(
      `--http ${host} can be reached from other machines, so it needs --token-file or --oauth-issuer; without either, serve on ${LOOPBACK_HOSTS.join(', ')}.`,
    );
  }
}

/** The command line by flag; a list for each option, because a repeated flag is noticed by its length. */
type Flags = Record<string, string | boolean | string[] | undefined>;

function readFlags(command: Command, args: string[]): Flags {
  const options: Record<string, { type: 'string' | 'boolean'; short?: string; multiple?: boolean }> = {
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean' },
    ...(command === 'check' ? CHECK_OPTIONS : {}),
  };
  for (const name of OPTION_NAMES) {
    const { placeholder, variableOnly } = OPTIONS[name];
    const type = placeholder === undefined ? 'boolean' : 'string';
    if (variableOnly !== true) options[flagOf(name)] = { type, multiple: true };
  }
  try {
    const { values } = parseArgs({ args, options, strict: true, allowNegative: true });
    return values as Flags;
  } catch (error) {
    const [problem = ''] = visibleLine((error as Error).message).split('. ');
    throw new ConfigurationError(`${problem.replace(/\.$/, '')}. See --help.`);
  }
}

const CHECK_OPTIONS = {
  gateway: { type: 'string', multiple: true },
  json: { type: 'boolean' },
} as const satisfies Record<keyof typeof CHECK_FLAGS, object>;

/** The flag or variable that sets an option, and its text: several if a flag is repeated. */
interface Source {
  label: string;
  texts: string[];
}

function sourceOf(name: Name, flags: Flags, environment: NodeJS.ProcessEnv): Source | undefined {
  const flag = flags[flagOf(name)];
  if (flag !== undefined) return { label: `--${flagOf(name)}`, texts: [flag].flat().map(String) };
  const text = environment[variableOf(name)];
  return text === undefined ? undefined : { label: variableOf(name), texts: [text] };
}

function parseSource(name: Name, { label, texts }: Source): unknown {
  const { repeatable = false } = OPTIONS[name];
  if (texts.length > 1 && !repeatable) throw new ConfigurationError(`${label} is given more than once.`);
  const values = texts.map((text) => parseText(name, label, text));
  return repeatable ? values.flat() : values[0];
}

function parseText(name: Name, label: string, text: string): unknown {
  if (text === '') throw new ConfigurationError(`${label} is empty.`);
  if (text.includes('${')) throw new ConfigurationError(`${label} holds a variable that was not filled in.`);
  try {
    return OPTIONS[name].parse(text);
  } catch (error) {
    const shown = OPTIONS[name].variableOnly === true ? '' : `, not ${JSON.stringify(text)}`;
    throw new ConfigurationError(`${label} ${(error as Error).message}${shown}.`);
  }
}

function refuseUnknownVariables(environment: NodeJS.ProcessEnv): void {
  const known = new Set(OPTION_NAMES.map(variableOf));
  for (const variable of Object.keys(environment)) {
    if (variable.startsWith(PREFIX) && !known.has(variable)) {
      throw new ConfigurationError(`${variable} is not a variable of nat-gateway-mcp. See --help.`);
    }
  }
}

function invocationOf(command: Command): string {
  return command === 'serve' ? 'nat-gateway-mcp' : `nat-gateway-mcp ${command}`;
}
