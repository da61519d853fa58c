import * as z from 'zod';
import type { GatewayFilters } from '../nat-gateway/filters.ts';
import { addressSchema, gatewaySchema } from '../nat-gateway/gateway.ts';
import { POLICY_RULES } from '../nat-gateway/policy.ts';
import { FINDING_CODES } from '../nat-gateway/preflight.ts';
import { ERROR_CODES } from '../vocabulary/failure.ts';
import { DESCRIBE, READ_SCOPE } from '../vocabulary/names.ts';
import {
  natGatewayId,
  optionalListOf,
  optionalRegion,
  optionalRegions,
  optionalTargets,
  privateIp,
  subnetId,
  tagFilter,
  vpcId,
} from './arguments.ts';
import { defineTool, type PlacedCall } from './define-tool.ts';
import { describeHint } from './describe-hint.ts';
import { describePlaces } from './describe-places.ts';
import { waitForChanges } from './drain-wait.ts';
import { listGateways } from './list-gateways.ts';
import { brief } from './listed-schema.ts';
import { inOnePlace } from './one-place.ts';
import { decodePosition, encodePosition, START } from './paging.ts';
import { namesPlaces, type PlacesNamed } from './places.ts';
import { recallRegion } from './recall.ts';
import { errorSchema, nextSchema } from './results.ts';
import { EVIDENCE_GATEWAYS, evidenceHint, showEvidence, shownEvidenceSchema } from './show-evidence.ts';
import { showGateway } from './show-gateway.ts';

const text = z.string().optional();

const gatewayMembers = gatewaySchema.extend({
  target: text,
  account_id: text,
  region: text,
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
}).shape;

const outputSchema = z.object({
  region: text,
  account_id: text,
  nat_gateways: z.array(z.object(gatewayMembers)).optional(),
  errors: z
    .array(
      z.object({
        target: text,
        region: z.string(),
        code: z.enum(ERROR_CODES),
        message: z.string(),
        retryable: z.boolean(),
      }),
    )
    .optional()
    .describe('Places that could not be read'),
  not_found: z.array(z.string()).optional().describe('Ids and addresses that no gateway has'),
  next_token: text.describe('There may be more: repeat the call with it'),
  incomplete: text.describe('Why reading stopped before the page was full'),
  hint: text,
  next: nextSchema.optional(),
  error: errorSchema.optional(),
});

/** What is listed of it; every model reads the list, and few calls are about several places. */
const { target: _, account_id: __, region: ___, ...listedGateway } = gatewayMembers;
const listedOutput = outputSchema
  .omit({ errors: true })
  .extend({ nat_gateways: z.array(z.object(listedGateway)).optional() });

type Output = z.infer<typeof outputSchema>;
type Input = GatewayFilters &
  PlacesNamed & {
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
    targets: optionalTargets,
    region: optionalRegion,
    regions: optionalRegions,
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
  listed: listedOutput,
  scope: READ_SCOPE,
  isDestructive: false,
  run: async (call) => (namesPlaces(call) ? describePlaces(call) : describe(await inOnePlace(call))),
  failed: ({ next }, region, error) => ({ region, next, error }),
});

async function describe(call: PlacedCall<Input>): Promise<Output> {
  const { input, ec2, region, dependencies } = call;
  const {
    max_results,
    next_token,
    region: _,
    regions: __,
    targets: ___,
    evidence: wantsEvidence,
    ...filters
  } = input;
  const size = wantsEvidence ? Math.min(max_results, EVIDENCE_GATEWAYS) : max_results;
  const question = { region, filters };
  const start = next_token === undefined ? START : decodePosition(next_token, question, size);
  const [listing, recalled] = await Promise.all([
    listGateways(call, filters, size, start),
    recallRegion(dependencies.state, region),
    ec2.identity(region),
  ]);
  // Known by now, unless the credentials have changed while the gateways were read.
  const accountId = (await ec2.identity(region))?.account_id;
  const { natGateways, notFound, position, incomplete } = listing;
  const [hint, evidence] = await Promise.all([
    describeHint(call, listing, filters),
    wantsEvidence ? showEvidence(call, natGateways, filters.private_ip_addresses) : undefined,
  ]);
  const token = position === undefined ? undefined : encodePosition(position, question, size);
  return {
    region,
    account_id: accountId,
    nat_gateways: natGateways.map((gateway) => {
      const read = evidence?.get(gateway);
      return {
        ...showGateway(gateway, { ...call, accountId, recalled, evidence: read }),
        evidence: read?.shown,
      };
    }),
    // Empty, it is left out of an answer in one page.
    ...(notFound.length > 0 || next_token !== undefined ? { not_found: notFound } : {}),
    next_token: token,
    incomplete,
    hint: natGateways.length === 0 ? hint : joined(hint, evidenceHint(dependencies.policy, wantsEvidence)),
    next:
      token === undefined
        ? waitForChanges(call, recalled, natGateways)
        : { tool: DESCRIBE, arguments: { ...input, region, next_token: token } },
  };
}

function joined(...sentences: (string | undefined)[]): string | undefined {
  return sentences.filter((each) => each !== undefined).join(' ') || undefined;
}
