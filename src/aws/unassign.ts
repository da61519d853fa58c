import { type EC2Client, UnassignPrivateNatGatewayAddressCommand } from '@aws-sdk/client-ec2';
import type { NatGatewayAddress } from '../nat-gateway/gateway.ts';
import { type ErrorReport, Failure } from '../vocabulary/failure.ts';
import type { RequestState } from './attempts.ts';
import type { Ec2Clients, SendOptions } from './clients.ts';
import { toAddress } from './describe.ts';
import { failureFrom } from './failure-from.ts';

/** What to unassign: the same parameters go into the dry run and into the real call. */
export interface UnassignRequest {
  region: string;
  natGatewayId: string;
  privateIps: readonly string[];
  maxDrainDurationSeconds: number;
}

/** EC2's code for a dry run that passed. */
const PASSED = 'DryRunOperation';

/** What a permit is for: this request, by whose access key it passed. */
interface Permitted {
  request: UnassignRequest;
  accessKeyId: string | undefined;
}

/** What each permit is for, until it is spent. What is not in here is no permit, whatever it looks like. */
const permitted = new WeakMap<Permit, Permitted>();

declare const brand: unique symbol;

/**
 * The right to send one real call, for exactly the request whose dry run passed, with the credentials it passed
 * with: other credentials can mean another account. Only this module can make one, and
 * nothing can be read from it or put into it.
 */
export interface Permit {
  readonly [brand]: never;
}

function permitFor(content: Permitted): Permit {
  const permit = Object.freeze({}) as Permit;
  permitted.set(permit, content);
  return permit;
}

/** What a permit is for. A permit is spent by its first use. */
function spend(permit: Permit): Permitted {
  const content = permitted.get(permit);
  if (content === undefined) throw new Error('not a permit, or one that has been spent');
  permitted.delete(permit);
  return content;
}

/** What EC2 said to the dry run, and whose it was. Anything but `DryRunOperation` is not a pass. */
export type DryRun = {
  aws_code?: string | undefined;
  request_id?: string | undefined;
  /** The account that the dry run was made for, and that the permit is good for; absent where AWS does not tell. */
  accountId?: string | undefined;
} & ({ passed: true; permit: Permit } | { passed: false; error: ErrorReport });

/**
 * Asks EC2 whether it would accept the request, without making it.
 *
 * AWS promises of a dry run only that permissions are checked; state is for preflight.
 */
export async function dryRun(
  clients: Ec2Clients,
  request: UnassignRequest,
  signal: AbortSignal,
): Promise<DryRun> {
  const sealed: UnassignRequest = Object.freeze({
    ...request,
    privateIps: Object.freeze([...request.privateIps]),
  });
  const { region } = request;
  const sending: RequestState = {};
  const deadline = clients.readDeadline();
  // Asked for at the same time, and again for whoever has signed: where that is the same, STS is not asked again.
  const [answer] = await Promise.all([
    askDryRun(clients, sealed, sending, signal, deadline),
    clients.accountId(region, undefined, deadline),
  ]);
  const { accessKeyId } = sending;
  if (accessKeyId === undefined) return answer;
  return { ...answer, accountId: await clients.accountId(region, accessKeyId, deadline) };
}

async function askDryRun(
  clients: Ec2Clients,
  request: UnassignRequest,
  sending: RequestState,
  signal: AbortSignal,
  deadline: AbortSignal,
): Promise<DryRun> {
  try {
    const ask = (client: EC2Client, options: SendOptions) => client.send(command(request, true), options);
    const output = await clients.read(request.region, ask, signal, deadline, sending);
    return notHonoured(output.$metadata.requestId);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { aws_code, request_id } = error.report;
    if (error.saidSuccess) return notHonoured(request_id);
    if (aws_code !== PASSED) return { passed: false, aws_code, request_id, error: error.report };
    const { accessKeyId } = sending;
    return { passed: true, aws_code, request_id, permit: permitFor({ request, accessKeyId }) };
  }
}

/** A dry run that was answered with success: EC2 answers none so, whatever the body says. */
function notHonoured(request_id: string | undefined): DryRun {
  return {
    passed: false,
    request_id,
    error: {
      code: 'dry_run_not_honoured',
      message:
        'The dry run was answered with success, which EC2 never does: what answered may have ignored DryRun and made the change.',
      retryable: false,
      hint: 'Treat it as a possible change. Look at the gateway with describe_nat_gateway_addresses, and at what answers in place of EC2 (AWS_ENDPOINT_URL, a proxy).',
      request_id,
    },
  };
}

/** What is known after the real call was sent. */
export type UnassignAnswer =
  | { kind: 'accepted'; addresses: NatGatewayAddress[]; request_id?: string | undefined }
  | { kind: 'refused'; error: ErrorReport }
  /** Sent, and not known to have been refused or to have been accepted whole. */
  | { kind: 'ambiguous'; error: ErrorReport };

/**
 * The real call: sent exactly once, never cancelled, never repeated.
 *
 * A success is believed only if it names the gateway and shows every requested address unassigning. A failure is
 * called a refusal only where EC2 provably did nothing.
 */
export async function unassign(clients: Ec2Clients, permit: Permit): Promise<UnassignAnswer> {
  const { request, accessKeyId } = spend(permit);
  try {
    const output = await clients.sendOnce(request.region, accessKeyId, (client, options) =>
      client.send(command(request, false), options),
    );
    const addresses = output.NatGatewayAddresses?.map(toAddress) ?? [];
    const request_id = output.$metadata.requestId;
    const complete =
      output.NatGatewayId === request.natGatewayId &&
      request.privateIps.every((privateIp) =>
        addresses.some(({ private_ip, status }) => private_ip === privateIp && status === 'unassigning'),
      );
    if (complete) return { kind: 'accepted', addresses, request_id };
    return {
      kind: 'ambiguous',
      error: {
        code: 'bad_response',
        message:
          'EC2 answered with success, but not with this gateway and every requested address unassigning.',
        retryable: false,
        hint: 'Look at the gateway before anything else is tried.',
        request_id,
      },
    };
  } catch (thrown) {
    const error = failureFrom(thrown, { region: request.region, now: Date.now() });
    return { kind: error.effect === 'none' ? 'refused' : 'ambiguous', error: error.report };
  }
}

function command(request: UnassignRequest, DryRun: boolean): UnassignPrivateNatGatewayAddressCommand {
  return new UnassignPrivateNatGatewayAddressCommand({
    NatGatewayId: request.natGatewayId,
    PrivateIpAddresses: [...request.privateIps],
    MaxDrainDurationSeconds: request.maxDrainDurationSeconds,
    DryRun,
  });
}
