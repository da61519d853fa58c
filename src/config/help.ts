import { type Command, OPTION_NAMES, OPTIONS, usageOf, variableOf } from './options.ts';

/** The text of `--help`. */
export function help(command: Command): string {
  const rows = OPTION_NAMES.filter((name) => OPTIONS[name].commands.includes(command)).map((name) =>
    OPTIONS[name].variableOnly === true
      ? [variableOf(name), OPTIONS[name].help]
      : [usageOf(name), `${OPTIONS[name].help} [${variableOf(name)}]`],
  );
  rows.push(['--help', 'Show this.'], ['--version', 'Show the version.']);
  const width = Math.max(...rows.map(([flag = '']) => flag.length));
  const lines = rows.map(([flag = '', text]) => `  ${flag.padEnd(width)}  ${text}`);
  return `${INTRODUCTIONS[command]}

${lines.join('\n')}

Each flag has the variable in brackets and beats it; --no-FLAG undoes a switch that a variable turned on.
`;
}

const INTRODUCTIONS: Readonly<Record<Command, string>> = {
  serve: `Usage: nat-gateway-mcp [flags]
       nat-gateway-mcp simulator [flags]     see nat-gateway-mcp simulator --help
       nat-gateway-mcp iam-policy [flags]    see nat-gateway-mcp iam-policy --help

Serves MCP over stdio, or over HTTP with --http: describe the private IP addresses of NAT gateways, and release secondary ones.`,
  simulator: `Usage: nat-gateway-mcp simulator [flags]

Serves the embedded EC2 endpoint on 127.0.0.1 for any AWS SDK or the aws CLI.`,
  'iam-policy': `Usage: nat-gateway-mcp iam-policy [flags]

Prints the IAM policy with the least that the server's credentials need. With the flags that the server is started
with, AWS enforces them as well, as far as IAM can. With --read-only it allows to look and nothing else: AWS then refuses dry runs too.`,
};

/** The documentation's table of flags, in Markdown. */
export function markdownTable(): string {
  const rows = OPTION_NAMES.map((name) => {
    const only = OPTIONS[name].commands[0] === 'simulator' ? ' (`simulator` only)' : '';
    const flag = OPTIONS[name].variableOnly === true ? '' : `\`${usageOf(name)}\``;
    return `| ${flag} | \`${variableOf(name)}\` | ${OPTIONS[name].help}${only} |`;
  });
  return ['| Flag | Variable | Meaning |', '| --- | --- | --- |', ...rows].join('\n');
}
