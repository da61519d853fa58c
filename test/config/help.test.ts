import { describe, expect, it } from 'vitest';
import { configure } from '../../src/config/configure.ts';
import { help, markdownTable } from '../../src/config/help.ts';
import { OPTION_CASES, type OptionCase } from '../support/option-cases.ts';

/** The start of the next flag in the help. */
const ENTRY = /\n(?= {2}\S)/;

describe('--help', () => {
  const forServe = OPTION_CASES.filter(({ command }) => command === undefined);
  const forSimulator = OPTION_CASES.filter(({ name }) =>
    ['region', 'simulateSpeed', 'port', 'logLevel'].includes(name),
  );

  it.each(forServe.filter(({ flag }) => flag !== ''))(
    'lists $variable with its flag for the server',
    (option) => {
      const { flag, variable } = option;
      const [line, ...more] = help('serve')
        .split(ENTRY)
        .filter((each) => each.includes(`[${variable}]`));
      expect(more).toEqual([]);
      expect(line).toMatch(new RegExp(`^  ${flag}[ ]`));
    },
  );

  it.each(forSimulator)('lists $variable with its flag for the simulator', ({ flag, variable }) => {
    const line = help('simulator')
      .split(ENTRY)
      .find((each) => each.includes(`[${variable}]`));
    expect(line).toMatch(new RegExp(`^  ${flag}[ ]`));
  });

  it('lists no option of the other command', () => {
    const listed = (text: string) => [...new Set(text.match(/NAT_GATEWAY_MCP_\w+/g))];
    expect(listed(help('serve'))).toEqual(forServe.map(({ variable }) => variable));
    expect(listed(help('simulator'))).toEqual(forSimulator.map(({ variable }) => variable));
  });

  it('lists the confirmation key, a secret, without a flag', () => {
    expect(help('serve')).not.toContain('--confirmation-key');
    expect(help('serve')).toContain('NAT_GATEWAY_MCP_CONFIRMATION_KEY');
  });

  it('of the server groups the flags, and ends with examples', () => {
    const titles = help('serve').match(/^\S.*:$/gm);
    expect(titles).toEqual([
      'What to talk to:',
      'How clients call:',
      'What may be changed:',
      'Replicas:',
      'Records and logs:',
      'Other:',
      'Examples:',
    ]);
    expect(help('serve')).toMatch(/\n {2}nat-gateway-mcp .*--simulate.*\n$/);
  });

  it.each(['serve', 'check'] as const)('of %s has examples that are accepted', (command) => {
    const examples = help(command).match(/^ {2}nat-gateway-mcp .*$/gm) ?? [];
    expect(examples.length).toBeGreaterThanOrEqual(2);
    for (const example of examples) {
      const [, ...args] = example.trim().split(' ');
      expect(configure(args, {})).toHaveProperty('settings');
    }
  });

  it('of check lists its own flags, and names the help of the others', () => {
    const text = help('check');
    expect(text.match(/^ {2}--[\w-]+/gm)).toEqual(['  --gateway', '  --json', '  --help', '  --version']);
    expect(text).toContain('see nat-gateway-mcp --help');
  });

  it('of iam-policy lists the options that shape the policy alone', () => {
    expect(help('iam-policy').match(/^ {2}--[\w-]+/gm)).toEqual([
      '  --targets',
      '  --read-only',
      '  --restore',
      '  --allow-account',
      '  --allow-region',
      '  --allow-gateway',
      '  --require-tag',
      '  --protect-tag',
      '  --protect-address',
      '  --evidence',
      '  --state-table',
      '  --state-region',
      '  --help',
      '  --version',
    ]);
  });

  it.each(['serve', 'check', 'simulator', 'iam-policy', 'state-table'] as const)(
    'of %s shows the usage, --help and --version',
    (command) => {
      expect(help(command)).toMatch(/^Usage: nat-gateway-mcp /);
      expect(help(command)).toMatch(/^ {2}--help /m);
      expect(help(command)).toMatch(/^ {2}--version /m);
    },
  );

  const isSwitch = ({ value }: OptionCase) => typeof value === 'boolean';

  it.each(forServe.filter((option) => !isSwitch(option)))(
    'shows the default of $variable',
    ({ variable }) => {
      expect(serveLine(variable)).toContain('Default: ');
    },
  );

  it.each(forServe.filter(isSwitch))('shows no default of $variable, a switch', ({ variable }) => {
    expect(serveLine(variable)).not.toContain('Default: ');
  });
});

/** The entry of the server's help about a variable, unwrapped. */
function serveLine(variable: string): string | undefined {
  return help('serve', 10_000)
    .split(ENTRY)
    .find((entry) => entry.includes(variable));
}

describe('the width of --help', () => {
  const widthOf = (text: string): number => Math.max(...text.split('\n').map((line) => line.length));
  const wordsOf = (text: string): string[] => text.split(/\s+/);

  describe.each(['serve', 'check', 'simulator', 'iam-policy', 'state-table'] as const)('of %s', (command) => {
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

describe('the option table of the documentation', () => {
  const rows = markdownTable().split('\n');

  it('has a header and a row of three cells for each option', () => {
    expect(rows.slice(0, 2)).toEqual(['| Flag | Variable | Meaning |', '| --- | --- | --- |']);
    expect(rows).toHaveLength(OPTION_CASES.length + 2);
    for (const row of rows) expect(row.split('|')).toHaveLength(5);
  });

  it.each(OPTION_CASES)('has a row for $variable', ({ flag, variable }) => {
    const row = rows.find((each) => each.includes(`\`${variable}\``)) ?? '';
    expect(row).toMatch(flag === '' ? /^\| {2}\| / : new RegExp(`^\\| \`${flag}[\` ]`));
  });

  it('marks the option of the simulator', () => {
    const marked = rows.filter((row) => row.includes('(`simulator` only)'));
    expect(marked).toHaveLength(1);
    expect(marked[0]).toContain('--port');
  });
});
