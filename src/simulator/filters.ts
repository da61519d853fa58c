import { assumed, Ec2Error, invalidParameterValue } from './errors.ts';
import type { SimulatedTag } from './nat-gateway.ts';
import { listNumbers, listParameter, type QueryParameters } from './query.ts';

/** EC2's limits for one request ("List and filter using the CLI and API"). */
const FILTERS = 50;
const VALUES_PER_FILTER = 200;

/** Texts that each documented filter of an action compares; `tag-key` and `tag:KEY` are apart. */
export type FilterFields<T> = ReadonlyMap<string, FilterField<T>>;

export type FilterField<T> = (item: T) => readonly (string | undefined)[];

interface Tagged {
  tags?: readonly SimulatedTag[] | undefined;
}

/**
 * Returns the predicate of `Filter.N`: an item passes if every filter matches by any of its values.
 *
 * @throws Ec2Error `InvalidParameterValue`, `MissingParameter` or `FilterLimitExceeded`
 */
export function filterOf<T extends Tagged>(
  parameters: QueryParameters,
  fields: FilterFields<T>,
): (item: T) => boolean {
  const numbers = listNumbers(parameters, 'Filter');
  if (numbers.length > FILTERS) {
    throw new Ec2Error(
      'FilterLimitExceeded',
      `The maximum number of filters specified on a single call is ${FILTERS}`,
    );
  }
  const filters = numbers.map((number) => oneFilter(parameters, number, fields));
  return (item) => filters.every((matches) => matches(item));
}

function oneFilter<T extends Tagged>(
  parameters: QueryParameters,
  number: number,
  fields: FilterFields<T>,
): (item: T) => boolean {
  const name = parameters[`Filter.${number}.Name`];
  const field = name === undefined ? undefined : (fields.get(name) ?? tagField(name));
  if (field === undefined) {
    throw invalidParameterValue(`The filter '${name ?? 'null'}' is invalid`);
  }
  const values = listParameter(parameters, `Filter.${number}.Value`);
  if (values.length === 0) {
    throw assumed('filterWithoutValues', `The request must contain the parameter Filter.${number}.Value`);
  }
  if (values.length > VALUES_PER_FILTER) {
    throw new Ec2Error(
      'FilterLimitExceeded',
      `The maximum number of filter values specified on a single call is ${VALUES_PER_FILTER}`,
    );
  }
  const patterns = values.map(wildcardPattern);
  return (item) =>
    field(item).some((text) => text !== undefined && patterns.some((matches) => matches(text)));
}

function tagField(name: string): ((item: Tagged) => readonly string[]) | undefined {
  if (name === 'tag-key') return ({ tags }) => tags?.map(({ key }) => key) ?? [];
  if (!name.startsWith('tag:')) return undefined;
  const tagKey = name.slice('tag:'.length);
  return ({ tags }) => tags?.filter(({ key }) => key === tagKey).map(({ value }) => value) ?? [];
}

/**
 * Returns the predicate of a filter value with EC2's wildcards: `*` is any number of characters, `?` exactly one, and
 * a backslash quotes the next character. Case matters.
 */
export function wildcardPattern(pattern: string): (text: string) => boolean {
  const parts = [''];
  for (const [token] of pattern.matchAll(/\\?./gs)) {
    if (token === '*') parts.push('');
    else parts.push(parts.pop() + (token === '?' ? '.' : escaped(token.slice(-1))));
  }
  // Each part takes the first place it matches and is not tried again, so no pattern backtracks.
  const last = parts.length - 1;
  const searches = parts.map(
    (part, index) => new RegExp(`${index === 0 ? '^' : ''}${part}${index === last ? '$' : ''}`, 'gs'),
  );
  return (text) => {
    let position = 0;
    return searches.every((search) => {
      search.lastIndex = position;
      const found = search.test(text);
      position = search.lastIndex;
      return found;
    });
  };
}

function escaped(character: string): string {
  return character.replace(/[$()*+.?[\\\]^{|}]/, '\\$&');
}
