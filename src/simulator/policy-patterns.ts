/** Returns the pattern of a text with `*` and `?`. */
export function allowsWildcards(text: string, flags = ''): RegExp {
  const source = escaped(text).replaceAll('\\*', '[^]*').replaceAll('\\?', '[^]');
  return new RegExp(`^${source}$`, flags);
}

/**
 * Returns the pattern of a `Resource`. A `*` reaches across colons only where a part of the ARN ends with it (IAM User
 * Guide, "IAM JSON policy elements: Resource").
 */
export function arnPattern(arn: string): RegExp {
  const source = escaped(arn)
    .replaceAll(/\\\*(?=:|$)/g, '[^]*')
    .replaceAll('\\*', '[^:]*')
    .replaceAll('\\?', '[^:]');
  return new RegExp(`^${source}$`);
}

/** Returns whether each of an ARN's six parts matches, as `ArnLike` and `ArnEquals` compare. */
export function isArnLike(arn: string, pattern: string): boolean {
  const [parts, patterns] = [partsOf(arn), partsOf(pattern)];
  if (parts.length !== 6 || patterns.length !== 6) return false;
  return patterns.every((part, index) => allowsWildcards(part).test(parts[index] ?? ''));
}

function partsOf(arn: string): string[] {
  const parts = arn.split(':');
  return parts.length <= 6 ? parts : [...parts.slice(0, 5), parts.slice(5).join(':')];
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
