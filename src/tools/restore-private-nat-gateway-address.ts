import * as z from 'zod';
import { RESTORE, WRITE_SCOPE } from '../vocabulary/names.ts';
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
import { listedResultSchema, restoration, restoreResultSchema } from './restore/restoration.ts';

export const restorePrivateNatGatewayAddress = defineTool({
  name: RESTORE,
  title: 'Restore private NAT gateway address',
  description: `Undo a release: assign private IP addresses again to the gateway from which this server released them within a day, and no others.
It works once no address of the gateway is changing, with the same checks, dry run and confirmation as the release.`,
  input: {
    nat_gateway_id: natGatewayId.describe('Id of the private NAT gateway'),
    private_ip_addresses: listOf(privateIp, 7).describe('The released addresses, at most 7'),
    mode: z
      .enum(['execute', 'dry_run'])
      .default('execute')
      .describe('dry_run checks everything and changes nothing; default: execute'),
    approval_id: optionalApprovalId,
    target: optionalTarget,
    region: optionalRegion,
  },
  output: restoreResultSchema,
  listed: listedResultSchema,
  scope: WRITE_SCOPE,
  isDestructive: true,
  begin: (call) => call.dependencies.audit.begin(auditFields(RESTORE, call.input, call)),
  run: async (call) => untilAnswered(RESTORE, call, (each, answer) => attempt(restoration, each, answer)),
  failed: (...failure) => failedAttempt(RESTORE, ...failure),
});
