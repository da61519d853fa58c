import { isIPv4, isIPv6 } from 'node:net';
import { isCidr } from '../nat-gateway/cidr.ts';
import { REGION } from '../vocabulary/ids.ts';
import { isLoopback } from './loopback.ts';

/** Parsers of the text of a flag or a variable. Each throws an Error whose message completes "--flag …". */

/** Where HTTP is served: a port, and a host name or an address without the brackets of IPv6. */
export interface HttpAddress {
  host: string;
  port: number;
}

export const HOST = /^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])$/;

/** An origin as browsers send it, without a path or a trailing slash. */
export const ORIGIN = /^https?:\/\/([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$/;

/** One secret, or two: the first signs, and both are accepted. */
export function parseKeys(text: string): readonly string[] {
  const keys = text.split(',');
  if (keys.length > 2) throw new Error('must be one secret, or two separated by a comma');
  if (keys.some((key) => Buffer.byteLength(key) < 32)) throw new Error('must have 32 characters or more');
  return keys;
}

/** Source of the form: the API reference of DynamoDB. */
export function parseTableName(text: string): string {
  if (!/^[A-Za-z0-9_.-]{3,255}$/.test(text)) {
    throw new Error('must be the name of a table: 3 to 255 letters, digits, _, . and -');
  }
  return text;
}

export function parseEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const fits =
    url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.search === '';
  if (!fits) throw new Error('must be an http or https URL without a query');
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

/** Refuses plain HTTP, over which an attacker on the network could replace the issuer's keys. */
export function parseIssuer(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
  if (!safe || url?.search !== '' || url.hash !== '' || url.username !== '') {
    throw new Error('must be an https URL without query, or http on a loopback host');
  }
  return text;
}

/** Allows what a scope may be made of (RFC 6749, section 3.3), because scopes are separated by spaces. */
export function parseScopePrefix(text: string): string {
  if (!/^[!#-[\]-~]+$/.test(text)) throw new Error('must be printable ASCII without spaces, " and \\');
  return text;
}

/** The name of a claim may be a URL, as Auth0 demands. */
export function parseClaimName(text: string): string {
  if (!/^[!-~]{1,128}$/.test(text))
    throw new Error('must be printable ASCII without spaces, of at most 128 characters');
  return text;
}

export function parseSwitch(text: string): boolean {
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw new Error('must be true or false');
}

export const numberBetween = inRange('a number', /^\d+(\.\d+)?$/);
export const wholeNumberBetween = inRange('a whole number', /^\d+$/);

function inRange(kind: string, pattern: RegExp) {
  return (minimum: number, maximum: number) => (text: string) => {
    const value = pattern.test(text) ? Number(text) : Number.NaN;
    if (value >= minimum && value <= maximum) return value;
    throw new Error(`must be ${kind} from ${minimum} to ${maximum}`);
  };
}

export function oneOf<T extends string>(values: readonly T[]): (text: string) => T {
  return (text) => {
    const value = values.find((candidate) => candidate === text);
    if (value === undefined) throw new Error(`must be one of ${values.join(', ')}`);
    return value;
  };
}

export function listOf(item: RegExp, items: string): (text: string) => readonly string[] {
  return (text) => {
    const values = text.split(',');
    if (!values.every((value) => item.test(value))) throw new Error(`must be ${items}, separated by commas`);
    return values;
  };
}

export function parseAddressRanges(text: string): readonly string[] {
  const values = text.split(',');
  if (!values.every((value) => isIPv4(value) || isCidr(value))) {
    throw new Error(
      'must be IPv4 addresses, or ranges that begin at their first address such as 10.0.1.16/28, separated by commas',
    );
  }
  return values;
}

/**
 * Reads tags, which may hold any character. Refuses text that can be read in two ways, because a misread tag protects
 * the wrong gateways and nobody notices.
 */
export function parseTags(text: string): readonly string[] {
  const tags = text.split(/(?<!\\),/);
  if (!tags.every((tag) => /^[^=]/.test(tag))) {
    throw new Error('must be KEY or KEY=VALUE, separated by commas');
  }
  if (tags.some((tag) => tag !== tag.trim())) throw new Error('must have no space before or after a tag');
  if (tags.some((tag, index) => !tag.includes('=') && tags[index - 1]?.includes('='))) {
    throw new Error(
      'must show whether a comma belongs to the value (write \\,) or separates tags (put each KEY without a value first)',
    );
  }
  return tags.map((tag) => tag.replaceAll('\\,', ','));
}
