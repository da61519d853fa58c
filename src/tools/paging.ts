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
  return encode({ ...position, per: pageSize, of: digest(question, pageSize, position) });
}

/**
 * The position that a token stands for.
 *
 * @throws Failure `invalid_argument` where this tool did not make it, or made it for another question
 */
export function decodePosition(token: string, question: unknown, pageSize: number): Position {
  const { of, per, ...position } = decode(positionSchema.extend({ per: z.int(), of: z.string() }), token);
  if (of !== digest(question, per, position))
    throw unfitToken('next_token was made for other filters or another region, or was changed.');
  requirePageSize(per, pageSize);
  return position;
}

/** The position of a listing over several places, and what the pages so far have found. */
const placesPositionSchema = positionSchema.omit({ unheld: true }).extend({
  /** In the list of places. */
  place: z.int().nonnegative(),
  /** Ids and addresses that were found, and places that could not be read: positions in their lists, as `maskOf` says. */
  found: z.string(),
  failed: z.string(),
});

export type PlacesPosition = z.infer<typeof placesPositionSchema>;

export const PLACES_START: PlacesPosition = { place: 0, ...START, found: '', failed: '' };

/** A token like that of `encodePosition`, which fits only the list of places that it was made for as well. */
export function encodePlaces(
  position: PlacesPosition,
  question: unknown,
  pageSize: number,
  places: unknown,
): string {
  const content = { ...position, per: pageSize, in: hash(places) };
  return encode({ ...content, of: hash([question, content]) });
}

/**
 * The position that a token of `encodePlaces` stands for.
 *
 * @throws Failure `invalid_argument`
 */
export function decodePlaces(
  token: string,
  question: unknown,
  pageSize: number,
  places: unknown,
): PlacesPosition {
  const schema = placesPositionSchema.extend({ per: z.int(), in: z.string(), of: z.string() });
  const { of, ...content } = decode(schema, token);
  const { per, in: madeIn, place, chunk, token: ofEc2, skip, found, failed } = content;
  const position = { place, chunk, ...(ofEc2 === undefined ? {} : { token: ofEc2 }), skip, found, failed };
  if (of !== hash([question, { ...position, per, in: madeIn }])) {
    throw unfitToken('next_token was made for other filters, or was changed.');
  }
  requirePageSize(per, pageSize);
  if (madeIn !== hash(places)) {
    const hint = 'Start again without next_token, with the targets and regions that are wanted.';
    throw unfitToken('next_token was made for other targets or regions than there are now.', hint);
  }
  return position;
}

/** A set of positions in a list, a bit each, in a text that is short even for a long list. */
export function maskOf(positions: Iterable<number>): string {
  let bits = 0n;
  for (const position of positions) bits |= 1n << BigInt(position);
  const digits = bits.toString(16);
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex').toString('base64url');
}

/** The positions below `length` that a text of `maskOf` stands for. */
export function positionsIn(mask: string, length: number): number[] {
  const bits = BigInt(`0x0${Buffer.from(mask, 'base64url').toString('hex')}`);
  return [...Array(length).keys()].filter((position) => (bits >> BigInt(position)) & 1n);
}

/** The refusal of a token that does not fit the call. */
export function unfitToken(
  message: string,
  hint = 'Repeat the call that returned the token with the same arguments and the token added, or start again without next_token.',
): Failure {
  return new Failure({ code: 'invalid_argument', message, retryable: false, hint });
}

function requirePageSize(made: number, given: number): void {
  if (made === given) return;
  const message = `next_token was made for max_results ${made}, and this call has ${given}.`;
  throw unfitToken(message, `Repeat the call with max_results ${made}.`);
}

function encode(content: object): string {
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}

function decode<S extends z.ZodType>(schema: S, token: string): z.output<S> {
  const parsed = schema.safeParse(json(token));
  if (!parsed.success) throw unfitToken('next_token is not one that this tool gave out.');
  return parsed.data;
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
  return hash([question, pageSize, chunk, token, skip, unheld]);
}

function hash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 12);
}
