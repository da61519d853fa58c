import { parseArgs } from 'node:util';
import { visibleLine } from './nat-gateway/text.ts';
import { NAT_GATEWAY_ID, REGION } from './tools/arguments.ts';
import { CONFIRM_MODES, type ConfirmMode } from './tools/confirmation.ts';

/**
 * Every flag and variable, in one table: parsing, `--help` and the README's table all come from it. A flag beats
 * its variable; what cannot be understood stops the start.
 */

/** What the program does: serve MCP over stdio, or serve the embedded EC2 endpoint to others. */
export type Command = 'serve' | 'simulator';

interface Option<T> {
  /** What stands for the value in the help; a switch has none. */
  placeholder?: string;
  help: string;
  fallback: T;
  /** For secrets, which do not belong on a command line. */
  variableOnly?: boolean;
  /** May be given several times, or with values separated by commas. */
  repeatable?: boolean;
  /** The value that `text` means; throws an Error whose message completes "--flag …". */
  parse: (text: string) => T;
  commands: readonly Command[];
}

const both: readonly Command[] = ['serve', 'simulator'];

export const OPTIONS = {
  region: option<string | undefined>({
    placeholder: 'REGION',
    help: 'AWS region of calls that name none. Default: what the AWS SDK finds (AWS_REGION, the profile); us-east-1 when simulating.',
    fallback: undefined,
    parse: parseRegion,
    commands: both,
  }),
  profile: option<string | undefined>({
    placeholder: 'NAME',
    help: 'AWS profile for credentials and region. Default: what the AWS SDK finds.',
    fallback: undefined,
    parse: (text) => text,
    commands: ['serve'],
  }),
  simulate: option<boolean>({
    help: 'Use the embedded EC2 endpoint with made-up gateways instead of AWS: no account, no credentials.',
    fallback: false,
    parse: parseSwitch,
    commands: ['serve'],
  }),
  simulateSpeed: option<number>({
    placeholder: 'N',
    help: "How many times faster than real time the embedded endpoint's clock runs (0.1 to 10000). Default: 1.",
    fallback: 1,
    parse: numberBetween(0.1, 10_000),
    commands: both,
  }),
  port: option<number>({
    placeholder: 'PORT',
    help: 'Port of the embedded endpoint on 127.0.0.1; 0 takes any free one. Default: 4566.',
    fallback: 4566,
    parse: wholeNumberBetween(0, 65_535),
    commands: ['simulator'],
  }),
  confirm: option<ConfirmMode>({
    placeholder: 'WHEN',
    help: 'When a human is asked before a change: auto (whenever the client can ask one), always (a client that cannot ask is refused) or never. Default: auto.',
    fallback: 'auto',
    parse: oneOf(CONFIRM_MODES),
    commands: ['serve'],
  }),
  confirmationKey: option<string | undefined>({
    placeholder: 'KEY',
    variableOnly: true,
    help: 'Secret of 32 characters or more that signs confirmations, for replicas to share. Default: random per process.',
    fallback: undefined,
    parse: parseKey,
    commands: ['serve'],
  }),
  readOnly: option<boolean>({
    help: 'Refuse every real change; dry runs work.',
    fallback: false,
    parse: parseSwitch,
    commands: ['serve'],
  }),
  allowAccount: list(
    'ID',
    'Only change gateways of these AWS accounts.',
    /^\d{12}$/,
    'a 12-digit account id',
  ),
  allowRegion: list('REGION', 'Only change gateways in these regions.', REGION, 'a region'),
  allowGateway: list('ID', 'Only change these gateways.', NAT_GATEWAY_ID, 'a NAT gateway id'),
  requireTag: tagList('Only change gateways that have all of these tags.'),
  protectTag: tagList('Never change gateways that have any of these tags.'),
  minRemaining: option<number>({
    placeholder: 'N',
    help: 'How many working addresses must remain on a gateway, the primary counted. Default: 1.',
    fallback: 1,
    parse: wholeNumberBetween(0, 32),
    commands: ['serve'],
  }),
  maxAddresses: option<number>({
    placeholder: 'N',
    help: 'How many addresses one call may release. Default: 7, all secondaries a private gateway can have.',
    fallback: 7,
    parse: wholeNumberBetween(1, 31),
    commands: ['serve'],
  }),
  maxChangesPerHour: option<number>({
    placeholder: 'N',
    help: 'How many real calls this process may send in an hour for each caller; over stdio there is one. Default: 20.',
    fallback: 20,
    parse: wholeNumberBetween(1, 100_000),
    commands: ['serve'],
  }),
  auditLog: option<string | undefined>({
    placeholder: 'FILE',
    help: 'Append audit records (JSON Lines) to this file. Default: stderr.',
    fallback: undefined,
    parse: (text) => text,
    commands: ['serve'],
  }),
  logLevel: option<string>({
    placeholder: 'LEVEL',
    help: 'Least level of the JSON log on stderr: trace, debug, info, warn, error, fatal or silent. Default: info.',
    fallback: 'info',
    parse: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    commands: both,
  }),
};

type Name = keyof typeof OPTIONS;

export type Settings = { [K in Name]: (typeof OPTIONS)[K]['fallback'] };

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
  const command: Command = first === 'simulator' ? 'simulator' : 'serve';
  const flags = readFlags(command === 'simulator' ? others : [...argv]);
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
}

/** What was given on the command line, by flag; a list where a flag may be repeated. */
type Flags = Record<string, string | boolean | string[] | undefined>;

function readFlags(args: string[]): Flags {
  const options: Record<string, { type: 'string' | 'boolean'; short?: string; multiple?: boolean }> = {
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean' },
  };
  for (const name of names()) {
    const { placeholder, variableOnly, repeatable = false } = OPTIONS[name] as Option<unknown>;
    const type = placeholder === undefined ? 'boolean' : 'string';
    if (variableOnly !== true) options[flagOf(name)] = { type, multiple: repeatable };
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
  const values = texts.map((text) => parsedText(name, label, text));
  return (OPTIONS[name] as Option<unknown>).repeatable === true ? values.flat() : values.at(-1);
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

const PREFIX = 'NAT_GATEWAY_MCP_';

function refuseUnknownVariables(environment: NodeJS.ProcessEnv): void {
  const known = new Set(names().map(variableOf));
  for (const variable of Object.keys(environment)) {
    if (variable.startsWith(PREFIX) && !known.has(variable)) {
      throw new ConfigurationError(`${variable} is not a variable of nat-gateway-mcp. See --help.`);
    }
  }
}

/** The text of `--help`. */
export function help(command: Command): string {
  const rows = names()
    .filter((name) => OPTIONS[name].commands.includes(command))
    .map((name) =>
      OPTIONS[name].variableOnly === true
        ? [variableOf(name), OPTIONS[name].help]
        : [`--${flagOf(name)}${placeholderOf(name)}`, `${OPTIONS[name].help} [${variableOf(name)}]`],
    );
  rows.push(['--help', 'Show this.'], ['--version', 'Show the version.']);
  const width = Math.max(...rows.map(([flag = '']) => flag.length));
  const lines = rows.map(([flag = '', text]) => `  ${flag.padEnd(width)}  ${text}`);
  return command === 'simulator'
    ? `Usage: nat-gateway-mcp simulator [flags]

Serves the embedded EC2 endpoint on 127.0.0.1 for any AWS SDK or the aws CLI.

${lines.join('\n')}
`
    : `Usage: nat-gateway-mcp [flags]
       nat-gateway-mcp simulator [flags]    see nat-gateway-mcp simulator --help

Serves MCP over stdio: describe the private IP addresses of NAT gateways, and release secondary ones.

${lines.join('\n')}

Each flag has the variable in brackets; the flag beats it. --no-simulate undoes a variable that is true.
`;
}

/** The README's table of flags, in Markdown. */
export function markdownTable(): string {
  const rows = names().map((name) => {
    const only =
      OPTIONS[name].commands.length === 2
        ? ''
        : OPTIONS[name].commands[0] === 'simulator'
          ? ' (`simulator` only)'
          : '';
    const flag = OPTIONS[name].variableOnly === true ? '' : `\`--${flagOf(name)}${placeholderOf(name)}\``;
    return `| ${flag} | \`${variableOf(name)}\` | ${OPTIONS[name].help}${only} |`;
  });
  return ['| Flag | Variable | Meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

function list(placeholder: string, help: string, item: RegExp, what: string): Option<readonly string[]> {
  return {
    placeholder,
    help: `${help} Can be repeated, or separated by commas. Default: no such limit.`,
    fallback: [],
    repeatable: true,
    parse: (text) => {
      const values = text.split(',');
      if (!values.every((value) => item.test(value))) throw new Error(`must be ${what} each`);
      return values;
    },
    commands: ['serve'],
  };
}

/**
 * Tags, which may hold any character. What could be read in two ways is refused: a misread tag protects nothing, and
 * nobody notices.
 */
function tagList(help: string): Option<readonly string[]> {
  return {
    placeholder: 'KEY[=VALUE]',
    help: `${help} Can be repeated, or separated by commas; a comma within a tag is written \\,. Default: no such limit.`,
    fallback: [],
    repeatable: true,
    parse: (text) => {
      const tags = text.split(/(?<!\\),/);
      if (!tags.every((tag) => /^[^=]/.test(tag))) throw new Error('must be KEY or KEY=VALUE each');
      if (tags.some((tag) => tag !== tag.trim())) {
        throw new Error('must have no space at the start or the end of a tag');
      }
      if (tags.some((tag, index) => !tag.includes('=') && tags[index - 1]?.includes('='))) {
        throw new Error(
          'must say whether a comma belongs to the value (write \\,) or not (name the KEY first)',
        );
      }
      return tags.map((tag) => tag.replaceAll('\\,', ','));
    },
    commands: ['serve'],
  };
}

function option<T>(definition: Option<T>): Option<T> {
  return definition;
}

function names(): Name[] {
  return Object.keys(OPTIONS) as Name[];
}

function flagOf(name: Name): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function variableOf(name: Name): string {
  return PREFIX + flagOf(name).replaceAll('-', '_').toUpperCase();
}

function placeholderOf(name: Name): string {
  const { placeholder } = OPTIONS[name];
  return placeholder === undefined ? '' : ` ${placeholder}`;
}

function invocationOf(command: Command): string {
  return command === 'simulator' ? 'nat-gateway-mcp simulator' : 'nat-gateway-mcp';
}

function parseKey(text: string): string {
  if (Buffer.byteLength(text) < 32) throw new Error('must have 32 characters or more');
  return text;
}

function parseRegion(text: string): string {
  if (!REGION.test(text)) throw new Error('must be an AWS region such as us-east-1');
  return text;
}

function parseSwitch(text: string): boolean {
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw new Error('must be true or false');
}

function numberBetween(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= minimum && value <= maximum))
      throw new Error(`must be a number from ${minimum} to ${maximum}`);
    return value;
  };
}

function wholeNumberBetween(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= minimum && value <= maximum)) {
      throw new Error(`must be a whole number from ${minimum} to ${maximum}`);
    }
    return value;
  };
}

function oneOf<T extends string>(values: readonly T[]): (text: string) => T {
  return (text) => {
    const value = values.find((candidate) => candidate === text);
    if (value === undefined) throw new Error(`must be one of ${values.join(', ')}`);
    return value;
  };
}
