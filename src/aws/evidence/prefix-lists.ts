import {
  DescribeManagedPrefixListsCommand,
  GetManagedPrefixListEntriesCommand,
  type ManagedPrefixList,
} from '@aws-sdk/client-ec2';
import type { Names } from '../../nat-gateway/evidence.ts';
import { type EvidenceQuestion, everyOne, type Gap, type LookUp, TOO_MUCH, unusable } from './look-up.ts';
import { CoveringRanges } from './names.ts';

/** EC2's largest page for both calls. */
const PAGE = 100;

/** The most lists whose entries are read, which takes a call each. */
const MOST_LISTS = 50;

/** The account's prefix lists, and those shared with it, with an entry that covers an address. */
export async function readPrefixLists(
  lookUp: LookUp,
  gateways: readonly EvidenceQuestion[],
): Promise<Map<string, Names>> {
  const ranges = new CoveringRanges(gateways);
  const ids = new Set<string>();
  const entries = new Map<string, Entries>();
  const readOf = async (id: string): Promise<undefined> =>
    void entries.set(id, await readEntries(lookUp, id));
  const followed = everyOne(lookUp.followed.prefixListIds, readOf);
  const gapInLists = await lookUp.pages(
    'ec2:DescribeManagedPrefixLists',
    async (NextToken) => {
      const command = new DescribeManagedPrefixListsCommand({ MaxResults: PAGE, NextToken });
      return (await lookUp.ec2()).send(command, { abortSignal: lookUp.signal });
    },
    ({ PrefixLists }) => {
      if (PrefixLists === undefined) throw unusable();
      for (const list of PrefixLists) {
        if (mayNameAddresses(list) && list.PrefixListId !== undefined) ids.add(list.PrefixListId);
      }
    },
  );
  await followed;
  const read = [...ids].slice(0, MOST_LISTS);
  await everyOne(
    read.filter((id) => !entries.has(id)),
    readOf,
  );
  lookUp.followed.prefixListIds = read;
  // Of a list that is gone since the latest look-up nothing counts, and nothing is missing.
  for (const id of read) for (const cidr of entries.get(id)?.cidrs ?? []) ranges.take(id, cidr);
  const gapInEntries = read.map((id) => entries.get(id)?.gap).find((gap) => gap !== undefined);
  const gap = gapInLists ?? gapInEntries ?? (ids.size > MOST_LISTS ? TOO_MUCH : undefined);
  return new Map(gateways.map((gateway) => [gateway.natGatewayId, ranges.namesOf(gateway, gap)]));
}

/** AWS's own lists hold its services' addresses; a list that is gone, or never came to be, has no entries. */
function mayNameAddresses({ OwnerId, AddressFamily, State }: ManagedPrefixList): boolean {
  return (
    OwnerId !== 'AWS' && AddressFamily !== 'IPv6' && State !== 'delete-complete' && State !== 'create-failed'
  );
}

interface Entries {
  cidrs: readonly (string | undefined)[];
  gap: Gap | undefined;
}

async function readEntries(lookUp: LookUp, PrefixListId: string): Promise<Entries> {
  const cidrs: (string | undefined)[] = [];
  const gap = await lookUp.pages(
    'ec2:GetManagedPrefixListEntries',
    async (NextToken) => {
      const command = new GetManagedPrefixListEntriesCommand({ PrefixListId, MaxResults: PAGE, NextToken });
      return (await lookUp.ec2()).send(command, { abortSignal: lookUp.signal });
    },
    ({ Entries }) => {
      if (Entries === undefined) throw unusable();
      for (const { Cidr } of Entries) cidrs.push(Cidr);
    },
  );
  return { cidrs, gap };
}
