import type { EC2Client } from '@aws-sdk/client-ec2';
import type { NatGatewayAddress } from '../nat-gateway/gateway.ts';
import { ERRORS, type ErrorReport, errorReport, Failure } from '../vocabulary/failure.ts';
import type { Destination, RequestState, Track } from './attempts.ts';
import type { Ec2Clients, ReadOptions, SendOptions } from './clients.ts';
import { toAddress } from './describe.ts';
import { errorParts } from './error-parts.ts';
import { failureFrom } from './failure-from.ts';
import type { Identity } from './identity.ts';
import type { AttemptBy, AttemptSigner } from './roles/attempt-signer.ts';

/** What every change of a gateway's addresses names. */
export interface AddressChange {
  region: string;
  natGatewayId: string;
  privateIps: readonly string[];
}

/** What EC2 answers to a change of addresses. */
interface ChangeOutput {
  NatGatewayId?: string | undefined;
  NatGatewayAddresses?: Parameters<typeof toAddress>[0][] | undefined;
  $metadata: { requestId?: string | undefined };
}

/** One EC2 action that changes the addresses of a gateway. */
export interface ChangeAction<Change extends AddressChange> {
  /** Sends the dry run or the real call, with the same parameters. */
  send(
    client: EC2Client,
    change: Change,
    dryRun: boolean,
    options: SendOptions,
    track: Track,
  ): Promise<ChangeOutput>;
  /** Whether the addresses of an answer for the right gateway show all of the change. */
  isComplete(addresses: readonly NatGatewayAddress[], change: Change): boolean;
  /** As IAM names it, without `ec2:`. */
  name: string;
  /** Completes "EC2 answered with success, but not with …". */
  expected: string;
}

/** EC2's code for a dry run that passed. */
const PASSED = 'DryRunOperation';

/** The content of a permit: the change whose dry run passed, and where it passed, signed by which key. */
interface Permitted {
  action: unknown;
  change: AddressChange;
  destination: Destination;
  /** Signed the dry run, where the attempt has credentials of its own. */
  signer: AttemptSigner | undefined;
}

/** The content of each permit that has not been spent. An object that is not in here is no permit. */
const permitted = new WeakMap<Permit, Permitted>();

declare const brand: unique symbol;

/**
 * The right to send one real call, for exactly the change whose dry run passed, to the endpoint and with the
 * credentials it passed with: others can mean another account. Only this module can make one, and nothing can be read
 * from it or put into it.
 */
export interface Permit {
  readonly [brand]: never;
}

function permitFor(content: Permitted): Permit {
  const permit = Object.freeze({}) as Permit;
  permitted.set(permit, content);
  return permit;
}

/** The content of a permit for `action`, which is spent by its first use. */
function spend<Change extends AddressChange>(action: ChangeAction<Change>, permit: Permit) {
  const content = permitted.get(permit);
  if (content === undefined) throw new Error('not a permit, or one that has been spent');
  if (content.action !== action) throw new Error('a permit for another action');
  permitted.delete(permit);
  return content as Permitted & { change: Change };
}

/** EC2's answer to the dry run, and the account it was made for. Anything but `DryRunOperation` is not a pass. */
export type DryRun = {
  aws_code?: string | undefined;
  request_id?: string | undefined;
  /** The account that the permit is good for; absent where AWS does not tell. */
  accountId?: string | undefined;
  /** Whose key signed it, and will sign the real call; absent if nothing was signed. */
  signer?: Identity | undefined;
} & (
  | { passed: true; permit: Permit }
  /** `mayHaveChanged`: answered with success, so that what answered may have made the change. */
  | { passed: false; error: ErrorReport; mayHaveChanged: boolean }
);

/**
 * Asks EC2 whether it would accept the change, without making it.
 *
 * AWS promises of a dry run only that permissions are checked; state is for preflight.
 */
export async function dryRun<Change extends AddressChange>(
  clients: Ec2Clients,
  action: ChangeAction<Change>,
  change: Change,
  signal: AbortSignal,
  by: AttemptBy,
): Promise<DryRun> {
  const { region, natGatewayId } = change;
  const sealed: Change = Object.freeze({ ...change, privateIps: Object.freeze([...change.privateIps]) });
  const state: RequestState = { change: { isDryRun: true, origins: clients.changeOrigins } };
  const deadline = clients.readDeadline();
  const own = clients.signerFor(by, { action: action.name, region, natGatewayId });
  // STS is asked at the same time, and again for the key that has signed: the same key costs no second call.
  const [answer] = await Promise.all([
    answerToDryRun(clients, action, sealed, { signal, deadline, state, signer: own }),
    own === undefined ? clients.identity(region, undefined, deadline) : undefined,
  ]);
  const accessKeyId = state.destination?.accessKeyId;
  if (accessKeyId === undefined) return answer;
  const identity = own?.identity ?? (await clients.identity(region, accessKeyId, deadline));
  const signer: Identity = { access_key_id: accessKeyId, ...identity };
  return { ...answer, accountId: signer.account_id, signer };
}

async function answerToDryRun<Change extends AddressChange>(
  clients: Ec2Clients,
  action: ChangeAction<Change>,
  change: Change,
  options: ReadOptions & { state: RequestState },
): Promise<DryRun> {
  const { state, signer } = options;
  try {
    const { aws_code, request_id } = await clients.read(
      change.region,
      (client, sendOptions, track) =>
        action.send(client, change, true, sendOptions, track).then(succeeded, passedOrThrow),
      options,
    );
    const { destination } = state;
    if (aws_code === undefined) return notHonoured(request_id);
    if (destination === undefined) throw new Error('a dry run passed whose attempts were not tracked');
    return { passed: true, aws_code, request_id, permit: permitFor({ action, change, destination, signer }) };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { aws_code, request_id } = error.report;
    if (state.saidSuccess) return notHonoured(request_id);
    return { passed: false, aws_code, request_id, error: error.report, mayHaveChanged: false };
  }
}

/** A passed dry run arrives as an error, and is recognised before it could be explained or logged as one. */
function passedOrThrow(error: unknown): { aws_code?: string; request_id: string | undefined } {
  const { awsCode, requestId } = errorParts(error);
  if (awsCode !== PASSED) throw error;
  return { aws_code: awsCode, request_id: requestId };
}

function succeeded({ $metadata }: ChangeOutput) {
  return { aws_code: undefined, request_id: $metadata.requestId };
}

/** A dry run that was answered with success, as EC2 answers none, whatever the body says. */
function notHonoured(request_id: string | undefined): DryRun {
  const error = errorReport({
    code: 'dry_run_not_honoured',
    message:
      'The dry run was answered with success, which EC2 never does: what answered may have ignored DryRun and made the change.',
    retryable: false,
    hint: `${ERRORS.dry_run_not_honoured.nextStep} Until it is restarted, this server sends nothing there any more that could change something.`,
    request_id,
  });
  return { passed: false, request_id, error, mayHaveChanged: true };
}

/** What is known after the real call was sent. */
export type ChangeAnswer =
  | { kind: 'accepted'; addresses: NatGatewayAddress[]; request_id?: string | undefined }
  /** `isUnsent`: by this side, before anything of the request had left. */
  | { kind: 'refused'; error: ErrorReport; isUnsent?: true | undefined }
  /** Sent, and not known to have been refused or to have been accepted whole. */
  | { kind: 'ambiguous'; error: ErrorReport; origin: string };

/**
 * The real call: sent exactly once, never cancelled, never repeated.
 *
 * A success is believed only if it names the gateway and shows all of the change. A failure is called a refusal only
 * where EC2 provably did nothing, or nothing of the request had left.
 */
export async function sendChange<Change extends AddressChange>(
  clients: Ec2Clients,
  action: ChangeAction<Change>,
  permit: Permit,
  maySend: () => boolean = () => true,
): Promise<ChangeAnswer> {
  const { change, destination, signer } = spend(action, permit);
  const state: RequestState = {
    only: destination,
    maySend,
    change: { isDryRun: false, origins: clients.changeOrigins },
  };
  try {
    const output = await clients.sendOnce(
      change.region,
      state,
      (client, options, track) => action.send(client, change, false, options, track),
      signer,
    );
    const addresses = output.NatGatewayAddresses?.map(toAddress) ?? [];
    const request_id = output.$metadata.requestId;
    const isComplete = output.NatGatewayId === change.natGatewayId && action.isComplete(addresses, change);
    if (isComplete) return { kind: 'accepted', addresses, request_id };
    return { kind: 'ambiguous', error: incomplete(action, request_id), origin: destination.origin };
  } catch (thrown) {
    const error = failureFrom(thrown, { region: change.region, now: Date.now() });
    if (error.effect !== 'none') {
      return { kind: 'ambiguous', error: error.report, origin: destination.origin };
    }
    const isUnsent = state.stage === 'connected' ? undefined : true;
    return { kind: 'refused', error: error.report, isUnsent };
  }
}

function incomplete({ expected }: { expected: string }, request_id: string | undefined): ErrorReport {
  return errorReport({
    code: 'bad_response',
    message: `EC2 answered with success, but not with ${expected}.`,
    retryable: false,
    request_id,
  });
}
