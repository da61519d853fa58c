/** The variables of an environment, and the URL of a request. */
export type Case = readonly [variables: Readonly<Record<string, string>>, url: string];

/** Host and port of the proxy, a direct connection, or a value that names no usable proxy. */
export type Reading = `proxy.test:${number}` | 'direct' | 'unusable';

const AWS = 'https://ec2.us-east-1.amazonaws.com';
const PROXY = 'http://proxy.test:3128';
const OTHER = 'http://other.test:1';

const through = (NO_PROXY: string, url = AWS): Case => [{ HTTPS_PROXY: PROXY, NO_PROXY }, url];

/**
 * Readings of curl 7.88.1, by where it connects, and of the AWS CLI 1.45.11, by botocore's `get_environ_proxies` and
 * `ProxyConfiguration`, on Linux. Those on which the two agree:
 */
export const AGREED: readonly (readonly [Case, Reading])[] = [
  [[{}, AWS], 'direct'],
  [[{ HTTPS_PROXY: PROXY }, AWS], 'proxy.test:3128'],
  [[{ https_proxy: PROXY }, AWS], 'proxy.test:3128'],
  [[{ HTTP_PROXY: PROXY }, AWS], 'direct'],
  [[{ http_proxy: PROXY }, AWS], 'direct'],
  [[{ http_proxy: PROXY }, 'http://ec2.test'], 'proxy.test:3128'],
  [[{ HTTPS_PROXY: PROXY }, 'http://ec2.test'], 'direct'],
  [[{ HTTP_PROXY: PROXY, REQUEST_METHOD: 'GET' }, 'http://ec2.test'], 'direct'],
  [[{ http_proxy: '', HTTP_PROXY: PROXY }, 'http://ec2.test'], 'direct'],
  [[{ HTTPS_PROXY: '' }, AWS], 'direct'],
  [[{ https_proxy: PROXY, HTTPS_PROXY: OTHER }, AWS], 'proxy.test:3128'],
  [[{ HTTPS_PROXY: PROXY, ALL_PROXY: OTHER, all_proxy: OTHER }, AWS], 'proxy.test:3128'],
  [[{ HTTPS_PROXY: 'proxy.test:3128' }, AWS], 'proxy.test:3128'],
  [[{ HTTPS_PROXY: 'user:password@proxy.test:3128' }, AWS], 'proxy.test:3128'],
  [[{ HTTPS_PROXY: 'http://proxy.test:3128/' }, AWS], 'proxy.test:3128'],
  [[{ HTTPS_PROXY: 'http://proxy.test:3128/path?query' }, AWS], 'proxy.test:3128'],
  [[{ HTTPS_PROXY: 'https://proxy.test' }, AWS], 'proxy.test:443'],
  [[{ HTTPS_PROXY: 'ftp://proxy.test:3128' }, AWS], 'unusable'],
  [[{ HTTPS_PROXY: ' http://proxy.test:3128' }, AWS], 'unusable'],
  [[{ HTTPS_PROXY: 'http:proxy.test:3128' }, AWS], 'unusable'],
  [[{ HTTPS_PROXY: 'http://' }, AWS], 'unusable'],
  [[{ HTTPS_PROXY: 'http://[half' }, AWS], 'unusable'],
  [[{ HTTPS_PROXY: 'http://proxy.test:99999' }, AWS], 'unusable'],
  [[{ HTTPS_PROXY: 'http://proxy.test:x' }, AWS], 'unusable'],
  [[{ HTTPS_PROXY: 'http://user:pass#word@proxy.test:3128' }, AWS], 'unusable'],
  [[{ HTTPS_PROXY: 'http://user:pass/word@proxy.test:3128' }, AWS], 'unusable'],

  [through('amazonaws.com'), 'direct'],
  [through('.amazonaws.com'), 'direct'],
  [through('AMAZONAWS.COM'), 'direct'],
  [through('com'), 'direct'],
  [through('ec2.us-east-1.amazonaws.com'), 'direct'],
  [through('example.com,amazonaws.com'), 'direct'],
  [through('example.com, amazonaws.com'), 'direct'],
  [through(',,amazonaws.com,'), 'direct'],
  [through('*'), 'direct'],
  [[{ HTTPS_PROXY: PROXY, no_proxy: 'amazonaws.com' }, AWS], 'direct'],
  [[{ HTTPS_PROXY: PROXY, no_proxy: 'example.com', NO_PROXY: 'amazonaws.com' }, AWS], 'proxy.test:3128'],
  [[{ http_proxy: PROXY, NO_PROXY: 'ec2.test' }, 'http://ec2.test'], 'direct'],
  [through('amazonaws.com', `${AWS}:8443`), 'direct'],
  [through(''), 'proxy.test:3128'],
  [through(' '), 'proxy.test:3128'],
  [through('.'), 'proxy.test:3128'],
  [through('*,example.com'), 'proxy.test:3128'],
  [through('example.com,*'), 'proxy.test:3128'],
  [through(' * '), 'proxy.test:3128'],
  [through('*.amazonaws.com'), 'proxy.test:3128'],
  [through('ec2.*.amazonaws.com'), 'proxy.test:3128'],
  [through('azonaws.com'), 'proxy.test:3128'],
  [through('example.com;amazonaws.com'), 'proxy.test:3128'],
  [through('ec2.us-east-1.amazonaws.com:8443'), 'proxy.test:3128'],
  [through('https://ec2.us-east-1.amazonaws.com'), 'proxy.test:3128'],

  [through('127.1.2.3', 'https://127.1.2.3:8443'), 'direct'],
  [through('127.1.2.4', 'https://127.1.2.3:8443'), 'proxy.test:3128'],
  [through('127.1.2.', 'https://127.1.2.3:8443'), 'proxy.test:3128'],
  [through('127.1.2.3:443', 'https://127.1.2.3:8443'), 'proxy.test:3128'],
  [through('10.0.0.0/8', 'https://127.1.2.3:8443'), 'proxy.test:3128'],
  [through('0.0.0.0/0', 'https://127.1.2.3:8443'), 'proxy.test:3128'],
  [through('127.0.0.0/33', 'https://127.1.2.3:8443'), 'proxy.test:3128'],
  [through('127.0.0/8', 'https://127.1.2.3:8443'), 'proxy.test:3128'],
  [through('::2', 'https://[::1]:8443'), 'proxy.test:3128'],
  [through('127.0.0.0/8', 'https://[::1]:8443'), 'proxy.test:3128'],
  [through('fe80::1%eth0', 'https://[fe80::1]:8443'), 'proxy.test:3128'],
  [through('127.0.0.1', 'https://localhost:8443'), 'proxy.test:3128'],
];

/** Where they differ: what curl reads, what the AWS CLI reads, and why the server reads it as one of them. */
export const DISPUTED: readonly (readonly [Case, curl: Reading, awsCli: Reading, Reading, string])[] = [
  [[{ ALL_PROXY: PROXY }, AWS], 'proxy.test:3128', 'direct', 'proxy.test:3128', 'only curl knows ALL_PROXY'],
  [[{ all_proxy: PROXY }, AWS], 'proxy.test:3128', 'direct', 'proxy.test:3128', 'only curl knows all_proxy'],
  [
    [{ ALL_PROXY: PROXY }, 'http://ec2.test'],
    'proxy.test:3128',
    'direct',
    'proxy.test:3128',
    'only curl knows ALL_PROXY',
  ],
  [
    [{ HTTPS_PROXY: '', all_proxy: PROXY }, AWS],
    'proxy.test:3128',
    'direct',
    'proxy.test:3128',
    'only curl knows all_proxy',
  ],
  [
    [{ https_proxy: '', HTTPS_PROXY: PROXY }, AWS],
    'proxy.test:3128',
    'direct',
    'direct',
    'the lower-case variable was emptied for one program',
  ],
  [
    [{ HTTPS_PROXY: PROXY, no_proxy: '', NO_PROXY: 'amazonaws.com' }, AWS],
    'direct',
    'proxy.test:3128',
    'proxy.test:3128',
    'the lower-case variable was emptied for one program',
  ],
  [
    [{ HTTP_PROXY: PROXY }, 'http://ec2.test'],
    'direct',
    'proxy.test:3128',
    'proxy.test:3128',
    'curl fears CGI, which this server is not',
  ],
  [
    [{ HTTPS_PROXY: '//proxy.test:3128' }, AWS],
    'unusable',
    'proxy.test:3128',
    'proxy.test:3128',
    'it is clear',
  ],
  [
    [{ HTTPS_PROXY: 'HTTP://proxy.test:3128' }, AWS],
    'proxy.test:3128',
    'unusable',
    'proxy.test:3128',
    'it is clear',
  ],
  [
    [{ HTTPS_PROXY: 'http:/proxy.test:3128' }, AWS],
    'proxy.test:3128',
    'unusable',
    'proxy.test:3128',
    'it is clear',
  ],
  [
    [{ HTTPS_PROXY: 'http://user:p@ss@proxy.test:3128' }, AWS],
    'unusable',
    'proxy.test:3128',
    'proxy.test:3128',
    'it is clear',
  ],
  [
    [{ HTTPS_PROXY: 'http://proxy.test' }, AWS],
    'proxy.test:1080',
    'proxy.test:80',
    'proxy.test:80',
    'it is the port of http://',
  ],
  [
    [{ HTTPS_PROXY: 'proxy.test' }, AWS],
    'proxy.test:1080',
    'proxy.test:80',
    'proxy.test:80',
    'it is the port of http://',
  ],
  [through('..amazonaws.com'), 'proxy.test:3128', 'direct', 'direct', 'leading dots mean nothing'],
  [through('amazonaws.com.'), 'direct', 'proxy.test:3128', 'direct', 'a trailing dot means nothing'],
  [
    through('amazonaws.com', `${AWS}.`),
    'direct',
    'proxy.test:3128',
    'direct',
    'a trailing dot means nothing',
  ],
  [
    through('example.com amazonaws.com'),
    'direct',
    'proxy.test:3128',
    'direct',
    'a name has no space, so that it separates names',
  ],
  [
    through('ec2.us-east-1.amazonaws.com:8443', `${AWS}:8443`),
    'proxy.test:3128',
    'direct',
    'direct',
    'the port is that of the URL',
  ],
  [
    through('amazonaws.com:8443', `${AWS}:8443`),
    'proxy.test:3128',
    'direct',
    'direct',
    'the port is that of the URL',
  ],
  [
    through('127.1.2.3:8443', 'https://127.1.2.3:8443'),
    'proxy.test:3128',
    'direct',
    'direct',
    'the port is that of the URL',
  ],
  [
    through('127.0.0.0/8', 'https://127.1.2.3:8443'),
    'direct',
    'proxy.test:3128',
    'direct',
    'curl knows CIDR',
  ],
  [
    through('127.1.2.3/32', 'https://127.1.2.3:8443'),
    'direct',
    'proxy.test:3128',
    'direct',
    'curl knows CIDR',
  ],
  [
    through('2.3', 'https://127.1.2.3:8443'),
    'proxy.test:3128',
    'direct',
    'proxy.test:3128',
    'an address is no domain',
  ],
  [through('::1', 'https://[::1]:8443'), 'direct', 'proxy.test:3128', 'direct', 'the address is the same'],
  [through('[::1]', 'https://[::1]:8443'), 'proxy.test:3128', 'direct', 'direct', 'the address is the same'],
  [
    through('[::1]:8443', 'https://[::1]:8443'),
    'proxy.test:3128',
    'direct',
    'direct',
    'the address is the same',
  ],
];

/** Where they agree and the server reads something else, and why. */
export const DEVIATIONS: readonly (readonly [Case, both: Reading, Reading, string])[] = [
  [
    [{ http_proxy: PROXY }, 'http://127.0.0.1:4566'],
    'proxy.test:3128',
    'direct',
    'the embedded endpoint and emulators are on this machine, and nothing else is',
  ],
  [
    [{ http_proxy: PROXY }, 'http://localhost:4566'],
    'proxy.test:3128',
    'direct',
    'the embedded endpoint and emulators are on this machine, and nothing else is',
  ],
  [
    through('ec2.us-east-1.amazonaws.com:443'),
    'proxy.test:3128',
    'direct',
    'the port of https:// is 443, written or not',
  ],
  [through('::/8', 'https://[::1]:8443'), 'proxy.test:3128', 'direct', 'curl documents CIDR for IPv6, too'],
  [through('0:0:0:0:0:0:0:1', 'https://[::1]:8443'), 'proxy.test:3128', 'direct', 'the address is the same'],
];
