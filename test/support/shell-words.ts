/** Commands out of shell code, near enough to tell which flag belongs to whom; nothing here is ever run. */

/** The simple commands of a script, each as its words, without comments. */
export function commandsOf(script: string): string[][] {
  const commands: string[][] = [];
  for (const line of script.replace(/\\\n\s*/g, ' ').split('\n')) {
    let words: string[] = [];
    const end = () => {
      if (words.length > 0) commands.push(words);
      words = [];
    };
    for (const [token] of line.matchAll(TOKEN)) {
      if (/^#/.test(token)) break;
      if (/^(\||&|;|\(|\)|\$\()/.test(token)) end();
      else if (words.length > 0 || !/^(\$|>|[A-Za-z_]\w*=.*)$/.test(token)) words.push(unquoted(token));
    }
    end();
  }
  return commands;
}

/** A separator, or a word with the quotes in it. */
const TOKEN = /\|\||&&|\$\(|[|&;()]|(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|\$(?!\()|[^\s|&;()'"\\$])+/g;

function unquoted(word: string): string {
  return word.replace(/'([^']*)'|"((?:\\.|[^"\\])*)"/g, (_, single, double) => single ?? double);
}
