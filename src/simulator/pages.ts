import { assumed, Ec2Error, invalidParameterValue, invalidValueMessage } from './errors.ts';
import { integerParameter, listParameter, type QueryParameters } from './query.ts';

/** Page size without `MaxResults` or with a larger one (`ASSUMPTIONS.largePage`). */
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
    // Documented: EC2 API, Query requests, pagination.
    throw new Ec2Error(
      'InvalidParameterCombination',
      'The parameter NatGatewayIds cannot be used with the parameter MaxResults',
    );
  }
  if (maxResults >= SMALLEST_PAGE) return Math.min(maxResults, LARGEST_PAGE);
  const reason = `Expecting a value greater than ${SMALLEST_PAGE}.`;
  throw invalidParameterValue(invalidValueMessage(parameters.MaxResults, 'maxResults', reason));
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
    throw assumed('token', 'The specified pagination token is not valid.');
  }
  return start;
}
