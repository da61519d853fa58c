import { join } from 'node:path';
import { parse } from 'smol-toml';
import type { Document } from './markdown.ts';
import { MAIN } from './server-process.ts';
import { commandsOf } from './shell-words.ts';

/** The servers that documents tell hosts to start, and how to start them with the built program. */

export interface Snippet {
  /** Of its code block. */
  line: number;
  command: string;
  args: string[];
  env: Record<string, string>;
}

/** A server in a host's configuration; one over HTTP has no command. */
interface Server {
  /** With its arguments, in opencode. */
  command?: string | string[];
  args?: string[];
  env?: Record<string, string>;
}

/** Every server with a command: in a host's configuration, or on the command line that adds it to a host. */
export function snippetsOf({ blocks }: Document): Snippet[] {
  return blocks.flatMap(({ language, text, line }) => {
    if (language === 'json') return configured(JSON.parse(text), line);
    if (language === 'toml') return configured(parse(text), line);
    if (['sh', 'bash', 'shell', 'console'].includes(language)) {
      return commandsOf(text).flatMap((words) => added(words, line));
    }
    return [];
  });
}

function configured(value: unknown, line: number): Snippet[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value as Record<string, object>).flatMap(([member, each]) =>
    /^(mcpServers|mcp_servers|servers|context_servers|mcp)$/.test(member)
      ? Object.values(each).flatMap((server) => snippetFrom(server, line))
      : configured(each, line),
  );
}

/** Reads `claude mcp add NAME -- node …`, `gemini mcp add NAME node …` or `code --add-mcp '{…}'`. */
function added(words: readonly string[], line: number): Snippet[] {
  const [option, json] = [words.indexOf('--add-mcp'), words[words.indexOf('--add-mcp') + 1]];
  if (option >= 0 && json !== undefined) return snippetFrom(JSON.parse(json), line);
  if (words[1] !== 'mcp' || words[2] !== 'add' || words.some((word) => /^https?:/.test(word))) return [];
  const separator = words.indexOf('--');
  const from = separator >= 0 ? separator + 1 : words.indexOf('node');
  if (from < 0) throw new Error(`line ${line}: ${words.join(' ')} does not start node`);
  const variables = words
    .slice(0, from)
    .filter((_, index) => /^(-e|--env)$/.test(words[index - 1] ?? ''))
    .map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)] as const);
  const env = Object.fromEntries(variables);
  return snippetFrom({ command: words[from] ?? '', args: words.slice(from + 1), env }, line);
}

function snippetFrom({ command, args = [], env = {} }: Server, line: number): Snippet[] {
  const [program, ...more] = [command ?? []].flat();
  if (program === undefined) return [];
  return [{ line, command: program, args: [...more, ...args], env }];
}

export interface Start {
  args: string[];
  env: Record<string, string>;
}

/**
 * The arguments and variables that start a snippet's server, with the embedded endpoint or without. Its files are made in
 * `folder`.
 *
 * @throws Error if the snippet starts another program
 */
export function startOf({ command, args, env }: Snippet, simulate: boolean, folder: string): Start {
  const own = serverArguments([command, ...args]);
  const without = (flag: string, values: number): void => {
    const at = own.indexOf(flag);
    if (at >= 0) own.splice(at, 1 + values);
  };
  const { NAT_GATEWAY_MCP_SIMULATE, NAT_GATEWAY_MCP_PROFILE, ...others } = env;
  without('--simulate', 0);
  if (simulate) {
    without('--profile', 1);
    return { args: inFolder([...own, '--simulate'], folder), env: others };
  }
  without('--simulate-speed', 1);
  return { args: inFolder(own, folder), env: env.NAT_GATEWAY_MCP_SIMULATE === undefined ? env : others };
}

/** The arguments after the program: the linked command, or node and the built file's absolute path. */
function serverArguments(words: string[]): string[] {
  const [command = '', program = '', ...following] = words;
  if (command === 'nat-gateway-mcp') return words.slice(1);
  if (command === 'node' && /^\/.*\/dist\/main\.js$/.test(program)) return following;
  throw new Error(`${words.join(' ')} does not start a clone`);
}

function inFolder(args: string[], folder: string): string[] {
  return args.map((each, index) => (args[index - 1] === '--audit-log' ? join(folder, 'audit.jsonl') : each));
}

export const COMMAND = `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`;
