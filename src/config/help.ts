import { CHECK_FLAGS, type Command, OPTION_NAMES, OPTIONS, usageOf, variableOf } from './options.ts';

/** Returns the text of `--help` for a terminal of so many columns. */
export function help(command: Command, columns = 80): string {
  const width = Math.max(columns, 60);
  const { usage, purpose } = INTRODUCTIONS[command];
  const rows = command === 'check' ? checkRows(width) : optionRows(command, width);
  rows.push(row('--help', 'Show this help.', width), row('--version', 'Show the version.', width));
  const lines = [usage, '', ...wrap(purpose, width), '', ...rows, '', ...wrap(OVERRIDES, width), ''];
  return lines.join('\n');
}

function optionRows(command: Command, width: number): string[] {
  return OPTION_NAMES.filter((name) => OPTIONS[name].commands.includes(command)).map((name) =>
    OPTIONS[name].variableOnly === true
      ? row(variableOf(name), OPTIONS[name].help, width)
      : row(usageOf(name), `${OPTIONS[name].help} [${variableOf(name)}]`, width),
  );
}

function checkRows(width: number): string[] {
  return Object.entries(CHECK_FLAGS).map(([flag, { placeholder, help }]) =>
    row(placeholder === undefined ? `--${flag}` : `--${flag} ${placeholder}`, help, width),
  );
}

const OVERRIDES =
  'A flag overrides its variable, which is shown in brackets. --no-FLAG turns off a switch that its variable turned on.';

const INTRODUCTIONS: Readonly<Record<Command, { usage: string; purpose: string }>> = {
  serve: {
    usage: `Usage: nat-gateway-mcp [flags]
       nat-gateway-mcp check [flags]
       nat-gateway-mcp simulator [flags]
       nat-gateway-mcp iam-policy [flags]`,
    purpose:
      'Serves MCP over stdio, or over HTTP with --http: describes the private IP addresses of AWS NAT gateways and releases secondary ones. For the other commands, see nat-gateway-mcp simulator --help and nat-gateway-mcp iam-policy --help.',
  },
  check: {
    usage: 'Usage: nat-gateway-mcp check [flags]',
    purpose:
      "Checks a set-up before a model uses it: region, endpoint, proxy, clock, credentials, account, permissions, audit log, rules, and what --http needs. It takes every flag of the server (see nat-gateway-mcp --help), so that a host's arguments can be pasted, and reads the same variables. It changes nothing: of a change it makes a dry run alone. It exits with 0 if nothing failed, else with 1, and with 2 if the configuration cannot be understood.",
  },
  simulator: {
    usage: 'Usage: nat-gateway-mcp simulator [flags]',
    purpose: 'Serves the embedded EC2 endpoint on 127.0.0.1 for any AWS SDK or the aws CLI.',
  },
  'iam-policy': {
    usage: 'Usage: nat-gateway-mcp iam-policy [flags]',
    purpose:
      "Prints the IAM policy with the fewest permissions that the server's credentials need. Give it the server's flags, and AWS enforces them too, as far as IAM can. With --read-only the policy allows nothing but reading, so AWS refuses dry runs too. Outside the partition aws, name the regions with --allow-region.",
  },
};

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
