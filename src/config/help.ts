import { CHECK_FLAGS } from './check-flags.ts';
import { type Command, type Name, OPTION_NAMES, OPTIONS, usageOf, variableOf } from './options.ts';

/** Returns the text of `--help` for a terminal of so many columns. */
export function help(command: Command, columns = 80): string {
  const width = Math.max(columns, 60);
  const { usage, purpose, examples } = INTRODUCTIONS[command];
  const lines = [
    ...[usage, '', ...wrap(purpose, width), ''],
    ...(command === 'check' ? [...checkRows(width), ...others(width)] : [...groups(command, width)]),
    ...wrap(OVERRIDES, width),
    '',
    ...(examples.length === 0 ? [] : ['Examples:', ...examples.map((example) => `  ${example}`), '']),
  ];
  return lines.join('\n');
}

const OVERRIDES =
  'A flag overrides its variable, which is shown in brackets. --no-FLAG turns off a switch that its variable turned on.';

interface Introduction {
  usage: string;
  purpose: string;
  /** Command lines of at most 58 characters. */
  examples: readonly string[];
}

const INTRODUCTIONS: Readonly<Record<Command, Introduction>> = {
  serve: {
    usage: `Usage: nat-gateway-mcp [flags]
       nat-gateway-mcp check [flags]
       nat-gateway-mcp iam-policy [flags]
       nat-gateway-mcp state-table [flags]
       nat-gateway-mcp simulator [flags]`,
    purpose:
      'Serves MCP over stdio, or over HTTP with --http: describes the private IP addresses of AWS NAT gateways and releases secondary ones. An MCP client starts it. check tells whether the set-up works, iam-policy prints the permissions that it needs, state-table prints the template of the table that replicas share, and simulator serves the embedded EC2 endpoint; each has its own --help.',
    examples: [
      'nat-gateway-mcp check --region eu-west-1 --profile ops',
      'nat-gateway-mcp --profile ops --read-only',
      'nat-gateway-mcp --simulate --simulate-speed 60',
    ],
  },
  check: {
    usage: 'Usage: nat-gateway-mcp check [flags]',
    purpose:
      "Checks a set-up before a model uses it: region, endpoint, proxy, clock, credentials, account, permissions, audit log, rules, and what --http needs. It takes every flag of the server (see nat-gateway-mcp --help), so that a host's arguments can be pasted, and reads the same variables. It changes nothing: of a change it makes a dry run alone. It exits with 0 if nothing failed, else with 1, and with 2 if the configuration cannot be understood.",
    examples: [
      'nat-gateway-mcp check --region eu-west-1 --profile ops',
      'nat-gateway-mcp check --gateway nat-0123456789abcdef0',
      'nat-gateway-mcp check --simulate --json',
    ],
  },
  simulator: {
    usage: 'Usage: nat-gateway-mcp simulator [flags]',
    purpose: 'Serves the embedded EC2 endpoint on 127.0.0.1 for any AWS SDK or the aws CLI.',
    examples: [],
  },
  'iam-policy': {
    usage: 'Usage: nat-gateway-mcp iam-policy [flags]',
    purpose:
      "Prints the IAM policy with the fewest permissions that the server's credentials need. Give it the server's flags, and AWS enforces them too, as far as IAM can; flags that do not shape the policy are ignored. With --read-only the policy allows nothing but reading, so AWS refuses dry runs too. Outside the partition aws, name the regions with --allow-region.",
    examples: [],
  },
  'state-table': {
    usage: 'Usage: nat-gateway-mcp state-table [flags]',
    purpose:
      'Prints the CloudFormation template of the table that replicas share. Its name is that of --state-table, or nat-gateway-mcp.',
    examples: ['nat-gateway-mcp state-table > template.json'],
  },
};

/** What the options are about, by the first option of each group in the order of `OPTIONS`. */
const GROUPS: readonly (readonly [first: Name, title: string])[] = [
  ['region', 'What to talk to:'],
  ['http', 'How clients call:'],
  ['confirm', 'What may be changed:'],
  ['stateTable', 'Replicas:'],
  ['auditLog', 'Records and logs:'],
];

/** The rows of a command's options under the titles of their groups. */
function groups(command: Command, width: number): string[] {
  const starts = new Map(GROUPS);
  const lines: string[] = [];
  let title: string | undefined;
  for (const name of OPTION_NAMES) {
    title = starts.get(name) ?? title;
    if (!OPTIONS[name].commands.includes(command)) continue;
    if (title !== undefined) lines.push(...(lines.length === 0 ? [] : ['']), title);
    title = undefined;
    lines.push(optionRow(name, width));
  }
  return [...lines, '', 'Other:', ...others(width)];
}

function optionRow(name: Name, width: number): string {
  const { help, variableOnly } = OPTIONS[name];
  return variableOnly === true
    ? row(variableOf(name), help, width)
    : row(usageOf(name), `${help} [${variableOf(name)}]`, width);
}

function checkRows(width: number): string[] {
  return Object.entries(CHECK_FLAGS).map(([flag, { placeholder, help }]) =>
    row(placeholder === undefined ? `--${flag}` : `--${flag} ${placeholder}`, help, width),
  );
}

function others(width: number): string[] {
  return [row('--help', 'Show this help.', width), row('--version', 'Show the version.', width), ''];
}

/** Shows a flag and its text side by side; in a narrow terminal, or if the flag is long, the text starts below. */
function row(flag: string, text: string, width: number): string {
  const indent = width < 80 ? 6 : 31;
  const lineBreak = `\n${' '.repeat(indent)}`;
  const label = `  ${flag}`;
  const start = label.length + 2 <= indent ? label.padEnd(indent) : label + lineBreak;
  return start + wrap(text, width - indent).join(lineBreak);
}

/** Breaks text at spaces into lines of at most `width`; a longer word has a line of its own. */
function wrap(text: string, width: number): string[] {
  return text.match(new RegExp(`\\S.{0,${width - 1}}(?= |$)|\\S+`, 'g')) ?? [];
}

/** Returns the documentation's table of flags, in Markdown. */
export function markdownTable(): string {
  const rows = OPTION_NAMES.map((name) => {
    const { commands, help, variableOnly } = OPTIONS[name];
    const only = commands[0] === 'simulator' ? ' (`simulator` only)' : '';
    const flag = variableOnly === true ? '' : `\`${usageOf(name)}\``;
    return `| ${flag} | \`${variableOf(name)}\` | ${help}${only} |`;
  });
  return ['| Flag | Variable | Meaning |', '| --- | --- | --- |', ...rows].join('\n');
}
