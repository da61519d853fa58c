import { createHash, timingSafeEqual } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import * as z from 'zod';
import { TARGET_NAME } from '../../vocabulary/ids.ts';
import { SCOPES } from '../../vocabulary/names.ts';
import { type Caller, InvalidToken, type Verifier } from './bearer.ts';

const entrySchema = z.strictObject({
  name: z.string().regex(/^[\w.@+-]{1,64}$/, 'must be 1 to 64 letters, digits or any of _ . @ + -'),
  scopes: z.array(z.enum(SCOPES)).min(1),
  targets: z.array(z.string().regex(TARGET_NAME, 'must be the name of a target')).min(1).optional(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/i, 'must be 64 hexadecimal digits')
    .optional(),
  token: z
    .string()
    .regex(/^[!-~]{32,}$/, 'must be 32 printable characters or more, without spaces')
    .optional(),
});

const fileSchema = z.strictObject({ tokens: z.array(entrySchema).min(1) });

type Entry = z.infer<typeof entrySchema>;

interface Holder extends Caller {
  /** SHA-256 of the token. */
  digest: Buffer;
}

/** Verifies tokens against a file that is read once: a change takes effect at the next start. */
export class TokenFile implements Verifier {
  readonly #holders: readonly Holder[];

  /**
   * Reads the file. Others than its owner may read it if it holds digests alone, and may never write to it. Its tokens can
   * only be limited to targets of `targetNames`, which are undefined if the server has none.
   *
   * @throws Error whose message completes "--token-file …", and quotes nothing of the file but names
   */
  constructor(file: string, targetNames?: readonly string[]) {
    const { text, mode } = read(file);
    const tokens = parse(text);
    if ((mode & 0o022) !== 0)
      throw new Error('can be written to by others than its owner: run chmod go-w on it');
    if ((mode & 0o044) !== 0 && tokens.some(({ token }) => token !== undefined)) {
      throw new Error('holds tokens and can be read by others than its owner: run chmod 600, or use sha256');
    }
    for (const entry of tokens) refuseUnknownTargets(entry, targetNames);
    this.#holders = tokens.map(holder);
    for (const key of [(each: Holder) => each.principal, (each: Holder) => each.digest.toString('hex')]) {
      if (new Set(this.#holders.map(key)).size < tokens.length) {
        throw new Error('has the same name or the same token twice');
      }
    }
  }

  /** How many tokens the file has. */
  get size(): number {
    return this.#holders.length;
  }

  /** Compares the digests of all tokens, so that the duration reveals nothing about any. */
  async verify(token: string): Promise<Caller> {
    const given = sha256(token);
    let found: Holder | undefined;
    for (const each of this.#holders) if (timingSafeEqual(each.digest, given)) found = each;
    if (found === undefined) throw new InvalidToken('The token is unknown.');
    const { principal, scopes, targets } = found;
    return { principal, scopes, targets };
  }
}

/** Reads text and mode of the same file, even if another file takes its name meanwhile. */
function read(file: string): { text: string; mode: number } {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'r');
    // Windows has no such modes.
    const mode = process.platform === 'win32' ? 0o600 : fstatSync(descriptor).mode;
    return { text: readFileSync(descriptor, 'utf8'), mode };
  } catch (error) {
    throw new Error(`cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function parse(text: string): Entry[] {
  let value: unknown;
  try {
    // Some editors begin a file with a byte order mark.
    value = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    // The parser's own message quotes the file.
    throw new Error('is not JSON');
  }
  const parsed = fileSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`is malformed at ${issue?.path.join('.') || 'its root'}: ${issue?.message ?? ''}`);
  }
  for (const { name, sha256: digest, token } of parsed.data.tokens) {
    if ((digest === undefined) === (token === undefined)) {
      throw new Error(`must give "${name}" either sha256 or token`);
    }
  }
  return parsed.data.tokens;
}

/** A limit that names no target would look like one, and a limit without --targets would limit nothing. */
function refuseUnknownTargets({ name, targets }: Entry, targetNames: readonly string[] | undefined): void {
  if (targets === undefined) return;
  if (targetNames === undefined) throw new Error(`limits "${name}" to targets, which needs --targets`);
  const unknown = targets.filter((target) => !targetNames.includes(target));
  if (unknown.length === 0) return;
  throw new Error(
    `limits "${name}" to targets that the file of --targets does not have: ${unknown.join(', ')}`,
  );
}

function holder({ name, scopes, targets, sha256: digest, token = '' }: Entry): Holder {
  return {
    principal: `token:${name}`,
    scopes,
    targets,
    digest: digest === undefined ? sha256(token) : Buffer.from(digest, 'hex'),
  };
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
