import { EVIDENCE_MODES } from '../nat-gateway/evidence.ts';
import { NAT_GATEWAY_ID, REGION } from '../vocabulary/ids.ts';
import { CONFIRM_MODES } from '../vocabulary/names.ts';
import { LOOPBACK_HOSTS } from './loopback.ts';
import {
  HOST,
  listOf,
  numberBetween,
  ORIGIN,
  oneOf,
  parseAddressRanges,
  parseClaimName,
  parseEndpoint,
  parseHttpAddress,
  parseIssuer,
  parseKeys,
  parseRegion,
  parseScopePrefix,
  parseSwitch,
  parseTableName,
  parseTags,
  wholeNumberBetween,
} from './values.ts';

/**
 * Serve MCP, check a set-up, serve the embedded EC2 endpoint to other programs, print the IAM policy of the server,
 * or the template of the table that replicas share.
 */
export type Command = 'serve' | 'check' | 'simulator' | 'iam-policy' | 'state-table';

export interface Option<T> {
  /** Stands for the value in the help; a switch has none. */
  placeholder?: string;
  help: string;
  fallback: T;
  /** For secrets, because other users of the machine can read command lines. */
  variableOnly?: boolean;
  /** May be given several times, or with values separated by commas. */
  repeatable?: boolean;
  /** When serving, the option is refused unless this one is set too. */
  needs?: 'http' | 'simulate' | 'stateTable' | 'approvals';
  /** Returns the value of `text`; throws an Error whose message completes "--flag …". */
  parse: (text: string) => T;
  commands: readonly Command[];
}

const SERVE: readonly Command[] = ['serve'];
const SERVE_OR_SIMULATE: readonly Command[] = ['serve', 'simulator'];
/** For rules that IAM can enforce as well. */
const SERVE_OR_POLICY: readonly Command[] = ['serve', 'iam-policy'];

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** Every flag and variable. Parsing, `--help` and the table in the documentation are derived from it. */
export const OPTIONS = {
  region: value('REGION', parseRegion, {
    help: 'AWS region for calls that name none.',
    unset:
      'AWS_REGION, AWS_DEFAULT_REGION, the profile, the instance; of the embedded endpoint us-east-1, whatever these are',
    commands: SERVE_OR_SIMULATE,
  }),
  profile: text('NAME', {
    help: 'AWS profile, the only source of credentials; its region and endpoint count unless variables set them.',
    unset: "AWS_PROFILE, else the AWS SDK's chain of sources",
  }),
  targets: text('FILE', {
    help: 'JSON file of the accounts and regions that the server works in, each with a role to assume; docs/targets.md has its format. It is read again when it changes and on SIGHUP.',
    commands: SERVE_OR_POLICY,
  }),
  simulate: toggle({
    help: 'Use the embedded EC2 endpoint with made-up gateways instead of AWS: no account, no credentials.',
  }),
  simulateSpeed: number('N', [0.1, 10_000], 1, {
    help: "Speed of the embedded endpoint's clock, as a multiple of real time.",
    needs: 'simulate',
    commands: SERVE_OR_SIMULATE,
  }),
  port: wholeNumber('PORT', [0, 65_535], 4566, {
    help: 'Port of the embedded endpoint on 127.0.0.1; 0 picks a free one.',
    commands: ['simulator'],
  }),
  http: value('[HOST:]PORT', parseHttpAddress, {
    help: 'Serve MCP over HTTP at /mcp, with /healthz and /readyz, instead of stdio. Without a host, 127.0.0.1 is used; a host that other machines can reach needs --token-file or --oauth-issuer. Port 0 picks a free one. Needs --confirm.',
    unset: 'stdio',
  }),
  allowedHosts: list('HOST', listOf(HOST, 'host names without scheme or port'), {
    help: 'Host names, without ports, that clients may call over HTTP.',
    unset: `${LOOPBACK_HOSTS.join(', ')} and the host of --http`,
    needs: 'http',
  }),
  allowedOrigins: list('ORIGIN', listOf(ORIGIN, 'origins such as https://chat.example.com'), {
    help: 'Web origins allowed to call over HTTP. Clients that are not browsers send no Origin.',
    unset: `the origins of this machine (${LOOPBACK_HOSTS.join(', ')})`,
    needs: 'http',
  }),
  tokenFile: text('FILE', {
    help: 'JSON file of the tokens that clients may use over HTTP, read at the start: {"tokens": [{"name": …, "scopes": ["nat:read", "nat:write"], "sha256": …}]}. Instead of "sha256", "token" may hold the token itself (32 characters or more) if only the owner can read the file. The scope nat:approve is for --approvals, and "targets" limits a token to some of --targets.',
    needs: 'http',
  }),
  oauthIssuer: value('URL', parseIssuer, {
    help: 'Authorization server whose tokens (JWTs) clients may use over HTTP. Needs --oauth-audience.',
    needs: 'http',
  }),
  oauthAudience: text('AUDIENCE', {
    help: "Audience that the issuer's tokens must name, preferably this server's own URL, such as https://nat.example.com/mcp.",
    needs: 'http',
  }),
  oauthScopePrefix: value('PREFIX', parseScopePrefix, {
    help: 'What the issuer puts before nat:read, nat:write and nat:approve, such as https://nat.example.com/mcp/. Needs --oauth-issuer.',
    needs: 'http',
  }),
  oauthClientId: list('ID', listOf(/^[!-~]+$/, 'client ids'), {
    help: 'Clients of the issuer whose tokens count as for this server although they name no audience. Needs --oauth-issuer.',
    unset: 'none',
    needs: 'http',
  }),
  oauthTargetsClaim: value('NAME', parseClaimName, {
    help: "Claim of the issuer's tokens that lists the targets which their holder may use. A token without it may use none. Needs --oauth-issuer and --targets.",
    needs: 'http',
  }),
  maxBodyBytes: wholeNumber('N', [4096, 16_777_216], 262_144, {
    help: 'Maximum size of a request over HTTP, in bytes. All requests together may hold 16 times as much; a caller with a token gets a quarter of that.',
    needs: 'http',
  }),
  requestTimeoutSeconds: wholeNumber('N', [60, 3600], 915, {
    help: 'Maximum duration of a request over HTTP, in seconds, until the client has read the answer. Waits end 15 s earlier; the default leaves room for the longest wait.',
    needs: 'http',
  }),
  maxConcurrentCalls: wholeNumber('N', [1, 10_000], 64, {
    help: 'Maximum number of calls that run at once. Over HTTP, a caller with a token gets a quarter of them, and further calls are refused for the time being; over stdio, further calls wait.',
  }),
  confirm: choice('WHEN', CONFIRM_MODES, 'auto', {
    help: 'When to ask a human before a change: auto (whenever the client can ask one), always (refuse clients that cannot ask) or never. Must be given with --http, because clients of the 2025 revisions cannot ask over HTTP.',
  }),
  confirmationKey: value('KEY', parseKeys, {
    help: 'Secret of 32 characters or more that signs confirmations. Replicas must share it. Of two secrets, separated by a comma, the first signs and both are accepted, so that it can be replaced.',
    unset: 'random per process',
    variableOnly: true,
  }),
  readOnly: toggle({ help: 'Refuse every real change; dry runs still work.', commands: SERVE_OR_POLICY }),
  restore: toggle(
    {
      help: 'Offer the tool that gives released addresses back, as by default. --no-restore leaves out the tool and its permission.',
      commands: SERVE_OR_POLICY,
    },
    true,
  ),
  allowAccount: list('ID', listOf(/^\d{12}$/, '12-digit account ids'), {
    help: 'Change only gateways of these AWS accounts.',
    commands: SERVE_OR_POLICY,
  }),
  allowRegion: list('REGION', listOf(REGION, 'AWS regions such as us-east-1'), {
    help: 'Change only gateways in these regions.',
    commands: SERVE_OR_POLICY,
  }),
  allowGateway: list('ID', listOf(NAT_GATEWAY_ID, 'NAT gateway ids'), {
    help: 'Change only these gateways.',
    commands: SERVE_OR_POLICY,
  }),
  requireTag: tags('Change only gateways that have all of these tags.'),
  protectTag: tags('Never change gateways that have any of these tags.'),
  protectAddress: list('IP[/N]', parseAddressRanges, {
    help: 'Never release these addresses, for example those on the allow-list of a partner.',
    commands: SERVE_OR_POLICY,
  }),
  evidence: choice('MODE', EVIDENCE_MODES, 'auto', {
    help: 'Evidence about a gateway before a release: off (none), auto (read what the credentials may, and warn) or require (refuse a release without it, or if it speaks against one).',
    commands: SERVE_OR_POLICY,
  }),
  minRemaining: wholeNumber('N', [0, 32], 1, {
    help: 'Minimum number of working addresses that must remain on a gateway, including the primary.',
  }),
  maxAddresses: wholeNumber('N', [1, 31], 7, {
    help: 'Maximum number of addresses that one call may release. The default is every secondary that a private gateway can have.',
  }),
  maxChangesPerHour: wholeNumber('N', [1, 100_000], 20, {
    help: 'Maximum number of real calls that this process sends in an hour for each caller, in all targets together. Where no token is needed, all callers count as one.',
  }),
  approvals: value('N', wholeNumberBetween(1, 5), {
    help: 'Number of people whose approval every change needs, by tokens with the scope nat:approve; docs/approvals.md has the way of an approval. Needs --token-file or --oauth-issuer. Range: 1 to 5.',
    needs: 'http',
  }),
  allowSelfApproval: toggle({
    help: 'Let people approve changes that they asked for themselves, which goes on record.',
    needs: 'approvals',
  }),
  stateTable: value('NAME', parseTableName, {
    help: 'DynamoDB table that replicas share, so that they keep the promises of one process: a yes counts once, the limit of changes an hour is one, and a gateway has one change at a time. state-table prints its template.',
    unset: 'none, the memory of this process',
    commands: ['serve', 'iam-policy', 'state-table'],
  }),
  stateRegion: value('REGION', parseRegion, {
    help: 'AWS region of the table.',
    unset: 'as of --region',
    needs: 'stateTable',
    commands: SERVE_OR_POLICY,
  }),
  stateEndpoint: value('URL', parseEndpoint, {
    help: 'Endpoint of the table, such as a VPC endpoint or DynamoDB Local.',
    unset: 'AWS_ENDPOINT_URL_DYNAMODB, the profile, AWS',
    needs: 'stateTable',
  }),
  auditLog: text('FILE', { help: 'Append audit records (JSON Lines) to this file.', unset: 'stderr' }),
  logLevel: choice('LEVEL', LOG_LEVELS, 'info', {
    help: `Minimum log level on stderr: ${LOG_LEVELS.join(', ')}.`,
    commands: SERVE_OR_SIMULATE,
  }),
};

export type Name = keyof typeof OPTIONS;

export type Settings = { [K in Name]: (typeof OPTIONS)[K]['fallback'] };

export const OPTION_NAMES = Object.keys(OPTIONS) as Name[];

/** Whether a command takes an option. `check` and `iam-policy` take every flag of the server, so that its flags can be pasted. */
export function takes(command: Command, name: Name): boolean {
  const { commands } = OPTIONS[name];
  const isOwn = command === 'simulator' || command === 'state-table';
  return commands.includes(command) || (!isOwn && commands.includes('serve'));
}

/** The prefix of every variable. */
export const PREFIX = 'NAT_GATEWAY_MCP_';

export function flagOf(name: Name): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

export function variableOf(name: Name): string {
  return PREFIX + flagOf(name).replaceAll('-', '_').toUpperCase();
}

/** The flag as the help shows it: `--region REGION`. */
export function usageOf(name: Name): string {
  const { placeholder } = OPTIONS[name];
  return placeholder === undefined ? `--${flagOf(name)}` : `--${flagOf(name)} ${placeholder}`;
}

type Details = Pick<Option<unknown>, 'help' | 'variableOnly' | 'needs'> & {
  /** The option is for `serve` alone if absent. */
  commands?: readonly Command[];
  /** Completes "Default: …" in the help where the fallback says too little. */
  unset?: string;
};

function option<T>(
  kind: Pick<Option<T>, 'placeholder' | 'parse' | 'fallback' | 'repeatable'>,
  { help, unset = String(kind.fallback), ...details }: Details,
): Option<T> {
  return { commands: SERVE, ...kind, ...details, help: `${help} Default: ${unset}.` };
}

function toggle(details: Omit<Details, 'unset'>, fallback = false): Option<boolean> {
  return { commands: SERVE, ...details, parse: parseSwitch, fallback };
}

function value<T>(placeholder: string, parse: (text: string) => T, details: Details): Option<T | undefined> {
  return option<T | undefined>({ placeholder, parse, fallback: undefined }, { unset: 'none', ...details });
}

function text(placeholder: string, details: Details): Option<string | undefined> {
  return value(placeholder, (given) => given, details);
}

function choice<T extends string>(
  placeholder: string,
  values: readonly T[],
  fallback: NoInfer<T>,
  details: Details,
): Option<T> {
  return option<T>({ placeholder, parse: oneOf(values), fallback }, details);
}

function number(
  placeholder: string,
  [minimum, maximum]: readonly [number, number],
  fallback: number,
  details: Details,
  parse = numberBetween(minimum, maximum),
): Option<number> {
  const help = `${details.help} Range: ${minimum} to ${maximum}.`;
  return option({ placeholder, parse, fallback }, { ...details, help });
}

function wholeNumber(
  placeholder: string,
  range: readonly [number, number],
  fallback: number,
  details: Details,
): Option<number> {
  return number(placeholder, range, fallback, details, wholeNumberBetween(...range));
}

function list(
  placeholder: string,
  parse: (text: string) => readonly string[],
  details: Details,
): Option<readonly string[]> {
  const help = `${details.help} Repeat the flag or separate values with commas.`;
  return option(
    { placeholder, parse, fallback: [], repeatable: true },
    { unset: 'no limit', ...details, help },
  );
}

function tags(help: string): Option<readonly string[]> {
  return list('KEY[=VALUE]', parseTags, {
    help: `${help} Write a comma within a tag as \\,.`,
    commands: SERVE_OR_POLICY,
  });
}
