import { UNASSIGN } from '../vocabulary/names.ts';
import type { Release } from './releases.ts';

/** What the records of earlier processes tell. */

/** An intent that no outcome followed, found in another process's records. */
export interface UnfinishedIntent {
  id: string;
  time: string;
  arguments: unknown;
  /** Whether a process with the id of its writer is running: perhaps the writer itself, not done yet. */
  may_be_running: boolean;
}

/** The intents without an outcome among the records of earlier processes. */
export function unfinishedIntents(records: string): UnfinishedIntent[] {
  const intents = new Map<string, Omit<UnfinishedIntent, 'may_be_running'> & { pid: unknown }>();
  for (const record of recordsIn(records)) {
    const { id, time, arguments: given, pid } = record;
    if (record.audit === 'outcome') intents.delete(id);
    if (record.audit === 'intent') intents.set(id, { id, time: String(time), arguments: given, pid });
  }
  return [...intents.values()].map(({ pid, ...intent }) => ({ ...intent, may_be_running: isRunning(pid) }));
}

/** The addresses that real calls of earlier processes were to release, where no outcome says that nothing was changed. */
export function releasesIn(records: string): Release[] {
  const releases = new Map<string, Release>();
  for (const { id, audit, tool, outcome, time, target, region, arguments: given } of recordsIn(records)) {
    if (tool !== UNASSIGN) continue;
    if (audit === 'outcome' && outcome !== 'unassigning' && outcome !== 'unknown') releases.delete(id);
    if (audit !== 'intent') continue;
    const { nat_gateway_id: natGatewayId, private_ip_addresses: privateIps } = (given ?? {}) as Record<
      string,
      unknown
    >;
    const at = Date.parse(String(time));
    if (typeof region !== 'string' || typeof natGatewayId !== 'string' || Number.isNaN(at)) continue;
    if (!Array.isArray(privateIps) || !privateIps.every((each) => typeof each === 'string')) continue;
    const named = typeof target === 'string' ? { target } : {};
    releases.set(id, { ...named, region, natGatewayId, privateIps, at });
  }
  return [...releases.values()];
}

type EarlierRecord = Record<string, unknown> & { id: string };

function recordsIn(text: string): EarlierRecord[] {
  return text.split('\n').flatMap((line) => {
    const record = parsed(line);
    return typeof record?.id === 'string' ? [record as EarlierRecord] : [];
  });
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isRunning(pid: unknown): boolean {
  if (typeof pid !== 'number' || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
