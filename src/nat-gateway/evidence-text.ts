import type { Evidence, Names } from './evidence.ts';
import { unknownSources } from './judge-evidence.ts';

/** The evidence as one sentence for a human who is asked for a yes, and what is not known in another. */
export function evidenceLine(evidence: Evidence): string {
  const known = [...trafficWords(evidence), ...routeWords(evidence), ...nameWords(evidence)];
  const unknown = unknownSources(evidence);
  return [
    ...(known.length === 0 ? [] : [`Evidence of seven days: ${known.join('; ')}.`]),
    ...(unknown.length === 0 ? [] : [`Not known: ${unknown.join(', ')}.`]),
  ].join(' ');
}

function trafficWords({ traffic }: Evidence): string[] {
  const { peak_connections: peak, port_allocation_errors: errors } = traffic;
  return [
    ...(peak === undefined ? [] : [`at most ${peak.toLocaleString('en-US')} TCP connections at once`]),
    ...(errors === undefined ? [] : [`${errors.toLocaleString('en-US')} port allocation errors`]),
  ];
}

function routeWords({ routes }: Evidence): string[] {
  const { status, route_table_ids: tables = [], subnet_ids: subnets = [] } = routes;
  if (status === 'none') return ['no route table points to it'];
  if (status !== 'found') return [];
  return [`routed from ${counted(tables.length, 'route table')} (${counted(subnets.length, 'subnet')})`];
}

function nameWords({ security_groups, prefix_lists }: Evidence): string[] {
  return [
    ...namesOf(security_groups, 'security group rule'),
    ...namesOf(prefix_lists, 'prefix list entry', 'prefix list entries'),
  ];
}

function namesOf({ status, ranges = [], more = 0 }: Names, one: string, several = `${one}s`): string[] {
  if (status !== 'found' && status !== 'none') return [];
  const number = ranges.length + more;
  return number === 0 ? [] : [`${counted(number, one, several)} for these addresses alone`];
}

function counted(number: number, one: string, several = `${one}s`): string {
  return `${number} ${number === 1 ? one : several}`;
}
