import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigurationError, configure } from '../../src/config/configure.ts';
import { help, markdownTable } from '../../src/config/help.ts';
import { OPTIONS, type Settings } from '../../src/config/options.ts';

type Name = keyof Settings;

/** An option: its flag, its variable, and a value in both forms, on top of what it needs beside it. */
interface Known {
  name: Name;
  flag: string;
  variable: string;
  text: string;
  value: unknown;
  other: { text: string; value: unknown };
  beside?: string[];
  command?: 'simulator';
}

const HTTP = ['--http', '0', '--confirm', 'never'];

const KNOWN: Known[] = [
  known('region', '--region', 'eu-west-1', 'eu-west-1', 'us-gov-west-1', 'us-gov-west-1'),
  known('profile', '--profile', 'ops', 'ops', 'dev', 'dev'),
  known('simulate', '--simulate', 'true', true, 'false', false),
  {
    ...known('simulateSpeed', '--simulate-speed', '60', 60, '0.5', 0.5),
    beside: ['--simulate'],
  },
  { ...known('port', '--port', '8080', 8080, '0', 0), command: 'simulator' },
  {
    ...known('http', '--http', '8080', { host: '127.0.0.1', port: 8080 }, '[::1]:0', {
      host: '::1',
      port: 0,
    }),
    beside: ['--confirm', 'never'],
  },
  overHttp('allowedHosts', '--allowed-hosts', 'nat.example.com,[::1]', ['nat.example.com', '[::1]'], 'a', [
    'a',
  ]),
  overHttp(
    'allowedOrigins',
    '--allowed-origins',
    'https://a.example.com,http://localhost:80',
    ['https://a.example.com', 'http://localhost:80'],
    'https://[::1]',
    ['https://[::1]'],
  ),
  overHttp('tokenFile', '--token-file', 'tokens.json', 'tokens.json', 'other.json', 'other.json'),
  {
    ...overHttp(
      'oauthIssuer',
      '--oauth-issuer',
      'https://a.example',
      'https://a.example',
      'http://[::1]:1/x',
      'http://[::1]:1/x',
    ),
    beside: [...HTTP, '--oauth-audience', 'https://nat.example.com/mcp'],
  },
  {
    ...overHttp(
      'oauthAudience',
      '--oauth-audience',
      'https://b.example/mcp',
      'https://b.example/mcp',
      'api://x',
      'api://x',
    ),
    beside: [...HTTP, '--oauth-issuer', 'https://a.example'],
  },
  overHttp('maxBodyBytes', '--max-body-bytes', '4096', 4096, '16777216', 16_777_216),
  overHttp('requestTimeoutSeconds', '--request-timeout-seconds', '60', 60, '3600', 3600),
  overHttp('maxConcurrentCalls', '--max-concurrent-calls', '1', 1, '10000', 10_000),
  overHttp('maxSubscriptions', '--max-subscriptions', '1', 1, '10000', 10_000),
  known('confirm', '--confirm', 'always', 'always', 'never', 'never'),
  known('confirmationKey', '', 'k'.repeat(32), 'k'.repeat(32), 'l'.repeat(40), 'l'.repeat(40)),
  known('readOnly', '--read-only', 'true', true, 'false', false),
  known('allowAccount', '--allow-account', '111122223333', ['111122223333'], '444455556666', [
    '444455556666',
  ]),
  known('allowRegion', '--allow-region', 'eu-west-1,us-east-1', ['eu-west-1', 'us-east-1'], 'sa-east-1', [
    'sa-east-1',
  ]),
  known(
    'allowGateway',
    '--allow-gateway',
    'nat-0123456789abcdef0',
    ['nat-0123456789abcdef0'],
    'nat-01234567',
    ['nat-01234567'],
  ),
  known('requireTag', '--require-tag', 'team,env=dev', ['team', 'env=dev'], 'a=b=c', ['a=b=c']),
  known('protectTag', '--protect-tag', 'env=prod', ['env=prod'], 'keep=', ['keep=']),
  known('minRemaining', '--min-remaining', '2', 2, '0', 0),
  known('maxAddresses', '--max-addresses', '3', 3, '31', 31),
  known('maxChangesPerHour', '--max-changes-per-hour', '1', 1, '100000', 100_000),
  known('auditLog', '--audit-log', 'audit.jsonl', 'audit.jsonl', 'other.jsonl', 'other.jsonl'),
  known('logLevel', '--log-level', 'debug', 'debug', 'silent', 'silent'),
];

function known(
  name: Name,
  flag: string,
  text: string,
  value: unknown,
  otherText: string,
  otherValue: unknown,
): Known {
  const variable = `NAT_GATEWAY_MCP_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`;
  return { name, flag, variable, text, value, other: { text: otherText, value: otherValue } };
}

/** An option that means nothing over stdio. */
function overHttp(...option: Parameters<typeof known>): Known {
  return { ...known(...option), beside: HTTP };
}

const FLAGS = KNOWN.filter(({ flag }) => flag !== '');
const SWITCHES = FLAGS.filter(({ value }) => typeof value === 'boolean');
const WITH_VALUE = FLAGS.filter(({ value }) => typeof value !== 'boolean');

function argv({ command, beside = [] }: Known, ...args: string[]): string[] {
  return [...(command === undefined ? [] : [command]), ...beside, ...args];
}

/** What a host leaves in place of a variable that it does not know. */
function unfilled(name: string): string {
  return `$\{${name}}`;
}

function settings(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Settings {
  const invocation = configure(args, environment);
  if (!('settings' in invocation)) throw new Error(`this asks for ${invocation.command}`);
  return invocation.settings;
}

/** What the refusal of a configuration says. */
function refusal(args: readonly string[], environment: NodeJS.ProcessEnv = {}): string {
  try {
    configure(args, environment);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    expect(error.message).not.toMatch(/[\n\r\u0085\u2028\u2029]/);
    return error.message;
  }
  throw new Error('this configuration was accepted');
}

describe('a configuration', () => {
  it('of nothing serves MCP with the defaults', () => {
    expect(configure([], {})).toEqual({
      command: 'serve',
      settings: {
        region: undefined,
        profile: undefined,
        simulate: false,
        simulateSpeed: 1,
        port: 4566,
        http: undefined,
        allowedHosts: [],
        allowedOrigins: [],
        tokenFile: undefined,
        oauthIssuer: undefined,
        oauthAudience: undefined,
        maxBodyBytes: 262_144,
        requestTimeoutSeconds: 915,
        maxConcurrentCalls: 64,
        maxSubscriptions: 64,
        confirm: 'auto',
        confirmationKey: undefined,
        readOnly: false,
        allowAccount: [],
        allowRegion: [],
        allowGateway: [],
        requireTag: [],
        protectTag: [],
        minRemaining: 1,
        maxAddresses: 7,
        maxChangesPerHour: 20,
        auditLog: undefined,
        logLevel: 'info',
      },
    });
  });

  it('that begins with iam-policy asks for the policy that the other flags make', () => {
    expect(configure(['iam-policy', '--require-tag', 'env=test'], {})).toMatchObject({
      command: 'iam-policy',
      settings: { requireTag: ['env=test'] },
    });
    expect(() => configure(['iam-policy', '--confirm', 'never'], {})).toThrow(
      '--confirm cannot be used with',
    );
  });

  it('that begins with simulator serves the embedded endpoint', () => {
    expect(configure(['simulator', '--port', '0'], {})).toMatchObject({
      command: 'simulator',
      settings: { port: 0, logLevel: 'info' },
    });
  });

  it('has every option in the tests below', () => {
    expect(KNOWN.map(({ name }) => name)).toEqual(Object.keys(OPTIONS));
  });

  it.each(WITH_VALUE)('takes $flag with its value as the next argument or behind =', (option) => {
    const { name, flag, text, value } = option;
    expect(settings(argv(option, flag, text))[name]).toEqual(value);
    expect(settings(argv(option, `${flag}=${text}`))[name]).toEqual(value);
  });

  it.each(SWITCHES)('takes $flag and its negation without a value', ({ name, flag }) => {
    expect(settings([flag])[name]).toBe(true);
    expect(settings([flag.replace('--', '--no-')])[name]).toBe(false);
  });

  it.each(KNOWN)('takes $variable', (option) => {
    const { name, variable, text, value, other } = option;
    expect(settings(argv(option), { [variable]: text })[name]).toEqual(value);
    expect(settings(argv(option), { [variable]: other.text })[name]).toEqual(other.value);
  });

  it.each(WITH_VALUE)('lets $flag beat its variable', (option) => {
    const { name, flag, variable, text, value, other } = option;
    const environment = { [variable]: other.text };
    expect(settings(argv(option, flag, text), environment)[name]).toEqual(value);
  });

  it.each(SWITCHES)('lets $flag and its negation beat the variable', ({ name, flag, variable }) => {
    expect(settings([flag], { [variable]: 'false' })[name]).toBe(true);
    expect(settings([flag.replace('--', '--no-')], { [variable]: 'true' })[name]).toBe(false);
  });

  it.each([
    ['1', true],
    ['0', false],
  ])('takes %s for a switch', (text, value) => {
    expect(settings([], { NAT_GATEWAY_MCP_READ_ONLY: text }).readOnly).toBe(value);
  });

  it.each(['--allow-account', '--allow-region', '--allow-gateway', '--require-tag', '--protect-tag'])(
    'adds up %s that is repeated and values separated by commas',
    (flag) => {
      const option = FLAGS.find((each) => each.flag === flag);
      if (option === undefined) throw new Error(`${flag} is unknown`);
      const { name, text, value, other } = option;
      expect(settings([flag, text, flag, other.text])[name]).toEqual([value, other.value].flat());
      expect(settings([flag, `${text},${other.text}`])[name]).toEqual([value, other.value].flat());
    },
  );

  it.each([
    ['env=prod, tier=core', 'no space'],
    [' env=prod', 'no space'],
    ['team=a,b', 'whether a comma belongs to the value'],
    ['env=prod,,tier=core', 'KEY or KEY=VALUE'],
  ])('refuses tags that would protect something else than is meant: %j', (text, why) => {
    expect(() => settings(['--protect-tag', text])).toThrow(why);
    expect(() => settings([], { NAT_GATEWAY_MCP_PROTECT_TAG: text })).toThrow(why);
  });

  it('takes a comma within a tag when it is written as one', () => {
    const tags = ['team=a,b', 'keep', 'c,d'];
    expect(settings(['--protect-tag', 'team=a\\,b', '--protect-tag', 'keep,c\\,d']).protectTag).toEqual(tags);
    expect(settings([], { NAT_GATEWAY_MCP_PROTECT_TAG: 'keep,team=a\\,b' }).protectTag).toEqual([
      'keep',
      'team=a,b',
    ]);
  });

  it.each([
    [['--confirm', 'always', '--confirm', 'never'], '--confirm'],
    [['--read-only', '--no-read-only'], '--read-only'],
    [['--max-addresses', '1', '--max-addresses', '7'], '--max-addresses'],
  ])('refuses %j: one of them is not meant', (argv, flag) => {
    expect(() => configure(argv, {})).toThrow(`${flag} is given more than once`);
  });

  it('leaves other variables alone', () => {
    const environment = { PATH: '/bin', AWS_REGION: '', NAT_GATEWAY: 'x', nat_gateway_mcp_x: 'x' };
    expect(configure([], environment)).toEqual(configure([], {}));
  });

  it('takes a variable that only the other command uses, so that one environment serves both', () => {
    expect(settings([], { NAT_GATEWAY_MCP_PORT: '80' }).port).toBe(80);
    expect(settings(['simulator'], { NAT_GATEWAY_MCP_READ_ONLY: 'true' }).readOnly).toBe(true);
  });

  it('takes --simulate-speed from a variable when a variable asks to simulate', () => {
    const environment = { NAT_GATEWAY_MCP_SIMULATE: 'true', NAT_GATEWAY_MCP_SIMULATE_SPEED: '60' };
    expect(settings([], environment)).toMatchObject({ simulate: true, simulateSpeed: 60 });
  });
});

describe('a configuration that cannot be understood', () => {
  /** Values that an option does not take, beside the empty one and one that was not filled in. */
  const BAD: Partial<Record<Name, string[]>> = {
    region: ['us', 'US-EAST-1', 'us-east-1 ', 'us-east-1\n', 'us-east-1.example.com', '../us-east-1'],
    simulateSpeed: ['0', '0.05', '10001', '-1', '1e3', 'NaN', 'Infinity', 'fast', '1,5', ' 1'],
    port: ['-1', '65536', '80.5', '0x50', 'http', ' 80'],
    http: [
      'http',
      '65536',
      ':80',
      '80:',
      '[::1]',
      '::1:80',
      '[::g]:80',
      '[127.0.0.1]:80',
      'a b:80',
      '-1',
      '1.5',
    ],
    allowedHosts: ['a:80', 'https://a', '*', 'a,', '-a', 'a/b'],
    allowedOrigins: ['a.example.com', 'https://a/', 'https://a/b', 'null', '*', 'ftp://a'],
    oauthIssuer: [
      'a.example',
      'http://a.example',
      'https://a.example?x=1',
      'https://u:p@a.example',
      'ftp://a',
    ],
    maxBodyBytes: ['0', '4095', '1MB'],
    requestTimeoutSeconds: ['0', '59', '3601', '60s'],
    maxConcurrentCalls: ['0', 'many'],
    maxSubscriptions: ['0', '-1'],
    confirm: ['yes', 'Always', 'auto ', 'true'],
    confirmationKey: ['k'.repeat(31)],
    allowAccount: ['11112222333', '1111222233334', '1111-2222-3333', '111122223333,', ',', 'me'],
    allowRegion: ['us-east-1;eu-west-1', 'us-east-1, eu-west-1', 'us-east-*', '*'],
    allowGateway: ['nat-', 'nat-0123456789ABCDEF0', 'nat-*', 'i-0123456789abcdef0', 'nat-01234567,,'],
    requireTag: ['=value', 'a,', ',a', 'a,,b'],
    protectTag: ['=value', 'a,=b'],
    minRemaining: ['-1', '33', '1.5', 'all'],
    maxChangesPerHour: ['0', '1.5', 'none'],
    maxAddresses: ['0', '32', 'all', '7 '],
    logLevel: ['verbose', 'INFO', 'info,debug'],
  };

  const cases = KNOWN.flatMap((option) => (BAD[option.name] ?? []).map((bad) => ({ ...option, bad })));

  it.each(cases.filter(({ flag }) => flag !== ''))('is refused for $flag=$bad, which is shown', (option) => {
    const message = refusal(argv(option, `${option.flag}=${option.bad}`));
    expect(message.startsWith(`${option.flag} must be `)).toBe(true);
    expect(message).toContain(JSON.stringify(option.bad));
  });

  it.each(cases)('is refused for $variable=$bad', (option) => {
    const message = refusal(argv(option), { [option.variable]: option.bad });
    expect(message).toMatch(new RegExp(`^${option.variable} must (be|have) `));
  });

  it.each(
    SWITCHES.flatMap((option) => ['yes', 'TRUE', 'on', ' true', '2'].map((bad) => ({ ...option, bad }))),
  )('is refused for $variable=$bad', ({ variable, bad }) => {
    expect(refusal([], { [variable]: bad })).toBe(
      `${variable} must be true or false, not ${JSON.stringify(bad)}.`,
    );
  });

  it.each(KNOWN)('is refused for an empty $variable', (option) => {
    expect(refusal(argv(option), { [option.variable]: '' })).toBe(`${option.variable} is empty.`);
  });

  it.each(WITH_VALUE)('is refused for an empty $flag', (option) => {
    expect(refusal(argv(option, option.flag, ''))).toBe(`${option.flag} is empty.`);
    expect(refusal(argv(option, `${option.flag}=`))).toBe(`${option.flag} is empty.`);
  });

  it.each(KNOWN)('is refused for a $variable that was not filled in', (option) => {
    for (const text of [unfilled('X'), `a${unfilled('X')}b`, unfilled('env:REGION'), 'a,${B']) {
      const message = refusal(argv(option), { [option.variable]: text });
      expect(message).toBe(`${option.variable} holds a variable that was not filled in.`);
    }
  });

  it.each(WITH_VALUE)('is refused for a $flag that was not filled in', (option) => {
    const message = refusal(argv(option, option.flag, unfilled('input:value')));
    expect(message).toBe(`${option.flag} holds a variable that was not filled in.`);
  });

  it.each(WITH_VALUE)('is refused for $flag without a value', (option) => {
    expect(refusal(argv(option, option.flag))).toContain(option.flag);
    expect(refusal(argv(option, option.flag, '--log-level', 'info'))).toContain(option.flag);
  });

  it.each(SWITCHES)('is refused for $flag with a value', ({ flag }) => {
    expect(refusal([`${flag}=true`])).toContain(flag);
  });

  it.each([
    ['--bogus', '--bogus'],
    ['--bogus=1', '--bogus'],
    ['--Region=us-east-1', '--Region'],
    ['--read_only', '--read_only'],
    ['--no-bogus', '--no-bogus'],
    ['--no-region', '--no-region'],
    ['--__proto__=1', '--__proto__'],
    ['-r', '-r'],
    ['us-east-1', 'us-east-1'],
    ['serve', 'serve'],
  ])('is refused for %s, which there is not', (argument, named) => {
    expect(refusal([argument])).toContain(`'${named}'`);
    expect(refusal(['simulator', argument])).toContain(`'${named}'`);
    expect(refusal(['--simulate', argument])).toContain(`'${named}'`);
  });

  it('is refused for simulator in any place but the first', () => {
    expect(refusal(['--log-level', 'info', 'simulator'])).toContain("'simulator'");
  });

  it.each([
    'NAT_GATEWAY_MCP_REGIONS',
    'NAT_GATEWAY_MCP_READONLY',
    'NAT_GATEWAY_MCP_',
    'NAT_GATEWAY_MCP_HELP',
  ])('is refused for the variable %s, which there is not, whatever it holds', (variable) => {
    for (const text of ['true', '']) {
      expect(refusal([], { [variable]: text })).toBe(
        `${variable} is not a variable of nat-gateway-mcp. See --help.`,
      );
    }
    expect(refusal(['simulator'], { [variable]: 'true' })).toContain(variable);
  });

  it('is refused in one line for a name that holds line breaks', () => {
    for (const lineBreak of ['\n', '\r', '\r\n', '\u2028']) {
      expect(refusal([`--bogus${lineBreak}second`])).toContain('bogus');
      expect(refusal([`bogus${lineBreak}second`])).toContain('bogus');
      expect(refusal([], { [`NAT_GATEWAY_MCP_BOGUS${lineBreak}SECOND`]: 'x' })).toContain('BOGUS');
    }
  });

  it.each([
    [['--simulate', '--profile', 'ops'], {}],
    [['--simulate'], { NAT_GATEWAY_MCP_PROFILE: 'ops' }],
    [['--profile', 'ops'], { NAT_GATEWAY_MCP_SIMULATE: 'true' }],
    [[], { NAT_GATEWAY_MCP_SIMULATE: 'true', NAT_GATEWAY_MCP_PROFILE: 'ops' }],
  ])('is refused for a profile when simulating (%j, %j)', (args, environment) => {
    expect(refusal(args, environment)).toMatch(/^--simulate cannot be used with --profile: /);
  });

  it('is accepted for a profile when --no-simulate undoes the variable', () => {
    const environment = { NAT_GATEWAY_MCP_SIMULATE: 'true', NAT_GATEWAY_MCP_PROFILE: 'ops' };
    expect(settings(['--no-simulate'], environment)).toMatchObject({ simulate: false, profile: 'ops' });
  });

  it.each([
    [['--simulate-speed', '60'], {}],
    [['--simulate-speed', '60', '--no-simulate'], { NAT_GATEWAY_MCP_SIMULATE: 'true' }],
    [[], { NAT_GATEWAY_MCP_SIMULATE_SPEED: '60' }],
  ])('is refused for a speed without simulating (%j, %j)', (args, environment) => {
    expect(refusal(args, environment)).toBe('--simulate-speed needs --simulate.');
  });

  it.each([
    [['--port', '80'], '--port', 'nat-gateway-mcp'],
    [['simulator', '--profile', 'ops'], '--profile', 'nat-gateway-mcp simulator'],
    [['simulator', '--simulate'], '--simulate', 'nat-gateway-mcp simulator'],
    [['simulator', '--no-read-only'], '--read-only', 'nat-gateway-mcp simulator'],
    [['simulator', '--allow-region', 'us-east-1'], '--allow-region', 'nat-gateway-mcp simulator'],
    [['simulator', '--confirm', 'never'], '--confirm', 'nat-gateway-mcp simulator'],
  ])('is refused for a flag of the other command: %j', (args, flag, command) => {
    expect(refusal(args)).toBe(`${flag} cannot be used with ${command}.`);
  });

  it.each([['8080'], ['0.0.0.0:8080', '--token-file', 'x'], ['[::1]:0']])(
    'is refused for --http %s without --confirm, whose default is not for HTTP',
    (...args) => {
      expect(refusal(['--http', ...args])).toMatch(/^--http needs --confirm: /);
      expect(settings(['--http', ...args, '--confirm', 'auto']).confirm).toBe('auto');
      expect(settings(['--http', ...args], { NAT_GATEWAY_MCP_CONFIRM: 'never' }).confirm).toBe('never');
    },
  );

  it.each(['0.0.0.0', '[::]', '10.0.0.5', 'nat.example.com', '[::ffff:127.0.0.1]', '128.0.0.1'])(
    'is refused for --http on %s, which others can reach, without authorization',
    (host) => {
      const args = ['--http', `${host}:8080`, '--confirm', 'never'];
      expect(refusal(args)).toMatch(/^--http .* needs --token-file or --oauth-issuer/);
      expect(settings([...args, '--token-file', 'x']).tokenFile).toBe('x');
      const oauth = ['--oauth-issuer', 'https://a.example', '--oauth-audience', 'b'];
      expect(settings([...args, ...oauth]).oauthAudience).toBe('b');
    },
  );

  it.each(['127.0.0.1', '127.1.2.3', '[::1]', 'localhost'])(
    'is accepted for --http on %s as it is',
    (host) => {
      expect(settings(['--http', `${host}:0`, '--confirm', 'never']).http?.port).toBe(0);
    },
  );

  it('is refused for half of OAuth, and for two ways to come in', () => {
    const together = '--oauth-issuer and --oauth-audience must be given together.';
    expect(refusal([...HTTP, '--oauth-issuer', 'https://a.example'])).toBe(together);
    expect(refusal([...HTTP, '--oauth-audience', 'b'])).toBe(together);
    const oauth = ['--oauth-issuer', 'https://a.example', '--oauth-audience', 'b'];
    expect(refusal([...HTTP, ...oauth, '--token-file', 'x'])).toMatch(
      /^--token-file cannot be used with --oauth-issuer/,
    );
  });

  it.each(KNOWN.filter(({ beside }) => beside?.includes('--http') === true))(
    'is refused for $flag without --http',
    ({ flag, variable, text }) => {
      expect(refusal([flag, text])).toBe(`${flag} needs --http.`);
      expect(refusal([], { [variable]: text })).toBe(`${flag} needs --http.`);
    },
  );

  it('never shows the secret it refuses, nor takes it as a flag', () => {
    const key = 'correct-horse-battery-staple-and-more';
    expect(refusal([`--confirmation-key=${key}`])).not.toContain(key);
    expect(refusal(['--confirmation-key', key])).not.toContain(key);
    const short = key.slice(0, 20);
    expect(refusal([], { NAT_GATEWAY_MCP_CONFIRMATION_KEY: short })).not.toContain(short);
    expect(refusal([], { NAT_GATEWAY_MCP_CONFIRMATION_KEY: key + unfilled('X') })).not.toContain(key);
  });

  it('counts the key in bytes, as it is used', () => {
    const key = 'ü'.repeat(16);
    expect(settings([], { NAT_GATEWAY_MCP_CONFIRMATION_KEY: key }).confirmationKey).toBe(key);
  });

  it('is either accepted or refused in one line, whatever it holds', () => {
    const flags = [...FLAGS.map(({ flag }) => flag), '--help', '--version', '--bogus', 'simulator'];
    const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('true', '1', 'us-east-1', '${'));
    const argument = fc.oneof(
      fc.constantFrom(...flags),
      text,
      fc.tuple(fc.constantFrom(...flags), text).map(([flag, value]) => `${flag}=${value}`),
    );
    const environment = fc.dictionary(fc.constantFrom(...KNOWN.map(({ variable }) => variable)), text);
    let refused = 0;
    fc.assert(
      fc.property(fc.array(argument, { maxLength: 4 }), environment, (args, variables) => {
        try {
          configure(args, variables);
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigurationError);
          expect((error as Error).message).toMatch(/^.*(-|NAT_GATEWAY_MCP_|argument ).*\.$/);
          refused += 1;
        }
      }),
      { numRuns: 1000 },
    );
    expect(refused).toBeGreaterThan(0);
  });
});

describe('--help and --version', () => {
  const whatever: [string, string[], NodeJS.ProcessEnv][] = [
    ['nothing else', [], {}],
    ['a bad value', ['--region', 'nowhere'], {}],
    ['an empty value', ['--region='], {}],
    ['an unknown variable', [], { NAT_GATEWAY_MCP_BOGUS: 'x' }],
    ['a bad variable', [], { NAT_GATEWAY_MCP_CONFIRM: 'x' }],
    ['a contradiction', ['--simulate', '--profile', 'ops'], {}],
  ];

  it.each(whatever)('win over %s', (_, args, environment) => {
    for (const flag of ['--help', '-h']) {
      expect(configure([...args, flag], environment)).toEqual({ command: 'help', of: 'serve' });
      expect(configure([flag, ...args], environment)).toEqual({ command: 'help', of: 'serve' });
    }
    expect(configure([...args, '--version'], environment)).toEqual({ command: 'version' });
    expect(configure(['--version', ...args], environment)).toEqual({ command: 'version' });
  });

  it('win over a flag of the other command, and help is that of the command', () => {
    expect(configure(['simulator', '--profile', 'ops', '--help'], {})).toEqual({
      command: 'help',
      of: 'simulator',
    });
    expect(configure(['simulator', '--version'], {})).toEqual({ command: 'version' });
    expect(configure(['--port', '80', '--help'], {})).toEqual({ command: 'help', of: 'serve' });
  });

  it('given together show the help', () => {
    expect(configure(['--version', '--help'], {})).toEqual({ command: 'help', of: 'serve' });
  });
});

/** Where the help goes on with the next flag. */
const ENTRY = /\n(?= {2}\S)/;

describe('the help', () => {
  const forServe = KNOWN.filter(({ command }) => command === undefined);
  const forSimulator = KNOWN.filter(({ name }) =>
    ['region', 'simulateSpeed', 'port', 'logLevel'].includes(name),
  );

  it.each(forServe.filter(({ flag }) => flag !== ''))(
    'of the server lists $variable with its flag',
    (option) => {
      const { flag, variable } = option;
      const [line, ...more] = help('serve')
        .split(ENTRY)
        .filter((each) => each.includes(`[${variable}]`));
      expect(more).toEqual([]);
      expect(line).toMatch(new RegExp(`^  ${flag}[ ]`));
    },
  );

  it.each(forSimulator)('of the simulator lists $variable with its flag', ({ flag, variable }) => {
    const line = help('simulator')
      .split(ENTRY)
      .find((each) => each.includes(`[${variable}]`));
    expect(line).toMatch(new RegExp(`^  ${flag}[ ]`));
  });

  it('lists nothing that belongs to the other command', () => {
    const listed = (text: string) => [...new Set(text.match(/NAT_GATEWAY_MCP_\w+/g))];
    expect(listed(help('serve'))).toEqual(forServe.map(({ variable }) => variable));
    expect(listed(help('simulator'))).toEqual(forSimulator.map(({ variable }) => variable));
  });

  it('offers no flag for the secret', () => {
    expect(help('serve')).not.toContain('--confirmation-key');
    expect(help('serve')).toContain('NAT_GATEWAY_MCP_CONFIRMATION_KEY');
  });

  it.each(['serve', 'simulator'] as const)('of %s names --help, --version and how to call it', (command) => {
    expect(help(command)).toMatch(/^Usage: nat-gateway-mcp /);
    expect(help(command)).toMatch(/^ {2}--help /m);
    expect(help(command)).toMatch(/^ {2}--version /m);
  });

  it.each(forServe)('tells what happens without $variable', ({ variable }) => {
    const line = help('serve', 10_000)
      .split(ENTRY)
      .find((each) => each.includes(variable));
    if (typeof OPTIONS[nameOf(variable)].fallback !== 'boolean') expect(line).toContain('Default: ');
    else expect(line).not.toContain('Default: ');
  });
});

describe('the width of the help', () => {
  const widthOf = (text: string): number => Math.max(...text.split('\n').map((line) => line.length));
  const wordsOf = (text: string): string[] => text.split(/\s+/);

  describe.each(['serve', 'simulator', 'iam-policy'] as const)('of %s', (command) => {
    it.each([60, 79, 80, 120, 200])('stays within %i columns without losing a word', (columns) => {
      const text = help(command, columns);
      expect(widthOf(text)).toBeLessThanOrEqual(columns);
      expect(wordsOf(text)).toEqual(wordsOf(help(command, 10_000)));
    });

    it('is that of 80 columns when no width is known', () => {
      expect(help(command)).toBe(help(command, 80));
    });

    it('is 60 columns at least', () => {
      for (const columns of [0, 20, 59]) expect(help(command, columns)).toBe(help(command, 60));
    });
  });

  it('puts the text beside its flag, and below a longer name', () => {
    const lines = help('serve', 80).split('\n');
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}--request-timeout-seconds N {2}Maximum /));
    const secret = lines.indexOf('  NAT_GATEWAY_MCP_CONFIRMATION_KEY');
    expect(lines[secret + 1]).toMatch(/^ {31}Secret /);
  });

  it('puts the text below its flag in a narrow terminal', () => {
    const lines = help('serve', 79).split('\n');
    expect(lines[lines.indexOf('  --region REGION') + 1]).toMatch(/^ {6}AWS region /);
  });
});

function nameOf(variable: string): Name {
  const found = KNOWN.find((option) => option.variable === variable);
  if (found === undefined) throw new Error(`${variable} is unknown`);
  return found.name;
}

describe('the table for the documentation', () => {
  const rows = markdownTable().split('\n');

  it('has a header and a row of three cells for each option', () => {
    expect(rows.slice(0, 2)).toEqual(['| Flag | Variable | Meaning |', '| --- | --- | --- |']);
    expect(rows).toHaveLength(KNOWN.length + 2);
    for (const row of rows) expect(row.split('|')).toHaveLength(5);
  });

  it.each(KNOWN)('has a row for $variable', ({ flag, variable }) => {
    const row = rows.find((each) => each.includes(`\`${variable}\``)) ?? '';
    expect(row).toMatch(flag === '' ? /^\| {2}\| / : new RegExp(`^\\| \`${flag}[\` ]`));
  });

  it('says what only the simulator takes', () => {
    const marked = rows.filter((row) => row.includes('(`simulator` only)'));
    expect(marked).toHaveLength(1);
    expect(marked[0]).toContain('--port');
  });
});
