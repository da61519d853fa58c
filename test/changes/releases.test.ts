import { describe, expect, it } from 'vitest';
import { RESTORABLE_MILLISECONDS, Releases } from '../../src/changes/releases.ts';

const GATEWAY = 'nat-0123456789abcdef0';
const place = { region: 'us-east-1', natGatewayId: GATEWAY };
const START = 1_000_000;

describe('the memory of releases', () => {
  it('has what was released from a gateway, for a day', () => {
    let now = START;
    const releases = new Releases(() => now);
    releases.remember({ ...place, privateIps: ['10.0.1.11', '10.0.1.12'], at: now });
    expect(releases.has('us-east-1', GATEWAY, '10.0.1.11')).toBe(true);
    now += RESTORABLE_MILLISECONDS - 1;
    expect(releases.has('us-east-1', GATEWAY, '10.0.1.12')).toBe(true);
    now += 1;
    expect(releases.has('us-east-1', GATEWAY, '10.0.1.12')).toBe(false);
  });

  it.each([
    ['eu-west-1', GATEWAY, '10.0.1.11'],
    ['us-east-1', 'nat-0123456789abcdef1', '10.0.1.11'],
    ['us-east-1', GATEWAY, '10.0.1.1'],
  ])('does not have %s %s %s', (region, natGatewayId, privateIp) => {
    const releases = new Releases(() => START);
    releases.remember({ ...place, privateIps: ['10.0.1.11'], at: START });
    expect(releases.has(region, natGatewayId, privateIp)).toBe(false);
  });

  it('takes over what former processes released, and counts the day from then', () => {
    const earlier = [{ ...place, privateIps: ['10.0.1.11'], at: START - RESTORABLE_MILLISECONDS + 1 }];
    let now = START;
    const releases = new Releases(() => now, earlier);
    expect(releases.has('us-east-1', GATEWAY, '10.0.1.11')).toBe(true);
    now += 1;
    expect(releases.has('us-east-1', GATEWAY, '10.0.1.11')).toBe(false);
  });

  it('forgets what was given back, and no more', () => {
    const releases = new Releases(() => START);
    releases.remember({ ...place, privateIps: ['10.0.1.11', '10.0.1.12'], at: START });
    releases.giveBack({ ...place, privateIps: ['10.0.1.11'] }, 5);
    expect(releases.has('us-east-1', GATEWAY, '10.0.1.11')).toBe(false);
    expect(releases.has('us-east-1', GATEWAY, '10.0.1.12')).toBe(true);
    expect(releases.givenBackAt('us-east-1', GATEWAY, '10.0.1.11')).toBe(5);
    expect(releases.givenBackAt('us-east-1', GATEWAY, '10.0.1.12')).toBeUndefined();
  });

  it('keeps the latest ten thousand addresses', () => {
    const releases = new Releases(() => START);
    const ip = (index: number) => `10.0.${index >> 8}.${index & 255}`;
    for (let index = 0; index <= 10_000; index++) {
      releases.remember({ ...place, privateIps: [ip(index)], at: START });
    }
    expect(releases.has('us-east-1', GATEWAY, ip(0))).toBe(false);
    expect(releases.has('us-east-1', GATEWAY, ip(1))).toBe(true);
    expect(releases.has('us-east-1', GATEWAY, ip(10_000))).toBe(true);
  });
});
