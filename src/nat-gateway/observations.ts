import { isDeepStrictEqual } from 'node:util';
import type { StartedDrain } from './drain.ts';
import { addressOf, changingAddresses, isChanging, type NatGateway } from './gateway.ts';

/**
 * What a series of reads proves, for reconciling, waiting, describing and preflight alike.
 *
 * EC2's reads lag behind its writes, and a read may leave out an address, or the whole gateway, that is there
 * (hashicorp/terraform-provider-aws#47476). So no single read proves anything but a change it shows: `unassigning`,
 * `assigning`, `deleting` and `deleted` cannot be shown before they are so. EC2 holds an address until its drain ends:
 * before that time its absence says nothing.
 */

/** One read of a gateway; `at` is the time of its arrival in milliseconds of a monotonic clock. */
export interface Read {
  at: number;
  /** Absent where the read showed no such gateway. */
  gateway: NatGateway | undefined;
}

/** How long EC2's reads may lag behind its writes. Source: EC2's advice on eventual consistency (up to five minutes). */
export const READ_LAG_MILLISECONDS = 300_000;

/**
 * Reads in a row without an address that prove its release, where the end of its drain is not known or not reached. If
 * three reads of ten leave it out by mistake, nine in a row do so twice in 100,000 times.
 */
const ABSENCES = 9;

/** How long an endpoint's reads flap: absence before a known end of the drain has to last longer. */
const FLAPPING_MILLISECONDS = 60_000;

/** How long before its end a drain asks for further reads soon. */
const NEARLY_DUE_MILLISECONDS = 5000;

/** Reads in a row that suffice where a change was shown or its end is reached, and nothing speaks against it. */
const AGREEING = 2;

/** Reads in a row without the gateway that prove its deletion, if it was never shown `deleting`. */
const GATEWAY_ABSENCES = 18;

/**
 * The series with one read more. Of reads in a row that show the same, the first and the latest are kept, as many as any
 * proof counts, so that a long wait holds no more than a short one.
 */
export function withRead(reads: readonly Read[], { at, gateway }: Read): Read[] {
  const previous = reads.at(-1)?.gateway;
  const shown = isDeepStrictEqual(gateway, previous) ? previous : gateway;
  const series = [...reads, { at, gateway: shown }];
  const spare = series.length - 1 - GATEWAY_ABSENCES;
  const isSpare = spare > 0 && series.slice(spare - 1).every((each) => each.gateway === shown);
  return isSpare ? series.toSpliced(spare, 1) : series;
}

/** The course of an address so far. */
export interface Course {
  private_ip: string;
  /** `released` (gone), `not_on_gateway` (never seen there), `unknown`, or its status. */
  fate: string;
  failure_message?: string | undefined;
  /** Time of the first of the reads that agree in not showing it, once they prove its release. */
  releasedAt?: number | undefined;
  /** Whether reads prove that there is nothing left to wait for. */
  settled: boolean;
  /** Whether a change of it was shown, or is remembered. */
  changed: boolean;
  /** Whether further reads soon may settle it. */
  isUrgent: boolean;
}

/**
 * The course of one address, given all reads so far, oldest first, and what this process did to it: the drain that it
 * started, and the time at which it had the address assigned.
 */
export function courseOf(
  privateIp: string,
  reads: readonly Read[],
  drain?: StartedDrain,
  assignedAt?: number,
): Course {
  const evidence = evidenceOf(privateIp, reads, drain);
  const { last, absences, remembered, now } = evidence;
  // Later reads are not from before the release any more.
  if (assignedAt !== undefined && now - assignedAt >= FLAPPING_MILLISECONDS) evidence.changed = true;
  const course = { private_ip: privateIp, changed: evidence.changed, settled: false, isUrgent: false };
  // Reads may show an assignment late.
  const isAwaited = assignedAt !== undefined && now - assignedAt < READ_LAG_MILLISECONDS;
  if (isAwaited && (last === undefined || absences.length > 0)) {
    return { ...course, fate: 'assigning', changed: true };
  }
  if (last === undefined) return { ...course, fate: remembered === undefined ? 'unknown' : 'unassigning' };
  const { status, failure_message } = last;
  if (absences.length > 0) return { ...course, ...courseOfAbsent(evidence, status) };
  if (status === undefined) return { ...course, fate: 'unknown' };
  // While a drain runs, a read that shows an assignment is a late one: assigning comes after the release.
  if (status === 'assigning' && remembered !== undefined) return { ...course, fate: 'unassigning' };
  if (isChanging(last)) return { ...course, fate: status, isUrgent: evidence.isNearlyDue };
  if (evidence.draining !== undefined && !isRefuted(evidence, status)) {
    return { ...course, fate: 'unassigning', isUrgent: evidence.isNearlyDue };
  }
  return { ...course, fate: status, failure_message, settled: isSettled(evidence) };
}

/** What the reads that count show of one address. */
interface Evidence {
  now: number;
  /** The address as shown last: absent where no read counts, and empty where none of them shows it. */
  last: NatGateway['addresses'][number] | undefined;
  /** Times of the latest reads, all in a row without the address. */
  absences: readonly number[];
  /** Times of the latest reads that show it, all in a row with the same status. */
  agreeing: readonly number[];
  /** The latest time at which it was draining, as shown or remembered. */
  draining: number | undefined;
  remembered: StartedDrain | undefined;
  /** The end of the remembered drain; later than any read without one. */
  dueAt: number;
  isNearlyDue: boolean;
  wasShown: boolean;
  changed: boolean;
}

function evidenceOf(privateIp: string, reads: readonly Read[], drain: StartedDrain | undefined): Evidence {
  const counting = reads
    .filter(counts)
    .map(({ at, gateway }) => ({ at, address: addressOf(gateway, privateIp) }));
  // An assignment ends what came before it; while a drain still runs, a read that shows one is late.
  const restart = counting.findLastIndex(
    ({ at, address }) => address?.status === 'assigning' && (drain === undefined || at >= drain.dueAt),
  );
  const remembered = restart < 0 ? drain : undefined;
  const current = counting.slice(Math.max(restart, 0));
  const shown = current.flatMap(({ at, address }) => (address === undefined ? [] : [{ at, address }]));
  const last = shown.at(-1)?.address;
  const status = last?.status;
  const now = reads.at(-1)?.at ?? 0;
  const dueAt = remembered?.dueAt ?? Infinity;
  const drained = shown.findLast(({ address }) => address.status === 'unassigning')?.at;
  return {
    now,
    last: current.length === 0 ? undefined : (last ?? {}),
    absences: current
      .slice(current.findLastIndex(({ address }) => address !== undefined) + 1)
      .map(({ at }) => at),
    agreeing: shown
      .slice(shown.findLastIndex(({ address }) => address.status !== status) + 1)
      .map(({ at }) => at),
    draining: drained ?? remembered?.startedAt,
    remembered,
    dueAt,
    isNearlyDue: now >= dueAt - NEARLY_DUE_MILLISECONDS,
    wasShown: shown.length > 0,
    changed: remembered !== undefined || shown.some(({ address }) => isChanging(address)),
  };
}

/** An address that is not shown: released once enough reads agree, and until then as it was before. */
function courseOfAbsent(
  { absences, draining, remembered, dueAt, wasShown, now }: Evidence,
  status: string | undefined,
): Pick<Course, 'fate' | 'releasedAt' | 'settled' | 'isUrgent'> {
  const isKnown = wasShown || remembered !== undefined;
  const since = absences[0] ?? now;
  const isDue = now >= dueAt;
  const isEarly = remembered !== undefined && !isDue;
  const settled = isDue
    ? absences.filter((at) => at >= dueAt).length >= AGREEING
    : absences.length >= ABSENCES && (!isEarly || now - since >= FLAPPING_MILLISECONDS);
  if (settled && !isKnown) return { fate: 'not_on_gateway', settled, isUrgent: false };
  if (settled) return { fate: 'released', releasedAt: since, settled, isUrgent: false };
  const before = draining !== undefined ? 'unassigning' : (status ?? 'unknown');
  return { fate: before, settled, isUrgent: !isEarly };
}

/** Whether a shown status ends a drain that was shown or is remembered: only once such a read can no longer be late. */
function isRefuted({ agreeing, draining, now, remembered }: Evidence, status: string): boolean {
  if (agreeing.length < AGREEING) return false;
  if (remembered === undefined && status === 'failed') return true;
  return now - (draining ?? now) >= READ_LAG_MILLISECONDS;
}

/** Whether a status that is not changing is final: agreeing reads after a change, or over the whole lag without one. */
function isSettled({ agreeing, changed, now }: Evidence): boolean {
  if (changed) return agreeing.length >= AGREEING;
  return now - (agreeing[0] ?? now) >= READ_LAG_MILLISECONDS;
}

/**
 * The gateway itself, given all reads so far: `unread` (no read yet), `unknown` (reads agree that they never showed it),
 * `missing` (not shown so far, or now), `deleted`, `changing` (`pending` or `deleting`), or `there`.
 */
export type GatewayCourse = 'unread' | 'unknown' | 'missing' | 'deleted' | 'changing' | 'there';

export function gatewayCourseOf(reads: readonly Read[]): GatewayCourse {
  if (reads.length === 0) return 'unread';
  const shown = reads.flatMap(({ gateway }) => gateway ?? []);
  const latest = shown.at(-1);
  const missing = reads.length - 1 - reads.findLastIndex(({ gateway }) => gateway !== undefined);
  if (shown.some(({ state }) => state === 'deleted')) return 'deleted';
  if (latest === undefined) return missing >= ABSENCES ? 'unknown' : 'missing';
  const isDeleting = shown.some(({ state }) => state === 'deleting');
  if (missing >= (isDeleting ? AGREEING : GATEWAY_ABSENCES)) return 'deleted';
  if (missing > 0) return 'missing';
  return isDeleting || latest.state === 'pending' ? 'changing' : 'there';
}

/** Whether reads agree, over the whole lag of EC2, that nothing on the gateway is changing. */
export function nothingChanges(reads: readonly Read[]): boolean {
  const lasted = (reads.at(-1)?.at ?? 0) - (reads[0]?.at ?? 0);
  if (lasted < READ_LAG_MILLISECONDS) return false;
  return reads.every(({ gateway }) => gateway === undefined || changingAddresses(gateway).length === 0);
}

/** What the reads after a lost answer prove of the whole request. */
export type Verdict = 'accepted' | 'partial' | 'unchanged' | 'unclear';

/**
 * The verdict of the reads since a real call whose answer was lost; `dueAt` is the time at which its drain can be over.
 *
 * `accepted`: every address was shown `unassigning`, or is absent in agreeing reads since `dueAt`. `partial`: reads
 * agree in showing some `unassigning` and the others untouched. `unchanged`: no read that counts showed any change.
 * `unclear`: anything else, absence before `dueAt` included.
 */
export function verdictOf(reads: readonly Read[], privateIps: readonly string[], dueAt: number): Verdict {
  const counting = reads.filter(counts);
  if (counting.length === 0) return 'unclear';
  if (privateIps.every((privateIp) => isAccepted(counting, privateIp, dueAt))) return 'accepted';
  const states = counting.map(({ gateway }) => privateIps.map((privateIp) => stateOf(gateway, privateIp)));
  // Reads that show every requested address, each at one moment.
  const whole = states.filter((each) => !each.includes('absent') && !each.includes('untold'));
  const isMixed = (each: readonly string[]): boolean =>
    each.includes('draining') && each.includes('untouched');
  const latest = whole.slice(-AGREEING);
  if (latest.length === AGREEING && latest.every(isMixed)) return 'partial';
  return states.flat().every((state) => state === 'untouched') ? 'unchanged' : 'unclear';
}

function isAccepted(reads: readonly CountingRead[], privateIp: string, dueAt: number): boolean {
  const states = reads.map(({ at, gateway }) => ({ at, state: stateOf(gateway, privateIp) }));
  if (states.some(({ state }) => state === 'draining')) return true;
  const absences = states.slice(states.findLastIndex(({ state }) => state !== 'absent') + 1);
  return absences.filter(({ at }) => at >= dueAt).length >= ABSENCES;
}

/** What a read shows of a requested address after a real call. */
function stateOf(gateway: NatGateway, privateIp: string): 'absent' | 'untold' | 'draining' | 'untouched' {
  const address = addressOf(gateway, privateIp);
  if (address === undefined) return 'absent';
  if (address.status === undefined) return 'untold';
  return address.status === 'unassigning' ? 'draining' : 'untouched';
}

/**
 * The verdict of the reads since a real call that assigns addresses, and whose answer was lost. Only `assigning` proves
 * it: another status can be that of before the release, shown late.
 *
 * `accepted`: every address was shown `assigning`. `partial`: some were. `unchanged`: the reads that count agree that
 * none is there. `unclear`: anything else.
 */
export function assignedVerdictOf(reads: readonly Read[], privateIps: readonly string[]): Verdict {
  const counting = reads.filter(counts);
  const wasShown = (privateIp: string, status?: string): boolean =>
    counting.some(({ gateway }) => {
      const address = addressOf(gateway, privateIp);
      return address !== undefined && (status === undefined || address.status === status);
    });
  const assigning = privateIps.filter((privateIp) => wasShown(privateIp, 'assigning'));
  if (assigning.length === privateIps.length) return 'accepted';
  if (assigning.length > 0) return 'partial';
  const isAbsent = counting.length >= ABSENCES && !privateIps.some((privateIp) => wasShown(privateIp));
  return isAbsent ? 'unchanged' : 'unclear';
}

/** The latest read that counts. */
export function latestCounting(reads: readonly Read[]): NatGateway | undefined {
  return reads.findLast(counts)?.gateway;
}

type CountingRead = Read & { gateway: NatGateway };

/** Whether a read counts: one that leaves out the primary, which is there as long as the gateway, may leave out more. */
function counts(read: Read): read is CountingRead {
  if (read.gateway?.state !== 'available' && read.gateway?.state !== 'failed') return false;
  return read.gateway.addresses.some(({ private_ip, is_primary }) => private_ip !== undefined && is_primary);
}

/**
 * The gateway as it is to be judged by one read and by the drains that this process started: an address whose drain EC2
 * has accepted is draining, though a late read still shows it untouched. Any other status is newer than the memory.
 */
export function withStartedDrains(
  gateway: NatGateway,
  drains: ReadonlyMap<string, StartedDrain>,
  now: number,
): NatGateway {
  const addresses = gateway.addresses.map((address) => {
    const drain = drains.get(address.private_ip ?? '');
    const isLate =
      drain !== undefined && address.status === 'succeeded' && now - drain.startedAt < READ_LAG_MILLISECONDS;
    return isLate ? { ...address, status: 'unassigning' } : address;
  });
  return { ...gateway, addresses };
}

/** The addresses that a read shows assigned again after their drain: what is remembered of it is over. */
export function assignedAgain(
  gateway: NatGateway,
  drains: ReadonlyMap<string, StartedDrain>,
  now: number,
): string[] {
  return [...drains]
    .filter(([privateIp, { dueAt }]) => now >= dueAt && addressOf(gateway, privateIp)?.status === 'assigning')
    .map(([privateIp]) => privateIp);
}
