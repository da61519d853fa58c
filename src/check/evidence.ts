import { unknownSources } from '../nat-gateway/judge-evidence.ts';
import type { Policy } from '../nat-gateway/policy.ts';
import { type Answers, candidateFor } from './dry-run.ts';
import type { Finding } from './report.ts';

/** Looks up evidence about a release, as the server does before one: whether the permissions for it are there. */
export async function checkEvidence(
  answers: Answers,
  policy: Policy,
  natGatewayId: string | undefined,
): Promise<Finding> {
  if (policy.evidence === 'off') return { status: 'ok', message: 'None is read (--evidence off).' };
  const candidate = await candidateFor(answers, policy, natGatewayId);
  if (candidate === undefined) return { status: 'skipped', message: 'Not checked, as the dry run.' };
  const setUp = await answers.setUp;
  const evidence = await setUp.evidence(candidate.region, candidate);
  const denied = Object.values(evidence).flatMap(({ status, action }) =>
    status === 'denied' ? [action ?? 'an action'] : [],
  );
  const facts = { nat_gateway_id: candidate.natGatewayId, missing_permissions: denied };
  const unknown = unknownSources(evidence);
  if (unknown.length === 0) {
    return { status: 'ok', message: `All of it can be read about ${candidate.natGatewayId}.`, facts };
  }
  const message = `Not known about ${candidate.natGatewayId}: ${unknown.join(', ')}.`;
  const isRequired = policy.evidence === 'require';
  // A gateway without traffic, for example, says nothing of the set-up.
  if (denied.length === 0 && !isRequired) return { status: 'ok', message, facts };
  return {
    status: isRequired && denied.length > 0 ? 'failure' : 'warning',
    message: isRequired ? `${message} With --evidence require its release is refused.` : message,
    hint:
      denied.length === 0
        ? 'Look at another gateway with --gateway, or check the network to CloudWatch and EC2.'
        : 'Have the permissions granted; nat-gateway-mcp iam-policy, with the same flags, prints the policy that is needed. --evidence off does without evidence.',
    facts,
  };
}
