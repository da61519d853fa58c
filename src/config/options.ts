import { NAT_GATEWAY_ID, REGION } from '../vocabulary/ids.ts';
import { CONFIRM_MODES, type ConfirmMode } from '../vocabulary/names.ts';
import {
  HOST,
  type HttpAddress,
  numberBetween,
  ORIGIN,
  oneOf,
  parseHttpAddress,
  parseIssuer,
  parseKey,
  parseRegion,
  parseSwitch,
  wholeNumberBetween,
} from './values.ts';

/**
 * Every flag and variable, in one table: parsing, `--help` and the documentation's table all come from it. A flag
 * beats its variable; what cannot be understood stops the start.
 */

/** What the program does: serve MCP, serve the embedded EC2 endpoint to others, or print the IAM policy it needs. */
export type Command = 'serve' | 'simulator' | 'iam-policy';

export interface Option<T> {
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

/** The operator's rules that IAM can enforce too. */
const alsoByIam: readonly Command[] = ['serve', 'iam-policy'];

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
    help: 'How many calls may run at the same time over HTTP; a caller with a token gets a quarter of them. Default: 64.',
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
    commands: alsoByIam,
  }),
  allowAccount: {
    ...list('ID', 'Only change gateways of these AWS accounts.', /^\d{12}$/, 'a 12-digit account id'),
    commands: alsoByIam,
  },
  allowRegion: {
    ...list('REGION', 'Only change gateways in these regions.', REGION, 'a region'),
    commands: alsoByIam,
  },
  allowGateway: {
    ...list('ID', 'Only change these gateways.', NAT_GATEWAY_ID, 'a NAT gateway id'),
    commands: alsoByIam,
  },
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
    help: 'How many real calls this process may send in an hour for each caller; where nobody needs a token, all are one. Default: 20.',
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

export type Name = keyof typeof OPTIONS;

export type Settings = { [K in Name]: (typeof OPTIONS)[K]['fallback'] };

export function names(): Name[] {
  return Object.keys(OPTIONS) as Name[];
}

/** How every variable of ours begins. */
export const PREFIX = 'NAT_GATEWAY_MCP_';

export function flagOf(name: Name): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

export function variableOf(name: Name): string {
  return PREFIX + flagOf(name).replaceAll('-', '_').toUpperCase();
}

export function placeholderOf(name: Name): string {
  const { placeholder } = OPTIONS[name];
  return placeholder === undefined ? '' : ` ${placeholder}`;
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
    commands: alsoByIam,
  };
}

function option<T>(definition: Option<T>): Option<T> {
  return definition;
}
