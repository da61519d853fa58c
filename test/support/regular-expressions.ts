import { parseSync, Visitor } from 'oxc-parser';

/** The regular expressions of a file, as they are written in it. */
export function regularExpressions(file: string, source: string): { source: string; flags: string }[] {
  const found: { source: string; flags: string }[] = [];
  const visitor = new Visitor({
    Literal(node) {
      if ('regex' in node) found.push({ source: node.regex.pattern, flags: node.regex.flags });
    },
  });
  visitor.visit(parseSync(file, source).program);
  return found;
}
