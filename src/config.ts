import { isIPv6 } from 'node:net';
import { parseArgs } from 'node:util';
import { isLoopback, LOOPBACK_HOSTS } from './loopback.ts';
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

const HOST = /^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])$/;

/** As browsers write it: no path, no trailing slash. */
const ORIGIN = /^https?:\/\/([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$/;

const both: readonly Command[] = ['serve', 'simulator'];

/** Where HTTP is served: a name or an address, without the brackets of IPv6, and a port. */
export interface HttpAddress {
  host: string;
  port: number;
}

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
  http: option<HttpAddress | undefined>({
    placeholder: '[HOST:]PORT',
    help: 'Serve MCP over HTTP at /mcp, with /healthz and /readyz, in place of stdio. The host is 127.0.0.1 where none is given; any but a loopback one needs --token-file or --oauth-issuer. Port 0 takes any free one. Needs --confirm. Default: stdio.',
    fallback: undefined,
    parse: parseHttpAddress,
    commands: ['serve'],
  }),
  allowedHosts: list(
    'HOST',
    'Host names, ports aside, under which clients may call over HTTP.',
    HOST,
    'a host name without scheme or port',
    'localhost, 127.0.0.1, [::1] and the host of --http',
  ),
  allowedOrigins: list(
    'ORIGIN',
    'Web origins whose pages may call over HTTP; what is no browser sends none.',
    ORIGIN,
    'an origin such as https://chat.example.com',
    'any of this machine (localhost, 127.0.0.1, [::1])',
  ),
  tokenFile: option<string | undefined>({
    placeholder: 'FILE',
    help: 'Tokens with which clients may call over HTTP: JSON, {"tokens": [{"name": …, "scopes": ["nat:read", "nat:write"], "sha256": …}]}, read at the start. Instead of the SHA-256, "token" may hold the token itself (32 characters or more), in a file that only its owner can read. Default: none.',
    fallback: undefined,
    parse: (text) => text,
    commands: ['serve'],
  }),
  oauthIssuer: option<string | undefined>({
    placeholder: 'URL',
    help: 'Authorization server whose tokens (JWTs) clients may call with over HTTP; goes with --oauth-audience. Default: none.',
    fallback: undefined,
    parse: parseIssuer,
    commands: ['serve'],
  }),
  oauthAudience: option<string | undefined>({
    placeholder: 'AUDIENCE',
    help: "The audience those tokens must be for; best this server's own URL, as in https://nat.example.com/mcp. Default: none.",
    fallback: undefined,
    parse: (text) => text,
    commands: ['serve'],
  }),
  maxBodyBytes: option<number>({
    placeholder: 'N',
    help: 'How large a request may be over HTTP. Default: 262144.',
    fallback: 262_144,
    parse: wholeNumberBetween(4096, 16_777_216),
    commands: ['serve'],
  }),
  requestTimeoutSeconds: option<number>({
    placeholder: 'N',
    help: 'How long a request may take over HTTP, its answer read included (60 to 3600); waits end 15 s before. Default: 915, the longest wait and those 15 s.',
    fallback: 915,
    parse: wholeNumberBetween(60, 3600),
    commands: ['serve'],
  }),
  maxConcurrentCalls: option<number>({
    placeholder: 'N',
    help: 'How many calls may run at the same time over HTTP. Default: 64.',
    fallback: 64,
    parse: wholeNumberBetween(1, 10_000),
    commands: ['serve'],
  }),
  maxSubscriptions: option<number>({
    placeholder: 'N',
    help: 'How many subscriptions may be open at the same time over HTTP. Default: 64.',
    fallback: 64,
    parse: wholeNumberBetween(1, 10_000),
    commands: ['serve'],
  }),
  confirm: option<ConfirmMode>({
    placeholder: 'WHEN',
    help: 'When a human is asked before a change: auto (whenever the client can ask one), always (a client that cannot ask is refused) or never. Default: auto; with --http it has to be chosen, as clients of the 2025 revisions cannot ask there.',
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

Serves MCP over stdio, or over HTTP with --http: describe the private IP addresses of NAT gateways, and release secondary ones.

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

function list(
  placeholder: string,
  help: string,
  item: RegExp,
  what: string,
  otherwise = 'no such limit',
): Option<readonly string[]> {
  return {
    placeholder,
    help: `${help} Can be repeated, or separated by commas. Default: ${otherwise}.`,
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

function parseHttpAddress(text: string): HttpAddress {
  const [, bracketed, plain, port = ''] = /^(?:(?:\[([^\]]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? '127.0.0.1';
  const fits = bracketed === undefined ? HOST.test(host) : isIPv6(bracketed);
  if (port === '' || Number(port) > 65_535 || !fits) {
    throw new Error('must be PORT, HOST:PORT or [IPv6]:PORT');
  }
  return { host, port: Number(port) };
}

/** Over plain HTTP anyone on the way could put keys of their own in place of the issuer's. */
function parseIssuer(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
  if (!safe || url?.search !== '' || url.hash !== '' || url.username !== '') {
    throw new Error('must be an https URL without query, or http on a loopback host');
  }
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
