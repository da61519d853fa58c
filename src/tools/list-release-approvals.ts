import * as z from 'zod';
import type { Approval } from '../changes/approvals.ts';
import { APPROVE_SCOPE, LIST_APPROVALS } from '../vocabulary/names.ts';
import { approvalSchema, listedApproval, maySee } from './approval-members.ts';
import { defineTool } from './define-tool.ts';
import { errorSchema } from './results.ts';

export const listReleaseApprovals = defineTool({
  name: LIST_APPROVALS,
  title: 'List release approvals',
  description:
    'List the changes that wait for the approval of people. plan is what its requester wants to do; show it to the user before a decision.',
  input: {},
  output: z.object({ approvals: z.array(approvalSchema).optional(), error: errorSchema.optional() }),
  scope: APPROVE_SCOPE,
  isDestructive: false,
  run: async ({ dependencies, context }) => {
    const open = await dependencies.state.approvals.open();
    const isVisible = (approval: Approval): boolean => maySee(approval, dependencies.targets, context);
    return { approvals: open.filter(isVisible).map(listedApproval) };
  },
  failed: (_, __, error) => ({ error }),
});
