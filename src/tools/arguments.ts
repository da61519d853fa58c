import { isIPv4 } from 'node:net';
import * as z from 'zod';
import { NAT_GATEWAY_ID, REGION, TARGET_NAME } from '../vocabulary/ids.ts';
import { ALL_TARGETS, DESCRIBE } from '../vocabulary/names.ts';
import { boundedText } from '../vocabulary/text.ts';
import type { Next } from './results.ts';

/**
 * Arguments that several tools take, written by models and scripts. Script clients pass a list that is not JSON as one
 * string, so lists also take values separated by commas or spaces. Every message names the wrong value.
 */

/** A list of `item` that a call must have, also as JSON in a string, or as one string split at `separator`. */
export function listOf<T extends z.ZodType<string>>(item: T, maximum: number, separator = /[\s,]+/) {
  return list(item, maximum, separator, 'Name at least one');
}

/** A list like `listOf` that a call may leave out. */
export function optionalListOf<T extends z.ZodType<string>>(item: T, maximum: number, separator = /[\s,]+/) {
  return list(item, maximum, separator, 'Name at least one, or leave this out').optional();
}

function list<T extends z.ZodType<string>>(item: T, maximum: number, separator: RegExp, ifEmpty: string) {
  return z.preprocess(
    (value) => (typeof value === 'string' ? partsOf(value, separator) : value),
    z
      .array(item)
      .min(1, ifEmpty)
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

function partsOf(text: string, separator: RegExp): unknown {
  const parsed = text.trimStart().startsWith('[') ? fromJson(text) : undefined;
  return Array.isArray(parsed) ? parsed : text.split(separator).filter((part) => part !== '');
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
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

const VPC_ID = /^vpc-[0-9a-f]{8,17}$/;
const SUBNET_ID = /^subnet-[0-9a-f]{8,17}$/;

export const vpcId = checked((value) => VPC_ID.test(value), 'a VPC id (vpc-…)');

export const subnetId = checked((value) => SUBNET_ID.test(value), 'a subnet id (subnet-…)');

export const privateIp = checked(isIPv4, 'an IPv4 address');

export const region = checked((value) => REGION.test(value), 'an AWS region such as us-east-1');

/** The argument `region` of every tool. */
export const optionalRegion = region.optional().describe("Default: the server's");

const targetName = checked((value) => TARGET_NAME.test(value), 'the name of a target');

/** The argument `target` of tools that work in one place. */
export const optionalTarget = targetName
  .optional()
  .describe('The target: an account, by its name; may be left out where there is one alone');

export const approvalId = z.string().min(1).max(64).describe('Id of the approval');

/** The argument `approval_id` of changes. */
export const optionalApprovalId = approvalId
  .optional()
  .describe('From approval.id of an awaiting_approval result');

/** Every target, or the names of some. */
export const optionalTargets = optionalListOf(targetName, 200).describe(
  'Targets (accounts) by name; default: ["all"]',
);

/** Regions, or all of them. */
export const optionalRegions = optionalListOf(
  checked(
    (value) => value === ALL_TARGETS || REGION.test(value),
    'an AWS region such as us-east-1, nor "all"',
  ),
  50,
).describe('Several, or ["all"]');

/** `KEY` or `KEY=VALUE`; EC2's own forms of a filter would be read as a key that no gateway has. */
export const tagFilter = checked((value) => /^[^=]/.test(value), 'KEY or KEY=VALUE', 385).refine(
  (value) => !EC2_TAG_FILTER.test(value),
  { error: ({ input }) => `${shown(input)} is a filter of EC2: write KEY=VALUE, for example "Name=egress"` },
);

const EC2_TAG_FILTER = /^(tag:|tag-key=|Name=tag:)/;

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
  // Without e and s a plural is as its singular.
  const plain = (name: string): string => name.toLowerCase().replace(/[^a-df-rt-z]/g, '');
  // Which of the two is meant is not guessed: script clients coerce dry_run=yes to false.
  if (plain(key) === 'dryrun' && known.includes('mode')) return 'use mode: "dry_run" or mode: "execute"';
  const meant = known.find((name) => plain(name) === plain(key));
  return meant === undefined ? `there are ${known.join(', ')}` : `use ${meant}`;
}

/** A wrong value as a message shows it: quoted and cut. */
function shown(value: unknown): string {
  return JSON.stringify(typeof value === 'string' ? boundedText(value, 80) : value);
}

/** A search that finds the gateway which a call named otherwise than by its id, with what the name was taken for. */
export interface Search {
  next: Next;
  hint: string;
}

/**
 * The search for the gateway that `given` names by its Name tag, an address, a VPC, a subnet or an ARN, in the places that it
 * names. `hasTargets`: whether there are targets to name.
 */
export function searchForGateway(given: unknown, hasTargets: boolean): Search | undefined {
  const { nat_gateway_id, nat_gateway_ids, ...others } = (given ?? {}) as Record<string, unknown>;
  const names = [nat_gateway_id, nat_gateway_ids].flat().filter((each) => typeof each === 'string');
  const name = names.find((each) => !NAT_GATEWAY_ID.test(each));
  const found = name === undefined ? undefined : filterFor(name.trim());
  if (found === undefined) return undefined;
  const next = { tool: DESCRIBE, arguments: { ...found.filter, ...placesIn(others, hasTargets) } };
  return { next, hint: `The gateway is named by its id, and ${found.what}: next looks the id up.` };
}

/** What arguments say of places, as a describe takes it. */
function placesIn(
  {
    region: one,
    regions,
    target,
    targets = target === undefined ? undefined : [target],
  }: Record<string, unknown>,
  hasTargets: boolean,
): Record<string, unknown> {
  const fits = (schema: z.ZodType, value: unknown): boolean =>
    value !== undefined && schema.safeParse(value).success;
  return {
    ...(fits(region, one) ? { region: one } : {}),
    ...(fits(optionalRegions, regions) ? { regions } : {}),
    ...(hasTargets && fits(optionalTargets, targets) ? { targets } : {}),
  };
}

/** The longest value of a tag in AWS. */
const TAG_VALUE = 256;

/** Ids with a mistake in them, and JSON, are no names. */
const MISSPELT_ID = /^(nat-?[0-9a-f]*$|[[{])/i;

function filterFor(name: string): { filter: Record<string, string[]>; what: string } | undefined {
  const shownName = shown(name);
  const id = /natgateway\/(nat-[0-9a-f]+)$/.exec(name)?.[1];
  if (id !== undefined && NAT_GATEWAY_ID.test(id)) {
    return { filter: { nat_gateway_ids: [id] }, what: `${shownName} is an ARN` };
  }
  if (isIPv4(name)) return { filter: { private_ip_addresses: [name] }, what: `${shownName} is an address` };
  if (VPC_ID.test(name)) return { filter: { vpc_ids: [name] }, what: `${shownName} is a VPC` };
  if (SUBNET_ID.test(name)) return { filter: { subnet_ids: [name] }, what: `${shownName} is a subnet` };
  const tag = `Name=${name}`;
  if (name === '' || name.length > TAG_VALUE || MISSPELT_ID.test(name)) return undefined;
  if (!tagFilter.safeParse(tag).success) return undefined;
  return { filter: { tags: [tag] }, what: `${shownName} may be the value of its Name tag` };
}
