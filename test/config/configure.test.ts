import { describe, expect, it } from 'vitest';
import { configure } from '../../src/config/configure.ts';
import { OPTIONS } from '../../src/config/options.ts';
import {
  argumentsFor,
  OPTION_CASES,
  refusal,
  SWITCHES,
  settings,
  WITH_FLAG,
  WITH_VALUE,
} from '../support/option-cases.ts';

describe('the command', () => {
  it('is serve, with the defaults, when nothing is given', () => {
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
        oauthScopePrefix: undefined,
        oauthClientId: [],
        maxBodyBytes: 262_144,
        requestTimeoutSeconds: 915,
        maxConcurrentCalls: 64,
        confirm: 'auto',
        confirmationKey: undefined,
        readOnly: false,
        restore: true,
        allowAccount: [],
        allowRegion: [],
        allowGateway: [],
        requireTag: [],
        protectTag: [],
        protectAddress: [],
        evidence: 'auto',
        minRemaining: 1,
        maxAddresses: 7,
        maxChangesPerHour: 20,
        approvals: undefined,
        allowSelfApproval: false,
        stateTable: undefined,
        stateRegion: undefined,
        stateEndpoint: undefined,
        auditLog: undefined,
        logLevel: 'info',
      },
    });
  });

  it('is iam-policy when that is the first argument, with the flags that shape the policy', () => {
    expect(configure(['iam-policy', '--require-tag', 'env=test'], {})).toMatchObject({
      command: 'iam-policy',
      settings: { requireTag: ['env=test'] },
    });
  });

  it.each(WITH_FLAG.filter(({ command }) => command === undefined))(
    'is iam-policy or check with $flag of the server, so that its flags can be pasted',
    (option) => {
      const { name, flag, text, value } = option;
      const flags = typeof value === 'boolean' ? [flag] : [flag, text];
      for (const command of ['iam-policy', 'check']) {
        expect(settings([command, ...argumentsFor(option, ...flags)])[name]).toEqual(value);
      }
    },
  );

  it('is check with its own flags', () => {
    expect(configure(['check'], {})).toMatchObject({ command: 'check', gateway: undefined, json: false });
    expect(configure(['check', '--json', '--gateway', 'nat-01234567'], {})).toMatchObject({
      command: 'check',
      gateway: 'nat-01234567',
      json: true,
    });
  });

  it('is state-table when that is the first argument, with the name of the table alone', () => {
    expect(configure(['state-table', '--state-table', 'nat'], {})).toMatchObject({
      command: 'state-table',
      settings: { stateTable: 'nat' },
    });
    expect(refusal(['state-table', '--region', 'eu-west-1'])).toBe(
      '--region cannot be used with nat-gateway-mcp state-table.',
    );
  });

  it('is simulator when that is the first argument', () => {
    expect(configure(['simulator', '--port', '0'], {})).toMatchObject({
      command: 'simulator',
      settings: { port: 0, logLevel: 'info' },
    });
  });
});

describe('the options', () => {
  it('are all in the table of these tests', () => {
    expect(OPTION_CASES.map(({ name }) => name)).toEqual(Object.keys(OPTIONS));
  });

  it.each(WITH_VALUE)('include $flag, with its value as the next argument or after =', (option) => {
    const { name, flag, text, value } = option;
    expect(settings(argumentsFor(option, flag, text))[name]).toEqual(value);
    expect(settings(argumentsFor(option, `${flag}=${text}`))[name]).toEqual(value);
  });

  it.each(SWITCHES)('include $flag and its negation, without a value', (option) => {
    const { name, flag } = option;
    expect(settings(argumentsFor(option, flag))[name]).toBe(true);
    expect(settings(argumentsFor(option, flag.replace('--', '--no-')))[name]).toBe(false);
  });

  it.each(OPTION_CASES)('include $variable', (option) => {
    const { name, variable, text, value, other } = option;
    expect(settings(argumentsFor(option), { [variable]: text })[name]).toEqual(value);
    expect(settings(argumentsFor(option), { [variable]: other.text })[name]).toEqual(other.value);
  });

  it.each(WITH_VALUE)('prefer $flag to its variable', (option) => {
    const { name, flag, variable, text, value, other } = option;
    const environment = { [variable]: other.text };
    expect(settings(argumentsFor(option, flag, text), environment)[name]).toEqual(value);
  });

  it.each(SWITCHES)('prefer $flag and its negation to the variable', (option) => {
    const { name, flag, variable } = option;
    const negated = flag.replace('--', '--no-');
    expect(settings(argumentsFor(option, flag), { [variable]: 'false' })[name]).toBe(true);
    expect(settings(argumentsFor(option, negated), { [variable]: 'true' })[name]).toBe(false);
  });

  it.each([
    ['1', true],
    ['0', false],
  ])('take %s in the variable of a switch for %s', (text, value) => {
    expect(settings([], { NAT_GATEWAY_MCP_READ_ONLY: text }).readOnly).toBe(value);
  });

  it.each([
    '--oauth-client-id',
    '--allow-account',
    '--allow-region',
    '--allow-gateway',
    '--require-tag',
    '--protect-tag',
  ])('add up values of %s, repeated or separated by commas', (flag) => {
    const option = WITH_FLAG.find((each) => each.flag === flag);
    if (option === undefined) throw new Error(`no case for ${flag}`);
    const { name, text, value, other } = option;
    const both = [value, other.value].flat();
    expect(settings(argumentsFor(option, flag, text, flag, other.text))[name]).toEqual(both);
    expect(settings(argumentsFor(option, flag, `${text},${other.text}`))[name]).toEqual(both);
  });

  it.each([
    ['env=prod, tier=core', 'no space'],
    [' env=prod', 'no space'],
    ['team=a,b', 'whether a comma belongs to the value'],
    ['env=prod,,tier=core', 'KEY or KEY=VALUE'],
  ])('refuse the ambiguous tags %j', (text, reason) => {
    expect(() => settings(['--protect-tag', text])).toThrow(reason);
    expect(() => settings([], { NAT_GATEWAY_MCP_PROTECT_TAG: text })).toThrow(reason);
  });

  it('allow an escaped comma within a tag', () => {
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
  ])('refuse the contradiction %j', (args, flag) => {
    expect(() => configure(args, {})).toThrow(`${flag} is given more than once`);
  });

  it('ignore variables without the prefix', () => {
    const environment = { PATH: '/bin', AWS_REGION: '', NAT_GATEWAY: 'x', nat_gateway_mcp_x: 'x' };
    expect(configure([], environment)).toEqual(configure([], {}));
  });

  it('accept the variables of the other command, so that both can share an environment', () => {
    expect(settings([], { NAT_GATEWAY_MCP_PORT: '80' }).port).toBe(80);
    expect(settings(['simulator'], { NAT_GATEWAY_MCP_READ_ONLY: 'true' }).readOnly).toBe(true);
  });

  it('accept --simulate-speed and --simulate from variables alone', () => {
    const environment = { NAT_GATEWAY_MCP_SIMULATE: 'true', NAT_GATEWAY_MCP_SIMULATE_SPEED: '60' };
    expect(settings([], environment)).toMatchObject({ simulate: true, simulateSpeed: 60 });
  });
});

describe('--help and --version', () => {
  const others: [string, string[], NodeJS.ProcessEnv][] = [
    ['nothing else', [], {}],
    ['a bad value', ['--region', 'nowhere'], {}],
    ['an empty value', ['--region='], {}],
    ['an unknown variable', [], { NAT_GATEWAY_MCP_BOGUS: 'x' }],
    ['a bad variable', [], { NAT_GATEWAY_MCP_CONFIRM: 'x' }],
    ['a contradiction', ['--simulate', '--profile', 'ops'], {}],
  ];

  it.each(others)('take precedence over %s', (_, args, environment) => {
    for (const flag of ['--help', '-h']) {
      expect(configure([...args, flag], environment)).toEqual({ command: 'help', of: 'serve' });
      expect(configure([flag, ...args], environment)).toEqual({ command: 'help', of: 'serve' });
    }
    expect(configure([...args, '--version'], environment)).toEqual({ command: 'version' });
    expect(configure(['--version', ...args], environment)).toEqual({ command: 'version' });
  });

  it('take precedence over a flag of the other command; the help is that of the command', () => {
    expect(configure(['simulator', '--profile', 'ops', '--help'], {})).toEqual({
      command: 'help',
      of: 'simulator',
    });
    expect(configure(['simulator', '--version'], {})).toEqual({ command: 'version' });
    expect(configure(['--port', '80', '--help'], {})).toEqual({ command: 'help', of: 'serve' });
  });

  it('show the help when both are given', () => {
    expect(configure(['--version', '--help'], {})).toEqual({ command: 'help', of: 'serve' });
  });
});
