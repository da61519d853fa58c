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
});

export type Position = z.infer<typeof positionSchema>;

export const START: Position = { chunk: 0, skip: 0 };

/** A token for `position` that fits only the question (filters and region) that it was made for. */
export function encodePosition(position: Position, question: unknown): string {
  return Buffer.from(JSON.stringify({ ...position, of: digest(question, position) })).toString('base64url');
}

/**
 * The position that a token stands for.
 *
 * @throws Failure `invalid_argument` where this tool did not make it, or made it for another question
 */
export function decodePosition(token: string, question: unknown): Position {
  const parsed = positionSchema.extend({ of: z.string() }).safeParse(json(token));
  if (!parsed.success) throw unfitToken('next_token is not one that this tool gave out.');
  const { of, ...position } = parsed.data;
  if (of !== digest(question, position))
    throw unfitToken('next_token was made for other filters or another region, or was changed.');
  return position;
}

/** The refusal of a token that does not fit the call. */
export function unfitToken(message: string): Failure {
  return new Failure({
    code: 'invalid_argument',
    message,
    retryable: false,
    hint: 'Repeat the call that returned the token with the same arguments and the token added, or start again without next_token.',
  });
}

function json(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Binds a position to its question. It is no secret: a forged token yields only another page. */
function digest(question: unknown, { chunk, token, skip }: Position): string {
  return createHash('sha256')
    .update(JSON.stringify([question, chunk, token, skip]))
    .digest('base64url')
    .slice(0, 12);
}
