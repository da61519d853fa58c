import type { CallToolResult } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { POLICY_RULES } from '../nat-gateway/policy.ts';
import { FINDING_CODES } from '../nat-gateway/preflight.ts';
import { ERROR_CODES } from '../vocabulary/failure.ts';
import { DESCRIBE } from '../vocabulary/names.ts';

/** Parts that the results of several tools share. */

const text = z.string().optional();

export const findingSchema = z.object({
  code: z.enum(FINDING_CODES),
  severity: z.enum(['blocks', 'warns']),
  private_ip: text,
  rule: z.enum(POLICY_RULES).optional(),
  message: z.string(),
});

export const errorSchema = z.object({
  code: z.enum(ERROR_CODES),
  message: z.string(),
  retryable: z.boolean(),
  retry_after_seconds: z.number().optional(),
  hint: z.string(),
  aws_code: text,
  request_id: text,
});

export const nextSchema = z.object({
  tool: z.string(),
  arguments: z.record(z.string(), z.unknown()),
  not_before: text,
});

/** The caller's next step: a call ready to send. */
export type Next = z.infer<typeof nextSchema>;

/** A look at one gateway. */
export function describeCall(region: string, natGatewayId: string): Next {
  return { tool: DESCRIBE, arguments: { nat_gateway_ids: [natGatewayId], region } };
}

/**
 * A result whose structured content fits its schema, with the same JSON as text for clients that read only that. With
 * an `error` it is an `isError` result, which has to fit as well: 2025-era clients check it, and lose the message where
 * it does not.
 */
export function toolResult<S extends z.ZodObject>(schema: S, value: z.input<S>): CallToolResult {
  const structuredContent = schema.parse(value);
  return {
    content: [{ type: 'text', text: JSON.stringify(structuredContent) }],
    structuredContent,
    ...('error' in structuredContent && structuredContent.error !== undefined ? { isError: true } : {}),
  };
}
