import { parseArgs } from 'node:util';
import { visibleLine } from '../vocabulary/text.ts';
import { isLoopback, LOOPBACK_HOSTS } from './loopback.ts';
import {
  type Command,
  flagOf,
  type Name,
  names,
  OPTIONS,
  type Option,
  PREFIX,
  type Settings,
  variableOf,
} from './options.ts';
import type { HttpAddress } from './values.ts';

/** What the command line and the environment ask for. */
export type Invocation =
  | { command: Command; settings: Settings }
  | { command: 'help'; of: Command }
  | { command: 'version' };

/** A configuration that cannot be understood; its message is one line that names the flag or variable. */
export class ConfigurationError extends Error {
  constructor(message: string) {
    super(visibleLine(message));
  }
}

/**
 * Reads the command line (without node and script) and the environment.
 *
 * @throws ConfigurationError
 */
export function configure(argv: readonly string[], environment: NodeJS.ProcessEnv): Invocation {
  const [first, ...others] = argv;
  const command = first === 'simulator' || first === 'iam-policy' ? first : 'serve';
  const flags = readFlags(command === 'serve' ? [...argv] : others);
  if (flags.help === true) return { command: 'help', of: command };
  if (flags.version === true) return { command: 'version' };

  refuseUnknownVariables(environment);
  const settings: Record<string, unknown> = {};
  const given = new Set<string>();
  for (const name of names()) {
    const source = sourceOf(name, flags, environment);
    if (
      source !== undefined &&
      flags[flagOf(name)] !== undefined &&
      !OPTIONS[name].commands.includes(command)
    ) {
      throw new ConfigurationError(`--${flagOf(name)} does not go with ${invocationOf(command)}.`);
    }
    if (source !== undefined) given.add(name);
    settings[name] = source === undefined ? OPTIONS[name].fallback : parsed(name, source);
  }
  const complete = settings as Settings;
  if (command === 'serve') refuseContradictions(complete, given);
  return { command, settings: complete };
}

function refuseContradictions(settings: Settings, given: ReadonlySet<string>): void {
  if (settings.simulate && settings.profile !== undefined) {
    throw new ConfigurationError(
      '--simulate does not go with --profile: the embedded endpoint is never given credentials of yours.',
    );
  }
  if (given.has('simulateSpeed') && !settings.simulate) {
    throw new ConfigurationError('--simulate-speed needs --simulate.');
  }
  if (settings.http === undefined) {
    const astray = HTTP_ONLY.find((name) => given.has(name));
    if (astray !== undefined) throw new ConfigurationError(`--${flagOf(astray)} needs --http.`);
  } else {
    refuseOpenDoors(settings, settings.http, given);
  }
}

/** What means nothing over stdio. */
const HTTP_ONLY: readonly Name[] = [
  'allowedHosts',
  'allowedOrigins',
  'tokenFile',
  'oauthIssuer',
  'oauthAudience',
  'maxBodyBytes',
  'requestTimeoutSeconds',
  'maxConcurrentCalls',
  'maxSubscriptions',
];

function refuseOpenDoors(settings: Settings, { host }: HttpAddress, given: ReadonlySet<string>): void {
  const { tokenFile, oauthIssuer, oauthAudience } = settings;
  if (!given.has('confirm')) {
    throw new ConfigurationError(
      '--http needs --confirm: over HTTP clients of the 2025 revisions cannot ask a human, so choose auto (ask where possible), always (refuse the others) or never.',
    );
  }
  if ((oauthIssuer === undefined) !== (oauthAudience === undefined)) {
    throw new ConfigurationError('--oauth-issuer and --oauth-audience go together.');
  }
  if (tokenFile !== undefined && oauthIssuer !== undefined) {
    throw new ConfigurationError('--token-file does not go with --oauth-issuer: choose one.');
  }
  if (!isLoopback(host) && tokenFile === undefined && oauthIssuer === undefined) {
    throw new ConfigurationError(
      `--http ${host} can be reached from other machines, so it needs --token-file or --oauth-issuer; without them serve on ${LOOPBACK_HOSTS.join(', ')}.`,
    );
  }
}

/** What was given on the command line, by flag; a list where a flag may be repeated. */
type Flags = Record<string, string | boolean | string[] | undefined>;

function readFlags(args: string[]): Flags {
  const options: Record<string, { type: 'string' | 'boolean'; short?: string; multiple?: boolean }> = {
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean' },
  };
  for (const name of names()) {
    const { placeholder, variableOnly } = OPTIONS[name] as Option<unknown>;
    const type = placeholder === undefined ? 'boolean' : 'string';
    // All of them, so that one that is given twice is noticed.
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

interface Source {
  label: string;
  /** One, but for a flag that was repeated. */
  texts: string[];
}

function sourceOf(name: Name, flags: Flags, environment: NodeJS.ProcessEnv): Source | undefined {
  const flag = flags[flagOf(name)];
  if (flag !== undefined) return { label: `--${flagOf(name)}`, texts: [flag].flat().map(String) };
  const text = environment[variableOf(name)];
  return text === undefined ? undefined : { label: variableOf(name), texts: [text] };
}

function parsed(name: Name, { label, texts }: Source): unknown {
  const { repeatable = false } = OPTIONS[name] as Option<unknown>;
  if (texts.length > 1 && !repeatable) throw new ConfigurationError(`${label} is given more than once.`);
  const values = texts.map((text) => parsedText(name, label, text));
  return repeatable ? values.flat() : values[0];
}

function parsedText(name: Name, label: string, text: string): unknown {
  if (text === '') throw new ConfigurationError(`${label} is empty.`);
  if (text.includes('${')) {
    throw new ConfigurationError(`${label} holds a variable that was not filled in.`);
  }
  try {
    return OPTIONS[name].parse(text);
  } catch (error) {
    const shown = OPTIONS[name].variableOnly === true ? '' : `, not ${JSON.stringify(text)}`;
    throw new ConfigurationError(`${label} ${(error as Error).message}${shown}.`);
  }
}

function refuseUnknownVariables(environment: NodeJS.ProcessEnv): void {
  const known = new Set(names().map(variableOf));
  for (const variable of Object.keys(environment)) {
    if (variable.startsWith(PREFIX) && !known.has(variable)) {
      throw new ConfigurationError(`${variable} is not a variable of nat-gateway-mcp. See --help.`);
    }
  }
}

function invocationOf(command: Command): string {
  return command === 'serve' ? 'nat-gateway-mcp' : `nat-gateway-mcp ${command}`;
}
