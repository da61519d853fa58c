/** Text that comes from the account (names, tags, messages): data for a reader, never instructions. */

/** How much of a name a human is shown, in characters. */
const NAME_LIMIT = 64;

/**
 * Safe to carry as a JSON value: well-formed Unicode, no longer than `limit` UTF-16 units. What was cut is said,
 * never hidden.
 */
export function boundedText(value: string, limit: number): string {
  const text = value.toWellFormed();
  if (text.length <= limit) return text;
  return `${text.slice(0, limit).toWellFormed()}… (${text.length - limit} more characters)`;
}

/** One line a human can be shown: without control, bidirectional, invisible or line-breaking characters. */
export function visibleLine(value: string): string {
  return value
    .toWellFormed()
    .replace(/[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]+/gu, ' ')
    .trim();
}

/**
 * A name to show to a human inside other text: one visible line, quoted, and at most 64 characters, so that it can
 * neither reorder what surrounds it nor pass for it.
 */
export function displayName(value: string): string {
  const characters = [...visibleLine(value)];
  const cut = characters.length > NAME_LIMIT ? [...characters.slice(0, NAME_LIMIT - 1), '…'] : characters;
  return `"${cut.join('').replaceAll('"', "'")}"`;
}
