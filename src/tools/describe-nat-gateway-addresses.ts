import type { McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';
import type { NatGatewayPage } from '../aws/describe.ts';
import type { Ec2 } from '../aws/ec2.ts';
import { withAccepted } from '../nat-gateway/drain.ts';
import {
  FILTER_VALUES,
  type GatewayFilters,
  matches,
  needLocalReading,
  tagFilters,
} from '../nat-gateway/filters.ts';
import type { NatGateway, NatGatewayAddress } from '../nat-gateway/gateway.ts';
import { denials } from '../nat-gateway/policy.ts';
import { FINDING_CODES, reasonsAgainst } from '../nat-gateway/preflight.ts';
import { changingAddresses } from '../nat-gateway/release-tracker.ts';
import { DESCRIBE, READ_SCOPE, WAIT } from '../vocabulary/names.ts';
import {
  listOf,
  natGatewayId,
  privateIp,
  region,
  subnetId,
  tagFilter,
  unknownArguments,
  vpcId,
} from './arguments.ts';
import type { Dependencies } from './dependencies.ts';
import { reportOf } from './failures.ts';
import { listedInput, listedOutput } from './listed-schema.ts';
import { decodePosition, encodePosition, type Position, START, unfitToken } from './paging.ts';
import { addressSchema, errorSchema, type Next, nextSchema, toolResult } from './results.ts';
import { requireScope } from './scopes.ts';

const description = `List NAT gateways with the status of each private IP address. For every address can_unassign says whether it could be unassigned now, and reason why not.
Filters narrow each other; values within one are alternatives. Without filters it lists the whole region.
Use private_ip_addresses to find the gateway that holds an address.`;

const inputShape = {
  nat_gateway_ids: listOf(natGatewayId, 1000)
    .optional()
    .describe('NAT gateway ids; unknown ones come back in not_found'),
  private_ip_addresses: listOf(privateIp, 200)
    .optional()
    .describe('Gateways holding any of these private IPv4 addresses'),
  vpc_ids: listOf(vpcId, 200).optional().describe('VPC ids'),
  subnet_ids: listOf(subnetId, 200).optional().describe('Subnet ids'),
  tags: listOf(tagFilter, 50, /,/).optional().describe('KEY or KEY=VALUE, matched exactly'),
  states: listOf(z.enum(['pending', 'failed', 'available', 'deleting', 'deleted']), 5)
    .optional()
    .describe('Gateway states'),
  connectivity_type: z
    .enum(['private', 'public'])
    .optional()
    .describe('Only private gateways can have addresses unassigned'),
  address_statuses: listOf(
    z.enum(['assigning', 'unassigning', 'associating', 'disassociating', 'succeeded', 'failed']),
    6,
  )
    .optional()
    .describe('Gateways with an address in any of these statuses'),
  region: region.optional().describe("AWS region; default: the server's"),
  max_results: z.int().min(1).max(100).default(50).describe('Gateways per page'),
  next_token: z
    .string()
    .max(4096)
    .optional()
    .describe('From the previous page; repeat the other arguments with it'),
};

const inputSchema = z.strictObject(inputShape, { error: unknownArguments(Object.keys(inputShape)) });

const describedAddressSchema = addressSchema.extend({
  can_unassign: z.boolean().describe('Whether this address alone could be unassigned now'),
  reason: z.enum(FINDING_CODES).optional().describe('Why it cannot'),
});

const optionalText = z.string().optional();

const gatewaySchema = z.object({
  nat_gateway_id: optionalText,
  state: optionalText,
  connectivity_type: optionalText,
  availability_mode: optionalText,
  vpc_id: optionalText,
  subnet_id: optionalText,
  create_time: optionalText,
  delete_time: optionalText,
  failure_code: optionalText,
  failure_message: optionalText,
  tags: z.array(z.object({ key: z.string(), value: z.string() })).optional(),
  addresses: z.array(describedAddressSchema),
});

const outputSchema = z.object({
  region: optionalText,
  account_id: optionalText,
  nat_gateways: z.array(gatewaySchema).optional(),
  not_found: z.array(z.string()).optional().describe('Ids that no gateway has in this region'),
  next_token: optionalText.describe('There may be more: repeat the call with it'),
  incomplete: optionalText.describe('Why reading stopped before the page was full'),
  next: nextSchema.optional(),
  error: errorSchema.optional(),
});

type Input = z.infer<typeof inputSchema>;
type Output = z.infer<typeof outputSchema>;

/** How many pages of EC2's, and for how long, one call reads on before it hands over with a token. */
const PAGE_CAP = 20;
const READING_SECONDS = 30;

/** EC2's page size where most of what is read will be filtered out here, and EC2's smallest. */
const LARGE_PAGE = 1000;
const SMALLEST_PAGE = 5;

const schemas = { inputSchema: listedInput(inputSchema), outputSchema: listedOutput(outputSchema) };

export function registerDescribe(server: McpServer, dependencies: Dependencies): void {
  server.registerTool(
    DESCRIBE,
    {
      title: 'Describe NAT gateway addresses',
      description,
      ...schemas,
      annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
    },
    async (input, context) => {
      const output: Output = {};
      try {
        requireScope(context, READ_SCOPE);
        const ec2 = await dependencies.ec2();
        output.region = await ec2.region(input.region);
        Object.assign(output, await describe(ec2, output.region, input, dependencies, context.mcpReq.signal));
      } catch (error) {
        output.error = reportOf(error, dependencies.logger);
      }
      return toolResult(outputSchema, output, output.error !== undefined);
    },
  );
}

async function describe(
  ec2: Ec2,
  region: string,
  input: Input,
  dependencies: Dependencies,
  signal: AbortSignal,
): Promise<Output> {
  const { now } = dependencies;
  const { max_results, next_token, region: _, ...filters } = input;
  const question = { region, filters, max_results };
  const start = next_token === undefined ? START : decodePosition(next_token, question);
  const [listing] = await Promise.all([
    list(ec2, region, filters, max_results, start, now, signal),
    ec2.accountId(region),
  ]);
  // Known by now, unless the credentials have changed while the gateways were read.
  const accountId = await ec2.accountId(region);
  const token = listing.position === undefined ? undefined : encodePosition(listing.position, question);
  return {
    account_id: accountId,
    nat_gateways: listing.natGateways.map((gateway) =>
      describeGateway(gateway, region, accountId, dependencies),
    ),
    ...(filters.nat_gateway_ids === undefined ? {} : { not_found: listing.notFound }),
    next_token: token,
    incomplete: listing.incomplete,
    next:
      token === undefined
        ? waitForChanges(listing.natGateways, region)
        : { tool: DESCRIBE, arguments: { ...input, region, next_token: token } },
  };
}

/** The call that waits for the first gateway with addresses that are changing, if there is one. */
function waitForChanges(gateways: readonly NatGateway[], region: string): Next | undefined {
  const changing = gateways.find((gateway) => changingAddresses(gateway).length > 0);
  const nat_gateway_id = changing?.nat_gateway_id;
  return nat_gateway_id === undefined ? undefined : { tool: WAIT, arguments: { nat_gateway_id, region } };
}

/** A gateway as this tool shows it: each address with whether it could be unassigned, from the same rules as preflight. */
export function describeGateway(
  gateway: NatGateway,
  region: string,
  accountId: string | undefined,
  { policy, drains, now }: Dependencies,
): z.input<typeof gatewaySchema> {
  const accepted = drains.accepted(region, gateway.nat_gateway_id ?? '', now());
  const judged = withAccepted(gateway, accepted);
  const denialsOf = ({ private_ip }: NatGatewayAddress) => {
    const privateIps = private_ip === undefined ? [] : [private_ip];
    const wish = { mode: 'execute' as const, region, natGatewayId: gateway.nat_gateway_id, privateIps };
    return denials(policy, wish, { gateway: judged, accountId });
  };
  const reasons = reasonsAgainst(judged, denialsOf);
  return {
    ...gateway,
    addresses: gateway.addresses.map((address, index) => {
      const reason = reasons[index];
      return { ...address, can_unassign: reason === undefined, reason };
    }),
  };
}

interface Listing {
  natGateways: NatGateway[];
  notFound: string[];
  /** Where the next call goes on; absent at the end. */
  position?: Position | undefined;
  incomplete?: string | undefined;
}

/** Reads pages of EC2's from `start` on until one page of ours is full, all is read, or it has taken long enough. */
async function list(
  ec2: Ec2,
  region: string,
  filters: GatewayFilters,
  maxResults: number,
  start: Position,
  now: () => number,
  signal: AbortSignal,
): Promise<Listing> {
  const until = now() + READING_SECONDS * 1000;
  const natGateways: NatGateway[] = [];
  const notFound: string[] = [];
  let position = start;
  for (let pages = 0; ; pages++) {
    if (pages === PAGE_CAP || now() > until) {
      const incomplete = `Stopped after reading ${pages} pages from EC2 to answer in time; next_token goes on from there.`;
      return { natGateways, notFound, position, incomplete };
    }
    const ids = filters.nat_gateway_ids?.slice(
      position.chunk * FILTER_VALUES,
      (position.chunk + 1) * FILTER_VALUES,
    );
    if (ids?.length === 0) throw unfitToken('next_token points behind the last of the ids.');
    const page: NatGatewayPage =
      ids === undefined
        ? await ec2.readPage(
            region,
            {
              filters: ec2Filters(filters),
              maxResults: needLocalReading(filters) ? LARGE_PAGE : Math.max(SMALLEST_PAGE, maxResults),
              nextToken: position.token,
            },
            signal,
          )
        : { natGateways: await ec2.readGateways(region, ids, signal) };
    if (ids !== undefined && position.skip === 0) {
      const found = new Set(page.natGateways.map((gateway) => gateway.nat_gateway_id));
      notFound.push(...ids.filter((id) => !found.has(id)));
    }
    const fitting = page.natGateways.filter((gateway) => matches(gateway, filters)).slice(position.skip);
    const taken = fitting.slice(0, maxResults - natGateways.length);
    natGateways.push(...taken);
    const rest = after(position, taken.length, fitting.length, page.nextToken, filters);
    if (rest === undefined) return { natGateways, notFound };
    position = rest;
    if (natGateways.length === maxResults) return { natGateways, notFound, position };
  }
}

/** The position behind what was taken: further into the same page, the next page, the next chunk, or the end. */
function after(
  position: Position,
  taken: number,
  fitting: number,
  nextToken: string | undefined,
  filters: GatewayFilters,
): Position | undefined {
  if (taken < fitting) return { ...position, skip: position.skip + taken };
  if (nextToken !== undefined) return { chunk: position.chunk, token: nextToken, skip: 0 };
  const chunk = position.chunk + 1;
  return chunk * FILTER_VALUES < (filters.nat_gateway_ids?.length ?? 0) ? { chunk, skip: 0 } : undefined;
}

/** The filters that EC2 can apply for us. With ids it gets only those, so that `not_found` means what it says. */
function ec2Filters(filters: GatewayFilters): { name: string; values: string[] }[] {
  const byTag = [...tagFilters(filters.tags ?? [])].map(([key, values]) =>
    values === undefined ? { name: 'tag-key', values: [key] } : { name: `tag:${key}`, values },
  );
  return [
    { name: 'vpc-id', values: filters.vpc_ids ?? [] },
    { name: 'subnet-id', values: filters.subnet_ids ?? [] },
    { name: 'state', values: filters.states ?? [] },
    ...byTag,
  ].filter(({ values }) => values.length > 0);
}
