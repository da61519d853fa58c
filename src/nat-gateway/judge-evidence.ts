import { listed } from '../vocabulary/text.ts';
import { coversAddress } from './cidr.ts';
import type { Evidence, Names, Range, Traffic } from './evidence.ts';
import { type NatGateway, type NatGatewayAddress, workingAddresses } from './gateway.ts';
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

const UNREAD = { status: 'no_data' } as const;

/** What is known where nothing was looked up. */
export const NOTHING_READ: Evidence = {
  traffic: UNREAD,
  routes: UNREAD,
  security_groups: UNREAD,
  prefix_lists: UNREAD,
};

/** Judges what was read; pure. `read` has every range that covers an address, and may have those of others. */
export function judgeEvidence(read: Evidence, { gateway, privateIps, isRequired }: Release): JudgedEvidence {
  const working = workingAddresses(gateway);
  const remaining = working.filter(({ private_ip = '' }) => !privateIps.includes(private_ip));
  const security_groups = decisiveNames(read.security_groups, privateIps, remaining);
  const prefix_lists = decisiveNames(read.prefix_lists, privateIps, remaining);
  const evidence = {
    ...read,
    security_groups: narrowest(security_groups),
    prefix_lists: narrowest(prefix_lists),
  };
  const found = [
    ...portFindings(read.traffic),
    ...(working.length === 0 ? [] : capacityFindings(read.traffic, remaining.length)),
    ...idleFindings(read.traffic),
    ...allowListFindings([...(security_groups.ranges ?? []), ...(prefix_lists.ranges ?? [])], remaining),
    ...routeFindings(read),
    ...unavailableFindings(read),
  ];
  return { evidence, findings: isRequired ? found.map(demanded) : found };
}

/**
 * How many addresses suffice for the TCP connections that were seen; `undefined` where that is not known. Ports that could
 * not be allocated show that the count leaves out what mattered, such as UDP.
 */
export function enoughAddresses(traffic: Traffic): number | undefined {
  const { peak_connections: peak, port_allocation_errors: errors = 0 } = traffic;
  if (peak === undefined || errors > 0 || !isWhole(traffic)) return undefined;
  return Math.max(1, Math.ceil(peak / CONNECTIONS_PER_ADDRESS));
}

/** Whether nothing of the source is missing: a part may show a fault, and never that there is none. */
function isWhole({ status, incomplete }: Evidence[keyof Evidence]): boolean {
  return status === 'found' && incomplete === undefined;
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

function portFindings({ port_allocation_errors: errors = 0 }: Traffic): Finding[] {
  if (errors === 0) return [];
  const times = errors === 1 ? 'once' : `${count(errors)} times`;
  const message = `In seven days the gateway could not allocate a port ${times} (ErrorPortAllocation): it has too few addresses for some destination already.`;
  return [{ code: 'ports_exhausted', severity: 'warns', message }];
}

function capacityFindings(traffic: Traffic, remaining: number): Finding[] {
  const { peak_connections: peak } = traffic;
  if (peak === undefined) return [];
  const enough = enoughAddresses(traffic);
  const capacity = remaining * CONNECTIONS_PER_ADDRESS;
  const sum = `what remains serves ${remaining} × ${count(CONNECTIONS_PER_ADDRESS)} = ${count(capacity)} to one destination`;
  if (peak > capacity) {
    const message = `${peakWords(traffic, peak)}; ${sum}. Whether one destination had more than that is not known.`;
    return [{ code: 'capacity_short', severity: 'warns', message }];
  }
  if (enough === undefined || remaining < enough) return [];
  const message = `${peakWords(traffic, peak)}; ${sum}, so that no destination can have needed more. UDP and ICMP use ports too and are not counted.`;
  return [{ code: 'capacity_ample', severity: 'informs', message }];
}

/** Of a part of the data, the peak is the highest that was read, and there may be a higher one. */
function peakWords(traffic: Traffic, peak: number): string {
  const most = isWhole(traffic) ? 'At most' : 'At least';
  return `${most} ${count(peak)} TCP connections at once to all destinations${hoursWords(traffic)}`;
}

function hoursWords({ hours_with_data: hours }: Traffic): string {
  return hours === undefined ? '' : ` in ${hours} of ${HOURS} hours with data`;
}

function idleFindings(traffic: Traffic): Finding[] {
  if (traffic.peak_connections !== 0 || !isWhole(traffic)) return [];
  const message = `CloudWatch counted no TCP connection${hoursWords(traffic)}. UDP and ICMP are not counted, and traffic may come later.`;
  return [{ code: 'no_traffic_seen', severity: 'informs', message }];
}

/**
 * The ranges that make a difference. One that also covers every address that remains allows after the release what it
 * allowed before; where none remains, every range counts.
 */
function decisiveNames(
  names: Names,
  privateIps: readonly string[],
  remaining: readonly NatGatewayAddress[],
): Names {
  if (names.ranges === undefined) return names;
  const asked = names.ranges.filter(({ private_ip }) => privateIps.includes(private_ip));
  const ranges = asked.filter(
    ({ cidr }) =>
      remaining.length === 0 || !remaining.every(({ private_ip = '' }) => coversAddress(cidr, private_ip)),
  );
  const covering = new Set(asked.filter((each) => !ranges.includes(each)).map(nameOf)).size;
  return { ...names, ranges, covering_the_rest: covering === 0 ? undefined : covering };
}

/** A range as messages name it, whichever address it covers. */
export function nameOf({ id, cidr }: Range): string {
  return `${id} (${cidr})`;
}

/** The narrowest ranges first, and no more than a few. */
export function narrowest(names: Names): Names {
  if (names.ranges === undefined) return names;
  const ranges = [...names.ranges].sort((one, other) => prefixOf(other) - prefixOf(one));
  const more = (names.more ?? 0) + Math.max(0, ranges.length - MOST_RANGES);
  return { ...names, ranges: ranges.slice(0, MOST_RANGES), more: more > 0 ? more : undefined };
}

function prefixOf({ cidr }: Range): number {
  return Number(cidr.split('/')[1] ?? 32);
}

function allowListFindings(ranges: readonly Range[], remaining: readonly NatGatewayAddress[]): Finding[] {
  const byAddress = new Map<string, Range[]>();
  for (const range of ranges) {
    byAddress.set(range.private_ip, [...(byAddress.get(range.private_ip) ?? []), range]);
  }
  return [...byAddress].map(([private_ip, those]) => {
    const names = listed([...new Set(those.map(nameOf))], MOST_NAMED);
    const uncovered = remaining.flatMap(({ private_ip = '' }) =>
      those.every(({ cidr }) => coversAddress(cidr, private_ip))
        ? []
        : private_ip || 'an address that EC2 does not tell',
    );
    const rest =
      uncovered.length === 0
        ? 'nothing remains that it allows'
        : `not ${listed(uncovered, MOST_NAMED)}: connections that move there may be refused`;
    return {
      code: 'allow_listed',
      severity: 'warns',
      private_ip,
      message: `${private_ip} is allowed by ${names} of this account and region, and ${rest}.`,
    };
  });
}

function routeFindings({ routes }: Evidence): Finding[] {
  const { route_table_ids: tables, subnet_ids: subnets } = routes;
  if (tables === undefined) return [];
  const from = usersWords(subnets, routes.incomplete === true);
  const message = `Route tables ${listed(tables, MOST_NAMED)} of this account and region point to the gateway; they are used by ${from}.`;
  return [{ code: 'routed_from', severity: 'informs', message }];
}

function usersWords(subnets: readonly string[] = [], mayBeMore: boolean): string {
  if (subnets.length === 0) return mayBeMore ? 'subnets that are not known' : 'no subnet';
  return mayBeMore ? `${listed(subnets, MOST_NAMED)}, and perhaps by others` : listed(subnets, MOST_NAMED);
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
    const reason =
      whyUnknown(evidence[name]) ?? (name === 'traffic' ? missingMetric(evidence.traffic) : undefined);
    return reason === undefined ? [] : [`${SOURCES[name]} (${reason})`];
  });
}

function whyUnknown({ status, error, action, incomplete }: Evidence[keyof Evidence]): string | undefined {
  if (status === 'denied') return action === undefined ? 'denied' : `${action} is denied`;
  if (status === 'timed_out') return 'no answer in time';
  if (status === 'no_data') return error ?? 'no data';
  return incomplete ? 'only a part was read' : undefined;
}

/** A metric without data, though CloudWatch has data of others. `packets_dropped` decides nothing. */
function missingMetric({ peak_connections, port_allocation_errors }: Traffic): string | undefined {
  if (peak_connections === undefined) return 'no data of ActiveConnectionCount';
  return port_allocation_errors === undefined ? 'no data of ErrorPortAllocation' : undefined;
}

function unavailableFindings(evidence: Evidence): Finding[] {
  const unknown = unknownSources(evidence);
  if (unknown.length === 0) return [];
  const message = `Not known: ${unknown.join(', ')}. That does not mean that there is nothing.`;
  return [{ code: 'evidence_unavailable', severity: 'warns', message }];
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
