import { assumed, Ec2Error, invalidParameterValue } from './errors.ts';
import { integerParameter, listParameter, type QueryParameters } from './query.ts';

/** Largest page, and page size without `MaxResults`. */
const LARGEST_PAGE = 1000;
const SMALLEST_PAGE = 5;

/**
 * Returns the largest number of gateways for the page.
 *
 * @throws Ec2Error
 */
export function maxResultsOf(parameters: QueryParameters): number {
  const maxResults = integerParameter(parameters, 'MaxResults');
  if (maxResults === undefined) return LARGEST_PAGE;
  if (listParameter(parameters, 'NatGatewayId').length > 0) {
    throw assumed(
      'idsAndMaxResults',
      'The parameter NatGatewayIds cannot be used with the parameter MaxResults',
    );
  }
  // Wording from a real answer (aws-sdk-ruby #2575).
  if (maxResults < SMALLEST_PAGE) {
    throw invalidParameterValue(
      `${maxResults}`,
      'maxResults',
      `Expecting a value greater than ${SMALLEST_PAGE}.`,
    );
  }
  if (maxResults > LARGEST_PAGE) {
    throw invalidParameterValue(
      `${maxResults}`,
      'maxResults',
      `Expecting a value less than ${LARGEST_PAGE}.`,
    );
  }
  return maxResults;
}

/** Where a page begins. */
export interface PageStart {
  /** Number of pages before it. */
  index: number;
  /** Number of gateways of the inventory before it. The inventory never loses one, so tokens stay valid. */
  offset: number;
}

/** Returns the `NextToken` that asks for a page. */
export function tokenFor({ index, offset }: PageStart): string {
  return Buffer.from(`nat-gateways:${index}:${offset}`).toString('base64url');
}

/** @throws Ec2Error `InvalidPaginationToken` */
export function pageStartOf({ NextToken = '' }: QueryParameters, gateways: number): PageStart {
  if (NextToken === '') return { index: 0, offset: 0 };
  const decoded = Buffer.from(NextToken, 'base64url').toString();
  const [, index, offset] = /^nat-gateways:(\d+):(\d+)$/.exec(decoded) ?? [];
  const start = { index: Number(index), offset: Number(offset) };
  if (NextToken !== tokenFor(start) || !(start.offset <= gateways)) {
    throw new Ec2Error('InvalidPaginationToken', 'The specified pagination token is not valid.');
  }
  return start;
}
