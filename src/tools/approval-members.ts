import type { ServerContext } from '@modelcontextprotocol/server';
import * as z from 'zod';
import type { Approval } from '../changes/approvals.ts';
import { type Targets, visibleTargets } from './targets.ts';

/** An approval as results and records show it. */

const text = z.string().optional();

const decisionSchema = z.object({
  by: z.string(),
  verdict: z.enum(['approve', 'reject']),
  reason: z.string(),
  at: z.string(),
  own: z.boolean().optional().describe('Whether the requester decided'),
});

export const approvalSchema = z.object({
  id: z.string(),
  plan: text.describe('What would be done'),
  requester: text,
  target: text,
  expires_at: z.string(),
  needed: z.number().describe('How many people have to approve'),
  decisions: z.array(decisionSchema),
});

type Members = z.infer<typeof approvalSchema>;

/** An approval in the result of its change, and on record. */
export function approvalMembers({ id, expiresAt, needed, decisions }: Approval): Members {
  return {
    id,
    expires_at: new Date(expiresAt).toISOString(),
    needed,
    decisions: decisions.map(({ by, verdict, reason, at, isOwn }) => ({
      by,
      verdict,
      reason,
      at: new Date(at).toISOString(),
      ...(isOwn ? { own: true } : {}),
    })),
  };
}

/** An approval as people see it before they decide. */
export function listedApproval(approval: Approval): Members {
  const { plan, requester, target } = approval;
  return { ...approvalMembers(approval), plan, requester, target };
}

/** Whether a caller may see an approval: those of other targets do not exist for it. */
export function maySee({ target }: Approval, targets: Targets | undefined, context: ServerContext): boolean {
  return targets === undefined || visibleTargets(targets, context).some(({ name }) => name === target);
}
