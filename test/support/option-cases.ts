import { expect } from 'vitest';
import { ConfigurationError, configure } from '../../src/config/configure.ts';
import type { Settings } from '../../src/config/options.ts';

/** Every option with two values, for the tests of configuration and help. */

export type OptionName = keyof Settings;

interface Sample {
  /** As a flag or a variable has it. */
  text: string;
  value: unknown;
}

export interface OptionCase extends Sample {
  name: OptionName;
  /** Empty for an option without a flag. */
  flag: string;
  variable: string;
  other: Sample;
  /** Arguments without which the option is refused. */
  requires?: string[];
  command?: 'simulator';
}

export const HTTP = ['--http', '0', '--confirm', 'never'];
export const OAUTH = [...HTTP, '--oauth-issuer', 'https://a.example', '--oauth-audience', 'b'];

function sample(text: string, value: unknown = text): Sample {
  return { text, value };
}

function option(name: OptionName, flag: string, first: Sample, other: Sample): OptionCase {
  const variable = `NAT_GATEWAY_MCP_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`;
  return { name, flag, variable, ...first, other };
}

/** An option that is refused without --http. */
function httpOption(...args: Parameters<typeof option>): OptionCase {
  return { ...option(...args), requires: HTTP };
}

export const OPTION_CASES: OptionCase[] = [
  option('region', '--region', sample('eu-west-1'), sample('us-gov-west-1')),
  option('profile', '--profile', sample('ops'), sample('dev')),
  option('targets', '--targets', sample('targets.json'), sample('other.json')),
  option('simulate', '--simulate', sample('true', true), sample('false', false)),
  {
    ...option('simulateSpeed', '--simulate-speed', sample('60', 60), sample('0.5', 0.5)),
    requires: ['--simulate'],
  },
  { ...option('port', '--port', sample('8080', 8080), sample('0', 0)), command: 'simulator' },
  {
    ...option(
      'http',
      '--http',
      sample('8080', { host: '127.0.0.1', port: 8080 }),
      sample('[::1]:0', { host: '::1', port: 0 }),
    ),
    requires: ['--confirm', 'never'],
  },
  httpOption(
    'allowedHosts',
    '--allowed-hosts',
    sample('nat.example.com,[::1]', ['nat.example.com', '[::1]']),
    sample('a', ['a']),
  ),
  httpOption(
    'allowedOrigins',
    '--allowed-origins',
    sample('https://a.example.com,http://localhost:80', ['https://a.example.com', 'http://localhost:80']),
    sample('https://[::1]', ['https://[::1]']),
  ),
  httpOption('tokenFile', '--token-file', sample('tokens.json'), sample('other.json')),
  {
    ...httpOption('oauthIssuer', '--oauth-issuer', sample('https://a.example'), sample('http://[::1]:1/x')),
    requires: [...HTTP, '--oauth-audience', 'https://nat.example.com/mcp'],
  },
  {
    ...httpOption('oauthAudience', '--oauth-audience', sample('https://b.example/mcp'), sample('api://x')),
    requires: [...HTTP, '--oauth-issuer', 'https://a.example'],
  },
  {
    ...httpOption(
      'oauthScopePrefix',
      '--oauth-scope-prefix',
      sample('https://nat.example.com/mcp/'),
      sample('nat-api/'),
    ),
    requires: OAUTH,
  },
  {
    ...httpOption(
      'oauthClientId',
      '--oauth-client-id',
      sample('1example,b', ['1example', 'b']),
      sample('c', ['c']),
    ),
    requires: OAUTH,
  },
  {
    ...httpOption(
      'oauthTargetsClaim',
      '--oauth-targets-claim',
      sample('nat_targets'),
      sample('https://nat.example.com/targets'),
    ),
    requires: [...OAUTH, '--targets', 'targets.json'],
  },
  httpOption('maxBodyBytes', '--max-body-bytes', sample('4096', 4096), sample('16777216', 16_777_216)),
  httpOption('requestTimeoutSeconds', '--request-timeout-seconds', sample('60', 60), sample('3600', 3600)),
  option('maxConcurrentCalls', '--max-concurrent-calls', sample('1', 1), sample('10000', 10_000)),
  option('confirm', '--confirm', sample('always'), sample('never')),
  option(
    'confirmationKey',
    '',
    sample('k'.repeat(32), ['k'.repeat(32)]),
    sample(`${'l'.repeat(40)},${'m'.repeat(32)}`, ['l'.repeat(40), 'm'.repeat(32)]),
  ),
  option('readOnly', '--read-only', sample('true', true), sample('false', false)),
  option('restore', '--restore', sample('true', true), sample('false', false)),
  option(
    'allowAccount',
    '--allow-account',
    sample('111122223333', ['111122223333']),
    sample('444455556666', ['444455556666']),
  ),
  option(
    'allowRegion',
    '--allow-region',
    sample('eu-west-1,us-east-1', ['eu-west-1', 'us-east-1']),
    sample('sa-east-1', ['sa-east-1']),
  ),
  option(
    'allowGateway',
    '--allow-gateway',
    sample('nat-0123456789abcdef0', ['nat-0123456789abcdef0']),
    sample('nat-01234567', ['nat-01234567']),
  ),
  option(
    'requireTag',
    '--require-tag',
    sample('team,env=dev', ['team', 'env=dev']),
    sample('a=b=c', ['a=b=c']),
  ),
  option('protectTag', '--protect-tag', sample('env=prod', ['env=prod']), sample('keep=', ['keep='])),
  option(
    'protectAddress',
    '--protect-address',
    sample('10.0.1.13,10.0.2.0/24', ['10.0.1.13', '10.0.2.0/24']),
    sample('0.0.0.0/0', ['0.0.0.0/0']),
  ),
  option('evidence', '--evidence', sample('off'), sample('require')),
  option('minRemaining', '--min-remaining', sample('2', 2), sample('0', 0)),
  option('maxAddresses', '--max-addresses', sample('3', 3), sample('31', 31)),
  option('maxChangesPerHour', '--max-changes-per-hour', sample('1', 1), sample('100000', 100_000)),
  { ...option('approvals', '--approvals', sample('2', 2), sample('5', 5)), requires: OAUTH },
  {
    ...option('allowSelfApproval', '--allow-self-approval', sample('true', true), sample('false', false)),
    requires: [...OAUTH, '--approvals', '2'],
  },
  option('stateTable', '--state-table', sample('nat-state'), sample('a.b_C-1')),
  {
    ...option('stateRegion', '--state-region', sample('eu-west-1'), sample('us-gov-west-1')),
    requires: ['--state-table', 'nat-state'],
  },
  {
    ...option(
      'stateEndpoint',
      '--state-endpoint',
      sample('http://127.0.0.1:8000'),
      sample('https://a.example'),
    ),
    requires: ['--state-table', 'nat-state'],
  },
  option('auditLog', '--audit-log', sample('audit.jsonl'), sample('other.jsonl')),
  option('logLevel', '--log-level', sample('debug'), sample('silent')),
];

export const WITH_FLAG = OPTION_CASES.filter(({ flag }) => flag !== '');
export const SWITCHES = WITH_FLAG.filter(({ value }) => typeof value === 'boolean');
export const WITH_VALUE = WITH_FLAG.filter(({ value }) => typeof value !== 'boolean');

/** The command line of an option case: its command, the arguments it requires, and `args`. */
export function argumentsFor({ command, requires = [] }: OptionCase, ...args: string[]): string[] {
  return [...(command === undefined ? [] : [command]), ...requires, ...args];
}

export function settings(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Settings {
  const invocation = configure(args, environment);
  if (!('settings' in invocation)) throw new Error(`not a command with settings: ${invocation.command}`);
  return invocation.settings;
}

/** The message with which a configuration is refused; it must be one line. */
export function refusal(args: readonly string[], environment: NodeJS.ProcessEnv = {}): string {
  try {
    configure(args, environment);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    expect(error.message).not.toMatch(/[\n\r\u0085\u2028\u2029]/);
    return error.message;
  }
  throw new Error('the configuration was accepted');
}
