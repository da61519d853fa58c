import { openSetUp } from '../aws/set-up.ts';
import { type Ec2Target, inTarget } from '../aws/settings.ts';
import { RefusedTargets, type Target } from '../config/targets.ts';
import { readTargets } from '../config/targets-file.ts';
import { type Rules, stricter } from '../nat-gateway/stricter.ts';
import { atOnce } from '../vocabulary/at-once.ts';
import type { Logger } from '../vocabulary/logger.ts';
import { withStop } from '../vocabulary/text.ts';
import type { Timeouts } from '../vocabulary/timeouts.ts';
import { checkDescribe } from './aws.ts';
import { bounded } from './bounded.ts';
import { checkDryRun } from './dry-run.ts';
import { checkEvidence } from './evidence.ts';
import type { Check, Finding } from './report.ts';

/** The longest time of one place, in milliseconds, as of a call that reads several. */
export const LONGEST_PLACE = 15_000;

/** Places that are checked at the same time. */
const AT_ONCE = 8;

/** A region of a target. */
export interface Place {
  target: Target;
  region: string;
}

/** What a place is checked with. */
export interface PlaceOptions {
  /** Whom the server talks to, without a target. */
  ofServer: Promise<Ec2Target>;
  rules: Rules;
  /** Of the dry run, in the place that has it. Default: one is chosen in each. */
  gateway: string | undefined;
  version: string;
  logger: Logger;
  timeouts: Timeouts | undefined;
}

/** Reads the file of --targets as the server does. */
export function targetsOf(file: string, rules: Rules): { targets: readonly Target[]; finding: Finding } {
  try {
    const targets = readTargets(file, rules);
    const places = targets.flatMap(({ regions }) => regions).length;
    const message = `${file} has ${counted(targets.length, 'target')} with ${counted(places, 'region')}.`;
    return { targets, finding: { status: 'ok', message, facts: { file, targets: targets.length, places } } };
  } catch (error) {
    if (!(error instanceof RefusedTargets)) throw error;
    const { mistakes } = error;
    return {
      targets: [],
      finding: {
        status: 'failure',
        message: `${file}: ${mistakes.join('; ')}.`,
        hint: 'The server does not start so.',
        facts: { file, mistakes },
      },
    };
  }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Checks every place, some at the same time. `onEnd` is told each that has its result. */
export async function checkPlaces(
  places: readonly Place[],
  options: PlaceOptions,
  onEnd: (place: Place) => void,
  longest = LONGEST_PLACE,
): Promise<Check[]> {
  const checks: Check[] = [];
  await atOnce(AT_ONCE, places.entries(), async ([index, place]) => {
    checks[index] = await checkPlace(place, options, longest);
    onEnd(place);
  });
  return [...checks, ...ofGateway(options.gateway, checks)];
}

/** The finding where no place has the gateway of --gateway. */
function ofGateway(gateway: string | undefined, checks: readonly Check[]): Check[] {
  if (gateway === undefined || checks.some(({ facts }) => facts?.has_gateway === gateway)) return [];
  const message = `No target has the NAT gateway ${gateway}, in a region that can be read.`;
  return [{ name: 'dry_run', status: 'failure', message, hint: 'Check the id and the file of --targets.' }];
}

async function checkPlace(place: Place, options: PlaceOptions, longest: number): Promise<Check> {
  const { target, region } = place;
  const { version, logger, timeouts } = options;
  const opening = options.ofServer.then((ofServer) =>
    openSetUp(inTarget(ofServer, { ...target, regions: [region] }), version, logger, timeouts),
  );
  const check = await bounded('place', async () => found(place, await opening, options), longest);
  await opening.then(
    (setUp) => setUp.close(),
    () => {},
  );
  const facts = { target: target.name, account_id: target.accountId, region, ...check.facts };
  return { ...check, facts };
}

/** Whether the place can be read, is in the account of the target, and lets an address go. */
async function found(
  { target, region }: Place,
  setUp: Awaited<ReturnType<typeof openSetUp>>,
  { rules, gateway }: PlaceOptions,
): Promise<Finding> {
  const gateways = setUp.gateways(region);
  const identity = gateways.then(() => setUp.identity(region));
  for (const each of [gateways, identity]) each.catch(() => {});
  const answers = { setUp: Promise.resolve(setUp), region: Promise.resolve(region), gateways, identity };
  // Gateways that are allowed by name are in one place only, and no other has to have them.
  const described = await checkDescribe(answers, { allowGateway: [] });
  const account = (await identity.catch(() => undefined))?.account_id;
  if (account !== undefined && account !== target.accountId) return ofOtherAccount(account, target);
  if (described.status !== 'ok') return described;
  const policy = stricter(rules, target.rules);
  const named = (await gateways).some(({ nat_gateway_id }) => nat_gateway_id === gateway)
    ? gateway
    : undefined;
  const dryRun = await checkDryRun(answers, policy, policy, named);
  const facts = { ...described.facts, ...(named && { has_gateway: named }), ...dryRun.facts };
  const message = `${described.message} ${dryRun.message}`;
  if (dryRun.status === 'failure') return { ...dryRun, message, facts };
  const evidence = await checkEvidence(answers, policy, named);
  if (evidence.status === 'ok' || evidence.status === 'skipped') return { ...dryRun, message, facts };
  return {
    ...evidence,
    message: `${withStop(message)} Evidence: ${evidence.message}`,
    hint: [dryRun.hint, evidence.hint].filter((each) => each !== undefined).join(' '),
    facts: { ...facts, ...evidence.facts },
  };
}

function ofOtherAccount(account: string, { accountId, profile }: Target): Finding {
  const whose =
    profile === undefined ? 'The credentials of the server' : `The credentials of profile ${profile}`;
  return {
    status: 'failure',
    message: `${whose} are of account ${account}; the target names ${accountId}. Every change is refused.`,
    hint: 'Give the target a role_arn or a profile of its account, or correct its account_id.',
    facts: { account_of_credentials: account },
  };
}
