import { BlockList, isIP, isIPv6 } from 'node:net';

/** What is known to be this machine itself, as a URL writes it. */
export const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '[::1]'] as const;

const addresses = new BlockList();
addresses.addSubnet('127.0.0.0', 8, 'ipv4');
addresses.addAddress('::1', 'ipv6');

/** Addresses that mean every address of this machine; nobody calls by them. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** Whether a host, a name or an address with or without brackets, is reached from this machine only. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) === 0) return bare.toLowerCase() === 'localhost';
  return !bare.startsWith('::ffff:') && addresses.check(bare, isIPv6(bare) ? 'ipv6' : 'ipv4');
}
