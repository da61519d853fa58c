import { createHash } from 'node:crypto';

/**
 * The name of a caller in the characters that STS allows. A name that fits is left as it is. In any other each character
 * that does not fit becomes `_`, and a hash of the whole name follows, so that no two names become the same.
 */

/** Where a name goes: the longest that fits, and its characters. Source: AssumeRole in the AWS STS API Reference. */
interface Place {
  longest: number;
  allowed: RegExp;
  /** Matches each character that is not allowed. */
  other: RegExp;
}

/** STS allows other spaces than U+0020 as well, which nobody could tell apart. */
const TAG: Place = {
  longest: 256,
  allowed: /^(?! )[\p{L}\p{N}_.:/=+@ -]+(?<! )$/u,
  other: /[^\p{L}\p{N}_.:/=+@ -]/gu,
};
const SOURCE_IDENTITY: Place = { longest: 256, allowed: /^[\w+=,.@-]{2,}$/, other: /[^\w+=,.@-]/gu };

/** The caller of a process without tokens; a caller who has this name is told apart by the hash. */
const NOBODY = 'anonymous';

/** Ends every name that was mapped, and none that was not: 32 hexadecimal digits of a hash. */
const MAPPED = /=[0-9a-f]{32}$/;

export interface CallerNames {
  /** The value of the session's tag. */
  tag: string;
  sourceIdentity: string;
  /** Whether they are not the name itself. */
  isTagMapped: boolean;
  isSourceIdentityMapped: boolean;
}

/** The names of a caller; `undefined` is a caller without a name. */
export function callerNames(principal: string | undefined): CallerNames {
  const tag = principal === undefined ? NOBODY : fitted(principal, TAG);
  const sourceIdentity = principal === undefined ? NOBODY : fitted(principal, SOURCE_IDENTITY);
  return {
    tag,
    sourceIdentity,
    isTagMapped: principal !== undefined && tag !== principal,
    isSourceIdentityMapped: principal !== undefined && sourceIdentity !== principal,
  };
}

function fitted(name: string, { longest, allowed, other }: Place): string {
  const fits = name.length <= longest && allowed.test(name) && name !== NOBODY && !MAPPED.test(name);
  if (fits) return name;
  const hash = hashOf(name);
  const readable = [...name.replace(other, '_')].reduce(
    (text, character) => (text.length + character.length + hash.length < longest ? text + character : text),
    '',
  );
  return `${readable.trim()}=${hash}`;
}

/** The first 128 bits of SHA-256 over the name as a JSON string, which tells apart even malformed Unicode. */
function hashOf(name: string): string {
  return createHash('sha256').update(JSON.stringify(name)).digest('hex').slice(0, 32);
}
