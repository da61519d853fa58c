import { randomUUID } from 'node:crypto';
import { CLIENT_INFO_META_KEY, type McpServer, type ServerContext } from '@modelcontextprotocol/server';
import * as z from 'zod';
import type { AddressChange, DryRun } from '../../aws/permit.ts';
import type { AuditFields } from '../../changes/audit-log.ts';
import type { Drain } from '../../nat-gateway/drain.ts';
import type { Evidence } from '../../nat-gateway/evidence.ts';
import { addressSchema, type NatGatewayAddress } from '../../nat-gateway/gateway.ts';
import type { ErrorReport } from '../../vocabulary/failure.ts';
import { boundedIfText } from '../../vocabulary/text.ts';
import { approvalSchema } from '../approval-members.ts';
import { callerOf } from '../caller.ts';
import type { Where } from '../define-tool.ts';
import { brief } from '../listed-schema.ts';
import { describeCall, errorSchema, findingSchema, nextSchema } from '../results.ts';

const text = z.string().optional();

/** How an attempt of any kind may end; each kind has two more. The meanings stand in `docs/reference.md`. */
export const SHARED_OUTCOMES = [
  'dry_run_passed',
  'awaiting_approval',
  'not_confirmed',
  'refused',
  'unknown',
] as const;
type SharedOutcome = (typeof SHARED_OUTCOMES)[number];

/** The answer of EC2 to a real call. */
export const realCallSchema = z.object({ request_id: text }).optional();

/** Members of addresses of regional gateways, which cannot have any unassigned. */
const OF_REGIONAL_GATEWAYS = { availability_zone: true, availability_zone_id: true } as const;

/** Members that the result of an attempt of any kind may have, without its outcome. */
export const changeMembers = z.object({
  changed: z.boolean().optional().describe('Absent where unknown'),
  error: errorSchema.optional(),
  hint: text,
  next: nextSchema.optional(),
  nat_gateway_id: text,
  target: text,
  region: text,
  account_id: text,
  dry_run: z
    .object({ passed: z.boolean(), aws_code: text, request_id: text, message: text })
    .optional()
    .describe('It checks permissions alone'),
  confirmation: z
    .enum([
      'confirmed',
      'not_possible',
      'disabled',
      'declined',
      'cancelled',
      'unticked',
      'expired',
      'not_reached',
    ])
    .optional()
    .describe("The client's answer, or why there is none"),
  approval: brief(approvalSchema, 'id, expires_at, needed, decisions').optional(),
  reconciled: z.boolean().optional().describe('The answer was lost; reads showed the change'),
  partial_change: z.boolean().optional().describe('Only some addresses changed'),
  addresses: z
    .array(
      brief(
        addressSchema.omit(OF_REGIONAL_GATEWAYS).extend({ status_before: text }),
        'As described, with status_before',
      ),
    )
    .optional()
    .describe('The requested ones'),
  findings: z.array(findingSchema).optional().describe('Of the state check'),
});

/** The result so far: every step of an attempt adds what it has learned. The last members are of some kinds alone. */
export interface Progress extends z.input<typeof changeMembers> {
  unassign?: z.input<typeof realCallSchema>;
  assign?: z.input<typeof realCallSchema>;
  /** The gateway's other addresses, by status. */
  remaining?: Record<string, number> | undefined;
  remaining_if_released?: Record<string, number> | undefined;
  drain?: Drain | undefined;
  undo_command?: string | undefined;
  evidence?: Evidence | undefined;
}

/** The result of an attempt whose kind adds the outcomes `Own`. */
export type ChangeResult<Own extends string> = Progress & { outcome: Own | SharedOutcome };

/** The dry run as a result shows it. */
export function dryRunMembers(dryRun: DryRun): NonNullable<Progress['dry_run']> {
  const { passed, aws_code, request_id } = dryRun;
  return dryRun.passed
    ? { passed, aws_code, request_id }
    : { passed, aws_code, request_id, message: dryRun.error.message };
}

/** How an attempt ends at an endpoint that ignores DryRun, whatever else was found; `undefined` at any other. */
export function dryRunIgnored(
  dryRun: DryRun,
  request: AddressChange,
): (Pick<Progress, 'error' | 'next'> & { outcome: 'unknown' | 'refused' }) | undefined {
  if (dryRun.passed || dryRun.error.code !== 'dry_run_not_honoured') return undefined;
  const outcome = dryRun.mayHaveChanged ? 'unknown' : 'refused';
  return { outcome, error: dryRun.error, next: describeCall(request.region, request.natGatewayId) };
}

/** The requested addresses with the status they have now, absent where they are gone, and the one they had before. */
export function withStatus({ addresses = [] }: Progress, now: readonly NatGatewayAddress[]) {
  return addresses.map((before) => ({
    ...before,
    status: find(now, before.private_ip)?.status,
    status_before: before.status,
  }));
}

/** The address of a list with this private IP. */
export function find(
  addresses: readonly NatGatewayAddress[],
  privateIp: string | undefined,
): NatGatewayAddress | undefined {
  return addresses.find(({ private_ip }) => private_ip === privateIp);
}

/** A result as its caller is told it: whether anything changed, and a dry run that passed without passing for the change. */
export function told<Own extends string>(result: ChangeResult<Own>, accepted: Own): ChangeResult<Own> {
  const { outcome, dry_run } = result;
  const isRefused = ['refused', 'not_confirmed', 'awaiting_approval'].includes(outcome);
  const message = 'It checks permissions alone. Nothing was changed.';
  return {
    ...result,
    ...(outcome === 'unknown' ? {} : { changed: outcome === accepted }),
    ...(isRefused && dry_run?.passed ? { dry_run: { ...dry_run, message } } : {}),
  };
}

interface AuditedCall {
  server: McpServer;
  context: ServerContext;
  id?: string;
  where?: Where;
}

/** The members with which every audit record of one call begins. */
export function auditFields(
  tool: string,
  input: object,
  { server, context, id = randomUUID(), where }: AuditedCall,
): AuditFields {
  // The SDK does not type the reserved keys of the envelope.
  const envelope = context.mcpReq.envelope as Record<string, unknown> | undefined;
  const client = (server.server.getClientVersion() ?? envelope?.[CLIENT_INFO_META_KEY] ?? {}) as {
    name?: unknown;
    version?: unknown;
  };
  return {
    id,
    tool,
    client: { name: boundedIfText(client.name, 128), version: boundedIfText(client.version, 128) },
    principal: callerOf(context),
    target: where?.target,
    arguments: input,
  };
}

/** The members of a result that go on record: everything that decided, and nothing that only advises. */
export function decisive(result: Progress): Record<string, unknown> {
  const {
    region,
    account_id,
    confirmation,
    approval,
    dry_run,
    unassign,
    assign,
    reconciled,
    findings,
    evidence,
    error,
  } = result;
  return {
    region,
    account_id,
    denied_by: findings?.flatMap(({ rule }) => rule ?? []),
    findings: findings?.map(({ code, severity, private_ip }) => ({ code, severity, private_ip })),
    evidence,
    confirmation,
    approval,
    dry_run,
    unassign,
    assign,
    reconciled,
    error: error === undefined ? undefined : { code: error.code, aws_code: error.aws_code },
  };
}

/** The result of an attempt that was refused. */
export function refused(progress: Progress, error: ErrorReport): ChangeResult<never> {
  return { ...progress, outcome: 'refused', error };
}
