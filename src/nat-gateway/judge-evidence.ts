import { coversAddress } from './cidr.ts';
import type { Evidence, Names, Range, Traffic } from './evidence.ts';
import { type NatGateway, workingAddresses } from './gateway.ts';
import { CONNECTIONS_PER_ADDRESS, type Finding, type FindingCode } from './preflight.ts';

/**
 * What evidence says about a release. Absent data says nothing: it never reads as zero, as unused or as enough. Data of
 * which a part is missing can show a fault, and never that there is none.
 */

/** A release that evidence is judged for. */
interface Release {
  gateway: NatGateway;
  privateIps: readonly string[];
  /** Whether the operator demands evidence (`--evidence require`). */
  isRequired: boolean;
}

/** Evidence as it is shown, and the findings that it gives. */
export interface JudgedEvidence {
  evidence: Evidence;
  findings: Finding[];
}

/** Hours of the seven days that CloudWatch is asked about. */
const HOURS = 168;

/** The most ranges, and the most ids in a message, that are shown. */
const MOST_RANGES = 20;
const MOST_NAMED = 5;

/** Judges what was read; pure. `read` has every range that covers an address. */
export function judgeEvidence(read: Evidence, release: Release): JudgedEvidence {
  const remaining = workingAddresses(release.gateway)
    .flatMap(({ private_ip }) => private_ip ?? [])
    .filter((privateIp) => !release.privateIps.includes(privateIp));
  const security_groups = decisiveNames(read.security_groups, remaining);
  const prefix_lists = decisiveNames(read.prefix_lists, remaining);
  const evidence = { ...read, security_groups: shown(security_groups), prefix_lists: shown(prefix_lists) };
  const found = [
    ...trafficFindings(read.traffic, remaining.length),
    ...allowListFindings([...(security_groups.ranges ?? []), ...(prefix_lists.ranges ?? [])]),
    ...routeFindings(read),
    ...unavailableFindings(read),
  ];
  return { evidence, findings: release.isRequired ? found.map(demanded) : found };
}

/** How many addresses certainly suffice for the traffic that was seen; `undefined` where that is not known. */
export function enoughAddresses(traffic: Traffic): number | undefined {
  const { peak_connections: peak, incomplete } = traffic;
  if (peak === undefined || incomplete) return undefined;
  return Math.max(1, Math.ceil(peak / CONNECTIONS_PER_ADDRESS));
}

/** Findings for which the operator can have a release refused. */
const DEMANDED: ReadonlySet<FindingCode> = new Set([
  'ports_exhausted',
  'capacity_short',
  'allow_listed',
  'evidence_unavailable',
]);

function demanded(finding: Finding): Finding {
  if (!DEMANDED.has(finding.code)) return finding;
  const message = `${finding.message} Only the operator of this server can change that it blocks (--evidence require).`;
  return { ...finding, severity: 'blocks', rule: 'evidence', message };
}

function trafficFindings(traffic: Traffic, remaining: number): Finding[] {
  const { peak_connections: peak, port_allocation_errors: errors = 0, incomplete } = traffic;
  const findings: Finding[] = [];
  const add = (code: FindingCode, severity: 'warns' | 'informs', message: string): void => {
    findings.push({ code, severity, message });
  };
  if (errors > 0) {
    add(
      'ports_exhausted',
      'warns',
      `In seven days the gateway could not allocate a port ${count(errors)} times (ErrorPortAllocation): it has too few addresses for some destination already.`,
    );
  }
  if (peak === undefined) return findings;
  const capacity = remaining * CONNECTIONS_PER_ADDRESS;
  const hours = `in ${traffic.hours_with_data ?? 0} of ${HOURS} hours with data`;
  const sum = `${remaining} × ${count(CONNECTIONS_PER_ADDRESS)} = ${count(capacity)}`;
  if (peak > capacity) {
    add(
      'capacity_short',
      'warns',
      `At most ${count(peak)} TCP connections at once to all destinations ${hours}; what remains serves ${sum} to one destination. Whether one destination had more than that is not known.`,
    );
  } else if (!incomplete) {
    add(
      'capacity_ample',
      'informs',
      `At most ${count(peak)} TCP connections at once to all destinations ${hours}; what remains serves ${sum} to one destination, so that no destination can have needed more. UDP and ICMP use ports too and are not counted.`,
    );
  }
  if (peak === 0 && !incomplete) {
    add(
      'no_traffic_seen',
      'informs',
      `CloudWatch counted no TCP connection ${hours}. UDP and ICMP are not counted, and traffic may come later.`,
    );
  }
  return findings;
}

/**
 * The ranges that make a difference. One that also covers every address that remains allows after the release what it
 * allowed before; where none is known to remain, every range counts.
 */
function decisiveNames(names: Names, remaining: readonly string[]): Names {
  if (names.ranges === undefined) return names;
  const ranges = names.ranges.filter(
    ({ cidr }) => remaining.length === 0 || !remaining.every((privateIp) => coversAddress(cidr, privateIp)),
  );
  const covering = names.ranges.length - ranges.length;
  return { ...names, ranges, covering_the_rest: covering === 0 ? undefined : covering };
}

/** The narrowest ranges first, and no more than a few. */
function shown(names: Names): Names {
  if (names.ranges === undefined) return names;
  const ranges = [...names.ranges].sort((one, other) => prefixOf(other) - prefixOf(one));
  const more = ranges.length - MOST_RANGES;
  return { ...names, ranges: ranges.slice(0, MOST_RANGES), more: more > 0 ? more : undefined };
}

function prefixOf({ cidr }: Range): number {
  return Number(cidr.split('/')[1] ?? 32);
}

function allowListFindings(ranges: readonly Range[]): Finding[] {
  const byAddress = new Map<string, Range[]>();
  for (const range of ranges) {
    byAddress.set(range.private_ip, [...(byAddress.get(range.private_ip) ?? []), range]);
  }
  return [...byAddress].map(([private_ip, those]) => {
    const names = listed(those.map(({ id, cidr }) => `${id} (${cidr})`));
    return {
      code: 'allow_listed',
      severity: 'warns',
      private_ip,
      message: `${private_ip} is allowed by ${names} of this account and region, and not every address that remains is: connections that move to those may be refused.`,
    };
  });
}

function routeFindings({ routes }: Evidence): Finding[] {
  const { route_table_ids: tables = [], subnet_ids: subnets = [] } = routes;
  if (tables.length === 0) return [];
  const from = subnets.length === 0 ? 'no subnet' : listed(subnets);
  const message = `Route tables ${listed(tables)} of this account and region point to the gateway; they are used by ${from}.`;
  return [{ code: 'routed_from', severity: 'informs', message }];
}

/** The sources by the words for what they would tell. */
const SOURCES = {
  traffic: 'traffic',
  routes: 'routes',
  security_groups: 'security groups that name an address',
  prefix_lists: 'prefix lists that name an address',
} as const satisfies Record<keyof Evidence, string>;

/** What is not known, in words, a source each; empty where everything is known. */
export function unknownSources(evidence: Evidence): string[] {
  return (Object.keys(SOURCES) as (keyof Evidence)[]).flatMap((name) => {
    const reason = whyUnknown(evidence[name]);
    return reason === undefined ? [] : [`${SOURCES[name]} (${reason})`];
  });
}

function whyUnknown({ status, error, action, incomplete }: Evidence[keyof Evidence]): string | undefined {
  if (status === 'denied') return action === undefined ? 'denied' : `${action} is denied`;
  if (status === 'timed_out') return 'no answer in time';
  if (status === 'no_data') return error ?? 'no data';
  return incomplete ? 'only a part was read' : undefined;
}

function unavailableFindings(evidence: Evidence): Finding[] {
  const unknown = unknownSources(evidence);
  if (unknown.length === 0) return [];
  const message = `Not known: ${unknown.join(', ')}. Nothing follows from that.`;
  return [{ code: 'evidence_unavailable', severity: 'warns', message }];
}

function listed(values: readonly string[]): string {
  const more = values.length - MOST_NAMED;
  return [...values.slice(0, MOST_NAMED), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
