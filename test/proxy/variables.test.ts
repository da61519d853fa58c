import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProxyError } from '../../src/proxy/proxy.ts';
import { proxyFor } from '../../src/proxy/variables.ts';
import { AGREED, type Case, DEVIATIONS, DISPUTED } from '../support/proxy-readings.ts';

const AWS = new URL('https://ec2.us-east-1.amazonaws.com');

function readingOf([variables, url]: Case): string {
  try {
    const proxy = proxyFor(new URL(url), variables);
    return proxy === undefined ? 'direct' : `${proxy.host}:${proxy.port}`;
  } catch (error) {
    if (error instanceof ProxyError) return 'unusable';
    throw error;
  }
}

/** The error of `variables`, for a request to EC2. */
function errorOf(variables: Record<string, string>): ProxyError {
  try {
    throw new Error(`read as ${proxyFor(AWS, variables)?.name}`);
  } catch (error) {
    if (error instanceof ProxyError) return error;
    throw error;
  }
}

describe('the proxy variables', () => {
  it.each(AGREED)('%j are read as curl and the AWS CLI read them: %s', (variables, reading) => {
    expect(readingOf(variables)).toBe(reading);
  });

  it.each(DISPUTED)(
    '%j, read as %s by curl and %s by the AWS CLI, are read as %s: %s',
    (variables, ...readings) => {
      const [curl, awsCli, reading] = readings;
      expect(readingOf(variables)).toBe(reading);
      expect([curl, awsCli]).toContain(reading);
      expect(curl).not.toBe(awsCli);
    },
  );

  it.each(DEVIATIONS)('%j, read as %s by both, are read as %s: %s', (variables, both, reading) => {
    expect(readingOf(variables)).toBe(reading);
    expect(reading).not.toBe(both);
  });
});

describe('proxy variables of any text', () => {
  const text = fc.string({
    unit: fc.constantFrom(...'ab:/@.,*[]%#?\\ 0129-é', '://', 'http', '::1', '/8'),
    maxLength: 20,
  });
  const url = fc.constantFrom(
    AWS,
    new URL('http://ec2.test:8000'),
    new URL('https://[::1]'),
    new URL('https://10.0.0.1'),
  );

  it('name a proxy or none, or are refused; nothing else is thrown', () => {
    fc.assert(
      fc.property(text, text, url, (ALL_PROXY, NO_PROXY, target) => {
        const { href } = target;
        expect(readingOf([{ ALL_PROXY, NO_PROXY }, href])).toMatch(/^(direct|unusable|.+:\d+)$/);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the credentials in a proxy variable', () => {
  // The headers that curl 7.88.1 sends for them.
  it.each([
    ['http://us%40er:p%3Aw%2F@proxy.test:3128', 'dXNAZXI6cDp3Lw=='],
    ['http://user@proxy.test:3128', 'dXNlcjo='],
    ['http://user:@proxy.test:3128', 'dXNlcjo='],
    ['http://u:p%zz@proxy.test:3128', 'dTpwJXp6'],
    ['u:p@proxy.test:3128', 'dTpw'],
    ['http://ü:pä@proxy.test:3128', 'w7w6cMOk'],
  ])('%s are sent as curl sends them', (HTTPS_PROXY, base64) => {
    expect(proxyFor(AWS, { HTTPS_PROXY })?.authorization).toBe(`Basic ${base64}`);
  });

  it('are decoded around a percent sign that encodes nothing', () => {
    const { authorization = '' } = proxyFor(AWS, { HTTPS_PROXY: 'http://u:1%zz%402@proxy.test' }) ?? {};
    expect(Buffer.from(authorization.replace('Basic ', ''), 'base64').toString()).toBe('u:1%zz@2');
  });

  it('are not in the name of the proxy', () => {
    const proxy = proxyFor(AWS, { all_proxy: 'https://someone:pa55word@[fd00::7]:3128' });
    expect(proxy).toMatchObject({ host: 'fd00::7', isTls: true, name: '[fd00::7]:3128 (all_proxy)' });
  });
});

describe('a proxy variable that cannot be used', () => {
  it.each(['socks5', 'socks5h', 'socks4', 'socks4a', 'SOCKS', 'ftp', 'quic'])(
    'names the scheme %s, and the schemes that are supported',
    (scheme) => {
      const { message, hint, isRetryable } = errorOf({ ALL_PROXY: `${scheme}://u:pa55word@proxy.test:1080` });
      expect(message).toBe(`ALL_PROXY names a proxy of ${scheme}://, which is not supported`);
      expect(hint).toMatch(/^Set ALL_PROXY to http:\/\/HOST:PORT or https:\/\/HOST:PORT/);
      expect(hint).toContain('name ec2.us-east-1.amazonaws.com in NO_PROXY');
      expect(message + hint).not.toContain('pa55word');
      expect(isRetryable).toBe(false);
    },
  );

  it.each([
    'http://someone:pa55word@[half',
    'http://someone:pa55word@proxy.test:99999',
    'http://someone:pa55word@proxy.test:0',
    'http://someone:pa55word@',
    'http://someone:#pa55word@proxy.test:3128',
    'http://someone:1/pa55word@proxy.test:3128',
    'http://someone:1?pa55word@proxy.test:3128',
    'http://someone:1#pa55word@proxy.test:3128',
    'http://someone:pa55word@a b:3128',
  ])('%s is named without its value', (https_proxy) => {
    const { message, hint } = errorOf({ https_proxy });
    expect(message).toBe('https_proxy is not the URL of a proxy');
    expect(hint).toContain('percent-encoded');
    expect(message + hint).not.toMatch(/pa55word|someone/);
  });

  it('does not matter to a host that NO_PROXY names', () => {
    expect(proxyFor(AWS, { ALL_PROXY: 'socks5://proxy.test', NO_PROXY: 'amazonaws.com' })).toBeUndefined();
  });
});
