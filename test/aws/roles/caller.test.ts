import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { callerNames } from '../../../src/aws/roles/caller.ts';

describe("a caller's names in STS", () => {
  it.each([
    ['token:alice', 'token:alice', /^token_alice=[0-9a-f]{32}$/],
    ['alice@example.com', 'alice@example.com', /^alice@example\.com$/],
    ['Jörg Müller', 'Jörg Müller', /^J_rg_M_ller=[0-9a-f]{32}$/],
  ])('keep %s in the tag', (name, tag, sourceIdentity) => {
    expect(callerNames(name)).toMatchObject({ tag, isTagMapped: false });
    expect(callerNames(name).sourceIdentity).toMatch(sourceIdentity);
  });

  it.each(['auth0|123', ' alice', 'alice ', '', 'anonymous', 'a\u2028b', 'x'.repeat(257)])(
    'map %j, and say so',
    (name) => {
      expect(callerNames(name)).toMatchObject({ isTagMapped: true });
      expect(callerNames(name).tag).toMatch(/^.*=[0-9a-f]{32}$/);
    },
  );

  it('are those of nobody without a name, which no caller has', () => {
    expect(callerNames(undefined)).toEqual({
      tag: 'anonymous',
      sourceIdentity: 'anonymous',
      isTagMapped: false,
      isSourceIdentityMapped: false,
    });
  });

  it('differ where only replaced characters differ, and from a name that looks mapped', () => {
    const mapped = callerNames('auth0|1').tag;
    expect(callerNames('auth0#1').tag).not.toBe(mapped);
    expect(callerNames(mapped).tag).not.toBe(mapped);
    expect(callerNames('\ud800').tag).not.toBe(callerNames('\ud801').tag);
  });

  it('fit, and differ for different callers', () => {
    const name = fc.string({ unit: 'binary', maxLength: 270 });
    fc.assert(
      fc.property(name, name, (one, other) => {
        for (const each of [callerNames(one), callerNames(other)]) {
          expect(each.tag).toMatch(/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,256}$/u);
          expect(each.sourceIdentity).toMatch(/^[\w+=,.@-]{2,256}$/);
        }
        expect(callerNames(one).tag === callerNames(other).tag).toBe(one === other);
        expect(callerNames(one).sourceIdentity === callerNames(other).sourceIdentity).toBe(one === other);
      }),
      { numRuns: 50 },
    );
  });
});
