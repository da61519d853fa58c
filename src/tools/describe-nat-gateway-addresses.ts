import * as z from 'zod';
import type { GatewayFilters } from '../nat-gateway/filters.ts';
import { addressSchema, changingAddresses, gatewaySchema, type NatGateway } from '../nat-gateway/gateway.ts';
import { POLICY_RULES } from '../nat-gateway/policy.ts';
import { FINDING_CODES } from '../nat-gateway/preflight.ts';
import { DESCRIBE, READ_SCOPE } from '../vocabulary/names.ts';
import {
  natGatewayId,
  optionalListOf,
  optionalRegion,
  privateIp,
  subnetId,
  tagFilter,
  vpcId,
} from './arguments.ts';
import { defineTool, type PlacedCall } from './define-tool.ts';
import { describeHint } from './describe-hint.ts';
import { drainWait } from './drain-wait.ts';
import { listGateways } from './list-gateways.ts';
import { brief } from './listed-schema.ts';
import { decodePosition, encodePosition, START } from './paging.ts';
import { errorSchema, type Next, nextSchema } from './results.ts';
import { showEvidence, shownEvidenceSchema } from './show-evidence.ts';
import { showGateway } from './show-gateway.ts';

const text = z.string().optional();

const outputSchema = z.object({
  region: text,
  account_id: text,
  nat_gateways: z
    .array(
      gatewaySchema.extend({
        network_interface_id: text,
        working_addresses: z.number(),
        min_remaining: z.number().describe('Of those that work'),
        can_release_now: z.number(),
        addresses: z.array(
          addressSchema.extend({
            can_unassign: z.boolean(),
            reason: z.enum(FINDING_CODES).optional(),
            rule: z.enum(POLICY_RULES).optional(),
            drain: z.record(z.string(), z.unknown()).optional().describe('As an unassign returns it'),
          }),
        ),
        evidence: brief(shownEvidenceSchema, 'What was looked up, and findings on it').optional(),
      }),
    )
    .optional(),
  not_found: z.array(z.string()).optional().describe('Ids and addresses that no gateway has'),
  next_token: text.describe('There may be more: repeat the call with it'),
  incomplete: text.describe('Why reading stopped before the page was full'),
  hint: text,
  next: nextSchema.optional(),
  error: errorSchema.optional(),
});

type Output = z.infer<typeof outputSchema>;
type Input = GatewayFilters & {
  region?: string | undefined;
  max_results: number;
  evidence: boolean;
  next_token?: string | undefined;
};

export const describeNatGatewayAddresses = defineTool({
  name: DESCRIBE,
  title: 'Describe NAT gateway addresses',
  description: `List NAT gateways with the status of each private IP address. can_unassign says whether an address alone could be unassigned now, reason why not, and can_release_now how many may go at once.
Filters narrow each other; values within one are alternatives. Without filters it lists the whole region; gateways that are deleted or failed only by id, state or address.`,
  input: {
    nat_gateway_ids: optionalListOf(natGatewayId, 1000).describe('At most 1000; not names'),
    private_ip_addresses: optionalListOf(privateIp, 200).describe(
      'Find the gateways that hold these; at most 200',
    ),
    vpc_ids: optionalListOf(vpcId, 200).describe('At most 200'),
    subnet_ids: optionalListOf(subnetId, 200).describe('At most 200'),
    tags: optionalListOf(tagFilter, 50, /,/).describe(
      'KEY or KEY=VALUE, such as Name=egress; exact, no wildcards; at most 50',
    ),
    states: optionalListOf(z.enum(['pending', 'failed', 'available', 'deleting', 'deleted']), 5).describe(
      'Of the gateway',
    ),
    connectivity_type: z
      .enum(['private', 'public'])
      .optional()
      .describe('Only private gateways can have addresses unassigned'),
    address_statuses: optionalListOf(
      z.enum(['assigning', 'unassigning', 'associating', 'disassociating', 'succeeded', 'failed']),
      6,
    ).describe('Gateways with an address in any of these; the first four: being changed'),
    region: optionalRegion,
    max_results: z.int().min(1).max(100).default(50).describe('Gateways a page: 1 to 100; default: 50'),
    evidence: z
      .boolean()
      .default(false)
      .describe('Add traffic, routes and who names an address; at most 10 gateways a page; default: false'),
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
  failed: ({ next }, region, error) => ({ region, next, error }),
});

/** The most gateways of a page with evidence. */
const EVIDENCE_GATEWAYS = 10;

const EVIDENCE_OFF =
  'No evidence is read, because the operator of this server has switched it off (--evidence off).';

async function describe(call: PlacedCall<Input>): Promise<Output> {
  const { input, ec2, region, dependencies } = call;
  const { max_results, next_token, region: _, evidence: wantsEvidence, ...filters } = input;
  const size = wantsEvidence ? Math.min(max_results, EVIDENCE_GATEWAYS) : max_results;
  const question = { region, filters };
  const start = next_token === undefined ? START : decodePosition(next_token, question, size);
  const [listing] = await Promise.all([listGateways(call, filters, size, start), ec2.identity(region)]);
  // Known by now, unless the credentials have changed while the gateways were read.
  const accountId = (await ec2.identity(region))?.account_id;
  const { natGateways, notFound, position, incomplete } = listing;
  const [hint, evidence] = await Promise.all([
    describeHint(call, listing, filters),
    wantsEvidence ? showEvidence(call, natGateways) : undefined,
  ]);
  const token = position === undefined ? undefined : encodePosition(position, question, size);
  return {
    region,
    account_id: accountId,
    nat_gateways: natGateways.map((gateway) => ({
      ...showGateway(gateway, { ...call, accountId }),
      evidence: evidence?.get(gateway),
    })),
    // Empty, it is left out of an answer in one page.
    ...(notFound.length > 0 || next_token !== undefined ? { not_found: notFound } : {}),
    next_token: token,
    incomplete,
    hint: wantsEvidence && dependencies.policy.evidence === 'off' ? EVIDENCE_OFF : hint,
    next:
      token === undefined
        ? waitForChanges(call, natGateways)
        : { tool: DESCRIBE, arguments: { ...input, region, next_token: token } },
  };
}

/** The wait for the changes of the only gateway that is shown; among several, which one is meant is not guessed. */
function waitForChanges(
  { region, dependencies }: PlacedCall<unknown>,
  [gateway, ...others]: readonly NatGateway[],
): Next | undefined {
  const { drains, ec2Clock } = dependencies;
  const natGatewayId = gateway?.nat_gateway_id;
  if (gateway === undefined || natGatewayId === undefined || others.length > 0) return undefined;
  const draining = changingAddresses(drains.judge(region, gateway, ec2Clock.monotonic()));
  return draining.length === 0 ? undefined : drainWait({ region, natGatewayId, draining }, dependencies);
}
