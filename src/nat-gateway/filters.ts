import type { NatGateway } from './gateway.ts';

/** The most values that EC2 takes in one filter. */
export const FILTER_VALUES = 200;

/** Filters on gateways. Values within one member are alternatives; members narrow each other. */
export interface GatewayFilters {
  nat_gateway_ids?: string[] | undefined;
  private_ip_addresses?: string[] | undefined;
  vpc_ids?: string[] | undefined;
  subnet_ids?: string[] | undefined;
  /** `KEY` (has the tag) or `KEY=VALUE` (has it with exactly this value). */
  tags?: string[] | undefined;
  states?: string[] | undefined;
  connectivity_type?: string | undefined;
  /** Gateways with at least one address in one of these statuses. */
  address_statuses?: string[] | undefined;
}

/**
 * Whether a gateway fits the filters, decided from EC2's answer.
 *
 * It checks every filter, those that EC2 has too included, so that an endpoint that ignores a filter cannot widen an
 * answer.
 */
export function matches(gateway: NatGateway, filters: GatewayFilters): boolean {
  const { private_ip_addresses, address_statuses, connectivity_type, tags } = filters;
  return (
    includes(filters.nat_gateway_ids, gateway.nat_gateway_id) &&
    includes(filters.vpc_ids, gateway.vpc_id) &&
    includes(filters.subnet_ids, gateway.subnet_id) &&
    includes(filters.states, gateway.state) &&
    (connectivity_type === undefined || gateway.connectivity_type === connectivity_type) &&
    (private_ip_addresses === undefined ||
      gateway.addresses.some(({ private_ip }) => includes(private_ip_addresses, private_ip))) &&
    (address_statuses === undefined ||
      gateway.addresses.some(({ status }) => includes(address_statuses, status))) &&
    (tags === undefined || [...tagFilters(tags)].every(([key, values]) => hasTag(gateway, key, values)))
  );
}

/** The states of gateways that hold no address for anyone, and that EC2 shows for about an hour. */
const ENDED: ReadonlySet<string | undefined> = new Set(['deleted', 'failed']);

/** Whether a gateway that fits is left out because it has ended, and was not asked for by id, state or address. */
export function isLeftOut({ state }: NatGateway, filters: GatewayFilters): boolean {
  const { nat_gateway_ids, states, private_ip_addresses } = filters;
  return ENDED.has(state) && (nat_gateway_ids ?? states ?? private_ip_addresses) === undefined;
}

/** Whether EC2 cannot apply all of these filters, so that whole pages may be read for few gateways. */
export function needLocalReading(filters: GatewayFilters): boolean {
  return (
    filters.private_ip_addresses !== undefined ||
    filters.connectivity_type !== undefined ||
    filters.address_statuses !== undefined
  );
}

/** `KEY` and `KEY=VALUE` grouped by key: the values that match, or `undefined` where any value does. */
export function tagFilters(tags: readonly string[]): Map<string, string[] | undefined> {
  const byKey = new Map<string, string[] | undefined>();
  for (const tag of tags) {
    const [key, value] = keyAndValue(tag);
    if (value === undefined) byKey.set(key, undefined);
    else if (!byKey.has(key)) byKey.set(key, [value]);
    else byKey.get(key)?.push(value);
  }
  return byKey;
}

/** The key of `KEY` or `KEY=VALUE`, and the value where there is one. */
export function keyAndValue(tag: string): [key: string, value: string | undefined] {
  const at = tag.indexOf('=');
  return at < 0 ? [tag, undefined] : [tag.slice(0, at), tag.slice(at + 1)];
}

function hasTag(gateway: NatGateway, key: string, values: string[] | undefined): boolean {
  return gateway.tags?.some((tag) => tag.key === key && includes(values, tag.value)) ?? false;
}

function includes(wanted: readonly string[] | undefined, value: string | undefined): boolean {
  return wanted === undefined || (value !== undefined && wanted.includes(value));
}
