import * as z from 'zod';
import { ERROR_CODES } from '../vocabulary/failure.ts';

/**
 * What can be looked up about a gateway before an address goes: its traffic, the routes to it, and who names the
 * address. All of it is about one account and one region.
 */

/**
 * What asking a source came to. `none`: it answered, and there is nothing. `no_data`: it says nothing, because it has no
 * data or, with `error`, because its answer cannot be used. Neither means that the gateway is unused.
 */
export const SOURCE_STATUSES = ['found', 'none', 'denied', 'timed_out', 'no_data'] as const;

const source = z.object({
  status: z.enum(SOURCE_STATUSES),
  /** Why the source says nothing, where it failed. */
  error: z.enum(ERROR_CODES).optional(),
  /** The action that AWS denied, such as `cloudwatch:GetMetricData`. */
  action: z.string().optional(),
  /** Set where only a part was read: there may be more than what is shown. */
  incomplete: z.literal(true).optional(),
});

/** CloudWatch, `AWS/NATGateway`, in the hours for which it has data. Counts are of the whole gateway. */
const trafficSchema = source.extend({
  /** Of the 168 hours of seven days. */
  hours_with_data: z.number().optional(),
  /** The highest ActiveConnectionCount: simultaneous TCP connections to all destinations. */
  peak_connections: z.number().optional(),
  /** The sum of ErrorPortAllocation; absent where CloudWatch has no data of it. */
  port_allocation_errors: z.number().optional(),
  /** The sum of PacketsDropCount; absent where CloudWatch has no data of it. */
  packets_dropped: z.number().optional(),
});

/** Route tables with a route to the gateway, and the subnets that use them. */
const routesSchema = source.extend({
  route_table_ids: z.array(z.string()).optional(),
  subnet_ids: z.array(z.string()).optional(),
});

/** One range that covers an address, and the security group or prefix list that has it. */
const rangeSchema = z.object({ id: z.string(), private_ip: z.string(), cidr: z.string() });
export type Range = z.infer<typeof rangeSchema>;

const namesSchema = source.extend({
  ranges: z.array(rangeSchema).optional(),
  /** Ranges left out because they also cover every address that would remain. */
  covering_the_rest: z.number().optional(),
  /** Ranges left out of a long list. */
  more: z.number().optional(),
});

export const evidenceSchema = z.object({
  traffic: trafficSchema,
  routes: routesSchema,
  security_groups: namesSchema,
  prefix_lists: namesSchema,
});

export type Traffic = z.infer<typeof trafficSchema>;
export type Routes = z.infer<typeof routesSchema>;
export type Names = z.infer<typeof namesSchema>;
export type Evidence = z.infer<typeof evidenceSchema>;

/** How much evidence counts: not read; read as far as AWS allows, as warnings; or demanded before a change. */
export const EVIDENCE_MODES = ['off', 'auto', 'require'] as const;
export type EvidenceMode = (typeof EVIDENCE_MODES)[number];
