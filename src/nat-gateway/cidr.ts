import { isIPv4 } from 'node:net';

/** Ranges of IPv4 addresses, as AWS writes them: `10.0.1.0/24`. A single address is a range too. */

/** Whether the text is a range in CIDR notation, in the form of its first address. */
export function isCidr(text: string): boolean {
  return canonical(text) === text;
}

/** Whether a range, or a single address, has this address. False where either is no IPv4. */
export function coversAddress(cidr: string, privateIp: string): boolean {
  const range = parse(cidr);
  if (range === undefined || !isIPv4(privateIp)) return false;
  return firstOf(numberOf(privateIp), range.size) === range.first;
}

/** The 33 ranges that cover an address, itself as /32 first; none where it is not IPv4. */
export function rangesCovering(privateIp: string): string[] {
  const lengths = Array.from({ length: 33 }, (_, index) => 32 - index);
  return lengths.flatMap((length) => canonical(`${privateIp}/${length}`) ?? []);
}

/** The range in the form of its first address; `undefined` where it is not an IPv4 range. */
export function canonical(cidr: string): string | undefined {
  const range = cidr.includes('/') ? parse(cidr) : undefined;
  if (range === undefined) return undefined;
  const octets = [24, 16, 8, 0].map((bits) => Math.floor(range.first / 2 ** bits) % 256);
  return `${octets.join('.')}/${32 - Math.log2(range.size)}`;
}

/** Of a range the first address, and the number of its addresses. */
function parse(text: string): { first: number; size: number } | undefined {
  const [, address = '', prefix = '32'] = /^([\d.]+)(?:\/(0|[1-9]\d?))?$/.exec(text) ?? [];
  if (!isIPv4(address) || Number(prefix) > 32) return undefined;
  const size = 2 ** (32 - Number(prefix));
  return { first: firstOf(numberOf(address), size), size };
}

function firstOf(address: number, size: number): number {
  return address - (address % size);
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}
