import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePosition, encodePosition, type Position, START } from '../../src/tools/paging.ts';
import { Failure } from '../../src/vocabulary/failure.ts';

const question = { region: 'us-east-1', filters: { vpc_ids: ['vpc-01234567'] } };

const anyPosition: fc.Arbitrary<Position> = fc.record(
  {
    chunk: fc.nat(),
    skip: fc.nat(),
    token: fc.string({ unit: 'grapheme' }),
    unheld: fc.array(fc.nat(), { maxLength: 9 }),
  },
  { requiredKeys: ['chunk', 'skip'] },
);

/** The message with which a token is refused; throws if it is accepted. */
function refusal(token: string, of: unknown = question, pageSize = 50): string {
  try {
    decodePosition(token, of, pageSize);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    expect(error.report).toMatchObject({
      code: 'invalid_argument',
      retryable: false,
      hint: expect.stringContaining('without next_token'),
    });
    return error.report.message;
  }
  throw new Error('the token was accepted');
}

/** A token with a JSON value or a text in it. */
function tokenOf(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return Buffer.from(text).toString('base64url');
}

/** The JSON object in a token. */
function contentOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
}

describe('a page token', () => {
  it('decodes to the position that was encoded', () => {
    fc.assert(
      fc.property(anyPosition, (position) => {
        expect(decodePosition(encodePosition(position, question, 50), question, 50)).toEqual(position);
      }),
    );
  });

  it('encodes the start', () => {
    expect(decodePosition(encodePosition(START, question, 50), question, 50)).toEqual({ chunk: 0, skip: 0 });
  });

  it('needs no escaping in URLs and shells', () => {
    fc.assert(
      fc.property(anyPosition, (position) => {
        expect(encodePosition(position, question, 50)).toMatch(/^[\w-]+$/);
      }),
    );
  });

  it.each([
    [{ region: 'us-east-2', filters: question.filters }],
    [{ region: 'us-east-1', filters: {} }],
    [{ region: 'us-east-1', filters: { vpc_ids: ['vpc-76543210'] } }],
    [{ region: 'us-east-1', filters: { vpc_ids: ['vpc-01234567', 'vpc-76543210'] } }],
    [{ region: 'us-east-1', filters: { subnet_ids: ['vpc-01234567'] } }],
    [{ region: 'us-east-1', filters: { ...question.filters, states: ['available'] } }],
  ])('is refused with another region or other filters: %j', (other) => {
    expect(refusal(encodePosition({ chunk: 1, skip: 2 }, question, 50), other)).toContain('other filters');
    expect(refusal(encodePosition({ chunk: 1, skip: 2 }, other, 50))).toContain('other filters');
  });

  it('treats an undefined filter as absent', () => {
    const token = encodePosition(START, { region: 'us-east-1', filters: { states: undefined } }, 50);
    expect(decodePosition(token, { region: 'us-east-1', filters: {} }, 50)).toEqual(START);
  });

  it('is refused with any other question', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), anyPosition, (one, other, position) => {
        fc.pre(JSON.stringify(one) !== JSON.stringify(other));
        expect(refusal(encodePosition(position, one, 50), other)).toContain('other filters');
      }),
    );
  });
});

describe('a malformed page token', () => {
  it('is refused when it is cut short anywhere', () => {
    fc.assert(
      fc.property(anyPosition, fc.nat(), (position, at) => {
        const token = encodePosition(position, question, 50);
        refusal(token.slice(0, at % token.length));
      }),
    );
  });

  it('is refused when it is random text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.base64String()), (text) => void refusal(text)),
      {
        numRuns: 1000,
      },
    );
  });

  it('is refused when it holds any other JSON value', () => {
    fc.assert(
      fc.property(fc.json(), (text) => void refusal(tokenOf(text))),
      { numRuns: 1000 },
    );
  });

  it.each([
    '',
    'null',
    '[]',
    '{}',
    '{',
    '[[[[',
    '"text"',
    '{"chunk":0,"skip":0}',
    '{"chunk":0,"skip":0,"of":1}',
    '{"chunk":0,"skip":0,"of":null}',
    '{"__proto__":{"chunk":0,"skip":0,"of":""}}',
  ])('is refused when it holds %s', (text) => {
    refusal(tokenOf(text));
  });

  it.each([
    { chunk: -1 },
    { chunk: 0.5 },
    { chunk: '0' },
    { chunk: null },
    { skip: -1 },
    { skip: 1e300 },
    { skip: [] },
    { token: 1 },
    { token: null },
    { of: 'another' },
    { of: '' },
  ])('is refused when its members are changed to %j', (change) => {
    const content = contentOf(encodePosition({ chunk: 0, skip: 0 }, question, 50));
    refusal(tokenOf({ ...content, ...change }));
  });

  it('is refused when another position is put into a genuine token', () => {
    fc.assert(
      fc.property(anyPosition, anyPosition, (genuine, forged) => {
        fc.pre(JSON.stringify(genuine) !== JSON.stringify(forged));
        const { of } = contentOf(encodePosition(genuine, question, 50));
        refusal(tokenOf({ ...forged, of }));
      }),
    );
  });
});
