import { isIP } from 'node:net';

/** The loopback hosts as URLs write them. */
export const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '[::1]'] as const;

/** Whether an address stands for all addresses of this machine; clients never call by it. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** Whether only this machine can reach a host: a name, or an address with or without brackets. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) === 0) return bare.toLowerCase() === 'localhost';
  if (isIP(bare) === 4) return bare.startsWith('127.');
  // A URL writes an address of IPv6 in its shortest form; with a zone it is none.
  const literal = `http://[${bare}]`;
  return URL.canParse(literal) && new URL(literal).hostname === '[::1]';
}
