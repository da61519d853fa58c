import { isIPv6 } from 'node:net';
import { REGION } from '../vocabulary/ids.ts';
import { isLoopback } from './loopback.ts';

/** What the text of a flag or a variable means. Each throws an Error whose message completes "--flag …". */

/** Where HTTP is served: a name or an address, without the brackets of IPv6, and a port. */
export interface HttpAddress {
  host: string;
  port: number;
}

export const HOST = /^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])$/;

/** As browsers write it: no path, no trailing slash. */
export const ORIGIN = /^https?:\/\/([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$/;

export function parseKey(text: string): string {
  if (Buffer.byteLength(text) < 32) throw new Error('must have 32 characters or more');
  return text;
}

export function parseRegion(text: string): string {
  if (!REGION.test(text)) throw new Error('must be an AWS region such as us-east-1');
  return text;
}

export function parseHttpAddress(text: string): HttpAddress {
  const [, bracketed, plain, port = ''] = /^(?:(?:\[([^\]]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? '127.0.0.1';
  const fits = bracketed === undefined ? HOST.test(host) : isIPv6(bracketed);
  if (port === '' || Number(port) > 65_535 || !fits) {
    throw new Error('must be PORT, HOST:PORT or [IPv6]:PORT');
  }
  return { host, port: Number(port) };
}

/** Over plain HTTP anyone on the way could put keys of their own in place of the issuer's. */
export function parseIssuer(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
  if (!safe || url?.search !== '' || url.hash !== '' || url.username !== '') {
    throw new Error('must be an https URL without query, or http on a loopback host');
  }
  return text;
}

export function parseSwitch(text: string): boolean {
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw new Error('must be true or false');
}

export function numberBetween(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= minimum && value <= maximum))
      throw new Error(`must be a number from ${minimum} to ${maximum}`);
    return value;
  };
}

export function wholeNumberBetween(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= minimum && value <= maximum)) {
      throw new Error(`must be a whole number from ${minimum} to ${maximum}`);
    }
    return value;
  };
}

export function oneOf<T extends string>(values: readonly T[]): (text: string) => T {
  return (text) => {
    const value = values.find((candidate) => candidate === text);
    if (value === undefined) throw new Error(`must be one of ${values.join(', ')}`);
    return value;
  };
}
