import type { Action } from './action.ts';
import type { Element } from './envelope.ts';
import { Ec2Error } from './errors.ts';
import { type FilterFields, filterOf } from './filters.ts';
import type { SimulatedTag } from './nat-gateway.ts';
import { maxResultsOf, type PageRules, pageStartOf, tokenFor } from './pages.ts';
import { listParameter, type QueryParameters } from './query.ts';
import type { ReadOptions } from './reads.ts';

/** An action that lists what the account has of one kind. */
export interface Listing<T> {
  /** Name of the list in the response. */
  set: string;
  idOf: (item: T) => string;
  /** Code for an id that the account does not have. */
  notFound: string;
  fields: FilterFields<T>;
  pages: PageRules & { idParameter: string };
  element: (item: T) => Element;
}

/** Creates the action of a listing. Items come in the order of the inventory. */
export function describeList<T extends { tags?: readonly SimulatedTag[] }>(
  items: readonly T[],
  { set, idOf, notFound, fields, pages, element }: Listing<T>,
  { ignoresFilters = false }: ReadOptions,
): Action {
  const names = `DryRun|MaxResults|NextToken|${pages.idParameter}\\.[1-9]\\d{0,5}`;
  return {
    accepts: new RegExp(`^(${names}|Filter\\.[1-9]\\d{0,5}\\.(Name|Value\\.[1-9]\\d{0,5}))$`),
    changes: false,
    check() {},

    run(parameters) {
      const ids = listParameter(parameters, pages.idParameter);
      for (const id of ids) {
        if (!items.some((item) => idOf(item) === id)) {
          throw new Ec2Error(notFound, `The ID '${id}' does not exist`);
        }
      }
      const matches = ignoresFilters ? () => true : filterOf(parameters, fields);
      const matching = items.filter(
        (item) => (ids.length === 0 || ids.includes(idOf(item))) && matches(item),
      );
      const { page, nextToken } = pageOf(matching, parameters, pages);
      return { [set]: { item: page.map(element) }, nextToken };
    },
  };
}

/**
 * Returns the page that a request asks for, and the token of the next one unless it is the last.
 *
 * @throws Ec2Error
 */
export function pageOf<T>(
  items: readonly T[],
  parameters: QueryParameters,
  rules: PageRules,
): { page: T[]; nextToken: string | undefined } {
  const size = maxResultsOf(parameters, rules);
  const { index, offset } = pageStartOf(parameters, rules, items.length);
  const next = { index: index + 1, offset: offset + size };
  return {
    page: items.slice(offset, next.offset),
    nextToken: next.offset < items.length ? tokenFor(rules, next) : undefined,
  };
}

/** Returns a list element; tags of an item without any are an empty list. */
export function tagSet(tags: readonly SimulatedTag[] = []): Element {
  return { item: tags.map(({ key, value }) => ({ key, value })) };
}
