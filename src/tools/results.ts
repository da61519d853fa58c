import type { CallToolResult } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { POLICY_RULES } from '../nat-gateway/policy.ts';
import { FINDING_CODES } from '../nat-gateway/preflight.ts';
import { ERROR_CODES } from '../vocabulary/failure.ts';

/** Parts that the results of several tools share. Members of EC2 keep their names, in snake_case. */

const optionalText = z.string().optional();

export const addressSchema = z.object({
  private_ip: optionalText,
  is_primary: z.boolean().optional(),
  status: optionalText,
  failure_message: optionalText,
  network_interface_id: optionalText,
  public_ip: optionalText,
  allocation_id: optionalText,
  association_id: optionalText,
  availability_zone: optionalText,
  availability_zone_id: optionalText,
});

export const findingSchema = z.object({
  code: z.enum(FINDING_CODES),
  severity: z.enum(['blocks', 'warns']),
  private_ip: optionalText,
  rule: z.enum(POLICY_RULES).optional(),
  message: z.string(),
});

export const errorSchema = z.object({
  code: z.enum(ERROR_CODES),
  message: z.string(),
  retryable: z.boolean(),
  retry_after_seconds: z.number().optional(),
  hint: z.string(),
  aws_code: optionalText,
  request_id: optionalText,
});

export const nextSchema = z
  .object({ tool: z.string(), arguments: z.record(z.string(), z.unknown()), not_before: optionalText })
  .describe('A call ready to send');

/** A call that would be the caller's next step, ready to send. */
export type Next = z.infer<typeof nextSchema>;

/**
 * A result whose structured content fits its schema, with the same JSON as text for clients that read only that.
 *
 * An `isError` result has to fit as well: 2025-era clients check it, and lose the message where it does not.
 */
export function toolResult<S extends z.ZodObject>(
  schema: S,
  value: z.input<S>,
  isError: boolean,
): CallToolResult {
  const structuredContent = schema.parse(value);
  return {
    content: [{ type: 'text', text: JSON.stringify(structuredContent) }],
    structuredContent,
    ...(isError ? { isError } : {}),
  };
}
