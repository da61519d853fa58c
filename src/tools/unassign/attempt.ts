import type { InputRequiredResult, McpServer, ServerContext } from '@modelcontextprotocol/server';
import type { Ec2 } from '../../aws/ec2.ts';
import type { DryRun, Permit, UnassignRequest } from '../../aws/unassign.ts';
import { type Answer, canAsk, type Era, type Question } from '../../changes/confirmation.ts';
import { type Drain, drainFrom, undoCommand, withAccepted } from '../../nat-gateway/drain.ts';
import type { NatGateway, NatGatewayAddress } from '../../nat-gateway/gateway.ts';
import { type ChangeRequest, denials } from '../../nat-gateway/policy.ts';
import { type Preflight, policyFindings, preflight } from '../../nat-gateway/preflight.ts';
import { cancelled, type ErrorReport, Failure } from '../../vocabulary/failure.ts';
import { DESCRIBE, UNASSIGN, WAIT } from '../../vocabulary/names.ts';
import type { Dependencies } from '../dependencies.ts';
import { reportOf } from '../failures.ts';
import type { Next } from '../results.ts';
import type { UnassignInput, UnassignResult } from '../unassign-private-nat-gateway-address.ts';
import {
  blocked,
  changeAhead,
  changesSpent,
  gatewayNotFound,
  noConfirmation,
  stopping,
  unresolved,
} from './refusals.ts';

/** How long a call waits for an earlier change on the same gateway: what reads and the real call leave of 50 s. */
const PATIENCE_SECONDS = 4;

/** When an address that looks untouched after a lost answer is worth another look. */
const LOOK_AGAIN_SECONDS = 60;

/** One attempt: who asks for what, and what it may use. */
export interface Attempt {
  input: UnassignInput;
  ec2: Ec2;
  dependencies: Dependencies;
  server: McpServer;
  era: Era;
  context: ServerContext;
  /** Writes the intent; the real call is not sent unless this has returned. */
  recordIntent: (soFar: UnassignResult) => void;
}

/**
 * Arguments to result: policy, then observation and dry run at the same time, preflight, a human's yes where one can
 * be had, the intent, the real call once, and what became of it. Asking a human ends the attempt; the answer starts
 * another that goes through all of it again.
 */
export async function attempt(it: Attempt): Promise<UnassignResult | InputRequiredResult> {
  const { input, ec2, dependencies, context } = it;
  const { signal } = context.mcpReq;
  const request: UnassignRequest = {
    region: await ec2.region(input.region),
    natGatewayId: input.nat_gateway_id,
    privateIps: input.private_ip_addresses,
    maxDrainDurationSeconds: input.max_drain_duration_seconds,
  };
  const named = { nat_gateway_id: request.natGatewayId, region: request.region };

  const early = denials(dependencies.policy, wish(request, input.mode));
  if (early.length > 0) {
    const findings = policyFindings(early);
    return { ...named, outcome: 'refused', confirmation: 'not_reached', findings, error: blocked(findings) };
  }
  const answer = dependencies.confirmation.answer(context);
  if (answer.kind === 'no') return { ...named, outcome: 'not_confirmed', confirmation: answer.how };

  if (input.mode === 'dry_run') return pass(it, request, answer);
  const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_SECONDS * 1000)]);
  let begun = false;
  const change = (): Promise<UnassignResult | InputRequiredResult> => {
    begun = true;
    return pass(it, request, answer);
  };
  try {
    return await dependencies.changes.run(`${request.region}/${request.natGatewayId}`, patience, change);
  } catch (error) {
    if (begun) throw error;
    if (signal.aborted) throw cancelled();
    return {
      ...named,
      outcome: 'refused',
      confirmation: 'not_reached',
      error: changeAhead(PATIENCE_SECONDS),
    };
  }
}

/** The part of an attempt in which no other change runs on the same gateway. */
async function pass(
  it: Attempt,
  request: UnassignRequest,
  answer: Answer,
): Promise<UnassignResult | InputRequiredResult> {
  const { input, ec2, dependencies, context } = it;
  const { signal } = context.mcpReq;
  const [observed, dryRun] = await Promise.all([observe(ec2, request, signal), ec2.dryRun(request, signal)]);
  const { accountId } = dryRun;
  const base = {
    nat_gateway_id: request.natGatewayId,
    region: request.region,
    account_id: accountId,
    dry_run: summary(dryRun),
    confirmation: 'not_reached' as const,
  };
  if (!dryRun.passed && dryRun.error.code === 'dry_run_not_honoured') {
    return { ...base, outcome: 'unknown', error: dryRun.error, next: describeCall(request) };
  }
  if (observed instanceof Failure) return { ...base, outcome: 'refused', error: observed.report };

  const { region, natGatewayId, privateIps, maxDrainDurationSeconds } = request;
  const accepted = dependencies.drains.accepted(region, natGatewayId, dependencies.now());
  const gateway = withAccepted(observed, accepted);
  const forbidden = denials(dependencies.policy, wish(request, input.mode), { gateway, accountId });
  const check = preflight(gateway, privateIps, maxDrainDurationSeconds, forbidden);
  const seen = { ...base, ...observations(check, privateIps) };
  if (check.verdict === 'already_unassigning') {
    return { ...seen, outcome: 'already_unassigning', next: waitCall(request) };
  }
  if (check.verdict === 'blocked') {
    return { ...seen, outcome: 'refused', error: blocked(check.findings, dryRun) };
  }
  if (!dryRun.passed) return { ...seen, outcome: 'refused', error: dryRun.error };
  if (input.mode === 'dry_run') {
    const next = { tool: UNASSIGN, arguments: { ...input, region: request.region, mode: 'execute' } };
    return { ...seen, outcome: 'dry_run_passed', next };
  }

  // Looked at before a human is asked, and counted right before the real call is sent.
  const principal = context.http?.authInfo?.clientId;
  const { changeLimit } = dependencies;
  const spent = (): UnassignResult => {
    const { findings, error } = changesSpent(changeLimit.perHour, changeLimit.secondsLeft(principal));
    return { ...seen, outcome: 'refused', findings: [...(seen.findings ?? []), ...findings], error };
  };
  if (changeLimit.secondsLeft(principal) > 0) return spent();

  const question = { ...request, accountId, gateway, findings: check.findings };
  const confirmation = confirm(it, answer, question);
  if (confirmation === 'ask') return dependencies.confirmation.ask(question, answer.kind === 'yes', context);
  if (confirmation === 'unavailable') return { ...seen, outcome: 'refused', error: noConfirmation() };
  if (signal.aborted) throw cancelled();
  if (dependencies.stopping.aborted) return { ...seen, outcome: 'refused', error: stopping() };
  if (!changeLimit.take(principal)) return spent();
  return execute(it, request, gateway, dryRun.permit, { ...seen, confirmation });
}

type Seen = Omit<UnassignResult, 'outcome'> & { addresses: NonNullable<UnassignResult['addresses']> };

/** The intent, the real call, and what became of it. Nobody can cancel this part, and no fault hides that it was. */
async function execute(
  it: Attempt,
  request: UnassignRequest,
  before: NatGateway,
  permit: Permit,
  seen: Seen,
): Promise<UnassignResult> {
  try {
    it.recordIntent({ ...seen, outcome: 'unknown' });
  } catch (error) {
    it.dependencies.changeLimit.refund(it.context.http?.authInfo?.clientId);
    throw error;
  }
  try {
    return await send(it, request, before, permit, seen);
  } catch (error) {
    const { logger, now } = it.dependencies;
    return unknown(request, seen, unresolved('unclear', reportOf(error, logger)), now());
  }
}

async function send(
  it: Attempt,
  request: UnassignRequest,
  before: NatGateway,
  permit: Permit,
  seen: Seen,
): Promise<UnassignResult> {
  const { ec2, dependencies } = it;
  const sentAt = dependencies.now();
  const answer = await ec2.unassign(permit);
  if (answer.kind === 'refused') {
    const unassign = { request_id: answer.error.request_id };
    return { ...seen, unassign, outcome: 'refused', error: answer.error };
  }
  if (answer.kind === 'accepted') {
    const drain = drainFrom(dependencies.now(), request.maxDrainDurationSeconds);
    remember(it, request, drain);
    const addresses = withStatus(seen.addresses, answer.addresses);
    return {
      ...seen,
      unassign: { request_id: answer.request_id },
      outcome: 'unassigning',
      addresses,
      ...draining(request, drain),
    };
  }

  const unassign = { request_id: answer.error.request_id };
  const { verdict, gateway } = await ec2.reconcile(request, before);
  const addresses = gateway === undefined ? seen.addresses : withStatus(seen.addresses, gateway.addresses);
  if (verdict === 'accepted') {
    // When exactly EC2 accepted is not known, so the drain may have begun at any time since.
    const drain = {
      ...drainFrom(dependencies.now(), request.maxDrainDurationSeconds),
      started_at: new Date(sentAt).toISOString(),
    };
    remember(it, request, drain);
    return {
      ...seen,
      unassign,
      outcome: 'unassigning',
      reconciled: true,
      addresses,
      ...draining(request, drain),
    };
  }
  const known = { ...seen, unassign, addresses, ...(verdict === 'partial' ? { partial_change: true } : {}) };
  return unknown(request, known, unresolved(verdict, answer.error), dependencies.now());
}

/** What is left to say where it could not be established what became of the real call. */
function unknown(request: UnassignRequest, known: Seen, error: ErrorReport, now: number): UnassignResult {
  const not_before = new Date(now + LOOK_AGAIN_SECONDS * 1000).toISOString();
  return { ...known, outcome: 'unknown', error, next: { ...describeCall(request), not_before } };
}

/** Whether a human has to be asked, cannot be, or has said yes to exactly this. */
function confirm(
  { dependencies, server, context, era }: Attempt,
  answer: Answer,
  question: Question,
): 'disabled' | 'confirmed' | 'not_possible' | 'unavailable' | 'ask' {
  if (dependencies.confirmMode === 'never') return 'disabled';
  if (!canAsk(server, context, era))
    return dependencies.confirmMode === 'always' ? 'unavailable' : 'not_possible';
  return dependencies.confirmation.accept(answer, question) ? 'confirmed' : 'ask';
}

/** The gateway as EC2 shows it now, or why it could not be seen. */
async function observe(
  ec2: Ec2,
  { region, natGatewayId }: UnassignRequest,
  signal: AbortSignal,
): Promise<NatGateway | Failure> {
  try {
    const gateway = await ec2.readGateway(region, natGatewayId, signal);
    return gateway ?? gatewayNotFound(region, natGatewayId);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

function wish(
  { region, natGatewayId, privateIps }: UnassignRequest,
  mode: ChangeRequest['mode'],
): ChangeRequest {
  return { mode, region, natGatewayId, privateIps };
}

function summary(dryRun: DryRun): NonNullable<UnassignResult['dry_run']> {
  const { passed, aws_code, request_id } = dryRun;
  return dryRun.passed
    ? { passed, aws_code, request_id }
    : { passed, aws_code, request_id, message: dryRun.error.message };
}

/** What preflight saw: the requested addresses, how many others there are in which status, and its findings. */
function observations(check: Preflight, privateIps: readonly string[]) {
  const remaining: Record<string, number> = {};
  for (const { status = 'absent' } of check.others) remaining[status] = (remaining[status] ?? 0) + 1;
  const addresses: NatGatewayAddress[] = privateIps.map(
    (privateIp) => find(check.requested, privateIp) ?? { private_ip: privateIp },
  );
  return { addresses, remaining, ...(check.findings.length === 0 ? {} : { findings: check.findings }) };
}

/** The requested addresses with the status they have now, absent where they are gone, and the one they had before. */
function withStatus(requested: readonly NatGatewayAddress[], now: readonly NatGatewayAddress[]) {
  return requested.map((before) => ({
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

/** What the caller of an accepted request needs for the time of the drain and after. */
function draining(request: UnassignRequest, drain: NonNullable<UnassignResult['drain']>) {
  return {
    drain,
    undo_command: undoCommand(request.region, request.natGatewayId, request.privateIps),
    next: waitCall(request),
  };
}

/** So that who waits can be told when the drain ends. */
function remember({ dependencies }: Attempt, request: UnassignRequest, drain: Drain): void {
  const { region, natGatewayId, privateIps } = request;
  dependencies.drains.remember(region, natGatewayId, privateIps, drain, dependencies.now());
}

function waitCall({ region, natGatewayId, privateIps }: UnassignRequest): Next {
  return {
    tool: WAIT,
    arguments: { nat_gateway_id: natGatewayId, private_ip_addresses: [...privateIps], region },
  };
}

function describeCall({ region, natGatewayId }: UnassignRequest): Next {
  return { tool: DESCRIBE, arguments: { nat_gateway_ids: [natGatewayId], region } };
}
