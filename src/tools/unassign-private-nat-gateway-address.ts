import { randomUUID } from 'node:crypto';
import {
  CLIENT_INFO_META_KEY,
  isInputRequiredResult,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import * as z from 'zod';
import type { AuditFields } from '../changes/audit-log.ts';
import type { Era } from '../changes/confirmation.ts';
import { DEFAULT_DRAIN_SECONDS, DRAIN_SECONDS } from '../nat-gateway/drain.ts';
import { UNASSIGN, WRITE_SCOPE } from '../vocabulary/names.ts';
import { boundedText } from '../vocabulary/text.ts';
import { listOf, natGatewayId, privateIp, region, unknownArguments } from './arguments.ts';
import type { Dependencies } from './dependencies.ts';
import { reportOf } from './failures.ts';
import { listedInput, listedOutput } from './listed-schema.ts';
import { addressSchema, errorSchema, findingSchema, nextSchema, toolResult } from './results.ts';
import { requireScope } from './scopes.ts';
import { attempt } from './unassign/attempt.ts';

const description = `Release secondary private IP addresses of one private NAT gateway. This cannot be cancelled.
Each address stops taking new connections at once, serves existing ones for up to max_drain_duration_seconds, and is then released; connections still open break.
The state is checked and an EC2 dry run made before every real call; mode "dry_run" stops there and changes nothing. A human may be asked to confirm.
outcome says how it ended; error.hint and next say what to do. Never repeat an "unknown" outcome without describing the gateway first.`;

const inputShape = {
  nat_gateway_id: natGatewayId.describe('The private NAT gateway'),
  private_ip_addresses: listOf(privateIp, 31).describe(
    'Secondary private IPv4 addresses to release; never the primary',
  ),
  max_drain_duration_seconds: z
    .int()
    .min(DRAIN_SECONDS.minimum)
    .max(DRAIN_SECONDS.maximum)
    .default(DEFAULT_DRAIN_SECONDS)
    .describe('How long existing connections are served'),
  mode: z
    .enum(['execute', 'dry_run'])
    .default('execute')
    .describe('dry_run checks everything and changes nothing'),
  region: region.optional().describe("AWS region; default: the server's"),
};

const inputSchema = z.strictObject(inputShape, { error: unknownArguments(Object.keys(inputShape)) });

const optionalText = z.string().optional();

const outputSchema = z.object({
  outcome: z.enum([
    'unassigning',
    'dry_run_passed',
    'already_unassigning',
    'not_confirmed',
    'refused',
    'unknown',
  ]),
  nat_gateway_id: z.string(),
  region: optionalText,
  account_id: optionalText,
  dry_run: z
    .object({ passed: z.boolean(), aws_code: optionalText, request_id: optionalText, message: optionalText })
    .optional()
    .describe('What EC2 answered to the dry run'),
  confirmation: z
    .enum(['confirmed', 'not_possible', 'disabled', 'declined', 'cancelled', 'unticked', 'not_reached'])
    .optional()
    .describe("A human's yes, why none was asked for, or their no"),
  unassign: z.object({ request_id: optionalText }).optional().describe('The real call'),
  reconciled: z.boolean().optional().describe('The answer was lost; reading showed the change'),
  partial_change: z.boolean().optional().describe('Only some addresses changed'),
  addresses: z
    .array(addressSchema.extend({ status_before: optionalText }))
    .optional()
    .describe('The requested addresses'),
  remaining: z
    .record(z.string(), z.number())
    .optional()
    .describe("The gateway's other addresses, counted by status"),
  findings: z.array(findingSchema).optional().describe('What the check of the state found'),
  drain: z
    .object({ started_at: z.string(), release_by: z.string(), max_drain_duration_seconds: z.number() })
    .optional()
    .describe('release_by: released by then at the latest'),
  undo_command: optionalText.describe('Would assign the addresses again once released'),
  next: nextSchema.optional(),
  error: errorSchema.optional(),
});

export type UnassignInput = z.infer<typeof inputSchema>;
export type UnassignResult = z.input<typeof outputSchema>;

const schemas = { inputSchema: listedInput(inputSchema), outputSchema: listedOutput(outputSchema) };

export function registerUnassign(server: McpServer, dependencies: Dependencies, era: Era): void {
  server.registerTool(
    UNASSIGN,
    {
      title: 'Unassign private NAT gateway address',
      description,
      ...schemas,
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: true },
    },
    async (input, context) => {
      const began = dependencies.now();
      const fields = auditFields(input, server, context);
      const recordIntent = (soFar: UnassignResult): void => {
        const { outcome: _, ...decided } = audited(soFar);
        dependencies.audit.intent({ ...fields, ...decided });
      };
      let result: UnassignResult;
      try {
        requireScope(context, WRITE_SCOPE);
        const ec2 = await dependencies.ec2();
        const answer = await attempt({
          input,
          ec2,
          dependencies,
          server,
          era,
          context,
          recordIntent,
        });
        if (isInputRequiredResult(answer)) {
          dependencies.audit.outcome({ ...fields, outcome: 'confirmation_asked' });
          return answer;
        }
        result = answer;
      } catch (error) {
        result = {
          outcome: 'refused',
          nat_gateway_id: input.nat_gateway_id,
          region: input.region,
          confirmation: 'not_reached',
          error: reportOf(error, dependencies.logger),
        };
      }
      const duration_ms = dependencies.now() - began;
      if (!dependencies.audit.outcome({ ...fields, ...audited(result), duration_ms })) {
        dependencies.logger.error({ id: fields.id, outcome: result.outcome }, 'audit record not written');
      }
      return toolResult(outputSchema, result, result.outcome === 'refused' || result.outcome === 'unknown');
    },
  );
}

/**
 * What the state that came back with a human's answer says. One that is not ours, or not any more, is on record too:
 * the SDK refuses it before any tool hears of it.
 *
 * @throws where the state was tampered with, has expired, or belongs to another principal
 */
export async function verifyAnswer(
  server: McpServer,
  { confirmation, audit }: Dependencies,
  state: string,
  context: ServerContext,
): Promise<unknown> {
  try {
    return await confirmation.verify(state, context);
  } catch (error) {
    // With which tool it came back is not told here.
    const fields = { ...auditFields({}, server, context), tool: 'unknown' };
    audit.outcome({ ...fields, outcome: 'confirmation_rejected' });
    throw error;
  }
}

/** What every audit record of one attempt begins with. */
function auditFields(
  input: Readonly<Record<string, unknown>>,
  server: McpServer,
  context: ServerContext,
): AuditFields {
  // The SDK does not type the reserved keys of the envelope.
  const envelope = context.mcpReq.envelope as Record<string, unknown> | undefined;
  const client = (server.server.getClientVersion() ?? envelope?.[CLIENT_INFO_META_KEY] ?? {}) as {
    name?: unknown;
    version?: unknown;
  };
  return {
    id: randomUUID(),
    tool: UNASSIGN,
    client: { name: shortText(client.name), version: shortText(client.version) },
    principal: context.http?.authInfo?.clientId,
    arguments: input,
  };
}

/** What of a result goes on record: everything that decided, and nothing that only advises. */
function audited(result: UnassignResult): Record<string, unknown> {
  const { outcome, region, account_id, confirmation, dry_run, unassign, reconciled, findings, error } =
    result;
  return {
    outcome,
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
