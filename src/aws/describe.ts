import {
  DescribeNatGatewaysCommand,
  type DescribeNatGatewaysCommandInput,
  type NatGateway as SdkNatGateway,
  type NatGatewayAddress as SdkNatGatewayAddress,
} from '@aws-sdk/client-ec2';
import { FILTER_VALUES } from '../nat-gateway/filters.ts';
import type { NatGateway, NatGatewayAddress } from '../nat-gateway/gateway.ts';
import { Failure } from '../vocabulary/failure.ts';
import { boundedText } from '../vocabulary/text.ts';
import type { Ec2Clients, ReadOptions } from './clients.ts';

/** One page of `DescribeNatGateways`. */
export interface NatGatewayPage {
  natGateways: NatGateway[];
  /** EC2's token for the next page; absent on the last. */
  nextToken?: string | undefined;
}

/** Filters and page of `DescribeNatGateways`. Values of one filter are alternatives; filters narrow each other. */
export interface NatGatewayQuery {
  filters: { name: string; values: readonly string[] }[];
  maxResults?: number | undefined;
  nextToken?: string | undefined;
}

/** EC2's largest `MaxResults`. */
const LARGEST_PAGE = 1000;

/** The most pages that are read for one question; EC2 needs one for as many ids as fit into a filter. */
const MOST_PAGES = 250;

/**
 * Reads one page of gateways.
 *
 * @throws Failure
 */
export async function readPage(
  clients: Ec2Clients,
  region: string,
  query: NatGatewayQuery,
  options: ReadOptions,
): Promise<NatGatewayPage> {
  const input: DescribeNatGatewaysCommandInput = {
    ...(query.filters.length === 0
      ? {}
      : { Filter: query.filters.map(({ name, values }) => ({ Name: name, Values: values.map(literal) })) }),
    ...(query.maxResults === undefined ? {} : { MaxResults: query.maxResults }),
    ...(query.nextToken === undefined ? {} : { NextToken: query.nextToken }),
  };
  const output = await clients.read(
    region,
    (client, sendOptions, track) => client.send(track(new DescribeNatGatewaysCommand(input)), sendOptions),
    options,
  );
  // An empty 200 parses as an empty output; a real answer always has an id and, even if empty, the set.
  if (output.NatGateways === undefined) {
    throw new Failure({
      code: 'bad_response',
      message: 'EC2 answered DescribeNatGateways with success, but without a list of NAT gateways.',
      retryable: true,
      request_id: output.$metadata.requestId,
    });
  }
  return {
    natGateways: output.NatGateways.map(toNatGateway),
    nextToken: output.NextToken === '' ? undefined : output.NextToken,
  };
}

/**
 * Reads one gateway as it is now; `undefined` where EC2 has none by that id.
 *
 * @throws Failure
 */
export async function readGateway(
  clients: Ec2Clients,
  region: string,
  natGatewayId: string,
  options: ReadOptions,
): Promise<NatGateway | undefined> {
  const [gateway] = await readGateways(clients, region, [natGatewayId], options);
  return gateway;
}

/**
 * Reads every gateway with one of these ids, in the order of the ids and in the time of one read; an id that is missing
 * from the answer belongs to no gateway.
 *
 * @throws Failure
 */
export async function readGateways(
  clients: Ec2Clients,
  region: string,
  ids: readonly string[],
  readOptions: ReadOptions,
): Promise<NatGateway[]> {
  const options = { ...readOptions, deadline: readOptions.deadline ?? clients.readDeadline() };
  const found = new Map<string, NatGateway>();
  for (let start = 0; start < ids.length; start += FILTER_VALUES) {
    const missing = new Set(ids.slice(start, start + FILTER_VALUES));
    const query = { filters: [{ name: 'nat-gateway-id', values: [...missing] }], maxResults: LARGEST_PAGE };
    for await (const gateway of everyGateway(clients, region, query, options)) {
      // Endpoints exist that ignore filters.
      const { nat_gateway_id: id } = gateway;
      if (id === undefined || !missing.delete(id)) continue;
      found.set(id, gateway);
      if (missing.size === 0) break;
    }
  }
  return [...new Set(ids)].flatMap((id) => found.get(id) ?? []);
}

/**
 * The gateways of every page until there is no token. A page can be short or empty and still have a token (EC2 API, Query
 * requests, pagination), so that the deadline and repeated tokens, not a few pages, bound what an endpoint can demand.
 *
 * @throws Failure
 */
export async function* everyGateway(
  clients: Ec2Clients,
  region: string,
  query: NatGatewayQuery,
  options: ReadOptions,
): AsyncGenerator<NatGateway> {
  const tokens = new Set<string>();
  let nextToken: string | undefined;
  do {
    const page = await readPage(clients, region, { ...query, nextToken }, options);
    yield* page.natGateways;
    nextToken = page.nextToken;
    if (nextToken === undefined) return;
    if (tokens.has(nextToken) || tokens.size === MOST_PAGES) throw endless();
    tokens.add(nextToken);
  } while (true);
}

function endless(): Failure {
  return new Failure({
    code: 'bad_response',
    message: 'What answers as EC2 hands out pages without end, or the same page token twice.',
    retryable: false,
  });
}

/** The gateway's members in snake_case. Free text from the account is bounded here, once, for everyone. */
function toNatGateway(gateway: SdkNatGateway): NatGateway {
  return {
    nat_gateway_id: text(gateway.NatGatewayId),
    state: text(gateway.State),
    connectivity_type: text(gateway.ConnectivityType),
    availability_mode: text(gateway.AvailabilityMode),
    vpc_id: text(gateway.VpcId),
    subnet_id: text(gateway.SubnetId),
    create_time: time(gateway.CreateTime),
    delete_time: time(gateway.DeleteTime),
    failure_code: text(gateway.FailureCode),
    failure_message: text(gateway.FailureMessage, 1000),
    tags: gateway.Tags?.map(({ Key, Value }) => ({ key: text(Key) ?? '', value: text(Value) ?? '' })),
    addresses: gateway.NatGatewayAddresses?.map(toAddress) ?? [],
  };
}

/** The address's members in snake_case. */
export function toAddress(address: SdkNatGatewayAddress): NatGatewayAddress {
  return {
    private_ip: text(address.PrivateIp),
    is_primary: address.IsPrimary,
    status: text(address.Status),
    failure_message: text(address.FailureMessage, 1000),
    network_interface_id: text(address.NetworkInterfaceId),
    public_ip: text(address.PublicIp),
    allocation_id: text(address.AllocationId),
    association_id: text(address.AssociationId),
    availability_zone: text(address.AvailabilityZone),
    availability_zone_id: text(address.AvailabilityZoneId),
  };
}

/** AWS allows 128 characters in a tag's key and 256 in its value, and ids are shorter. */
function text(value: string | undefined, limit = 256): string | undefined {
  return value === undefined ? undefined : boundedText(value, limit);
}

function time(value: Date | undefined): string | undefined {
  return value === undefined || Number.isNaN(value.getTime()) ? undefined : value.toISOString();
}

/** A filter value that stands for itself: EC2 reads `*` and `?` as wildcards unless a backslash precedes them. */
function literal(value: string): string {
  return value.replace(/[\\*?]/g, '\\$&');
}
