import { assumed, Ec2Error, invalidParameterValue, invalidValueMessage } from './errors.ts';
import { integerParameter, listParameter, type QueryParameters } from './query.ts';

/** How an action divides its results. */
export interface PageRules {
  /** Name in tokens, so that a token of one action is refused by the others. */
  kind: string;
  /** Parameter with the ids of the items; absent if the action has none. */
  idParameter?: string;
  smallest: number;
  largest: number;
  /** Page size without `MaxResults`. */
  byDefault: number;
  /** Whether a larger `MaxResults` gets the largest page (`ASSUMPTIONS.largePage`). Default: it is refused. */
  cutsLarger?: boolean;
}

/**
 * Returns the largest number of items for the page.
 *
 * @throws Ec2Error
 */
export function maxResultsOf(parameters: QueryParameters, rules: PageRules): number {
  const { idParameter, smallest, largest, byDefault, cutsLarger = false } = rules;
  const maxResults = integerParameter(parameters, 'MaxResults');
  if (maxResults === undefined) return byDefault;
  if (idParameter !== undefined && listParameter(parameters, idParameter).length > 0) {
    // Documented: EC2 API, Query requests, pagination.
    throw new Ec2Error(
      'InvalidParameterCombination',
      `The parameter ${idParameter}s cannot be used with the parameter MaxResults`,
    );
  }
  if (maxResults >= smallest && maxResults <= largest) return maxResults;
  if (maxResults > largest && cutsLarger) return largest;
  const reason = maxResults > largest ? `a value up to ${largest}` : `a value greater than ${smallest}`;
  throw invalidParameterValue(
    invalidValueMessage(parameters.MaxResults, 'maxResults', `Expecting ${reason}.`),
  );
}

/** Where a page begins. */
export interface PageStart {
  /** Number of pages before it. */
  index: number;
  /** Number of items of the inventory before it. The inventory never loses one, so tokens stay valid. */
  offset: number;
}

/** Returns the `NextToken` that asks for a page. */
export function tokenFor({ kind }: PageRules, { index, offset }: PageStart): string {
  return Buffer.from(`${kind}:${index}:${offset}`).toString('base64url');
}

/** @throws Ec2Error `InvalidPaginationToken` */
export function pageStartOf({ NextToken = '' }: QueryParameters, rules: PageRules, items: number): PageStart {
  if (NextToken === '') return { index: 0, offset: 0 };
  const decoded = Buffer.from(NextToken, 'base64url').toString();
  const [, index, offset] = /:(\d+):(\d+)$/.exec(decoded) ?? [];
  const start = { index: Number(index), offset: Number(offset) };
  if (NextToken !== tokenFor(rules, start) || !(start.offset <= items)) {
    throw assumed('token', 'The specified pagination token is not valid.');
  }
  return start;
}
