import { isIPv4 } from 'node:net';
import * as z from 'zod';
import { NAT_GATEWAY_ID, REGION } from '../vocabulary/ids.ts';
import { boundedText } from '../vocabulary/text.ts';

/**
 * Arguments that several tools take, written by models and scripts. Script clients pass a list that is not JSON as one
 * string, so lists also take values separated by commas or spaces. Every message names the wrong value.
 */

/** A list of `item`, also as one string split at `separator`; no value twice. */
export function listOf<T extends z.ZodType<string>>(item: T, maximum: number, separator = /[\s,]+/) {
  return z.preprocess(
    (value) => (typeof value === 'string' ? value.split(separator).filter((part) => part !== '') : value),
    z
      .array(item)
      .min(1, 'Name at least one, or leave this out')
      .max(maximum, `At most ${maximum} at a time`)
      .superRefine((values, context) => {
        const twice = values.filter((value, index) => values.indexOf(value) !== index);
        for (const value of new Set(twice)) {
          context.addIssue({
            code: 'custom',
            message: `${shown(value)} is listed twice; is one of them mistyped?`,
          });
        }
      }),
  );
}

/** Text that `isValid` accepts; `expected` completes "is not …". */
function checked(isValid: (value: string) => boolean, expected: string, limit = 64) {
  return z.string().refine((value) => value.length <= limit && isValid(value), {
    error: ({ input }) => `${shown(input)} is not ${expected}`,
  });
}

export const natGatewayId = checked(
  (value) => NAT_GATEWAY_ID.test(value),
  'a NAT gateway id, which is nat- and 17 (or 8) hexadecimal digits',
);

export const vpcId = checked((value) => /^vpc-[0-9a-f]{8,17}$/.test(value), 'a VPC id (vpc-…)');

export const subnetId = checked((value) => /^subnet-[0-9a-f]{8,17}$/.test(value), 'a subnet id (subnet-…)');

export const privateIp = checked(isIPv4, 'an IPv4 address');

export const region = checked((value) => REGION.test(value), 'an AWS region such as us-east-1');

/** The argument `region` of every tool. */
export const optionalRegion = region.optional().describe("AWS region; default: the server's");

export const tagFilter = checked((value) => /^[^=]/.test(value), 'KEY or KEY=VALUE', 385);

/**
 * The error for arguments that a tool does not have, with the one that was probably meant: people and models write EC2's
 * spelling, or `dry_run`, which is a value of `mode` here.
 */
export function unknownArguments(known: readonly string[]) {
  return (issue: z.core.$ZodRawIssue): string | undefined => {
    if (issue.code !== 'unrecognized_keys') return undefined;
    const named = issue.keys.slice(0, UNKNOWN_NAMED);
    const more = issue.keys.length - named.length;
    return [
      ...named.map((key) => `No argument ${shown(key)}: ${suggestion(key, known)}`),
      ...(more > 0 ? [`and ${more} more that do not exist`] : []),
    ].join('; ');
  };
}

/** The most unknown arguments that a message names. */
const UNKNOWN_NAMED = 5;

function suggestion(key: string, known: readonly string[]): string {
  const plain = (name: string): string =>
    name
      .toLowerCase()
      .replace(/[^a-z]/g, '')
      .replace(/(e?s)+$/, '');
  if (plain(key) === 'dryrun' && known.includes('mode')) return 'use mode: "dry_run"';
  const meant = known.find((name) => plain(name) === plain(key));
  return meant === undefined ? `there are ${known.join(', ')}` : `use ${meant}`;
}

/** A wrong value as a message shows it: quoted and cut. */
function shown(value: unknown): string {
  return JSON.stringify(typeof value === 'string' ? boundedText(value, 80) : value);
}
