import { type Listing, tagSet } from './describe-list.ts';
import type { FilterField } from './filters.ts';
import type { SimulatedPrefixList } from './network.ts';

export const PREFIX_LIST_NOT_FOUND = 'InvalidPrefixListID.NotFound';

/** `DescribeManagedPrefixLists` in a region of an account. Lists of AWS have neither a version nor a size. */
export function describeManagedPrefixLists(accountId: string, region: string): Listing<SimulatedPrefixList> {
  return {
    set: 'prefixListSet',
    idOf: ({ prefixListId }) => prefixListId,
    notFound: PREFIX_LIST_NOT_FOUND,
    pages: { kind: 'prefix-lists', idParameter: 'PrefixListId', smallest: 1, largest: 100, byDefault: 100 },
    fields: new Map<string, FilterField<SimulatedPrefixList>>([
      ['owner-id', ({ ownerId = accountId }) => [ownerId]],
      ['prefix-list-id', ({ prefixListId }) => [prefixListId]],
      ['prefix-list-name', ({ name }) => [name]],
    ]),
    element: ({ prefixListId, name, ownerId = accountId, entries, tags }) => ({
      prefixListId,
      addressFamily: 'IPv4',
      state: 'create-complete',
      prefixListArn: `arn:aws:ec2:${region}:${ownerId.toLowerCase()}:prefix-list/${prefixListId}`,
      prefixListName: name,
      ...(ownerId !== 'AWS' && { maxEntries: Math.max(10, entries.length), version: 1 }),
      tagSet: tagSet(tags),
      ownerId,
    }),
  };
}
