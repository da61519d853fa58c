import * as z from 'zod';
import { DEFAULT_DRAIN_SECONDS, DRAIN_SECONDS } from '../nat-gateway/drain.ts';
import { UNASSIGN, WRITE_SCOPE } from '../vocabulary/names.ts';
import {
  listOf,
  natGatewayId,
  optionalApprovalId,
  optionalRegion,
  optionalTarget,
  privateIp,
} from './arguments.ts';
import { untilAnswered } from './change/asking.ts';
import { attempt, failedAttempt } from './change/attempt.ts';
import { auditFields } from './change/result.ts';
import { defineTool } from './define-tool.ts';
import { unassignment, unassignResultSchema } from './unassign/unassignment.ts';

export const unassignPrivateNatGatewayAddress = defineTool({
  name: UNASSIGN,
  title: 'Unassign private NAT gateway address',
  description: `Release secondary private IP addresses of one private NAT gateway. This cannot be cancelled.
Each address stops taking new connections at once, serves existing ones for up to max_drain_duration_seconds, and is then released; connections still open break.
The state is checked and an EC2 dry run made before every real call; mode "dry_run" stops there and changes nothing. The user may be asked to confirm.
outcome says how it ended; error.hint and next say what to do. Never repeat an "unknown" outcome without describing the gateway first.`,
  input: {
    nat_gateway_id: natGatewayId.describe('Id of the private NAT gateway'),
    private_ip_addresses: listOf(privateIp, 31).describe(
      'Secondary private IPv4 addresses to release, at most 31; never the primary',
    ),
    max_drain_duration_seconds: z
      .int()
      .min(DRAIN_SECONDS.minimum)
      .max(DRAIN_SECONDS.maximum)
      .default(DEFAULT_DRAIN_SECONDS)
      .describe('How long existing connections are served: 1 to 4000; default: 350'),
    mode: z
      .enum(['execute', 'dry_run'])
      .default('execute')
      .describe('dry_run checks everything and changes nothing; default: execute'),
    min_remaining: z
      .int()
      .min(0)
      .max(32)
      .optional()
      .describe(
        "Refuse if fewer working addresses would remain: 0 to 32; the operator's minimum holds in any case",
      ),
    approval_id: optionalApprovalId,
    target: optionalTarget,
    region: optionalRegion,
  },
  output: unassignResultSchema,
  scope: WRITE_SCOPE,
  isDestructive: true,
  begin: (call) => call.dependencies.audit.begin(auditFields(UNASSIGN, call.input, call)),
  run: async (call) => untilAnswered(UNASSIGN, call, (each, answer) => attempt(unassignment, each, answer)),
  failed: (...failure) => failedAttempt(UNASSIGN, ...failure),
});
