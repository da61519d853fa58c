import { parse } from 'shell-quote';

/** Separators of commands. Other operators redirect, and their target stays a word. */
const SEPARATORS: ReadonlySet<string> = new Set(['|', '||', '|&', '&', '&&', ';', '(', ')']);

/** A prompt, or an assignment in front of the program. */
const NO_PROGRAM = /^(\$|[A-Za-z_]\w*=.*)$/;

/** The simple commands of shell code, each as its words, without comments. */
export function commandsOf(script: string): string[][] {
  return script
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .flatMap(commandsOfLine);
}

function commandsOfLine(line: string): string[][] {
  const commands: string[][] = [];
  let words: string[] = [];
  for (const token of parse(line, (name) => `$${name}`)) {
    if (typeof token === 'string') words.push(token);
    else if ('pattern' in token) words.push(token.pattern);
    else if ('op' in token && SEPARATORS.has(token.op)) {
      commands.push(words);
      words = [];
    }
  }
  return [...commands, words].map(fromProgram).filter(({ length }) => length > 0);
}

function fromProgram(words: readonly string[]): string[] {
  const program = words.findIndex((word) => !NO_PROGRAM.test(word));
  return program < 0 ? [] : words.slice(program);
}
