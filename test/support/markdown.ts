/** As much of Markdown as it takes to hold documents against the repository: code, links and headings. */

export interface CodeBlock {
  language: string;
  text: string;
  /** Of its first line of code, counted from 1. */
  line: number;
  /** It has the comment `<!-- runs -->` above it. */
  runs: boolean;
}

export interface Document {
  /** From the root of the repository. */
  path: string;
  text: string;
  blocks: CodeBlock[];
  /** Code within lines. */
  spans: string[];
  /** All else, without where links lead. */
  prose: string;
  links: string[];
  anchors: string[];
}

export function parseMarkdown(path: string, text: string): Document {
  const blocks: CodeBlock[] = [];
  const others: string[] = [];
  let fence: { end: RegExp; block: CodeBlock; lines: string[] } | undefined;
  let last = '';
  for (const [index, line] of text.split('\n').entries()) {
    const [, marks, language = ''] = /^\s*(`{3,}|~{3,})\s*(\S*)/.exec(line) ?? [];
    if (fence !== undefined) {
      if (fence.end.test(line)) {
        blocks.push({ ...fence.block, text: fence.lines.join('\n') });
        fence = undefined;
      } else fence.lines.push(line);
    } else if (marks !== undefined) {
      const block = { language, text: '', line: index + 2, runs: last === '<!-- runs -->' };
      fence = { end: new RegExp(`^\\s*${marks}\\s*$`), block, lines: [] };
      others.push('');
    } else others.push(line);
    if (line.trim() !== '') last = line.trim();
  }
  if (fence !== undefined) throw new Error(`${path}: the code of line ${fence.block.line} never ends`);

  const outside = others.join('\n');
  const spans = [...outside.matchAll(/(?<!`)`([^`]+)`(?!`)/g)].map(([, span = '']) => span);
  const withoutCode = outside.replace(/(?<!`)`[^`]+`(?!`)/g, '``');
  return {
    path,
    text,
    blocks,
    spans,
    prose: withoutCode
      .replace(/\]\([^)]*\)/g, ']')
      .replace(/https?:\S+/g, '')
      .replace(/<!--[\s\S]*?-->/g, ''),
    links: linksOf(withoutCode),
    anchors: anchorsOf(outside),
  };
}

function linksOf(text: string): string[] {
  const patterns = [
    /\]\(\s*<?([^)\s>]+)>?[^)]*\)/g,
    /^\s*\[[^\]]+\]:\s*<?(\S+?)>?\s*$/gm,
    /(?:href|src)="([^"]+)"/g,
  ];
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([, target = '']) => target));
}

/** The names under which GitHub lets one link to a heading, and those that were given. */
function anchorsOf(text: string): string[] {
  const seen = new Map<string, number>();
  const headings = [...text.matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)].map(([, heading = '']) => {
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    return before === 0 ? slug : `${slug}-${before}`;
  });
  return [...headings, ...[...text.matchAll(/<a (?:id|name)="([^"]+)"/g)].map(([, name = '']) => name)];
}
