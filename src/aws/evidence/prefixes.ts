/** IPv4 ranges in the notation that EC2 keeps them in: four octets, a slash, and no bit set behind the prefix. */

const OCTET = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const CIDR = new RegExp(`^${OCTET}\\.${OCTET}\\.${OCTET}\\.${OCTET}/(3[0-2]|[12]?\\d)$`);

/** The 33 ranges that cover an address, itself as /32 first; none where it is not IPv4. */
export function rangesCovering(privateIp: string): string[] {
  const lengths = Array.from({ length: 33 }, (_, index) => 32 - index);
  return lengths.flatMap((length) => canonical(`${privateIp}/${length}`) ?? []);
}

/** The range without the bits behind its prefix; `undefined` where it is not an IPv4 range. */
export function canonical(cidr: string): string | undefined {
  const parts = CIDR.exec(cidr)?.slice(1).map(Number);
  if (parts === undefined) return undefined;
  const length = parts.pop() ?? 0;
  const network = parts.map((octet, index) => {
    const kept = Math.min(8, Math.max(0, length - 8 * index));
    return octet & (0xff00 >> kept) & 0xff;
  });
  return `${network.join('.')}/${length}`;
}
