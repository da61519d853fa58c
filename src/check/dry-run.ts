import type { Settings } from '../config/options.ts';
import { DEFAULT_DRAIN_SECONDS } from '../nat-gateway/drain.ts';
import { isPrimary, type NatGateway } from '../nat-gateway/gateway.ts';
import { type Denial, denials, type Policy } from '../nat-gateway/policy.ts';
import { ERRORS, type ErrorReport } from '../vocabulary/failure.ts';
import { withStop } from '../vocabulary/text.ts';
import { type AwsAnswers, missingPermission } from './aws.ts';
import { failed, needed } from './bounded.ts';
import type { Finding } from './report.ts';

/** A release that a check asks about, and the rules that forbid it. */
export interface Candidate {
  region: string;
  natGatewayId: string;
  privateIp: string;
  forbidden: readonly Denial[];
}

/** The answers that a question about a release needs. */
export type Answers = Pick<AwsAnswers, 'region' | 'gateways' | 'identity' | 'setUp'>;

/**
 * The release to ask about, if there is one.
 *
 * @param natGatewayId its gateway. Default: the first that has a secondary, those that may be changed first
 */
export async function candidateFor(
  answers: Answers,
  policy: Policy,
  natGatewayId: string | undefined,
): Promise<Candidate | undefined> {
  const region = await answers.region;
  const gateways = await needed(answers.gateways, 'the gateways could not be described');
  const account = await answers.identity;
  const candidates = candidatesAmong(gateways, policy, region, account?.account_id);
  if (natGatewayId !== undefined) return candidates.find((each) => each.natGatewayId === natGatewayId);
  return candidates.find(({ forbidden }) => forbidden.length === 0) ?? candidates[0];
}

/** Asks EC2 for a dry run of a release: whether the permission for it is there. Nothing in the set-up can send more. */
export async function checkDryRun(
  answers: Answers,
  policy: Policy,
  { readOnly }: Pick<Settings, 'readOnly'>,
  natGatewayId: string | undefined,
): Promise<Finding> {
  const candidate = await candidateFor(answers, policy, natGatewayId);
  if (candidate === undefined) {
    return withoutCandidate(await answers.gateways, await answers.region, natGatewayId);
  }
  const { region, privateIp, forbidden } = candidate;
  const setUp = await answers.setUp;
  const answer = await setUp.dryRun({
    region,
    natGatewayId: candidate.natGatewayId,
    privateIps: [privateIp],
    maxDrainDurationSeconds: DEFAULT_DRAIN_SECONDS,
  });
  const facts = {
    nat_gateway_id: candidate.natGatewayId,
    private_ip: privateIp,
    request_id: answer.request_id,
  };
  if (!answer.passed) return notPassed(answer.error, candidate, readOnly);
  const message = `EC2 would let these credentials release ${privateIp} from ${candidate.natGatewayId}. Nothing was changed.`;
  if (forbidden.length === 0) return { status: 'ok', message, facts };
  const rules = forbidden.map((denial) => denial.message).join(' ');
  return { status: 'warning', message: `${message} The server would refuse it: ${rules}`, facts };
}

/** A secondary of each private gateway that has one. */
function candidatesAmong(
  gateways: readonly NatGateway[],
  policy: Policy,
  region: string,
  accountId: string | undefined,
): Candidate[] {
  return gateways.flatMap((gateway) => {
    const { nat_gateway_id: natGatewayId, connectivity_type, state, addresses } = gateway;
    if (natGatewayId === undefined || connectivity_type !== 'private' || state !== 'available') return [];
    const secondary = addresses.find(
      (address) => isPrimary(gateway, address) === false && address.status === 'succeeded',
    );
    if (secondary?.private_ip === undefined) return [];
    const { private_ip: privateIp } = secondary;
    const request = { mode: 'dry_run' as const, region, natGatewayId, privateIps: [privateIp] };
    return [{ region, natGatewayId, privateIp, forbidden: denials(policy, request, { gateway, accountId }) }];
  });
}

function withoutCandidate(
  gateways: readonly NatGateway[],
  region: string,
  natGatewayId: string | undefined,
): Finding {
  if (natGatewayId === undefined) {
    return {
      status: 'warning',
      message: `Not checked, because no private gateway in ${region} has a secondary address.`,
      hint: 'Whether the permission to unassign is there is not known.',
    };
  }
  if (gateways.some(({ nat_gateway_id }) => nat_gateway_id === natGatewayId)) {
    return {
      status: 'failure',
      message: `${natGatewayId} has no address to ask about: only an available private gateway with a secondary has.`,
      hint: 'Name another gateway with --gateway, or leave it out.',
    };
  }
  return {
    status: 'failure',
    message: `There is no NAT gateway ${natGatewayId} in ${region}.`,
    hint: 'Check the id, the region and the account.',
  };
}

function notPassed(error: ErrorReport, { natGatewayId }: Candidate, isReadOnly: boolean): Finding {
  const permission = 'ec2:UnassignPrivateNatGatewayAddress';
  const missing = missingPermission(error, permission, natGatewayId);
  if (missing !== undefined && isReadOnly) {
    const message = `${withStop(missing.message)} With --read-only nothing is changed, but dry runs fail, too.`;
    const hint =
      'Have it granted; nat-gateway-mcp iam-policy, with the same flags but without --read-only, prints the policy that is needed.';
    return { ...missing, status: 'warning', message, hint };
  }
  if (missing !== undefined) return missing;
  const finding = failed(error);
  return error.code === 'dry_run_not_honoured'
    ? { ...finding, hint: ERRORS.dry_run_not_honoured.nextStep }
    : finding;
}
