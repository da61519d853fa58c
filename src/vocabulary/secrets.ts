/** What endpoints send may contain secrets, which belong into no log, no audit record and no result. */

const MASK = '[masked]';

/** The queries of URLs: a presigned one holds a token and a signature. */
const QUERY = /(\bhttps?:\/\/[^\s?#"'<>]+)\?[^\s"'<>]*/gi;

/** JSON Web Tokens. */
const JWT = /\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?/g;

/** Values that are named as secrets, however short. */
const NAMED =
  /\b((?:aws_|x-amz-)?(?:security|session)[-_ ]?token|(?:aws_)?secret[-_ ]?(?:access[-_ ]?)?key|(?:x-amz-)?signature|authorization)(["']? ?[:=>] ?["']?)(?:(?:Bearer|Basic) )?[^\s"'&,;<]+/gi;

/** Long texts that are no secrets: ARNs, URLs without their query, request ids and the paths of files. */
const KEPT =
  /\barn:aws[\w-]*:[\w-]*:[\w-]*:\d*:\S+|\b(?:https?|file):\/\/\S+|\b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-z]{12}\b|(?<![^\s"'(=])~?(?:\/[\w.@-]{1,64})+(?![\w/+=%-])/gi;

/** Runs of the characters of Base64 and of hexadecimal digits, and of their forms in URLs. */
const RUN = /[\w+/=%-]{32,}/g;
const LONG_RUN = 80;

/** The text with everything masked that is named as a secret, or looks like one under whatever name. */
export function withoutSecrets(text: string): string {
  const named = text.replace(QUERY, `$1?${MASK}`).replace(JWT, MASK).replace(NAMED, `$1$2${MASK}`);
  const kept = [...named.matchAll(KEPT)].map(({ index, 0: { length } }) => ({
    start: index,
    end: index + length,
  }));
  return named.replace(RUN, (run, index: number) => {
    const isKept = kept.some(({ start, end }) => start <= index && index < end);
    return isKept || !looksRandom(run) ? run : MASK;
  });
}

/** Whether a run is of hexadecimal digits alone, or mixes kinds of characters as words and names do not. */
function looksRandom(run: string): boolean {
  if (/^[\da-f]+$/i.test(run)) return true;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/].filter((kind) => kind.test(run)).length;
  return kinds === 3 || (kinds === 2 && run.length >= LONG_RUN);
}
