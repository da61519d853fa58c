import { createHash } from 'node:crypto';
import * as z from 'zod';
import { Failure } from '../vocabulary/failure.ts';

/**
 * The position of a listing: the chunk of ids, or EC2's page, and how many of its gateways have been dealt with, those
 * that did not fit the filters included: whether one fits can change between two calls.
 */
const positionSchema = z.object({
  chunk: z.int().nonnegative(),
  token: z.string().optional(),
  skip: z.int().nonnegative(),
  /** Places in the list of addresses of those that no page so far has held; absent where none was asked for. */
  unheld: z.array(z.int().nonnegative()).optional(),
});

export type Position = z.infer<typeof positionSchema>;

export const START: Position = { chunk: 0, skip: 0 };

/** A token for `position` that fits only the question (filters and region) and page size that it was made for. */
export function encodePosition(position: Position, question: unknown, pageSize: number): string {
  const content = { ...position, per: pageSize, of: digest(question, pageSize, position) };
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}

/**
 * The position that a token stands for.
 *
 * @throws Failure `invalid_argument` where this tool did not make it, or made it for another question
 */
export function decodePosition(token: string, question: unknown, pageSize: number): Position {
  const parsed = positionSchema.extend({ per: z.int(), of: z.string() }).safeParse(json(token));
  if (!parsed.success) throw unfitToken('next_token is not one that this tool gave out.');
  const { of, per, ...position } = parsed.data;
  if (of !== digest(question, per, position))
    throw unfitToken('next_token was made for other filters or another region, or was changed.');
  if (per !== pageSize) {
    const message = `next_token was made for max_results ${per}, and this call has ${pageSize}.`;
    throw unfitToken(message, `Repeat the call with max_results ${per}.`);
  }
  return position;
}

/** The refusal of a token that does not fit the call. */
export function unfitToken(
  message: string,
  hint = 'Repeat the call that returned the token with the same arguments and the token added, or start again without next_token.',
): Failure {
  return new Failure({ code: 'invalid_argument', message, retryable: false, hint });
}

function json(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Binds a position to its question. It is no secret: a forged token yields only another page. */
function digest(question: unknown, pageSize: number, { chunk, token, skip, unheld }: Position): string {
  return createHash('sha256')
    .update(JSON.stringify([question, pageSize, chunk, token, skip, unheld]))
    .digest('base64url')
    .slice(0, 12);
}
