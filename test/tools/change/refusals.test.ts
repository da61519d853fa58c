import { describe, expect, it } from 'vitest';
import { callsAhead, notConfirmedHint } from '../../../src/tools/change/refusals.ts';

describe('a call that did not get its turn', () => {
  it.each([
    [1, '1 other call on this gateway was ahead of this one'],
    [50, '50 other calls on this gateway were ahead of this one'],
  ])('is told how many were ahead (%i), and not that they change anything', (ahead, said) => {
    const { code, message, retryable } = callsAhead(4, ahead);
    expect({ code, retryable }).toEqual({ code: 'precondition_failed', retryable: true });
    expect(message).toContain(said);
    expect(message).toContain('within 4 s. Nothing was changed by this one.');
    expect(message).not.toMatch(/changing|has changed/);
  });
});

describe('the hint after an answer that is no yes', () => {
  it.each(['declined', 'cancelled', 'unticked', 'expired'] as const)(
    'says of %s that nothing was changed',
    (how) => {
      expect(notConfirmedHint(how)).toMatch(/^Nothing was changed/);
      expect(notConfirmedHint(how)).not.toContain('human');
    },
  );
});
