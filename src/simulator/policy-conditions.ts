import { allowsWildcards, isArnLike } from './policy-patterns.ts';

export interface Condition {
  operator: string;
  key: string;
  values: readonly string[];
}

type Context = ReadonlyMap<string, readonly string[]>;
type Compare = (actual: string, wanted: string) => boolean;

interface Handling {
  /** Result of a condition that cannot be evaluated. */
  failClosed: boolean;
  /** Whether a `${…}` in a value is a policy variable, which is not expanded here. */
  hasVariables: boolean;
}

const same: Compare = (actual, wanted) => actual === wanted;
const sameLetters: Compare = (actual, wanted) => actual.toLowerCase() === wanted.toLowerCase();
const like: Compare = (actual, wanted) => allowsWildcards(wanted).test(actual);

/** Operators that are evaluated; `negated` ones match a request that lacks the key. */
const OPERATORS: ReadonlyMap<string, { compare: Compare; negated: boolean }> = new Map([
  ['StringEquals', { compare: same, negated: false }],
  ['StringNotEquals', { compare: same, negated: true }],
  ['StringEqualsIgnoreCase', { compare: sameLetters, negated: false }],
  ['StringNotEqualsIgnoreCase', { compare: sameLetters, negated: true }],
  ['StringLike', { compare: like, negated: false }],
  ['StringNotLike', { compare: like, negated: true }],
  ['ArnEquals', { compare: isArnLike, negated: false }],
  ['ArnLike', { compare: isArnLike, negated: false }],
  ['ArnNotEquals', { compare: isArnLike, negated: true }],
  ['ArnNotLike', { compare: isArnLike, negated: true }],
  ['Bool', { compare: sameLetters, negated: false }],
]);

/** Keys that a request has or really lacks. Others cannot be evaluated, because requests here never carry them. */
const KNOWN_KEYS =
  /^(aws:(requestedregion|principalarn|principalaccount|resourceaccount|sourceidentity|tagkeys|(resource|principal|request)tag\/.+)|ec2:(region|resourcetag\/.+)|sts:(externalid|rolesessionname|sourceidentity|transitivetagkeys))$/;

/** Returns whether all conditions of a statement hold. */
export function conditionsHold(
  conditions: readonly Condition[],
  context: Context,
  handling: Handling,
): boolean {
  return conditions.every((condition) => holds(condition, context, handling));
}

function holds({ operator, key, values }: Condition, context: Context, handling: Handling): boolean {
  const [, quantifier, name = '', ifExists] =
    /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(operator) ?? [];
  const actual = context.get(key.toLowerCase());
  const isVariable = handling.hasVariables && values.some((value) => value.includes('${'));
  if (!KNOWN_KEYS.test(key.toLowerCase()) || isVariable) return handling.failClosed;
  if (name === 'Null') return values.includes(`${actual === undefined}`);
  const evaluated = OPERATORS.get(name);
  if (evaluated === undefined) return handling.failClosed;
  if (actual === undefined) {
    return ifExists !== undefined || quantifier === 'ForAllValues' || (evaluated.negated && !quantifier);
  }
  const isMet = (one: string) => values.some((value) => evaluated.compare(one, value)) !== evaluated.negated;
  return quantifier === 'ForAnyValue' ? actual.some(isMet) : actual.every(isMet);
}
