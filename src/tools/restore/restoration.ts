import * as z from 'zod';
import type { AssignRequest } from '../../aws/assign.ts';
import { undoCommand } from '../../nat-gateway/drain.ts';
import type { NatGateway } from '../../nat-gateway/gateway.ts';
import type { Denial } from '../../nat-gateway/policy.ts';
import type { Finding, FindingCode } from '../../nat-gateway/preflight.ts';
import { restorePreflight } from '../../nat-gateway/restore-preflight.ts';
import { RESTORE } from '../../vocabulary/names.ts';
import type { ChangeArguments, ChangeKind, Checked, Subject as SubjectOf } from '../change/kind.ts';
import {
  type Advice,
  type AdviceOn,
  adviceOn,
  askOperator,
  lookAgain,
  waiting,
} from '../change/next-step.ts';
import { changeMembers, find, type Progress, realCallSchema, SHARED_OUTCOMES } from '../change/result.ts';
import { NOTHING_REMEMBERED } from '../recall.ts';
import { describeCall, shownFinding, waitCall } from '../results.ts';

/** How an attempt to give addresses back ends. The meanings stand in `docs/reference.md`. */
export const RESTORE_OUTCOMES = ['assigning', 'already_on_gateway', ...SHARED_OUTCOMES] as const;

const part = z.looseObject({}).optional();

export const restoreResultSchema = z.object({
  outcome: z.enum(RESTORE_OUTCOMES),
  ...changeMembers.shape,
  assign: realCallSchema.describe('The real call'),
});

/** What tells its result from that of a release; every model reads the list of tools. */
export const listedResultSchema = restoreResultSchema
  .pick({ outcome: true, changed: true, hint: true, target: true, approval: true })
  .extend({ assign: restoreResultSchema.shape.assign, next: part, error: part });

type Subject = SubjectOf<AssignRequest>;

/** Giving back addresses that this server released from the gateway within a day. */
export const restoration: ChangeKind<ChangeArguments, AssignRequest, 'assigning' | 'already_on_gateway'> = {
  tool: RESTORE,
  outcomes: { accepted: 'assigning', done: 'already_on_gateway' },
  realCall: 'assign',
  wish: 'the user asked for the addresses back',
  requestOf: (input, region) => ({
    region,
    natGatewayId: input.nat_gateway_id,
    privateIps: input.private_ip_addresses,
  }),
  calls: (ec2) => ec2.assign,
  // More addresses remain, not fewer.
  rules: (policy) => ({ ...policy, minRemaining: 0, protectAddress: [], evidence: 'off' }),
  check,
  afterBlocking: (findings, subject) => adviceOn(findings, subject, ORDER),
  afterDone: ({ request }) => ({ next: describeCall(request.region, request.natGatewayId) }),
  accepted,
  told: (result) => result,
};

function check(
  { request, gateway, remembered = NOTHING_REMEMBERED, dependencies }: Subject & { gateway: NatGateway },
  denials: readonly Denial[],
): Checked {
  const { privateIps } = request;
  const recall = (privateIp: string) => ({
    isReleased: remembered.isReleased(privateIp),
    isDraining: (remembered.drains.get(privateIp)?.dueAt ?? 0) > dependencies.ec2Clock.monotonic(),
  });
  const { verdict, findings } = restorePreflight(gateway, privateIps, recall, denials);
  const addresses = privateIps.map((private_ip) => find(gateway.addresses, private_ip) ?? { private_ip });
  return {
    verdict: verdict === 'already_on_gateway' ? 'done' : verdict,
    findings,
    progress: { addresses, ...(findings.length === 0 ? {} : { findings: findings.map(shownFinding) }) },
  };
}

/** The answer need not name the addresses, and reads may show them later: until then they are assigning. */
function accepted({ request }: Subject, progress: Progress): Progress {
  const { region, natGatewayId, privateIps } = request;
  return {
    ...progress,
    addresses: privateIps.map((private_ip) => ({
      ...find(progress.addresses ?? [], private_ip),
      private_ip,
      status: 'assigning',
    })),
    next: waitCall(region, natGatewayId, privateIps),
  };
}

/** The advice by the finding that decides, the most lasting first. */
const ORDER: readonly (readonly [FindingCode, AdviceOn<Subject>])[] = [
  ['regional_gateway', doByHand],
  ['public_gateway', doByHand],
  ['gateway_not_available', byState],
  ['connectivity_unknown', lookAgain],
  ['state_unknown', lookAgain],
  ['not_released_here', doByHand],
  ['policy', askOperator],
  [
    'unassigning',
    waiting('A drain cannot be cancelled. next waits for its end; call again once the address is released.'),
  ],
  ['on_gateway', leaveOut],
  [
    'change_in_progress',
    waiting(
      'EC2 accepts one change at a time on a gateway: next waits for the one that is going on. Then call again with the same arguments.',
    ),
  ],
  ['gateway_full', makeRoom],
];

function doByHand(_: readonly Finding[], { request, gateway }: Subject): Advice {
  const { region, natGatewayId, privateIps } = request;
  const only =
    'This tool only gives back what this server released from the same private gateway within a day.';
  if (gateway !== undefined && gateway.connectivity_type !== 'private') return { hint: only };
  const command = undoCommand(region, natGatewayId, privateIps);
  return { hint: `${only} If the user wants these addresses on the gateway all the same: ${command}` };
}

function byState(_: readonly Finding[], { request, gateway }: Subject): Advice {
  const { region, natGatewayId } = request;
  if (gateway?.state === 'pending') {
    const next = waitCall(region, natGatewayId, undefined);
    return { hint: `${natGatewayId} is being created: next waits for it. Then call again.`, next };
  }
  return {
    hint: `${natGatewayId} is ${gateway?.state ?? 'not available'}: no address can be given back to it. Ask the user what is wanted now.`,
  };
}

function leaveOut(_: readonly Finding[], { request }: Subject): Advice {
  return {
    hint: 'Leave out the addresses that are on the gateway already, and call again with the others of this call.',
    next: describeCall(request.region, request.natGatewayId),
  };
}

function makeRoom(_: readonly Finding[], { request }: Subject): Advice {
  return {
    hint: 'The quota cannot be raised. Ask the user which address to do without.',
    next: describeCall(request.region, request.natGatewayId),
  };
}
