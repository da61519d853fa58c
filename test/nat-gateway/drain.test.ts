import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_DRAIN_SECONDS, DRAIN_SECONDS, drainFrom, undoCommand } from '../../src/nat-gateway/drain.ts';

describe('drainFrom', () => {
  it('starts at the given time and ends after the given seconds, in UTC', () => {
    expect(drainFrom(Date.UTC(2026, 11, 31, 23, 59, 30), 350)).toEqual({
      started_at: '2026-12-31T23:59:30.000Z',
      release_by: '2027-01-01T00:05:20.000Z',
      max_drain_duration_seconds: 350,
    });
  });

  it('covers the longest drain that EC2 allows', () => {
    expect(drainFrom(0, DRAIN_SECONDS.maximum).release_by).toBe('1970-01-01T01:06:40.000Z');
  });

  it('lasts exactly the given seconds from any start', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) }),
        fc.integer({ min: DRAIN_SECONDS.minimum, max: DRAIN_SECONDS.maximum }),
        (startedAt, seconds) => {
          const { started_at, release_by } = drainFrom(startedAt, seconds);
          expect(Date.parse(started_at)).toBe(startedAt);
          expect(Date.parse(release_by) - startedAt).toBe(seconds * 1000);
        },
      ),
    );
  });
});

describe('the length of a drain', () => {
  it('has the bounds and the default of EC2', () => {
    expect(DRAIN_SECONDS).toEqual({ minimum: 1, maximum: 4000 });
    expect(DEFAULT_DRAIN_SECONDS).toBe(350);
  });
});

describe('undoCommand', () => {
  it('assigns the same addresses to the same gateway in the same region', () => {
    expect(undoCommand('eu-west-1', 'nat-0123456789abcdef0', ['10.0.0.5', '10.0.0.6'])).toBe(
      'aws ec2 assign-private-nat-gateway-address --region eu-west-1 --nat-gateway-id nat-0123456789abcdef0 --private-ip-addresses 10.0.0.5 10.0.0.6',
    );
  });

  it('has no trailing space for a single address', () => {
    expect(undoCommand('eu-west-1', 'nat-01234567', ['10.0.0.5'])).toMatch(/ 10\.0\.0\.5$/);
  });
});
