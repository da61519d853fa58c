import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  beyondWait,
  DEFAULT_DRAIN_SECONDS,
  DRAIN_SECONDS,
  disassociateCommand,
  drainFrom,
  latestEnd,
  undoCommand,
} from '../../src/nat-gateway/drain.ts';

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

describe('the end of a drain', () => {
  const end = '2026-01-01T00:05:50.000Z';
  const start = Date.UTC(2026, 0, 1);

  it('is beyond a wait only where the wait is over before it', () => {
    expect(beyondWait(end, start)).toBe(end);
    expect(beyondWait(end, start, 349)).toBe(end);
    expect(beyondWait(end, start, 350)).toBeUndefined();
    expect(beyondWait(end, start + 400_000)).toBeUndefined();
    expect(beyondWait(undefined, start)).toBeUndefined();
  });

  it('is the latest of several, where it is known', () => {
    const started = (seconds: number) => ({ drain: drainFrom(start, seconds), startedAt: 0, dueAt: 0 });
    expect(latestEnd([started(9), undefined, started(350), started(10)])).toBe(end);
    expect(latestEnd([undefined])).toBeUndefined();
  });
});

describe('disassociateCommand', () => {
  it('is complete, with a drain only where it is not the default', () => {
    const command = `aws ec2 disassociate-nat-gateway-address --nat-gateway-id nat-1 --association-ids eipassoc-1 eipassoc-2 --region us-east-1`;
    expect(disassociateCommand('us-east-1', 'nat-1', ['eipassoc-1', 'eipassoc-2'])).toBe(command);
    expect(disassociateCommand('us-east-1', 'nat-1', ['eipassoc-1', 'eipassoc-2'], 60)).toBe(
      `${command} --max-drain-duration-seconds 60`,
    );
  });
});
