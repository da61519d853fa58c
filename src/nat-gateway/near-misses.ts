/** More candidates than this tell nothing: an address often has neighbours that differ in one digit. */
const MOST_OFFERED = 3;

/** The candidates that are one typing mistake away from `wanted`; none where there are too many to ask about. */
export function nearMisses(wanted: string, candidates: Iterable<string>): string[] {
  const near = [...new Set(candidates)].filter((candidate) => isOneMistakeAway(wanted, candidate));
  return near.length > MOST_OFFERED ? [] : near;
}

/** The question whether a near miss is meant, for the user. It is only asked: a near miss is never acted on. */
export function nearMissQuestion(wanted: string, candidates: Iterable<string>): string | undefined {
  const near = nearMisses(wanted, candidates);
  if (near.length === 0) return undefined;
  const [are, one] = near.length === 1 ? ['is', 'it'] : ['are', 'one of them'];
  return `${near.join(', ')} ${are} one character away from ${wanted}: ask the user whether ${one} is meant.`;
}

/** Whether one character is wrong, missing or too many, or two neighbours are swapped. */
function isOneMistakeAway(one: string, other: string): boolean {
  if (one === other) return false;
  const shorter = Math.min(one.length, other.length);
  let start = 0;
  while (start < shorter && one[start] === other[start]) start += 1;
  let end = 0;
  while (end < shorter - start && one.at(-1 - end) === other.at(-1 - end)) end += 1;
  const [left, right] = [one, other].map((text) => text.slice(start, text.length - end)) as [string, string];
  if (left.length <= 1 && right.length <= 1) return true;
  return left.length === 2 && right.length === 2 && left[0] === right[1] && left[1] === right[0];
}
