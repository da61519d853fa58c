import type { Action } from './action.ts';
import { pageOf } from './describe-list.ts';
import { PREFIX_LIST_NOT_FOUND } from './describe-managed-prefix-lists.ts';
import { assumed, Ec2Error, missingParameter } from './errors.ts';
import type { SimulatedPrefixList } from './network.ts';
import type { PageRules } from './pages.ts';

const PAGES: PageRules = { kind: 'prefix-list-entries', smallest: 1, largest: 100, byDefault: 100 };

/** `GetManagedPrefixListEntries`. Every list has one version, the first. */
export const getManagedPrefixListEntries = (lists: readonly SimulatedPrefixList[]): Action => ({
  accepts: /^(DryRun|MaxResults|NextToken|PrefixListId|TargetVersion)$/,
  changes: false,

  check({ PrefixListId = '' }) {
    if (PrefixListId === '') throw missingParameter('PrefixListId');
  },

  run(parameters) {
    const { PrefixListId, TargetVersion = '1' } = parameters;
    const list = lists.find(({ prefixListId }) => prefixListId === PrefixListId);
    if (list === undefined) {
      throw new Ec2Error(PREFIX_LIST_NOT_FOUND, `The prefix list ID '${PrefixListId}' does not exist`);
    }
    if (TargetVersion !== '1') {
      throw assumed('prefixListVersion', `The prefix list ${PrefixListId} has no version ${TargetVersion}`);
    }
    const { page, nextToken } = pageOf(list.entries, parameters, PAGES);
    return {
      entrySet: { item: page.map(({ cidr, description }) => ({ cidr, description })) },
      nextToken,
    };
  },
});
