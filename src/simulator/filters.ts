import { assumed, Ec2Error, invalidParameterValue } from './errors.ts';
import type { SimulatedNatGateway } from './nat-gateway.ts';
import { listNumbers, listParameter, type QueryParameters } from './query.ts';

/** EC2's limits for one request ("List and filter using the CLI and API"). */
const FILTERS = 50;
const VALUES_PER_FILTER = 200;

/** Texts that each documented filter compares; `tag:KEY` is apart. */
const FIELDS: ReadonlyMap<string, (gateway: SimulatedNatGateway) => readonly (string | undefined)[]> =
  new Map([
    ['nat-gateway-id', (gateway) => [gateway.natGatewayId]],
    ['state', (gateway) => [gateway.state]],
    ['subnet-id', (gateway) => [gateway.subnetId]],
    ['vpc-id', (gateway) => [gateway.vpcId]],
    ['tag-key', (gateway) => gateway.tags?.map(({ key }) => key) ?? []],
  ]);

/**
 * Returns the predicate of `Filter.N`: a gateway passes if every filter matches by any of its values.
 *
 * @throws Ec2Error `InvalidParameterValue`, `MissingParameter` or `FilterLimitExceeded`
 */
export function natGatewayFilter(parameters: QueryParameters): (gateway: SimulatedNatGateway) => boolean {
  const numbers = listNumbers(parameters, 'Filter');
  if (numbers.length > FILTERS) {
    throw new Ec2Error(
      'FilterLimitExceeded',
      `The maximum number of filters specified on a single call is ${FILTERS}`,
    );
  }
  const filters = numbers.map((number) => oneFilter(parameters, number));
  return (gateway) => filters.every((matches) => matches(gateway));
}

function oneFilter(parameters: QueryParameters, number: number): (gateway: SimulatedNatGateway) => boolean {
  const name = parameters[`Filter.${number}.Name`];
  const field = fieldOf(name);
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
  return (gateway) =>
    field(gateway).some((text) => text !== undefined && patterns.some((matches) => matches(text)));
}

function fieldOf(name: string | undefined) {
  if (name === undefined) return undefined;
  if (!name.startsWith('tag:')) return FIELDS.get(name);
  const key = name.slice('tag:'.length);
  return ({ tags }: SimulatedNatGateway) =>
    tags?.filter((tag) => tag.key === key).map(({ value }) => value) ?? [];
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
