import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigurationError, configure } from '../../src/config/configure.ts';
import { OPTIONS } from '../../src/config/options.ts';
import {
  argumentsFor,
  HTTP,
  OAUTH,
  OPTION_CASES,
  type OptionName,
  refusal,
  SWITCHES,
  settings,
  WITH_FLAG,
  WITH_VALUE,
} from '../support/option-cases.ts';

/** A placeholder that a host left in place of a variable. */
function unfilled(name: string): string {
  return `$\{${name}}`;
}

describe('a malformed value', () => {
  const BAD: Partial<Record<OptionName, string[]>> = {
    region: [
      'us',
      'US-EAST-1',
      'us-east-1 ',
      'us-east-1\n',
      'us-east-1.example.com',
      'us-east-1.evil.com',
      '../us-east-1',
    ],
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
    oauthScopePrefix: ['nat api/', ' nat/', 'nat"/', 'nat\\', 'näh/', 'nat/\n'],
    oauthTargetsClaim: ['nat targets', ' a', 'ä', 'a\n', 'a'.repeat(129)],
    oauthClientId: ['a b', 'a, b', 'a,', ',', 'ä', 'a\n'],
    maxBodyBytes: ['0', '4095', '1MB'],
    requestTimeoutSeconds: ['0', '59', '3601', '60s'],
    maxConcurrentCalls: ['0', 'many'],
    confirm: ['yes', 'Always', 'auto ', 'true', 'maybe'],
    confirmationKey: [
      'k'.repeat(31),
      'short',
      `${'k'.repeat(32)},short`,
      `${'k'.repeat(32)},`,
      `${'k'.repeat(32)},${'l'.repeat(32)},${'m'.repeat(32)}`,
    ],
    allowAccount: ['11112222333', '1111222233334', '1111-2222-3333', '111122223333,', ',', 'me', '1234'],
    allowRegion: ['eu-west-1,,us-east-1', 'us-east-1;eu-west-1', 'us-east-1, eu-west-1', 'us-east-*', '*'],
    allowGateway: [
      'nat-',
      'nat-0123456789ABCDEF0',
      'nat-*',
      'i-0123456789abcdef0',
      'nat-01234567,,',
      'vpc-1',
    ],
    requireTag: ['=value', '=prod', 'a,', ',a', 'a,,b'],
    protectTag: ['=value', 'a,=b'],
    protectAddress: ['10.0.1', '10.0.1.0/33', '10.0.1.5/24', '10.0.1.0-10.0.1.9', '::1', '10.0.1.13,', 'nat'],
    evidence: ['on', 'Require', 'true', 'auto,off'],
    minRemaining: ['-1', '33', '1.5', 'all', 'many'],
    maxChangesPerHour: ['0', '1.5', 'none'],
    approvals: ['0', '6', '1.5', 'two'],
    stateTable: [
      'ab',
      'a'.repeat(256),
      'nat state',
      'arn:aws:dynamodb:eu-west-1:111122223333:table/nat',
      'a/b',
    ],
    stateRegion: ['eu-west', 'us-east-*'],
    stateEndpoint: ['localhost:8000', 'ftp://a', 'https://u:p@a.example', 'https://a.example?x=1'],
    maxAddresses: ['0', '32', 'all', '7 '],
    logLevel: ['verbose', 'INFO', 'info,debug'],
  };

  const cases = OPTION_CASES.flatMap((option) => (BAD[option.name] ?? []).map((bad) => ({ ...option, bad })));

  it.each(cases.filter(({ flag }) => flag !== ''))('is refused and shown: $flag=$bad', (option) => {
    const message = refusal(argumentsFor(option, `${option.flag}=${option.bad}`));
    expect(message.startsWith(`${option.flag} must be `)).toBe(true);
    expect(message).toContain(JSON.stringify(option.bad));
  });

  it.each(cases)('is refused: $variable=$bad', (option) => {
    const message = refusal(argumentsFor(option), { [option.variable]: option.bad });
    expect(message).toMatch(new RegExp(`^${option.variable} must (be|have) `));
  });

  it.each(
    SWITCHES.flatMap((option) =>
      ['yes', 'yes please', 'TRUE', 'on', ' true', '2'].map((bad) => ({ ...option, bad })),
    ),
  )('is refused in the variable of a switch: $variable=$bad', ({ variable, bad }) => {
    expect(refusal([], { [variable]: bad })).toBe(
      `${variable} must be true or false, not ${JSON.stringify(bad)}.`,
    );
  });
});

describe('an empty value', () => {
  it.each(OPTION_CASES)('is refused in $variable', (option) => {
    expect(refusal(argumentsFor(option), { [option.variable]: '' })).toBe(`${option.variable} is empty.`);
  });

  it.each(WITH_VALUE)('is refused after $flag', (option) => {
    expect(refusal(argumentsFor(option, option.flag, ''))).toBe(`${option.flag} is empty.`);
    expect(refusal(argumentsFor(option, `${option.flag}=`))).toBe(`${option.flag} is empty.`);
  });
});

describe('an unfilled placeholder', () => {
  it.each(OPTION_CASES)('is refused in $variable', (option) => {
    for (const text of [unfilled('X'), `a${unfilled('X')}b`, unfilled('env:REGION'), 'a,${B']) {
      const message = refusal(argumentsFor(option), { [option.variable]: text });
      expect(message).toBe(`${option.variable} holds a variable that was not filled in.`);
    }
  });

  it.each(WITH_VALUE)('is refused after $flag', (option) => {
    const message = refusal(argumentsFor(option, option.flag, unfilled('input:value')));
    expect(message).toBe(`${option.flag} holds a variable that was not filled in.`);
  });
});

describe('an argument', () => {
  it.each(WITH_VALUE)('is refused: $flag without a value', (option) => {
    expect(refusal(argumentsFor(option, option.flag))).toContain(option.flag);
    expect(refusal(argumentsFor(option, option.flag, '--log-level', 'info'))).toContain(option.flag);
  });

  it.each(SWITCHES)('is refused: $flag with a value', ({ flag }) => {
    expect(refusal([`${flag}=true`])).toContain(flag);
  });

  it.each([
    ['--bogus', '--bogus'],
    ['--readonly', '--readonly'],
    ['--bogus=1', '--bogus'],
    ['--Region=us-east-1', '--Region'],
    ['--read_only', '--read_only'],
    ['--no-bogus', '--no-bogus'],
    ['--no-region', '--no-region'],
    ['--__proto__=1', '--__proto__'],
    ['-r', '-r'],
    ['us-east-1', 'us-east-1'],
    ['serve', 'serve'],
  ])('is refused when it is unknown: %s', (argument, named) => {
    expect(refusal([argument])).toContain(`'${named}'`);
    expect(refusal(['simulator', argument])).toContain(`'${named}'`);
    expect(refusal(['--simulate', argument])).toContain(`'${named}'`);
  });

  it('is refused: simulator anywhere but first', () => {
    expect(refusal(['--log-level', 'info', 'simulator'])).toContain("'simulator'");
  });
});

describe('a variable', () => {
  it.each([
    'NAT_GATEWAY_MCP_REGIONS',
    'NAT_GATEWAY_MCP_READONLY',
    'NAT_GATEWAY_MCP_',
    'NAT_GATEWAY_MCP_HELP',
  ])('is refused when it is unknown, even if it is empty: %s', (variable) => {
    for (const text of ['true', '']) {
      expect(refusal([], { [variable]: text })).toBe(
        `${variable} is not a variable of nat-gateway-mcp. See --help.`,
      );
    }
    expect(refusal(['simulator'], { [variable]: 'true' })).toContain(variable);
  });
});

describe('a name with line breaks', () => {
  it('is refused in one line', () => {
    for (const lineBreak of ['\n', '\r', '\r\n', '\u2028']) {
      expect(refusal([`--bogus${lineBreak}second`])).toContain('bogus');
      expect(refusal([`bogus${lineBreak}second`])).toContain('bogus');
      expect(refusal([], { [`NAT_GATEWAY_MCP_BOGUS${lineBreak}SECOND`]: 'x' })).toContain('BOGUS');
    }
  });
});

describe('a contradiction', () => {
  it.each([
    [['--simulate', '--profile', 'ops'], {}],
    [['--simulate'], { NAT_GATEWAY_MCP_PROFILE: 'ops' }],
    [['--profile', 'ops'], { NAT_GATEWAY_MCP_SIMULATE: 'true' }],
    [[], { NAT_GATEWAY_MCP_SIMULATE: 'true', NAT_GATEWAY_MCP_PROFILE: 'ops' }],
  ])('is refused: a profile when simulating (%j, %j)', (args, environment) => {
    expect(refusal(args, environment)).toMatch(/^--simulate cannot be used with --profile: /);
  });

  it('is resolved by --no-simulate, which overrides the variable', () => {
    const environment = { NAT_GATEWAY_MCP_SIMULATE: 'true', NAT_GATEWAY_MCP_PROFILE: 'ops' };
    expect(settings(['--no-simulate'], environment)).toMatchObject({ simulate: false, profile: 'ops' });
  });

  it.each([
    [['--simulate-speed', '60'], {}],
    [['--simulate-speed', '60', '--no-simulate'], { NAT_GATEWAY_MCP_SIMULATE: 'true' }],
    [[], { NAT_GATEWAY_MCP_SIMULATE_SPEED: '60' }],
  ])('is refused: a speed without simulating (%j, %j)', (args, environment) => {
    expect(refusal(args, environment)).toBe('--simulate-speed needs --simulate.');
  });

  it.each([
    [['--port', '80'], '--port', 'nat-gateway-mcp'],
    [['check', '--port', '80'], '--port', 'nat-gateway-mcp check'],
    [['iam-policy', '--port', '80'], '--port', 'nat-gateway-mcp iam-policy'],
    [['simulator', '--profile', 'ops'], '--profile', 'nat-gateway-mcp simulator'],
    [['simulator', '--simulate'], '--simulate', 'nat-gateway-mcp simulator'],
    [['simulator', '--no-read-only'], '--read-only', 'nat-gateway-mcp simulator'],
    [['simulator', '--allow-region', 'us-east-1'], '--allow-region', 'nat-gateway-mcp simulator'],
    [['simulator', '--confirm', 'never'], '--confirm', 'nat-gateway-mcp simulator'],
  ])('is refused: a flag of the other command (%j)', (args, flag, command) => {
    expect(refusal(args)).toBe(`${flag} cannot be used with ${command}.`);
  });
});

describe('check', () => {
  it.each([
    [['--gateway', 'nat-1'], '--gateway must be a NAT gateway id, not "nat-1".'],
    [['--gateway', ''], '--gateway must be a NAT gateway id, not "".'],
    [['--gateway', 'nat-01234567', '--gateway', 'nat-01234568'], '--gateway is given more than once.'],
    [['--simulate', '--profile', 'ops'], '--simulate cannot be used with --profile'],
    [['--http', '0'], '--http needs --confirm'],
    [['--bogus'], '--bogus'],
  ])('is refused with %j', (args, text) => {
    expect(refusal(['check', ...args])).toContain(text);
  });

  it.each([['--json'], ['--gateway']])('has %s for itself', (flag) => {
    for (const command of [[], ['iam-policy'], ['simulator']]) {
      expect(refusal([...command, flag])).toContain(flag);
    }
  });
});

describe('--http', () => {
  it.each([['8080'], ['0.0.0.0:8080', '--token-file', 'x'], ['[::1]:0']])(
    '%s is refused without --confirm, whose default does not suit HTTP',
    (...args) => {
      expect(refusal(['--http', ...args])).toMatch(/^--http needs --confirm: /);
      expect(settings(['--http', ...args, '--confirm', 'auto']).confirm).toBe('auto');
      expect(settings(['--http', ...args], { NAT_GATEWAY_MCP_CONFIRM: 'never' }).confirm).toBe('never');
    },
  );

  it.each(['0.0.0.0', '[::]', '10.0.0.5', 'nat.example.com', '[::ffff:127.0.0.1]', '128.0.0.1'])(
    'on %s, which is not loopback, is refused without authorization',
    (host) => {
      const args = ['--http', `${host}:8080`, '--confirm', 'never'];
      expect(refusal(args)).toMatch(/^--http .* needs --token-file or --oauth-issuer/);
      expect(settings([...args, '--token-file', 'x']).tokenFile).toBe('x');
      const oauth = ['--oauth-issuer', 'https://a.example', '--oauth-audience', 'b'];
      expect(settings([...args, ...oauth]).oauthAudience).toBe('b');
    },
  );

  it.each(['127.0.0.1', '127.1.2.3', '[::1]', 'localhost'])(
    'on %s, which is loopback, needs no authorization',
    (host) => {
      expect(settings(['--http', `${host}:0`, '--confirm', 'never']).http?.port).toBe(0);
    },
  );

  it('is refused with one half of OAuth, and with OAuth and a token file', () => {
    const together = '--oauth-issuer and --oauth-audience must be given together.';
    expect(refusal([...HTTP, '--oauth-issuer', 'https://a.example'])).toBe(together);
    expect(refusal([...HTTP, '--oauth-audience', 'b'])).toBe(together);
    const oauth = ['--oauth-issuer', 'https://a.example', '--oauth-audience', 'b'];
    expect(refusal([...HTTP, ...oauth, '--token-file', 'x'])).toMatch(
      /^--token-file cannot be used with --oauth-issuer/,
    );
  });

  it.each([
    ['--oauth-scope-prefix', 'nat-api/'],
    ['--oauth-client-id', 'a'],
    ['--oauth-targets-claim', 'a'],
  ])('is refused with %s and no issuer', (flag, text) => {
    for (const args of [HTTP, [...HTTP, '--token-file', 'x']]) {
      expect(refusal([...args, flag, text])).toBe(`${flag} needs --oauth-issuer.`);
    }
  });

  it('is refused with approvals and without tokens, which give people names', () => {
    const args = [...HTTP, '--approvals', '2'];
    expect(refusal(args)).toMatch(/^--approvals needs --token-file or --oauth-issuer/);
    expect(settings([...args, '--token-file', 't.json']).approvals).toBe(2);
    expect(refusal([...HTTP, '--allow-self-approval'])).toBe('--allow-self-approval needs --approvals.');
  });

  it('is refused with a claim of targets and no targets', () => {
    const args = [...OAUTH, '--oauth-targets-claim', 'a'];
    expect(refusal(args)).toBe('--oauth-targets-claim needs --targets.');
    expect(settings([...args, '--targets', 'x']).oauthTargetsClaim).toBe('a');
  });

  it.each(OPTION_CASES.filter(({ name }) => OPTIONS[name].needs === 'http'))(
    'is required by $flag',
    ({ flag, variable, text }) => {
      expect(refusal([flag, text])).toBe(`${flag} needs --http.`);
      expect(refusal([], { [variable]: text })).toBe(`${flag} needs --http.`);
    },
  );
});

describe('the confirmation key', () => {
  it('is refused as a flag, and never shown in a refusal', () => {
    const key = 'correct-horse-battery-staple-and-more';
    expect(refusal([`--confirmation-key=${key}`])).not.toContain(key);
    expect(refusal(['--confirmation-key', key])).not.toContain(key);
    const short = key.slice(0, 20);
    expect(refusal([], { NAT_GATEWAY_MCP_CONFIRMATION_KEY: short })).not.toContain(short);
    expect(refusal([], { NAT_GATEWAY_MCP_CONFIRMATION_KEY: key + unfilled('X') })).not.toContain(key);
  });

  it('is measured in bytes', () => {
    const key = 'ü'.repeat(16);
    expect(settings([], { NAT_GATEWAY_MCP_CONFIRMATION_KEY: key }).confirmationKey).toEqual([key]);
  });
});

describe('a generated configuration', () => {
  it('is either accepted or refused in one line that names the flag, variable or argument', () => {
    const flags = [...WITH_FLAG.map(({ flag }) => flag), '--help', '--version', '--bogus', 'simulator'];
    const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('true', '1', 'us-east-1', '${'));
    const argument = fc.oneof(
      fc.constantFrom(...flags),
      text,
      fc.tuple(fc.constantFrom(...flags), text).map(([flag, value]) => `${flag}=${value}`),
    );
    const environment = fc.dictionary(fc.constantFrom(...OPTION_CASES.map(({ variable }) => variable)), text);
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

describe('a state table', () => {
  it('is refused with the embedded endpoint, which belongs to one process', () => {
    expect(refusal(['--simulate', '--state-table', 'nat'])).toContain(
      '--simulate cannot be used with --state-table',
    );
  });

  it('is refused with a limit that it cannot count', () => {
    expect(refusal(['--state-table', 'nat', '--max-changes-per-hour', '1001'])).toContain('above 1000');
    expect(settings(['--state-table', 'nat', '--max-changes-per-hour', '1000']).stateTable).toBe('nat');
  });
});
