import type { McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';
import type { Ec2 } from '../ec2/ec2.ts';
import { cancelled, Ec2Failure, type ErrorReport } from '../ec2/errors.ts';
import type { DryRun, UnassignRequest } from '../ec2/unassign.ts';
import { DEFAULT_DRAIN_SECONDS, DRAIN_SECONDS, drainFrom, undoCommand } from '../nat-gateway/drain.ts';
import type { NatGateway, NatGatewayAddress } from '../nat-gateway/model.ts';
import { type Preflight, preflight } from '../nat-gateway/preflight.ts';
import { listOf, natGatewayId, privateIp, region, unknownArguments } from './arguments.ts';
import type { Dependencies } from './dependencies.ts';
import { DESCRIBE } from './describe-nat-gateway-addresses.ts';
import { report } from './failures.ts';
import { addressSchema, errorSchema, findingSchema, type Next, nextSchema, toolResult } from './results.ts';

export const UNASSIGN = 'unassign_private_nat_gateway_address';

const description = `Release secondary private IP addresses of one private NAT gateway. This cannot be cancelled.
Each address stops taking new connections at once, serves existing ones for up to max_drain_duration_seconds, and is then released; connections still open break.
The state is checked and an EC2 dry run made before every real call; mode "dry_run" stops there and changes nothing.
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
  outcome: z.enum(['unassigning', 'dry_run_passed', 'already_unassigning', 'refused', 'unknown']),
  nat_gateway_id: z.string(),
  region: optionalText,
  dry_run: z
    .object({ passed: z.boolean(), aws_code: optionalText, request_id: optionalText, message: optionalText })
    .optional()
    .describe('What EC2 answered to the dry run'),
  unassign: z.object({ request_id: optionalText }).optional().describe('The real call'),
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

type Input = z.infer<typeof inputSchema>;
type Output = z.infer<typeof outputSchema>;

export function registerUnassign(server: McpServer, dependencies: Dependencies): void {
  server.registerTool(
    UNASSIGN,
    {
      title: 'Unassign private NAT gateway address',
      description,
      inputSchema,
      outputSchema,
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: true },
    },
    async (input, { mcpReq }) => {
      let output: Output;
      try {
        const ec2 = await dependencies.ec2();
        output = await attempt(ec2, input, dependencies.now, mcpReq.signal);
      } catch (error) {
        output = {
          outcome: 'refused',
          nat_gateway_id: input.nat_gateway_id,
          region: input.region,
          error: report(error, dependencies.logger),
        };
      }
      return toolResult(outputSchema, output, output.outcome === 'refused' || output.outcome === 'unknown');
    },
  );
}

/** One attempt: observe and dry-run at the same time, check, and only then, once, the real call. */
async function attempt(ec2: Ec2, input: Input, now: () => number, signal: AbortSignal): Promise<Output> {
  const request: UnassignRequest = {
    region: await ec2.region(input.region),
    natGatewayId: input.nat_gateway_id,
    privateIps: input.private_ip_addresses,
    maxDrainDurationSeconds: input.max_drain_duration_seconds,
  };
  const [observed, dryRun] = await Promise.all([observe(ec2, request, signal), ec2.dryRun(request, signal)]);
  const base = { nat_gateway_id: request.natGatewayId, region: request.region, dry_run: summary(dryRun) };
  if (!dryRun.passed && dryRun.error.code === 'dry_run_not_honoured') {
    return { ...base, outcome: 'unknown', error: dryRun.error, next: describeCall(request) };
  }
  if (observed instanceof Ec2Failure) return { ...base, outcome: 'refused', error: observed.report };

  const check = preflight(observed, request.privateIps);
  const seen = { ...base, ...observations(check, request.privateIps) };
  if (check.verdict === 'already_unassigning') {
    return { ...seen, outcome: 'already_unassigning', next: describeCall(request) };
  }
  if (check.verdict === 'blocked') return { ...seen, outcome: 'refused', error: blocked(check, dryRun) };
  if (!dryRun.passed) return { ...seen, outcome: 'refused', error: dryRun.error };
  if (input.mode === 'dry_run') {
    const { region: _, ...again } = input;
    const next = { tool: UNASSIGN, arguments: { ...again, region: request.region, mode: 'execute' } };
    return { ...seen, outcome: 'dry_run_passed', next };
  }
  if (signal.aborted) throw cancelled();

  const answer = await ec2.unassign(dryRun.permit);
  const unassign = { request_id: answer.kind === 'accepted' ? answer.request_id : answer.error.request_id };
  if (answer.kind === 'refused') return { ...seen, unassign, outcome: 'refused', error: answer.error };
  if (answer.kind === 'ambiguous') {
    return {
      ...seen,
      unassign,
      outcome: 'unknown',
      error: unclear(answer.error),
      next: describeCall(request),
    };
  }
  const drain = drainFrom(now(), request.maxDrainDurationSeconds);
  return {
    ...seen,
    unassign,
    outcome: 'unassigning',
    addresses: seen.addresses.map((before) => ({
      ...before,
      status: find(answer.addresses, before.private_ip)?.status,
      status_before: before.status,
    })),
    drain,
    undo_command: undoCommand(request.region, request.natGatewayId, request.privateIps),
    next: { ...describeCall(request), not_before: drain.release_by },
  };
}

/** The gateway as EC2 shows it now, or why it could not be seen. */
async function observe(
  ec2: Ec2,
  { region, natGatewayId }: UnassignRequest,
  signal: AbortSignal,
): Promise<NatGateway | Ec2Failure> {
  try {
    const gateway = await ec2.readGateway(region, natGatewayId, signal);
    return gateway ?? gatewayNotFound(region, natGatewayId);
  } catch (error) {
    if (error instanceof Ec2Failure) return error;
    throw error;
  }
}

function gatewayNotFound(region: string, natGatewayId: string): Ec2Failure {
  return new Ec2Failure({
    code: 'gateway_not_found',
    message: `There is no NAT gateway ${natGatewayId} in ${region}.`,
    retryable: false,
    hint: `Check the id, the region and the account. ${DESCRIBE} lists what is there; a deleted gateway is shown for about an hour.`,
  });
}

function summary(dryRun: DryRun): NonNullable<Output['dry_run']> {
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

function find(
  addresses: readonly NatGatewayAddress[],
  privateIp: string | undefined,
): NatGatewayAddress | undefined {
  return addresses.find(({ private_ip }) => private_ip === privateIp);
}

/** The refusal for what preflight found: all of it in `findings`, the next step in `hint`. */
function blocked(check: Preflight, dryRun: DryRun): ErrorReport {
  const blocking = check.findings.filter(({ severity }) => severity === 'blocks');
  const codes = new Set(blocking.map(({ code }) => code));
  const passes = [...codes].every((code) => code === 'unassigning' || code === 'change_in_progress');
  const list = blocking.map(({ code, private_ip }) =>
    private_ip === undefined ? code : `${code} (${private_ip})`,
  );
  return {
    code: 'precondition_failed',
    message: `Nothing was changed. Against it: ${list.join(', ')}.${dryRun.passed ? '' : ` The dry run failed too: ${dryRun.error.message}`}`,
    retryable: passes,
    hint: advice(codes, passes),
  };
}

function advice(codes: ReadonlySet<string>, passes: boolean): string {
  if (codes.has('public_gateway') || codes.has('regional_gateway')) {
    return 'This tool is for private NAT gateways only. Release an address of a public one with: aws ec2 disassociate-nat-gateway-address';
  }
  if (passes) {
    return `EC2 accepts one change at a time on a gateway. Look with ${DESCRIBE} until no address is changing, then call again with those still there.`;
  }
  if (codes.has('primary'))
    return 'The primary address cannot be unassigned. Leave it out; to be rid of it, delete the gateway.';
  return `findings says what stands against each address. Check with ${DESCRIBE}, then call again with addresses whose can_unassign is true.`;
}

/** The report of a real call of which it is not known what became. */
function unclear(error: ErrorReport): ErrorReport {
  return {
    ...error,
    code: 'outcome_unknown',
    message: `The request was sent, and what became of it is not known: ${error.message}`,
    retryable: false,
    hint: `Do not repeat it yet. Look with ${DESCRIBE}: an address that is unassigning or gone was accepted; one that is still succeeded after a minute was probably not.`,
  };
}

function describeCall({ region, natGatewayId }: UnassignRequest): Next {
  return { tool: DESCRIBE, arguments: { nat_gateway_ids: [natGatewayId], region } };
}
