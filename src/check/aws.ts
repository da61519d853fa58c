import { SKEW_MILLISECONDS } from '../aws/aws-codes.ts';
import type { Identity } from '../aws/identity.ts';
import type { Contact, SetUp } from '../aws/set-up.ts';
import type { Settings } from '../config/options.ts';
import type { NatGateway } from '../nat-gateway/gateway.ts';
import { ERRORS, type ErrorReport, Failure } from '../vocabulary/failure.ts';
import { failed, needed } from './bounded.ts';
import type { Finding } from './report.ts';

/** From which difference of the clocks on a warning is given, in seconds. */
const NOTICEABLE_SKEW = 60;

/** States in which a gateway holds no addresses any more. */
const GONE: ReadonlySet<string | undefined> = new Set(['deleted', 'failed']);

/** A region that exists, for which credentials are resolved where no region is known. Nothing is sent to its EC2. */
const ANY_REGION = 'us-east-1';

/** The questions to AWS, each asked once, however many checks need the answer. */
export class AwsAnswers {
  readonly setUp: Promise<SetUp>;
  readonly place: Promise<{ region: string; from: string | undefined }>;
  readonly region: Promise<string>;
  readonly contact: Promise<Contact>;
  readonly accessKeyId: Promise<string>;
  readonly identity: Promise<Identity | undefined>;
  readonly gateways: Promise<NatGateway[]>;

  constructor(setUp: Promise<SetUp>) {
    this.setUp = setUp;
    this.place = setUp.then((each) => each.region());
    this.region = needed(
      this.place.then(({ region }) => region),
      'no region is known',
    );
    this.contact = this.region.then(async (region) => (await setUp).contact(region));
    const anyRegion = this.region.catch(() => ANY_REGION);
    this.accessKeyId = anyRegion.then(async (region) => (await setUp).accessKeyId(region));
    const signed = needed(this.accessKeyId, 'there are no credentials');
    const placed = Promise.all([this.region, signed]).then(([region]) => region);
    this.identity = placed.then(async (region) => (await setUp).identity(region));
    this.gateways = placed.then(async (region) => (await setUp).gateways(region));
    // Each is handled by the checks that need it, which may begin to wait after it has failed.
    for (const each of [this.contact, this.accessKeyId, this.identity, this.gateways]) each.catch(() => {});
  }
}

export async function checkRegion(
  { place }: AwsAnswers,
  { allowRegion, simulate }: Settings,
): Promise<Finding> {
  const { region, from } = await place.catch((error: unknown) => {
    throw error instanceof Failure ? withSetting(error) : error;
  });
  const source = simulate ? 'the embedded endpoint' : (from ?? 'the instance');
  const message = `${region}, from ${source}.`;
  const facts = { region, from: source };
  if (allowRegion.length === 0 || allowRegion.includes(region)) return { status: 'ok', message, facts };
  return {
    status: 'warning',
    message: `${message} It is not in --allow-region, so calls that name no region can change nothing.`,
    hint: 'Set --region to one of the allowed regions, or have calls name the region.',
    facts,
  };
}

/** The failure with a hint for who starts the server; that of a setting which is no region names it already. */
function withSetting({ report }: Failure): Failure {
  if (report.hint !== ERRORS.region_unknown.nextStep) return new Failure(report);
  const hint =
    'Set --region, AWS_REGION, AWS_DEFAULT_REGION or the region of the profile. Without one, only calls that name a region work.';
  return new Failure({ ...report, message: 'No region is configured.', hint });
}

export async function checkEndpoint(answers: AwsAnswers): Promise<Finding> {
  await answers.region;
  const { endpoint, proxy } = await answers.contact;
  const way = proxy === undefined ? 'without a proxy' : `through the proxy ${proxy}`;
  return { status: 'ok', message: `${endpoint} answers, ${way}.`, facts: { endpoint, proxy } };
}

export async function checkClock(answers: AwsAnswers): Promise<Finding> {
  await answers.region;
  const { clockOffsetSeconds: offset } = await needed(answers.contact, 'the endpoint was not reached');
  if (offset === undefined) return { status: 'skipped', message: 'The endpoint sent no time.' };
  const facts = { offset_seconds: offset };
  const apart = Math.abs(offset);
  const direction = offset > 0 ? 'behind' : 'ahead of';
  if (apart < NOTICEABLE_SKEW) {
    return { status: 'ok', message: 'Less than a minute from that of the endpoint.', facts };
  }
  const isRefused = apart * 1000 >= SKEW_MILLISECONDS;
  return {
    status: isRefused ? 'failure' : 'warning',
    message: `This machine's clock is ${apart} s ${direction} that of the endpoint${isRefused ? ', and AWS refuses requests from 300 s on' : ''}.`,
    hint: 'Set the clock of this machine (NTP).',
    facts,
  };
}

export async function checkCredentials(answers: AwsAnswers): Promise<Finding> {
  const access_key_id = await answers.accessKeyId;
  const identity = await answers.identity.catch(() => undefined);
  const { provider, profile } = identity ?? {};
  const from = [
    ...(provider === undefined ? [] : [`from ${provider}`]),
    ...(profile === undefined ? [] : [`of profile ${profile}`]),
  ];
  return {
    status: 'ok',
    message: `${[`${access_key_id} signs requests`, ...from].join(', ')}.`,
    facts: { access_key_id, provider, profile },
  };
}

/** What to do about an STS that did not tell the account. */
const STEPS = {
  refused:
    'STS was reached and refused: check the credentials; sts:GetCallerIdentity needs no permission, but a policy can deny it.',
  replaced:
    'Something else answered: check what stands between this server and STS (a proxy, a captive portal, a wrong AWS_ENDPOINT_URL_STS or AWS_ENDPOINT_URL).',
  unreached:
    'Let the server reach STS, directly or through its proxy (AWS_ENDPOINT_URL_STS where it is elsewhere).',
} as const;

/** Why STS did not tell the account. */
export interface SilentSts {
  reason: string | undefined;
  /** It refused, something else answered, or nothing did. */
  cause: keyof typeof STEPS;
}

export async function checkAccount(
  { identity }: AwsAnswers,
  { allowAccount }: Settings,
  silence: () => SilentSts,
): Promise<Finding> {
  const { account_id, arn } = (await identity) ?? {};
  if (account_id === undefined) {
    const { reason, cause } = silence();
    const message = `STS did not tell the account and who signs${reason === undefined ? '' : ` (${reason})`}.`;
    const step = STEPS[cause];
    if (allowAccount.length === 0) {
      return {
        status: 'warning',
        message: `${message} Results and audit records name no account.`,
        hint: step,
      };
    }
    return {
      status: 'failure',
      message: `${message} With --allow-account every change is refused.`,
      hint: step,
    };
  }
  const message = `${account_id}${arn === undefined ? '' : `, as ${arn}`}.`;
  const facts = { account_id, arn };
  if (allowAccount.length === 0 || allowAccount.includes(account_id)) return { status: 'ok', message, facts };
  return {
    status: 'failure',
    message: `${message} It is not in --allow-account, so every change is refused.`,
    hint: 'Use credentials of an allowed account (--profile), or correct --allow-account.',
    facts,
  };
}

export async function checkDescribe(
  answers: Pick<AwsAnswers, 'region' | 'gateways'>,
  { allowGateway }: Pick<Settings, 'allowGateway'>,
): Promise<Finding> {
  const region = await answers.region;
  const found = await answers.gateways.catch((error: unknown) => refusedFor(error));
  if (!Array.isArray(found)) return found;
  const live = found.filter(({ state }) => !GONE.has(state));
  const privates = live.filter(({ connectivity_type }) => connectivity_type === 'private').length;
  const facts = { gateways: live.length, private_gateways: privates };
  if (live.length === 0) {
    return {
      status: 'warning',
      message: `There is no NAT gateway in ${region}.`,
      hint: 'Check that region and account are the ones you mean.',
      facts,
    };
  }
  const message = `${live.length} NAT ${live.length === 1 ? 'gateway' : 'gateways'} in ${region}, ${privates} of them private.`;
  const missing = allowGateway.filter((id) => live.every(({ nat_gateway_id }) => nat_gateway_id !== id));
  if (missing.length === 0) return { status: 'ok', message, facts };
  return {
    status: 'warning',
    message: `${message} Of --allow-gateway, ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not there.`,
    hint: 'Correct --allow-gateway, or check region and account.',
    facts,
  };
}

/** @throws unless EC2 said that the permission is missing */
function refusedFor(error: unknown): Finding {
  const finding =
    error instanceof Failure
      ? missingPermission(error.report, 'ec2:DescribeNatGateways', 'all resources')
      : undefined;
  if (finding === undefined) throw error;
  return finding;
}

/** The finding where EC2 said that a permission is missing. */
export function missingPermission(
  report: ErrorReport,
  permission: string,
  resource: string,
): Finding | undefined {
  if (report.aws_code !== 'UnauthorizedOperation') return undefined;
  return {
    status: 'failure',
    message: `The permission ${permission} on ${resource} is missing: ${report.message}`,
    hint: 'Have it granted; nat-gateway-mcp iam-policy, with the same flags, prints the policy that is needed.',
    facts: { ...failed(report).facts, missing_permission: permission },
  };
}
