import { Ec2Error, missingParameter } from './errors.ts';
import type { SimulatedNatGateway } from './nat-gateway.ts';
import { listNumbers, listParameter, type QueryParameters } from './query.ts';

/** EC2's limits for one request ("List and filter using the CLI and API"). */
const FILTERS = 50;
const VALUES_PER_FILTER = 200;

/** The text of a gateway that a documented filter looks at. */
const FIELDS: ReadonlyMap<string, (gateway: SimulatedNatGateway) => readonly (string | undefined)[]> =
  new Map([
    ['nat-gateway-id', (gateway) => [gateway.natGatewayId]],
    ['state', (gateway) => [gateway.state]],
    ['subnet-id', (gateway) => [gateway.subnetId]],
    ['vpc-id', (gateway) => [gateway.vpcId]],
    ['tag-key', (gateway) => gateway.tags?.map(({ key }) => key) ?? []],
  ]);

/**
 * Whether a gateway passes `Filter.N`: all filters must match, each by any of its values.
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
    throw new Ec2Error('InvalidParameterValue', `The filter '${name ?? 'null'}' is invalid`);
  }
  const values = listParameter(parameters, `Filter.${number}.Value`);
  if (values.length === 0) throw missingParameter(`Filter.${number}.Value`);
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

/** A character of a pattern that stands for itself, any one character (`?`), or any number of them (`*`). */
type Part = { literal: string } | '?' | '*';

/**
 * EC2's wildcards: `*` for any number of characters, `?` for exactly one, a backslash before either, or before
 * another backslash, for itself. Case matters.
 */
export function wildcardPattern(pattern: string): (text: string) => boolean {
  const parts: Part[] = [];
  for (let index = 0; index < pattern.length; index += 1) {
    const character = pattern.charAt(index);
    if (character === '*' || character === '?') parts.push(character);
    else if (character === '\\' && index + 1 < pattern.length) {
      index += 1;
      parts.push({ literal: pattern.charAt(index) });
    } else parts.push({ literal: character });
  }
  if (parts.every((part) => typeof part === 'object')) {
    const literal = parts.map((part) => part.literal).join('');
    return (text) => text === literal;
  }
  return (text) => matches(parts, text);
}

/** Goes back to the last `*` only, so that no pattern takes more than its length times the text's. */
function matches(parts: readonly Part[], text: string): boolean {
  let part = 0;
  let position = 0;
  let star = -1;
  let resume = 0;
  while (position < text.length) {
    const current = parts[part];
    if (current === '*') {
      star = part;
      resume = position;
      part += 1;
    } else if (current === '?' || (current !== undefined && current.literal === text.charAt(position))) {
      part += 1;
      position += 1;
    } else if (star >= 0) {
      part = star + 1;
      resume += 1;
      position = resume;
    } else return false;
  }
  return parts.slice(part).every((rest) => rest === '*');
}
