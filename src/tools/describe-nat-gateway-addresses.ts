import * as z from 'zod';
import type { GatewayFilters } from '../nat-gateway/filters.ts';
import { addressSchema, changingAddresses, gatewaySchema, type NatGateway } from '../nat-gateway/gateway.ts';
import { FINDING_CODES } from '../nat-gateway/preflight.ts';
import { DESCRIBE, READ_SCOPE, WAIT } from '../vocabulary/names.ts';
import { listOf, natGatewayId, optionalRegion, privateIp, subnetId, tagFilter, vpcId } from './arguments.ts';
import { defineTool, type PlacedCall } from './define-tool.ts';
import { listGateways } from './list-gateways.ts';
import { decodePosition, encodePosition, START } from './paging.ts';
import { errorSchema, type Next, nextSchema } from './results.ts';
import { showGateway } from './show-gateway.ts';

const text = z.string().optional();

const outputSchema = z.object({
  region: text,
  account_id: text,
  nat_gateways: z
    .array(
      gatewaySchema.extend({
        addresses: z.array(
          addressSchema.extend({
            can_unassign: z.boolean().describe('Whether this address alone could be unassigned now'),
            reason: z.enum(FINDING_CODES).optional().describe('Why it cannot'),
          }),
        ),
      }),
    )
    .optional(),
  not_found: z.array(z.string()).optional().describe('Ids that no gateway has in this region'),
  next_token: text.describe('There may be more: repeat the call with it'),
  incomplete: text.describe('Why reading stopped before the page was full'),
  next: nextSchema.optional(),
  error: errorSchema.optional(),
});

type Output = z.infer<typeof outputSchema>;
type Input = GatewayFilters & {
  region?: string | undefined;
  max_results: number;
  next_token?: string | undefined;
};

export const describeNatGatewayAddresses = defineTool({
  name: DESCRIBE,
  title: 'Describe NAT gateway addresses',
  description: `List NAT gateways with the status of each private IP address. For every address can_unassign says whether it could be unassigned now, and reason why not.
Filters narrow each other; values within one are alternatives. Without filters it lists the whole region.
Use private_ip_addresses to find the gateway that holds an address.`,
  input: {
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
    region: optionalRegion,
    max_results: z.int().min(1).max(100).default(50).describe('Gateways per page'),
    next_token: z
      .string()
      .max(4096)
      .optional()
      .describe('From the previous page; repeat the other arguments with it'),
  },
  output: outputSchema,
  scope: READ_SCOPE,
  isDestructive: false,
  run: describe,
  failed: (_, region, error) => ({ region, error }),
});

async function describe(call: PlacedCall<Input>): Promise<Output> {
  const { input, ec2, region } = call;
  const { max_results, next_token, region: _, ...filters } = input;
  const question = { region, filters, max_results };
  const start = next_token === undefined ? START : decodePosition(next_token, question);
  const [listing] = await Promise.all([
    listGateways(call, filters, max_results, start),
    ec2.accountId(region),
  ]);
  // Known by now, unless the credentials have changed while the gateways were read.
  const accountId = await ec2.accountId(region);
  const token = listing.position === undefined ? undefined : encodePosition(listing.position, question);
  return {
    region,
    account_id: accountId,
    nat_gateways: listing.natGateways.map((gateway) => showGateway(gateway, { ...call, accountId })),
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
