import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundedText, displayName, visibleJson, visibleLine } from '../../src/vocabulary/text.ts';

describe('boundedText', () => {
  it('returns short, well-formed text unchanged', () => {
    expect(boundedText('egress “A” – ügly 🚀', 256)).toBe('egress “A” – ügly 🚀');
  });

  it('cuts text at the limit and says how much it cut', () => {
    expect(boundedText('x'.repeat(300), 256)).toBe(`${'x'.repeat(256)}… (44 more characters)`);
  });

  it('never contains a lone surrogate, wherever it is cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.nat(20), (value, limit) => {
        const text = boundedText(`${value}\ud800`, limit);
        expect(text.isWellFormed()).toBe(true);
        expect(text.length).toBeLessThanOrEqual(limit + 40);
      }),
    );
  });
});

describe('visibleJson', () => {
  it('is the same value without a character that a terminal acts upon or hides', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const value = `${text}\u009b31m\u202e\u2028\u200b\u{e0041}\u3164\ufe0f`;
        const json = visibleJson(JSON.stringify({ value }));
        expect(JSON.parse(json)).toEqual({ value });
        expect(json).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u);
      }),
    );
  });
});

describe('displayName', () => {
  it('quotes a name, which cannot close its quotes', () => {
    expect(displayName('egress" approved by security "')).toBe('"egress\' approved by security \'"');
  });

  it.each([
    ['bidirectional marks', 'prod\u202e\u2066gpj.\u2069'],
    ['ANSI colours', '\u001b[31mred\u001b[0m'],
    ['line breaks', 'egress\r\n\u2028Account: 999999999999'],
    ['zero-width characters', 'pro\u200bd\u200d\ufeff\u2060'],
    ['tag characters', 'prod\u{e0041}\u{e0042}'],
    ['variation selectors', 'prod\ufe0f\u{e0100}'],
    ['soft hyphens and fillers', 'pr\u00adod\u3164\u115f'],
    ['lone surrogates', 'prod\ud800'],
  ])('strips %s', (_, name) => {
    expect(displayName(name)).toMatch(/^"[\x20-\x7e\ufffd]*"$/);
  });

  it('cuts a name to 64 characters between the quotes', () => {
    expect([...displayName('🚀'.repeat(100))]).toHaveLength(66);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        expect([...displayName(value)].length).toBeLessThanOrEqual(66);
      }),
    );
  });
});

describe('visibleLine', () => {
  it('returns one line without invisible characters for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        expect(visibleLine(value)).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});
