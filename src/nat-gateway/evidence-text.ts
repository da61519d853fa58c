import type { Evidence, Names } from './evidence.ts';
import { unknownSources } from './judge-evidence.ts';

/** The evidence as one sentence for a human who is asked for a yes, and what is not known in another. */
export function evidenceLine(evidence: Evidence): string {
  const known = [...trafficWords(evidence), ...routeWords(evidence), ...nameWords(evidence)];
  const unknown = unknownSources(evidence);
  return [
    ...(known.length === 0 ? [] : [`Evidence: ${known.join('; ')}.`]),
    ...(unknown.length === 0 ? [] : [`Not known: ${unknown.join(', ')}.`]),
  ].join(' ');
}

function trafficWords({ traffic }: Evidence): string[] {
  const { peak_connections: peak, port_allocation_errors: errors, incomplete } = traffic;
  const most = incomplete ? 'at least' : 'at most';
  const known = [
    ...(isTold(peak, traffic) ? [`${most} ${peak.toLocaleString('en-US')} TCP connections at once`] : []),
    ...(isTold(errors, traffic)
      ? [`${incomplete ? 'at least ' : ''}${counted(errors, 'port allocation error')}`]
      : []),
  ];
  return known.length === 0 ? [] : [`in seven days ${known.join(' and ')}`];
}

/** A zero says something only where nothing is missing. */
function isTold(value: number | undefined, { incomplete }: Evidence['traffic' | 'routes']): value is number {
  return value !== undefined && (value > 0 || !incomplete);
}

function routeWords({ routes }: Evidence): string[] {
  const { status, route_table_ids: tables, subnet_ids: subnets } = routes;
  if (status === 'none') return ['no route table points to it'];
  if (tables === undefined) return [];
  const from = isTold(subnets?.length, routes) ? ` (${counted(subnets.length, 'subnet')})` : '';
  return [`routed from ${counted(tables.length, 'route table')}${from}`];
}

function nameWords({ security_groups, prefix_lists }: Evidence): string[] {
  return [
    ...namesOf(security_groups, 'security group range'),
    ...namesOf(prefix_lists, 'prefix list entry', 'prefix list entries'),
  ];
}

function namesOf({ ranges = [], more = 0 }: Names, one: string, several = `${one}s`): string[] {
  const number = ranges.length + more;
  if (number === 0) return [];
  return [
    `${counted(number, one, several)} ${number === 1 ? 'covers' : 'cover'} these and not all that remain`,
  ];
}

function counted(number: number, one: string, several = `${one}s`): string {
  return `${number.toLocaleString('en-US')} ${number === 1 ? one : several}`;
}
