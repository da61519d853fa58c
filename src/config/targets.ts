import type { core } from 'zod';
import { nearMisses } from '../nat-gateway/near-misses.ts';
import { looserRules, type Rules } from '../nat-gateway/stricter.ts';
import { partitionOf } from '../vocabulary/partition.ts';
import type { DescribedTarget } from '../vocabulary/target.ts';
import { visibleLine } from '../vocabulary/text.ts';
import { jsonFault } from './json-faults.ts';
import {
  fileMembers,
  type RuleEntries,
  regionSchema,
  ruleMembers,
  type TargetEntry,
  targetMembers,
  targetsFileSchema,
} from './targets-schema.ts';

/** An account with the regions in which the server works, how to get credentials for it, and its own rules. */
export interface Target extends DescribedTarget {
  /** Its own rules, for `stricter`. They also bind changes to its account and regions. */
  rules: Partial<Rules>;
}

/** Refuses a file of targets. Each mistake completes "--targets FILE: ". */
export class RefusedTargets extends Error {
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[]) {
    const more = mistakes.length - MOST_MISTAKES;
    const lines = mistakes.slice(0, MOST_MISTAKES).map(visibleLine);
    const shown = more > 0 ? [...lines, `and ${more} more mistakes`] : lines;
    super(shown.join('\n'));
    this.mistakes = shown;
  }
}

const MOST_MISTAKES = 50;

/**
 * Reads the text of a file of targets, where the server has the rules `ofServer`.
 *
 * @throws RefusedTargets with every mistake
 */
export function parseTargets(text: string, ofServer: Rules): Target[] {
  if (text.trim() === '') throw new RefusedTargets(['is empty']);
  const fault = jsonFault(text);
  if (fault !== undefined) throw new RefusedTargets([`is not JSON: ${fault}`]);
  const value: unknown = JSON.parse(text);
  const parsed = targetsFileSchema.safeParse(value, { reportInput: true });
  const unfilled = unfilledVariables(value);
  const unfilledPaths = new Set(unfilled.map(({ path }) => path));
  const malformed = (parsed.error?.issues ?? []).flatMap(mistakesOf);
  const mistakes = [
    ...unfilled,
    ...malformed.filter(({ path }) => !unfilledPaths.has(path)),
    ...contradictions(value, ofServer),
  ];
  if (mistakes.length > 0 || !parsed.success) {
    throw new RefusedTargets(mistakes.map(({ path, message }) => `${path}: ${message}`));
  }
  return parsed.data.targets.map(targetOf);
}

function targetOf(entry: TargetEntry): Target {
  const { role_arn: roleArn, external_id: externalId, profile } = entry;
  return {
    name: entry.name,
    accountId: entry.account_id,
    ...(roleArn === undefined ? {} : { roleArn }),
    ...(externalId === undefined ? {} : { externalId }),
    ...(profile === undefined ? {} : { profile }),
    regions: entry.regions,
    sourceIdentity: entry.source_identity ?? false,
    rules: { allowAccount: [entry.account_id], allowRegion: entry.regions, ...rulesOf(entry.policy ?? {}) },
  };
}

/** The rules of a target without those that it leaves to the server. */
function rulesOf(entries: RuleEntries): Partial<Rules> {
  const rules = {
    readOnly: entries['read-only'],
    allowGateway: entries['allow-gateway'],
    requireTag: entries['require-tag'],
    protectTag: entries['protect-tag'],
    protectAddress: entries['protect-address'],
    minRemaining: entries['min-remaining'],
    maxAddresses: entries['max-addresses'],
    maxChangesPerHour: entries['max-changes-per-hour'],
    evidence: entries.evidence,
  };
  return Object.fromEntries(Object.entries(rules).filter(([, rule]) => rule !== undefined));
}

interface Mistake {
  path: string;
  message: string;
}

/** `targets[2].regions[0]`; of the whole file, "the file". */
function shownPath(path: readonly PropertyKey[]): string {
  const parts = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`));
  return parts.join('').replace(/^\./, '') || 'the file';
}

function mistakesOf(issue: core.$ZodIssue): Mistake[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: shownPath(issue.path), message: issue.message }];
  return issue.keys.map((key) => ({ path: shownPath(issue.path), message: unknownMember(key, issue.path) }));
}

/** Members that are refused for a reason of their own. */
const NOT_RULES: Readonly<Record<string, string>> = {
  confirm: 'it is a rule of the server alone',
  'allow-account': 'the account_id of the target says so',
  'allow-region': 'the regions of the target say so',
};

function unknownMember(key: string, path: readonly PropertyKey[]): string {
  const members = path.length === 0 ? fileMembers : path.length === 2 ? targetMembers : ruleMembers;
  const names = Object.keys(members);
  const plain = (name: string): string => name.replaceAll(/[_-]/g, '').toLowerCase();
  const likely = names.filter((name) => plain(name) === plain(key) || nearMisses(key, [name]).length > 0);
  const misplaced = [...Object.keys(targetMembers), ...Object.keys(ruleMembers)].includes(key);
  const reason = path.length === 3 ? NOT_RULES[key] : undefined;
  const hint =
    reason ??
    (likely.length > 0
      ? `did you mean ${likely.map((name) => `"${name}"`).join(' or ')}?`
      : misplaced
        ? `it belongs ${key in ruleMembers ? 'into the "policy" of a target' : 'to a target'}`
        : `known are ${names.join(', ')}`);
  return `${JSON.stringify(key.slice(0, 64))} is not a member here: ${hint}`;
}

/** The texts in which a tool has left a `${…}`. */
function unfilledVariables(value: unknown, path: readonly PropertyKey[] = []): Mistake[] {
  if (typeof value === 'string') {
    if (!value.includes('${')) return [];
    return [{ path: shownPath(path), message: 'holds a variable that was not filled in' }];
  }
  if (Array.isArray(value)) return value.flatMap((each, index) => unfilledVariables(each, [...path, index]));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => unfilledVariables(each, [...path, key]));
}

/** The members that are well-formed, each judged alone, so that one mistake does not hide another. */
function wellFormed<T extends object>(members: { [K in keyof T]: Member }, value: unknown): Partial<T> {
  if (typeof value !== 'object' || value === null) return {};
  const given = value as Record<string, unknown>;
  const names = Object.keys(members).filter((name) => Object.hasOwn(given, name));
  const good = names.filter((name) => members[name as keyof T].safeParse(given[name]).success);
  return Object.fromEntries(good.map((name) => [name, given[name]])) as Partial<T>;
}

interface Member {
  safeParse(value: unknown): { success: boolean };
}

/** A target as far as it is well-formed. */
interface Parts extends Partial<Omit<TargetEntry, 'regions' | 'policy'>> {
  at: string;
  /** The names of its members, whether they are well-formed or not. */
  given: readonly string[];
  regions: { region: string; at: string }[];
  /** Every list of the target in which each item may stand once. */
  lists: { at: string; items: unknown[] }[];
  rules: Partial<Rules>;
}

function partsOf(value: unknown, index: number): Parts {
  const at = `targets[${index}]`;
  const { regions: _regions, policy: _policy, ...parts } = wellFormed<TargetEntry>(targetMembers, value);
  const { regions, policy } = (value ?? {}) as { regions?: unknown; policy?: unknown };
  const lists = [
    { at: `${at}.regions`, items: regions },
    ...Object.entries(policy ?? {}).map(([rule, items]) => ({ at: `${at}.policy.${rule}`, items })),
  ];
  return {
    ...parts,
    at,
    given: Object.keys(value ?? {}),
    regions: (Array.isArray(regions) ? regions : [])
      .map((region: unknown, each) => ({ region: String(region), at: `${at}.regions[${each}]` }))
      .filter(({ region }) => regionSchema.safeParse(region).success),
    lists: lists.flatMap((list) => (Array.isArray(list.items) ? [{ ...list, items: list.items }] : [])),
    rules: rulesOf(wellFormed<RuleEntries>(ruleMembers, policy)),
  };
}

/** Mistakes of members that are well-formed, each by itself. */
function contradictions(value: unknown, ofServer: Rules): Mistake[] {
  const entries = (value as { targets?: unknown } | null)?.targets;
  if (!Array.isArray(entries)) return [];
  const targets = entries.map(partsOf);
  return [
    ...targets.flatMap((target) => [
      ...repeatedItems(target),
      ...otherAccountOrPartition(target),
      ...withoutRole(target),
      ...looserRules(ofServer, target.rules).map(([rule, message]) => ({
        path: `${target.at}.policy.${rule}`,
        message,
      })),
    ]),
    ...repeatedNamesAndPlaces(targets),
  ];
}

function repeatedItems({ lists }: Parts): Mistake[] {
  return lists.flatMap(({ at, items }) => {
    const seen = new Set<unknown>();
    return items.flatMap((item, index) => {
      if (!seen.has(item)) {
        seen.add(item);
        return [];
      }
      return [{ path: `${at}[${index}]`, message: 'stands twice in the list' }];
    });
  });
}

/** An account is in one partition, so its role and all of its regions are. */
function otherAccountOrPartition({ at, account_id, role_arn, regions }: Parts): Mistake[] {
  const [, partition, , , account] = role_arn?.split(':') ?? [];
  const [first] = regions;
  const path = `${at}.role_arn`;
  const mistakes: Mistake[] = [];
  if (account !== undefined && account_id !== undefined && account !== account_id) {
    mistakes.push({ path, message: `is a role of account ${account}, not of account_id ${account_id}` });
  }
  if (first === undefined) return mistakes;
  const expected = partitionOf(first.region);
  if (partition !== undefined && partition !== expected) {
    mistakes.push({ path, message: `is of partition ${partition}, and ${first.region} of ${expected}` });
  }
  const others = regions.filter(({ region }) => partitionOf(region) !== expected);
  const of = (region: string): string => `${region} is of partition ${partitionOf(region)}`;
  return [
    ...mistakes,
    ...others.map((other) => ({
      path: other.at,
      message: `${of(other.region)} and ${of(first.region)}: an account is in one, so make two targets`,
    })),
  ];
}

function withoutRole({ at, given }: Parts): Mistake[] {
  if (given.includes('role_arn')) return [];
  const members = ['external_id', 'source_identity'].filter((member) => given.includes(member));
  return members.map((member) => ({ path: `${at}.${member}`, message: 'needs role_arn' }));
}

/**
 * A place in two targets would be found twice and have two sets of rules. Mostly it is an account id that was copied and
 * not changed.
 */
function repeatedNamesAndPlaces(targets: readonly Parts[]): Mistake[] {
  const holders = new Map<string, Parts>();
  const repeated = (key: string, target: Parts): Parts | undefined => {
    const holder = holders.get(key) ?? target;
    holders.set(key, holder);
    return holder === target ? undefined : holder;
  };
  return targets.flatMap((target) => {
    const { name, account_id, at } = target;
    const namesake = name === undefined ? undefined : repeated(name, target);
    const places = account_id === undefined ? [] : target.regions;
    return [
      ...(namesake === undefined
        ? []
        : [{ path: `${at}.name`, message: `is the name of ${namesake.at} too` }]),
      ...places.flatMap(({ region, at: path }) => {
        const holder = repeated(`${account_id} ${region}`, target);
        if (holder === undefined) return [];
        return [{ path, message: `${region} of account ${account_id} is in ${holder.at} already` }];
      }),
    ];
  });
}
