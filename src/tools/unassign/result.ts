import { randomUUID } from 'node:crypto';
import { CLIENT_INFO_META_KEY, type McpServer, type ServerContext } from '@modelcontextprotocol/server';
import * as z from 'zod';
import type { DryRun } from '../../aws/permit.ts';
import type { UnassignRequest } from '../../aws/unassign.ts';
import type { AuditFields } from '../../changes/audit-log.ts';
import { addressSchema, type NatGatewayAddress } from '../../nat-gateway/gateway.ts';
import type { Preflight } from '../../nat-gateway/preflight.ts';
import { UNASSIGN } from '../../vocabulary/names.ts';
import { boundedText } from '../../vocabulary/text.ts';
import { describeCall, drainSchema, errorSchema, findingSchema, nextSchema } from '../results.ts';

const text = z.string().optional();

/** How one attempt ended. The meanings stand in `docs/reference.md`. */
export const OUTCOMES = [
  'unassigning',
  'dry_run_passed',
  'already_unassigning',
  'not_confirmed',
  'refused',
  'unknown',
] as const;

/** Members of addresses of regional gateways, which cannot have any unassigned. */
const OF_REGIONAL_GATEWAYS = { availability_zone: true, availability_zone_id: true } as const;

/** The result of one attempt. */
export const unassignResultSchema = z.object({
  outcome: z.enum(OUTCOMES),
  changed: z.boolean().optional().describe('Absent where unknown'),
  error: errorSchema.optional(),
  hint: text,
  next: nextSchema.optional(),
  nat_gateway_id: text,
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
  unassign: z.object({ request_id: text }).optional().describe('The real call'),
  reconciled: z.boolean().optional().describe('The answer was lost; reads showed the change'),
  partial_change: z.boolean().optional().describe('Only some addresses changed'),
  addresses: z
    .array(addressSchema.omit(OF_REGIONAL_GATEWAYS).extend({ status_before: text }))
    .optional()
    .describe('The requested addresses'),
  remaining: z.record(z.string(), z.number()).optional().describe('The other addresses, by status'),
  remaining_if_released: z.record(z.string(), z.number()).optional(),
  findings: z.array(findingSchema).optional().describe('Of the state check'),
  drain: drainSchema.optional().describe('release_by: the latest time'),
  undo_command: text.describe('Assigns them again once released'),
});

export type UnassignResult = z.input<typeof unassignResultSchema>;

/** The result so far: every step of an attempt adds what it has learned. */
export type Progress = Omit<UnassignResult, 'outcome'>;

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
  request: UnassignRequest,
): (Pick<UnassignResult, 'error' | 'next'> & { outcome: 'unknown' | 'refused' }) | undefined {
  if (dryRun.passed || dryRun.error.code !== 'dry_run_not_honoured') return undefined;
  const outcome = dryRun.mayHaveChanged ? 'unknown' : 'refused';
  return { outcome, error: dryRun.error, next: describeCall(request.region, request.natGatewayId) };
}

/** The requested addresses, the gateway's others counted by status, and the findings. */
export function preflightMembers(
  { requested, others, findings }: Preflight,
  privateIps: readonly string[],
): Partial<Progress> {
  const remaining: Record<string, number> = {};
  for (const { status = 'absent' } of others) remaining[status] = (remaining[status] ?? 0) + 1;
  const addresses = privateIps.map((private_ip) => find(requested, private_ip) ?? { private_ip });
  return { addresses, remaining, ...(findings.length === 0 ? {} : { findings }) };
}

/** The requested addresses with the status they have now, absent where they are gone, and the one they had before. */
export function withStatus({ addresses = [] }: Progress, now: readonly NatGatewayAddress[]) {
  return addresses.map((before) => ({
    ...before,
    status: find(now, before.private_ip)?.status,
    status_before: before.status,
  }));
}

function find(
  addresses: readonly NatGatewayAddress[],
  privateIp: string | undefined,
): NatGatewayAddress | undefined {
  return addresses.find(({ private_ip }) => private_ip === privateIp);
}

/**
 * A result as its caller is told it: whether anything changed; what remains only where it is so; and a dry run that
 * passed without passing for the change.
 */
export function told({ remaining, ...result }: UnassignResult): UnassignResult {
  const { outcome, dry_run } = result;
  const isDraining = outcome === 'unassigning' || outcome === 'already_unassigning';
  const isRefused = outcome === 'refused' || outcome === 'not_confirmed';
  const message = 'It checks permissions alone. Nothing was changed.';
  return {
    ...result,
    ...(outcome === 'unknown' ? {} : { changed: outcome === 'unassigning' }),
    ...(isDraining ? { remaining } : { remaining_if_released: remaining }),
    ...(isRefused && dry_run?.passed ? { dry_run: { ...dry_run, message } } : {}),
  };
}

/** The members with which every audit record of one call begins. */
export function auditFields(
  input: object,
  server: McpServer,
  context: ServerContext,
  id: string = randomUUID(),
): AuditFields {
  // The SDK does not type the reserved keys of the envelope.
  const envelope = context.mcpReq.envelope as Record<string, unknown> | undefined;
  const client = (server.server.getClientVersion() ?? envelope?.[CLIENT_INFO_META_KEY] ?? {}) as {
    name?: unknown;
    version?: unknown;
  };
  return {
    id,
    tool: UNASSIGN,
    client: { name: shortText(client.name), version: shortText(client.version) },
    principal: context.http?.authInfo?.clientId,
    arguments: input,
  };
}

/** The members of a result that go on record: everything that decided, and nothing that only advises. */
export function decisive(result: Progress): Record<string, unknown> {
  const { region, account_id, confirmation, dry_run, unassign, reconciled, findings, error } = result;
  return {
    region,
    account_id,
    denied_by: findings?.flatMap(({ rule }) => rule ?? []),
    findings: findings?.map(({ code, severity, private_ip }) => ({ code, severity, private_ip })),
    confirmation,
    dry_run,
    unassign,
    reconciled,
    error: error === undefined ? undefined : { code: error.code, aws_code: error.aws_code },
  };
}

function shortText(value: unknown): string | undefined {
  return typeof value === 'string' ? boundedText(value, 128) : undefined;
}
