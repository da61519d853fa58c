/**
 * Text that comes from the account (names, tags, messages), made safe to carry as a JSON value: well-formed
 * Unicode, no longer than `limit` UTF-16 units. What was cut is said, never hidden.
 */
export function boundedText(value: string, limit: number): string {
  const text = value.toWellFormed();
  if (text.length <= limit) return text;
  return `${text.slice(0, limit).toWellFormed()}… (${text.length - limit} more characters)`;
}
