import * as z from 'zod';
import type { Remembered } from '../changes/state.ts';
import { beyondWait, DEFAULT_WAIT_SECONDS, latestEnd } from '../nat-gateway/drain.ts';
import { changingAddresses, privateIpsOf } from '../nat-gateway/gateway.ts';
import { nearMissQuestion } from '../nat-gateway/near-misses.ts';
import {
  type Course,
  courseOf,
  gatewayCourseOf,
  latestCounting,
  nothingChanges,
  type Read,
  withRead,
} from '../nat-gateway/observations.ts';
import { anyOf } from '../vocabulary/any-of.ts';
import { cancelled, Failure, gatewayNotFound } from '../vocabulary/failure.ts';
import { READ_SCOPE, WAIT } from '../vocabulary/names.ts';
import { natGatewayId, optionalListOf, optionalRegion, optionalTarget, privateIp } from './arguments.ts';
import { defineTool, type PlacedCall } from './define-tool.ts';
import { mistypedIds } from './observe-gateway.ts';
import { inOnePlace } from './one-place.ts';
import { progressReporter } from './progress.ts';
import { recall } from './recall.ts';
import { describeCall, errorSchema, holdersCall, type Next, nextSchema, waitCall } from './results.ts';

const text = z.string().optional();

const outputSchema = z.object({
  outcome: z
    .enum(['settled', 'still_changing', 'no_change_seen', 'gateway_changing', 'gateway_deleted'])
    .optional()
    .describe(
      'settled: none is changing any more. no_change_seen: none so far; EC2 may show a change 5 minutes late',
    ),
  nat_gateway_id: text,
  target: text,
  region: text,
  gateway_state: text,
  addresses: z
    .array(
      z.object({
        private_ip: z.string(),
        fate: z.string().describe('released, not_on_gateway (never seen there), or its status'),
        failure_message: text,
        release_by: text.describe('The latest time, if this server started it'),
        released_at: text.describe('First seen gone'),
      }),
    )
    .optional(),
  waited_seconds: z.number().optional(),
  hint: text,
  next: nextSchema.optional(),
  error: errorSchema.optional(),
});

interface Input {
  nat_gateway_id: string;
  private_ip_addresses?: string[] | undefined;
  timeout_seconds: number;
}
type Output = z.input<typeof outputSchema>;

/** A verdict needs agreeing reads, which take this long; a shorter wait may never get them. */
const TELLING_SECONDS = 15;

/** Failed reads in a row after which waiting on makes no sense. */
const FAILURES = 3;

export const waitForNatGatewayAddresses = defineTool({
  name: WAIT,
  title: 'Wait for NAT gateway addresses',
  description: `Wait until private IP addresses of a NAT gateway are no longer changing, and say what became of each: released, succeeded, failed, or still unassigning when time runs out.
Use it after an unassign. A drain can take longer than one call: follow next, not before next.not_before, until outcome is "settled".`,
  input: {
    nat_gateway_id: natGatewayId.describe('Id of the NAT gateway'),
    private_ip_addresses: optionalListOf(privateIp, 32).describe(
      'At most 32; default: all that are changing',
    ),
    timeout_seconds: z
      .int()
      .min(1)
      .max(900)
      .default(DEFAULT_WAIT_SECONDS)
      .describe('How long this call may wait: 1 to 900; default: 45. Many clients give up after 60'),
    target: optionalTarget,
    region: optionalRegion,
  },
  output: outputSchema,
  scope: READ_SCOPE,
  isDestructive: false,
  run: async (call) => wait(await inOnePlace(call)),
  failed: ({ input, next }, region, error) => ({
    nat_gateway_id: input.nat_gateway_id || undefined,
    region,
    next,
    error,
  }),
});

/** A wait, and what is remembered of the changes of its gateway. */
interface Wait extends PlacedCall<Input> {
  remembered: Remembered;
}

/** One wait: its reads so far, and what they prove. */
interface Progress {
  reads: Read[];
  courses: Course[];
  /** Until reads say otherwise: the listed addresses, or those that this process is draining. */
  addresses: string[];
}

async function wait(call: PlacedCall<Input>): Promise<Output> {
  const { input, context, dependencies } = call;
  const timeoutSeconds = Math.min(input.timeout_seconds, dependencies.longestWaitSeconds);
  const deadline = AbortSignal.timeout(timeoutSeconds * 1000);
  const ended = anyOf([context.mcpReq.signal, deadline, dependencies.handOver]);
  return follow(call, ended.signal).finally(ended.letGo);
}

async function follow(placed: PlacedCall<Input>, ended: AbortSignal): Promise<Output> {
  const { ec2, region, input, context, dependencies } = placed;
  const { state, ec2Clock, monotonic } = dependencies;
  const { nat_gateway_id } = input;
  const began = monotonic();
  const remembered = await recall(state, { region, natGatewayId: nat_gateway_id });
  const call = { ...placed, remembered };
  const pace = { isUrgent: false };
  const tell = progressReporter(context);
  const addresses = input.private_ip_addresses ?? [...remembered.drains.keys()];
  const courses = addresses.map((each) => courseIn(call, each, []));
  const progress: Progress = { reads: [], courses, addresses };
  let failures = 0;
  let latestFailure: Failure | undefined;

  for await (const seen of ec2.watch(region, nat_gateway_id, ended, pace)) {
    if ('failure' in seen) {
      failures += 1;
      latestFailure = seen.failure;
      if (isHopeless(seen.failure, failures)) throw seen.failure;
      continue;
    }
    failures = 0;
    see(progress, { at: ec2Clock.monotonic(), gateway: seen.gateway }, call);
    const { reads, courses } = progress;
    const gateway = gatewayCourseOf(reads);
    if (gateway === 'unknown') return notFound(call);
    if (gateway === 'deleted') return answer(call, progress, began, 'gateway_deleted');
    pace.isUrgent = gateway === 'missing' || courses.some(({ isUrgent }) => isUrgent);
    await tell((monotonic() - began) / 1000, sentence(courses, latestRelease(call, courses), ec2Clock.now()));
    if (gateway === 'there' && isSettled(progress, input)) return settled(call, progress, began);
  }
  if (context.mcpReq.signal.aborted) throw cancelled();
  return unsettled(call, progress, began, latestFailure);
}

/** The course of an address by these reads, and by what this process remembers of it. */
function courseIn({ remembered }: Wait, privateIp: string, reads: Read[]): Course {
  const { drains } = remembered;
  const course = courseOf(privateIp, reads, drains.get(privateIp), remembered.givenBackAt(privateIp));
  // An earlier wait has seen it go.
  const isGone = course.fate === 'not_on_gateway' && remembered.isReleased(privateIp);
  return isGone ? { ...course, fate: 'released' } : course;
}

/** Takes a read in; a release or an assignment that it proves ends what is remembered of the drain. */
function see(progress: Progress, read: Read, call: Wait): void {
  const { input, remembered } = call;
  const { addresses } = progress;
  const reads = withRead(progress.reads, read);
  progress.reads = reads;
  // Without a list, every address that is shown changing is followed.
  if (input.private_ip_addresses === undefined && read.gateway !== undefined) {
    const changing = changingAddresses(read.gateway).filter((each) => !addresses.includes(each));
    addresses.push(...changing);
  }
  const proven = new Map(
    progress.courses.filter(({ settled }) => settled).map((each) => [each.private_ip, each]),
  );
  progress.courses = addresses.map((each) => proven.get(each) ?? courseIn(call, each, reads));
  for (const { private_ip, fate, settled } of progress.courses) {
    if (settled || fate === 'assigning') remembered.forget(private_ip);
  }
}

/** Whether reads prove that nothing is changing: of the listed addresses or, without a list, on the whole gateway. */
function isSettled({ courses, reads }: Progress, { private_ip_addresses }: Input): boolean {
  if (!courses.every(({ settled }) => settled)) return false;
  return private_ip_addresses !== undefined || courses.length > 0 || nothingChanges(reads);
}

function settled(call: Wait, progress: Progress, began: number): Output {
  const result = answer(call, progress, began, 'settled');
  if (progress.courses.length === 0) {
    return { ...result, hint: 'Nothing was changing on this gateway while it was watched.' };
  }
  // `not_on_gateway` is easily taken for released, and the address may be mistyped.
  const strange = progress.courses
    .filter(({ fate }) => fate === 'not_on_gateway')
    .map((each) => each.private_ip);
  if (strange.length === 0) return result;
  const held = privateIpsOf(latestCounting(progress.reads)?.addresses ?? []);
  const questions = strange.flatMap((each) => nearMissQuestion(each, held) ?? []);
  const hint = ['An address that was never seen there may be mistyped.', ...questions].join(' ');
  return { ...result, hint, next: holdersCall(call.region, strange) };
}

/**
 * The answer when time runs out.
 *
 * @throws Failure where nothing was read
 */
async function unsettled(
  call: Wait,
  progress: Progress,
  began: number,
  latestFailure: Failure | undefined,
): Promise<Output> {
  const { region, input } = call;
  const gateway = gatewayCourseOf(progress.reads);
  const isHandedOver = call.dependencies.handOver.aborted;
  if (gateway === 'unread' && !isHandedOver) throw latestFailure ?? nothingRead(input.nat_gateway_id);
  if (gateway !== 'unread' && progress.reads.every((read) => read.gateway === undefined))
    return notFound(call);
  const { courses } = progress;
  const isUntouched =
    gateway !== 'unread' && courses.every(({ changed, fate }) => !changed && fate !== 'unknown');
  const outcome =
    gateway === 'changing' ? 'gateway_changing' : isUntouched ? 'no_change_seen' : 'still_changing';
  const look = describeCall(region, input.nat_gateway_id);
  const further = outcome === 'no_change_seen' ? { next: look } : waitOn(call, courses);
  return { ...answer(call, progress, began, outcome), ...further };
}

/** The wait for what is not settled yet; where the end of its drain is known and far away, not before that. */
function waitOn(call: Wait, courses: readonly Course[]): { next: Next; hint?: string } {
  const { region, input, dependencies } = call;
  const changing = courses.filter((each) => !each.settled).map(({ private_ip }) => private_ip);
  const timeout_seconds = Math.max(input.timeout_seconds, TELLING_SECONDS);
  const end = beyondWait(latestRelease(call, courses), dependencies.ec2Clock.now(), timeout_seconds);
  const wait = waitCall(region, input.nat_gateway_id, changing.length === 0 ? undefined : changing, end);
  const next = { ...wait, arguments: { ...wait.arguments, timeout_seconds } };
  if (end === undefined) return { next };
  return {
    next,
    hint: `The drain may last until ${end}, and no read tells its end sooner than it comes: ask again then.`,
  };
}

/** The answer where reads agree that no gateway has the id; the gateway that holds the addresses is looked for. */
async function notFound(call: PlacedCall<Input>): Promise<Output> {
  const { region, input } = call;
  const { nat_gateway_id, private_ip_addresses } = input;
  const [question] = await mistypedIds(call, [nat_gateway_id]);
  return {
    nat_gateway_id,
    region,
    next: private_ip_addresses === undefined ? undefined : holdersCall(region, private_ip_addresses),
    error: gatewayNotFound(region, nat_gateway_id, question).report,
  };
}

function nothingRead(natGatewayId: string): Failure {
  return new Failure({
    code: 'timed_out',
    message: `Time ran out before any read of ${natGatewayId} was answered, so nothing can be said of its addresses.`,
    retryable: true,
  });
}

function answer(
  { region, input, remembered, dependencies }: Wait,
  { reads, courses }: Progress,
  began: number,
  outcome: NonNullable<Output['outcome']>,
): Output {
  const { ec2Clock, monotonic } = dependencies;
  const { drains: started } = remembered;
  const timeOf = (at: number): string => new Date(ec2Clock.now() - ec2Clock.monotonic() + at).toISOString();
  return {
    outcome,
    nat_gateway_id: input.nat_gateway_id,
    region,
    gateway_state: reads.findLast(({ gateway }) => gateway !== undefined)?.gateway?.state,
    addresses: courses.map(({ private_ip, fate, failure_message, releasedAt }) => ({
      private_ip,
      fate,
      failure_message,
      release_by: started.get(private_ip)?.drain?.release_by,
      released_at: releasedAt === undefined ? undefined : timeOf(releasedAt),
    })),
    waited_seconds: Math.round((monotonic() - began) / 100) / 10,
  };
}

/** A read that failed may work the next time, unless its error says otherwise or it goes on and on. */
function isHopeless({ report: { code, retryable } }: Failure, failures: number): boolean {
  return code !== 'throttled' && (!retryable || failures >= FAILURES);
}

/** The latest `release_by` of the addresses that are still changing, where it is known. */
function latestRelease({ remembered }: Wait, courses: readonly Course[]): string | undefined {
  const changing = courses.filter(({ settled }) => !settled);
  return latestEnd(changing.map(({ private_ip }) => remembered.drains.get(private_ip)));
}

/** The fates of addresses that are being released. */
const OF_RELEASES: ReadonlySet<string> = new Set(['unassigning', 'released', 'unknown']);

/** How far the wait is, for the human who watches it. */
function sentence(courses: readonly Course[], releaseBy: string | undefined, now: number): string {
  if (courses.length === 0) return 'nothing is seen changing yet';
  const areReleases = courses.every(({ fate }) => OF_RELEASES.has(fate));
  const done = courses.filter(({ fate, settled }) => (areReleases ? fate === 'released' : settled)).length;
  const seconds = releaseBy === undefined ? 0 : Math.ceil((Date.parse(releaseBy) - now) / 1000);
  const rest = seconds <= 0 ? '' : `; the last of them in ${seconds} s at the latest`;
  return `${done} of ${courses.length} addresses ${areReleases ? 'released' : 'no longer changing'}${rest}`;
}
