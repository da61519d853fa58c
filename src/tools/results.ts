import type { CallToolResult, ServerContext } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { POLICY_RULES } from '../nat-gateway/policy.ts';
import { FINDING_CODES, type Finding } from '../nat-gateway/preflight.ts';
import { ERROR_CODES } from '../vocabulary/failure.ts';
import { DESCRIBE, READ_SCOPE, RESTORE, UNASSIGN, WAIT, WRITE_SCOPE } from '../vocabulary/names.ts';

/** Parts that the results of several tools share. */

const text = z.string().optional();

export const findingSchema = z.object({
  code: z.enum(FINDING_CODES),
  severity: z.enum(['blocks', 'warns', 'informs']),
  private_ip: text,
  rule: z.enum(POLICY_RULES).optional(),
  message: z.string(),
});

/** A finding as results show it. */
export function shownFinding({
  code,
  severity,
  private_ip,
  rule,
  message,
}: Finding): z.input<typeof findingSchema> {
  return { code, severity, private_ip, rule, message };
}

export const errorSchema = z.object({
  code: z.enum(ERROR_CODES),
  message: z.string(),
  retryable: z.boolean(),
  retry_after_seconds: z.number().optional(),
  hint: z.string(),
  aws_code: text,
  request_id: text,
});

export const drainSchema = z.object({
  started_at: z.string(),
  release_by: z.string(),
  max_drain_duration_seconds: z.number(),
});

export const nextSchema = z.object({
  tool: z.string(),
  arguments: z.record(z.string(), z.unknown()),
  when: text.describe('Only if so'),
  not_before: text.describe('Sooner is of no use'),
});

/** The caller's next step: a call ready to send, which is about what the call was about and keeps to the rules in force. */
export type Next = z.infer<typeof nextSchema>;

/** A look at one gateway. */
export function describeCall(region: string, natGatewayId: string): Next {
  return { tool: DESCRIBE, arguments: { nat_gateway_ids: [natGatewayId], region } };
}

/** The search for the gateways that hold these addresses. */
export function holdersCall(region: string | undefined, privateIps: readonly string[]): Next {
  return { tool: DESCRIBE, arguments: { private_ip_addresses: [...privateIps], region } };
}

/**
 * The wait for addresses, or for everything on the gateway that changes; not before `releaseBy`, the end of their drain,
 * where one wait cannot last that long.
 */
export function waitCall(
  region: string,
  natGatewayId: string,
  privateIps: readonly string[] | undefined,
  not_before?: string,
): Next {
  const addresses = privateIps === undefined ? {} : { private_ip_addresses: [...privateIps] };
  return { tool: WAIT, arguments: { nat_gateway_id: natGatewayId, ...addresses, region }, not_before };
}

/** The scope that a token needs for the call in `next`. */
const SCOPE_OF: Record<string, string> = {
  [DESCRIBE]: READ_SCOPE,
  [WAIT]: READ_SCOPE,
  [UNASSIGN]: WRITE_SCOPE,
  [RESTORE]: WRITE_SCOPE,
};

/** The result without a `next` for which the caller's token lacks the scope. */
export function withinScope<R extends { next?: Next | undefined }>(result: R, { http }: ServerContext): R {
  const { next } = result;
  if (next === undefined || http?.authInfo === undefined) return result;
  const scope = SCOPE_OF[next.tool];
  if (scope === undefined || http.authInfo.scopes.includes(scope)) return result;
  return { ...result, next: undefined };
}

/**
 * A result with its members in the order of the schema, and the same JSON as text for clients that read only that. With
 * an `error` it is an `isError` result. That it fits the schema is for types and tests: 2025-era clients check it, and
 * lose the message where it does not.
 */
export function toolResult<S extends z.ZodObject>(schema: S, value: z.input<S>): CallToolResult {
  const given: Record<string, unknown> = value;
  const members = Object.keys(schema.shape).filter((name) => given[name] !== undefined);
  const structuredContent = Object.fromEntries(members.map((name) => [name, given[name]]));
  return {
    content: [{ type: 'text', text: JSON.stringify(structuredContent) }],
    structuredContent,
    ...('error' in structuredContent ? { isError: true } : {}),
  };
}
