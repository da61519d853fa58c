import * as z from 'zod';
import type { UnassignRequest } from '../../aws/unassign.ts';
import { beyondWait, drainFrom, undoCommand } from '../../nat-gateway/drain.ts';
import { type Evidence, evidenceSchema } from '../../nat-gateway/evidence.ts';
import type { NatGateway } from '../../nat-gateway/gateway.ts';
import { judgeEvidence, NOTHING_READ } from '../../nat-gateway/judge-evidence.ts';
import type { Denial } from '../../nat-gateway/policy.ts';
import { type Finding, preflight } from '../../nat-gateway/preflight.ts';
import { UNASSIGN } from '../../vocabulary/names.ts';
import type { ChangeArguments, ChangeKind, Checked, Subject } from '../change/kind.ts';
import {
  type ChangeResult,
  changeMembers,
  find,
  type Progress,
  realCallSchema,
  SHARED_OUTCOMES,
} from '../change/result.ts';
import { drainWait } from '../drain-wait.ts';
import { brief } from '../listed-schema.ts';
import { NOTHING_REMEMBERED } from '../recall.ts';
import { drainSchema, shownFinding, waitCall } from '../results.ts';
import { afterBlocking } from './next-step.ts';

/** How an attempt to unassign ends. The meanings stand in `docs/reference.md`. */
export const UNASSIGN_OUTCOMES = ['unassigning', 'already_unassigning', ...SHARED_OUTCOMES] as const;

const text = z.string().optional();
const byStatus = z.record(z.string(), z.number()).optional();

export const unassignResultSchema = z.object({
  outcome: z.enum(UNASSIGN_OUTCOMES),
  ...changeMembers.shape,
  unassign: realCallSchema.describe('The real call'),
  remaining: byStatus.describe('The other addresses, by status'),
  remaining_if_released: byStatus,
  drain: drainSchema.optional().describe('release_by: the latest time'),
  undo_command: text.describe('Or the restore tool, once released'),
  evidence: brief(evidenceSchema, 'What was looked up; findings judge it').optional(),
});

type Own = 'unassigning' | 'already_unassigning';

export interface UnassignArguments extends ChangeArguments {
  max_drain_duration_seconds: number;
}

/** Unassigning secondary addresses, which drain and are then released. */
export const unassignment: ChangeKind<UnassignArguments, UnassignRequest, Own> = {
  tool: UNASSIGN,
  outcomes: { accepted: 'unassigning', done: 'already_unassigning' },
  realCall: 'unassign',
  wish: 'the user asked for the release itself',
  requestOf: (input, region) => ({
    region,
    natGatewayId: input.nat_gateway_id,
    privateIps: input.private_ip_addresses,
    maxDrainDurationSeconds: input.max_drain_duration_seconds,
  }),
  calls: (ec2) => ec2.unassign,
  rules: (policy) => policy,
  lookUp,
  check,
  afterBlocking,
  afterDone,
  accepted,
  told,
};

async function lookUp({
  request: { region, natGatewayId, privateIps },
  dependencies: { policy },
  ec2,
  context,
}: Parameters<NonNullable<(typeof unassignment)['lookUp']>>[0]): Promise<Evidence | undefined> {
  if (policy.evidence === 'off') return undefined;
  const evidence = await ec2.evidence(region, [{ natGatewayId, privateIps }], context.mcpReq.signal);
  return evidence.get(natGatewayId);
}

function check(
  { request, gateway, evidence, dependencies }: Subject<UnassignRequest> & { gateway: NatGateway },
  denials: readonly Denial[],
): Checked {
  const { privateIps, maxDrainDurationSeconds } = request;
  const { verdict, findings, requested, others } = preflight(
    gateway,
    privateIps,
    maxDrainDurationSeconds,
    denials,
  );
  const remaining: Record<string, number> = {};
  for (const { status = 'absent' } of others) remaining[status] = (remaining[status] ?? 0) + 1;
  const addresses = privateIps.map((private_ip) => find(requested, private_ip) ?? { private_ip });
  const isRequired = dependencies.policy.evidence === 'require';
  const read = evidence ?? (isRequired ? NOTHING_READ : undefined);
  const judged =
    verdict === 'clear' && read !== undefined
      ? judgeEvidence(read, { gateway, privateIps, isRequired })
      : undefined;
  const all = [...findings, ...(judged?.findings ?? [])];
  const isBlocked = all.some(({ severity }) => severity === 'blocks');
  return {
    verdict: verdict === 'already_unassigning' ? 'done' : isBlocked ? 'blocked' : verdict,
    findings,
    evidence: judged,
    progress: {
      addresses,
      remaining,
      evidence: judged?.evidence,
      ...(all.length === 0 ? {} : { findings: withoutRepetition(all).map(shownFinding) }),
    },
  };
}

/** Where evidence tells whether what remains is enough, the bare numbers say less. */
function withoutRepetition(findings: readonly Finding[]): Finding[] {
  const isJudged = findings.some(({ code }) => code === 'capacity_ample' || code === 'capacity_short');
  return findings.filter(({ code }) => code !== 'capacity' || !isJudged);
}

/** A call that is repeated, after its answer was lost, is told the same of a drain that was started here. */
function afterDone(subject: Subject<UnassignRequest>): Partial<Progress> {
  const { request, remembered = NOTHING_REMEMBERED } = subject;
  const { region, natGatewayId, privateIps } = request;
  const [drain, ...others] = privateIps.map((privateIp) => remembered.drains.get(privateIp)?.drain);
  const isOne = others.every((other) => other?.release_by === drain?.release_by);
  const isOurs = privateIps.every((privateIp) => remembered.isReleased(privateIp));
  return {
    ...(isOne && drain !== undefined ? { drain } : {}),
    ...(isOurs ? { undo_command: undoCommand(region, natGatewayId, privateIps) } : {}),
    next: drainWait(request, subject),
  };
}

/** A lost answer leaves open when EC2 accepted. */
function accepted(subject: Subject<UnassignRequest>, progress: Progress, startedAt: number): Progress {
  const { request, dependencies } = subject;
  const { ec2Clock } = dependencies;
  const latest = progress.reconciled ? ec2Clock.now() : startedAt;
  const drain = {
    ...drainFrom(latest, request.maxDrainDurationSeconds),
    started_at: new Date(startedAt).toISOString(),
  };
  return {
    ...progress,
    drain,
    undo_command: undoCommand(request.region, request.natGatewayId, request.privateIps),
    next: waitCall(
      request.region,
      request.natGatewayId,
      request.privateIps,
      beyondWait(drain.release_by, ec2Clock.now()),
    ),
  };
}

/** Says of what remains whether it is so. */
function told({ remaining, ...result }: ChangeResult<Own>): ChangeResult<Own> {
  const isDraining = result.outcome === 'unassigning' || result.outcome === 'already_unassigning';
  return { ...result, ...(isDraining ? { remaining } : { remaining_if_released: remaining }) };
}
