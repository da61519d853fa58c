import type { DryRun } from '../../aws/unassign.ts';
import { type Finding, type FindingCode, policyFindings } from '../../nat-gateway/preflight.ts';
import { type ErrorReport, Failure } from '../../vocabulary/failure.ts';
import { DESCRIBE } from '../../vocabulary/names.ts';

/** What the caller of the unassign tool is told when it says no, or cannot say. */

/** The refusal for what stands in the way: all of it in `findings`, the next step in `hint`. */
export function blocked(findings: readonly Finding[], dryRun?: DryRun): ErrorReport {
  const blocking = findings.filter(({ severity }) => severity === 'blocks');
  const codes = new Set(blocking.map(({ code }) => code));
  const passes = [...codes].every((code) => code === 'unassigning' || code === 'change_in_progress');
  const list = blocking.map(({ code, rule, private_ip }) => {
    const about = rule === undefined ? private_ip : `--${rule}`;
    return about === undefined ? code : `${code} (${about})`;
  });
  const failed =
    dryRun === undefined || dryRun.passed ? '' : ` The dry run failed too: ${dryRun.error.message}`;
  return {
    code: onlyPolicy(codes) ? 'policy_denied' : 'precondition_failed',
    message: `Nothing was changed. Against it: ${list.join(', ')}.${failed}`,
    retryable: passes,
    hint: advice(codes, passes),
  };
}

/** Whether it is the operator's policy alone that stands in the way; a state that forbids it is the firmer reason. */
function onlyPolicy(codes: ReadonlySet<FindingCode>): boolean {
  return codes.size === 1 && codes.has('policy');
}

function advice(codes: ReadonlySet<FindingCode>, passes: boolean): string {
  if (onlyPolicy(codes)) {
    return 'The operator of this server has set what may be changed; findings names each rule. Do not look for a way around it: ask the operator, or choose an address that describe_nat_gateway_addresses shows with can_unassign true.';
  }
  if (codes.has('public_gateway') || codes.has('regional_gateway')) {
    return 'This tool is for private NAT gateways only. Release an address of a public one with: aws ec2 disassociate-nat-gateway-address';
  }
  if (passes) {
    return `EC2 accepts one change at a time on a gateway. Look with ${DESCRIBE} until no address is changing, then call again with those still there.`;
  }
  if (codes.has('primary')) {
    return 'The primary address cannot be unassigned. Leave it out; to be rid of it, delete the gateway.';
  }
  return `findings says what stands against each address. Check with ${DESCRIBE}, then call again with addresses whose can_unassign is true.`;
}

export function gatewayNotFound(region: string, natGatewayId: string): Failure {
  return new Failure({
    code: 'gateway_not_found',
    message: `There is no NAT gateway ${natGatewayId} in ${region}.`,
    retryable: false,
    hint: `Check the id, the region and the account. ${DESCRIBE} lists what is there; a deleted gateway is shown for about an hour.`,
  });
}

/** The refusal of a call whose caller has sent as many real calls in the last hour as they may. */
export function changesSpent(perHour: number, seconds: number): { findings: Finding[]; error: ErrorReport } {
  const message = `${perHour === 1 ? 'One real call has' : `${perHour} real calls have`} been sent for this caller within an hour, as many as may. Only the operator of this server can change that (--max-changes-per-hour).`;
  const findings = policyFindings([{ rule: 'max-changes-per-hour', message }]);
  const error = {
    ...blocked(findings),
    retryable: true,
    retry_after_seconds: seconds,
    hint: `Check that the changes so far are what was meant. The next one is allowed in ${seconds} s; mode "dry_run" works meanwhile.`,
  };
  return { findings, error };
}

/** The refusal of a call that waited too long behind another change on the same gateway. */
export function changeAhead(seconds: number): ErrorReport {
  return {
    code: 'precondition_failed',
    message: `Another call has been changing this gateway for more than ${seconds} s. Nothing was changed by this one.`,
    retryable: true,
    hint: `Wait a minute, look with ${DESCRIBE}, then call again if the addresses are still there.`,
  };
}

/** The refusal where a human has to be asked and the client cannot ask one. */
export function noConfirmation(): ErrorReport {
  return {
    code: 'confirmation_unavailable',
    message: 'A human has to confirm, and this client cannot ask one (it declares no form elicitation).',
    retryable: false,
    hint: 'Use a client that supports MCP elicitation, or have the operator of this server start it with --confirm auto (ask where possible) or --confirm never. Mode "dry_run" needs no confirmation.',
  };
}

/** The refusal of a call that a server told to end has not sent yet. */
export function stopping(): ErrorReport {
  return {
    code: 'precondition_failed',
    message: 'This server is shutting down, and begins no change any more. Nothing was changed.',
    retryable: true,
    hint: 'Call again once it has been started again.',
  };
}

/** The report of a real call of which reading could not establish what became. */
export function unresolved(verdict: 'partial' | 'unchanged' | 'unclear', error: ErrorReport): ErrorReport {
  const finding = {
    partial:
      'Some of the addresses have changed since and some have not; addresses says which. Someone may have changed them at the same time.',
    unchanged:
      'Read several times since, the addresses look untouched: the request was probably not accepted, but EC2 may still show it late.',
    unclear: 'Reading the gateway since could not tell either.',
  };
  return {
    code: 'outcome_unknown',
    message: `The request was sent, and its answer does not tell what became of it (${error.message}) ${finding[verdict]}`,
    retryable: false,
    hint: `Do not repeat it yet. Look with ${DESCRIBE} in a minute: an address that is unassigning or gone was accepted; one that is still succeeded then was not.`,
    aws_code: error.aws_code,
    request_id: error.request_id,
  };
}
