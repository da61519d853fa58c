import type { ServerContext } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { changingAddresses } from '../nat-gateway/gateway.ts';
import { type Fate, ReleaseTracker } from '../nat-gateway/observations.ts';
import { cancelled, type Failure, gatewayNotFound } from '../vocabulary/failure.ts';
import { DESCRIBE, READ_SCOPE, WAIT } from '../vocabulary/names.ts';
import { listOf, natGatewayId, optionalRegion, privateIp } from './arguments.ts';
import { defineTool, type PlacedCall } from './define-tool.ts';
import { errorSchema, type Next, nextSchema } from './results.ts';

const text = z.string().optional();

const outputSchema = z.object({
  outcome: z
    .enum(['settled', 'still_changing', 'gateway_deleted'])
    .optional()
    .describe('settled: none of them is changing any more'),
  nat_gateway_id: z.string(),
  region: text,
  addresses: z
    .array(
      z.object({
        private_ip: z.string(),
        fate: z.string().describe('released, not_on_gateway (never seen there), or its status'),
        failure_message: text,
        release_by: text.describe('Released by then at the latest; known for drains started by this server'),
      }),
    )
    .optional(),
  waited_seconds: z.number().optional(),
  next: nextSchema.optional(),
  error: errorSchema.optional(),
});

interface Input {
  nat_gateway_id: string;
  private_ip_addresses?: string[] | undefined;
  timeout_seconds: number;
}
type Output = z.input<typeof outputSchema>;

/** The time of two reads that agree with each other, which a verdict takes: shorter waits may never end. */
const TELLING_SECONDS = 15;

/** Failed reads in a row after which waiting on makes no sense. */
const FAILURES = 3;

export const waitForNatGatewayAddresses = defineTool({
  name: WAIT,
  title: 'Wait for NAT gateway addresses',
  description: `Wait until private IP addresses of a NAT gateway are no longer changing, and say what became of each: released, succeeded, failed, or still unassigning when time runs out.
Use it after an unassign. A drain can take longer than one call: follow next until outcome is "settled".`,
  input: {
    nat_gateway_id: natGatewayId.describe('The NAT gateway'),
    private_ip_addresses: listOf(privateIp, 32).optional().describe('Default: all that are changing'),
    timeout_seconds: z.int().min(1).max(900).default(45).describe('How long this call may wait'),
    region: optionalRegion,
  },
  output: outputSchema,
  scope: READ_SCOPE,
  isDestructive: false,
  run: wait,
  failed: ({ input: { nat_gateway_id } }, region, error) => ({ nat_gateway_id, region, error }),
});

async function wait({
  ec2,
  region,
  input,
  context,
  began,
  dependencies,
}: PlacedCall<Input>): Promise<Output> {
  const { drains, now, longestWaitSeconds, handOver } = dependencies;
  const { nat_gateway_id } = input;
  const timeoutSeconds = Math.min(input.timeout_seconds, longestWaitSeconds);
  const deadline = AbortSignal.timeout(timeoutSeconds * 1000);
  const tracker = new ReleaseTracker();
  const tell = progressReporter(context);
  let addresses = input.private_ip_addresses ?? drains.running(region, nat_gateway_id, began);
  let fates: Fate[] = addresses.map((private_ip) => ({ private_ip, fate: 'unknown', settled: false }));
  let failures = 0;

  const answer = (outcome: NonNullable<Output['outcome']>): Output => ({
    outcome,
    nat_gateway_id,
    region,
    addresses: fates.map(({ settled: _, ...fate }) => ({ ...fate, release_by: releaseBy(fate.private_ip) })),
    waited_seconds: Math.round((now() - began) / 100) / 10,
  });
  const releaseBy = (privateIp: string): string | undefined => {
    const time = drains.releaseBy(region, nat_gateway_id, privateIp);
    return time === undefined ? undefined : new Date(time).toISOString();
  };

  for await (const seen of ec2.watch(
    region,
    nat_gateway_id,
    AbortSignal.any([context.mcpReq.signal, deadline, handOver]),
  )) {
    if ('failure' in seen) {
      failures += 1;
      if (isHopeless(seen.failure, failures)) throw seen.failure;
      continue;
    }
    failures = 0;
    // Without a list, everything that is changing is followed, as soon as it is seen to.
    if (input.private_ip_addresses === undefined && seen.gateway !== undefined) {
      addresses = [...new Set([...addresses, ...changingAddresses(seen.gateway)])];
    }
    tracker.see(seen.gateway, addresses);
    if (tracker.isGatewayUnknown) throw gatewayNotFound(region, nat_gateway_id);
    fates = addresses.map((each) =>
      tracker.fate(each, drains.releaseBy(region, nat_gateway_id, each), now()),
    );
    if (tracker.isGatewayGone) return answer('gateway_deleted');
    await tell((now() - began) / 1000, sentence(fates, latest(fates, releaseBy), now()));
    if (seen.gateway !== undefined && fates.every(({ settled }) => settled)) {
      // Not what was waited for: it is easily taken for released, and may be mistyped.
      const strange = fates.some(({ fate }) => fate === 'not_on_gateway');
      const look = { tool: DESCRIBE, arguments: { nat_gateway_ids: [nat_gateway_id], region } };
      return { ...answer('settled'), ...(strange ? { next: look } : {}) };
    }
  }
  if (context.mcpReq.signal.aborted) throw cancelled();

  const changing = fates.filter(({ settled }) => !settled).map(({ private_ip }) => private_ip);
  const timeout_seconds = Math.max(input.timeout_seconds, TELLING_SECONDS);
  const next: Next = {
    tool: WAIT,
    arguments: {
      nat_gateway_id,
      ...(changing.length === 0 ? {} : { private_ip_addresses: changing }),
      timeout_seconds,
      region,
    },
    not_before: latest(fates, releaseBy),
  };
  return { ...answer('still_changing'), next };
}

/** A read that failed may work the next time, unless its error says otherwise or it goes on and on. */
function isHopeless({ report: { code, retryable } }: Failure, failures: number): boolean {
  return code !== 'throttled' && (!retryable || failures >= FAILURES);
}

/** When the last of those still changing is released at the latest, where that is known. */
function latest(
  fates: readonly Fate[],
  releaseBy: (privateIp: string) => string | undefined,
): string | undefined {
  const times = fates.flatMap(({ settled, private_ip }) => (settled ? [] : (releaseBy(private_ip) ?? [])));
  return times.sort().at(-1);
}

function sentence(fates: readonly Fate[], releaseBy: string | undefined, now: number): string {
  const released = fates.filter(({ fate }) => fate === 'released').length;
  const seconds = releaseBy === undefined ? undefined : Math.ceil((Date.parse(releaseBy) - now) / 1000);
  const rest =
    seconds === undefined || seconds <= 0 ? '' : `; the last of them in ${seconds} s at the latest`;
  return `${released} of ${fates.length} addresses released${rest}`;
}

/** Tells a client that asked for progress; each value is larger than the one before. */
function progressReporter(context: ServerContext): (seconds: number, message: string) => Promise<void> {
  const progressToken = context.mcpReq._meta?.progressToken;
  let last = 0;
  return async (seconds, message) => {
    if (progressToken === undefined) return;
    last = Math.max(seconds, last + 0.001);
    const params = { progressToken, progress: last, message };
    // A client that is gone is noticed by the signal.
    await context.mcpReq.notify({ method: 'notifications/progress', params }).catch(() => {});
  };
}
