/** AWS reserves the first four addresses of a subnet and the last (VPC User Guide, subnet CIDR blocks). */
const RESERVED_AT_START = 4;
const RESERVED_AT_END = 1;

/** Returns the /24 around an address. */
export function blockAround(privateIp: string): string {
  return privateIp.replace(/\.\d+$/, '.0/24');
}

/** Yields the assignable addresses of a CIDR block, lowest first. */
export function* assignableAddresses(cidrBlock: string): Generator<string> {
  const [base = '', prefix = '32'] = cidrBlock.split('/');
  const size = 2 ** (32 - Number(prefix));
  const start = base.split('.').reduce((number, part) => number * 256 + Number(part), 0);
  for (let number = start + RESERVED_AT_START; number < start + size - RESERVED_AT_END; number += 1) {
    yield [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
  }
}
