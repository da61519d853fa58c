import GithubSlugger from 'github-slugger';
import type { Code, Nodes } from 'mdast';
import { remark } from 'remark';
import remarkGfm from 'remark-gfm';

export interface CodeBlock {
  language: string;
  text: string;
  /** Of its first line of code, counted from 1. */
  line: number;
  /** The comment `<!-- runs -->` stands above it. */
  runs: boolean;
}

export interface Document {
  /** From the root of the repository. */
  path: string;
  text: string;
  blocks: CodeBlock[];
  /** Code within lines. */
  spans: string[];
  /** Text outside code and comments, without URLs. */
  prose: string;
  links: string[];
  anchors: string[];
}

const markdown = remark().use(remarkGfm);

/** @throws Error if a code block is not closed: the rest of the document would count as code */
export function parseMarkdown(path: string, text: string): Document {
  const nodes = nodesOf(markdown.parse(text));
  const html = nodes.flatMap((node) => (node.type === 'html' ? [node.value] : []));
  const open = nodes.find((node) => node.type === 'code' && !isClosed(node, text));
  if (open !== undefined)
    throw new Error(`${path}: the code of line ${open.position?.start.line} never ends`);
  return {
    path,
    text,
    blocks: nodes.flatMap((node, index) => (node.type === 'code' ? [blockOf(node, nodes[index - 1])] : [])),
    spans: nodes.flatMap((node) => (node.type === 'inlineCode' ? [node.value] : [])),
    prose: proseOf(nodes),
    links: [...nodes.flatMap((node) => ('url' in node ? [node.url] : [])), ...attributes(html, 'href|src')],
    anchors: [...headingAnchors(nodes), ...attributes(html, 'id|name')],
  };
}

/** A node and all within it, in the order of the text. */
function nodesOf(node: Nodes): Nodes[] {
  return 'children' in node ? [node, ...node.children.flatMap(nodesOf)] : [node];
}

function blockOf({ lang, value, position }: Code, before: Nodes | undefined): CodeBlock {
  return {
    language: lang ?? '',
    text: value,
    line: (position?.start.line ?? 0) + 1,
    runs: before?.type === 'html' && before.value === '<!-- runs -->',
  };
}

function isClosed({ position }: Code, text: string): boolean {
  const source = text.slice(position?.start.offset, position?.end.offset);
  const [first = '', ...lines] = source.split('\n');
  const [fence] = /^(`{3,}|~{3,})/.exec(first) ?? [];
  return fence === undefined || (lines.at(-1)?.trimEnd().endsWith(fence) ?? false);
}

function proseOf(nodes: readonly Nodes[]): string {
  return nodes
    .flatMap((node) => (node.type === 'text' || node.type === 'html' ? [node.value] : []))
    .join('\n')
    .replace(/https?:\S+/g, '')
    .replace(/<!--[\s\S]*?-->/g, '');
}

/** The names under which GitHub links to headings. */
function headingAnchors(nodes: readonly Nodes[]): string[] {
  const slugger = new GithubSlugger();
  return nodes
    .filter((node) => node.type === 'heading')
    .map((heading) => nodesOf(heading).map((node) => ('value' in node ? node.value : '')))
    .map((texts) => slugger.slug(texts.join('')));
}

function attributes(html: readonly string[], names: string): string[] {
  const pattern = new RegExp(`\\b(?:${names})="([^"]+)"`, 'g');
  return html.flatMap((tag) => [...tag.matchAll(pattern)].map(([, value = '']) => value));
}
