/** Bounds and cleans text that comes from the account (names, tags, messages). It is data, never instructions. */

/** The longest name that a human is shown, in characters. */
const NAME_LIMIT = 64;

/**
 * The text as a safe JSON value: well-formed Unicode of at most `limit` UTF-16 units, followed by the number of
 * characters that were cut.
 */
export function boundedText(value: string, limit: number): string {
  const text = value.toWellFormed();
  if (text.length <= limit) return text;
  return `${text.slice(0, limit).toWellFormed()}… (${text.length - limit} more characters)`;
}

/** `boundedText` of a value that nobody has checked; `undefined` if it is no text. */
export function boundedIfText(value: unknown, limit: number): string | undefined {
  return typeof value === 'string' ? boundedText(value, limit) : undefined;
}

/** One line without control, bidirectional, invisible or line-breaking characters. */
export function visibleLine(value: string): string {
  return value
    .toWellFormed()
    .replace(/[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]+/gu, ' ')
    .trim();
}

/**
 * A name inside text for a human: one visible line, quoted, at most 64 characters, so that it can neither reorder the
 * text around it nor pass for it.
 */
export function displayName(value: string): string {
  const characters = [...visibleLine(value)];
  const cut = characters.length > NAME_LIMIT ? [...characters.slice(0, NAME_LIMIT - 1), '…'] : characters;
  return `"${cut.join('').replaceAll('"', "'")}"`;
}

/**
 * The same JSON, in which every character is escaped that a terminal may act upon or not show. JSON demands that only of
 * those below U+0020, and records are read with `tail`.
 */
export function visibleJson(json: string): string {
  return json.replace(/[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

/** Values for a message; of a long list the first are named, and the others counted. */
export function listed(values: readonly string[], most: number): string {
  const more = values.length - most;
  return [...values.slice(0, most), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

/** The sentence with a full stop, where it has no end. */
export function withStop(sentence: string): string {
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}
